/** Who somebody is, and whether access control is on: questions, whose answers stand alone. */
import { PassThrough, Readable } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { expect, test } from "vitest";
import { createAdminPrompt } from "../../../src/prompt/admin-prompt.ts";
import { runPrompt } from "../../../src/prompt/terminal/run-prompt.ts";
import { plainStyle } from "../../../src/prompt/terminal/style.ts";

const WHO = { isOn: true, user: "ann", by: "password", roles: ["shop"], permissions: [] };

async function run(command: string, json = false): Promise<string> {
  const prompt = createAdminPrompt({
    nodes: [{ id: 1, host: "127.0.0.1", port: 4101 }],
    timeoutMs: 5000,
    style: plainStyle,
    startCommand: (node) => `sh run${node}.sh`,
    now: () => 0,
    client: { call: (_node, op) => Promise.resolve((op === "whoami" ? WHO : {}) as never) },
    servers: null,
    sleep: () => Promise.resolve(),
  });
  const output = new PassThrough();
  await runPrompt(prompt, {
    ...{ input: Readable.from([]), output, errors: new PassThrough() },
    ...{ isTerminal: false, command, json, bail: false, promptText: "> ", greeting: "" },
    ...{ historyPath: null, signal: new AbortController().signal },
  });
  output.end();
  return readAll(output);
}

test("answers are nothing but the answer", async () => {
  expect(await run("whoami; auth status; auth off")).toBe(
    "user ann, by password, with roles shop\n" +
      "access control is on\n" +
      "ok, access control is off: everybody may do everything (0.0 ms)\n",
  );
  const { permissions: _, ...fields } = WHO;
  expect(JSON.parse(await run("whoami", true))).toEqual({
    ...{ ok: true, op: "whoami", ms: 0 },
    ...fields,
  });
});
