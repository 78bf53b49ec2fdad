/** `watch` of the client prompt without a terminal. */
import { PassThrough, Readable } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { beforeEach, describe, expect, test } from "vitest";
import { KeyValue } from "../../../src/client/terms/range-entry.ts";
import { DeleteEvent, PutEvent } from "../../../src/client/watches/watch-types.ts";
import { createClientPrompt } from "../../../src/prompt/client-prompt.ts";
import { EXIT } from "../../../src/prompt/terminal/exit-status.ts";
import { runPrompt } from "../../../src/prompt/terminal/run-prompt.ts";
import { createStyle } from "../../../src/prompt/terminal/style.ts";
import { fakeClient, type FakeClient } from "../fake-client.ts";

let client: FakeClient;
beforeEach(() => {
  client = fakeClient();
});

async function run({ command, json = false }: { command: string; json?: boolean }) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const prompt = createClientPrompt({
    client,
    nodes: [{ id: 1, host: "127.0.0.1", port: 4101 }],
    timeoutMs: 5000,
    style: createStyle(0),
    startCommand: (node) => `sh run${node}.sh`,
    now: () => 0,
  });
  const status = await runPrompt(prompt, {
    ...{ input: Readable.from([]), output, errors, isTerminal: false, command, json, bail: false },
    ...{ promptText: "> ", greeting: "", historyPath: null, signal: new AbortController().signal },
  });
  output.end();
  return { status, out: await readAll(output) };
}

describe("changes", () => {
  const value = Buffer.from([0xff]);
  const before = new KeyValue(Buffer.from("k"), Buffer.from("old"), 3, 2, 2);

  test("come as one JSON object a line, and end at the limit", async () => {
    client.told.push({
      ...{ type: "events", revision: 9 },
      events: [new PutEvent(Buffer.from("k"), value, 9, 2, 3, before)],
    });
    client.told.push({
      ...{ type: "events", revision: 10 },
      events: [new DeleteEvent(Buffer.from("k"), 10, before), new DeleteEvent(value, 10, null)],
    });
    const { out, status } = await run({
      command: "watch --prev --limit 2; 1 write a b",
      json: true,
    });
    const previous = { value: "old", modRevision: 3, createRevision: 2, version: 2 };
    const start = { ok: true, op: "watch" };
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { ...start, event: "start", revision: 9 },
      {
        ...{ ...start, event: "put", key: "k", valueBase64: "/w==", revision: 9 },
        ...{ createRevision: 2, version: 3, previous },
      },
      { ...start, event: "delete", key: "k", revision: 10, previous },
      expect.objectContaining({ op: "write" }),
    ]);
    expect(status).toBe(EXIT.ok);
  });

  test.each(["--from 0", "--from x", "--limit 1.5", "a b"])(
    "are not shown for %s",
    async (words) => {
      const { status } = await run({ command: `watch ${words}` });
      expect(status).toBe(EXIT.usage);
      expect(client.watches).toEqual([]);
    },
  );
});
