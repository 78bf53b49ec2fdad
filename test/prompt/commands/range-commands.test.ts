/** Ranges at the client prompt. */
import { PassThrough, Readable } from "node:stream";
import { beforeEach, describe, expect, test } from "vitest";
import { EXIT } from "../../../src/prompt/terminal/exit-status.ts";
import type { RunPromptOptions } from "../../../src/prompt/terminal/run-prompt.ts";
import { fakeClient, type FakeClient } from "../fake-client.ts";
import { runWith, type Run } from "../run-client-prompt.ts";

let client: FakeClient;
beforeEach(() => {
  client = fakeClient();
});

const run = (options: Partial<RunPromptOptions>): Promise<Run> => runWith(client, options, 1.25);
const piped = (text: string): Promise<Run> => run({ input: Readable.from([Buffer.from(text)]) });

describe("many keys", () => {
  const fill = async (): Promise<void> => {
    await client.write(Buffer.from("app/b"), Buffer.from("two words"));
    await client.write(Buffer.from("app/a"), Buffer.from("1"));
    await client.write(Buffer.from("other"), Buffer.from([0x00, 0xff]));
  };

  test("range shows keys and values in order, keys the keys, count their number", async () => {
    await fill();
    const input = "1 range app/\n2 keys\ncount app/\n1 keys nothing\n";
    const { out, err, status } = await piped(input);
    expect(status).toBe(EXIT.ok);
    const listed = ["app/a 1", 'app/b "two words"', "app/a", "app/b", "other"];
    const counted = expect.stringMatching(/^2 keys \(revision 3, /);
    // What counts the lines is none of them.
    expect(out.split("\n")).toEqual([...listed, counted, ""]);
    expect(err.split("\n")).toEqual([
      expect.stringMatching(/^2 keys \(all, [^)]*ms\)$/),
      expect.stringMatching(/^3 keys \(all, /),
      expect.stringMatching(/^\(no keys\) \(all, /),
      "",
    ]);
    expect(client.calls.slice(3)).toEqual(["1 range", "2 keys", "any count", "1 keys"]);
  });

  test("counts in groups of digits at a terminal, and plainly for a program", async () => {
    for (let i = 0; i < 1234; i++) await client.write(Buffer.from(`k${i}`), Buffer.from("v"));
    const words = (await run({ command: "count k; keys k --limit 1200" })).out;
    expect(words).toMatch(/^1234 keys \(revision /);
    const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    await run({ command: "count k", output });
    expect(String(output.read())).toMatch(/^1,234 keys \(revision /);
  });

  test("at a terminal what counts the lines stands below them", async () => {
    await fill();
    const output = Object.assign(new PassThrough(), { isTTY: true });
    await run({ command: "keys app/ --limit 1; keys nothing", output });
    expect(String(output.read())).toMatch(
      /^app\/a\n1 key \(there are more: --limit, .*\n\(no keys\) \(all, .*\n$/,
    );
  });

  test("a limit cuts and says so; from and to bound; reverse turns round; JSON has all of it", async () => {
    await fill();
    const { out } = await run({
      input: Readable.from([
        Buffer.from(
          "keys --limit 2 --reverse\nrange --from app/b --to other\nrange app/ --limit 1\n",
        ),
      ]),
      json: true,
    });
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([
      expect.objectContaining({
        ...{ ok: true, op: "keys", more: true },
        keys: [
          expect.objectContaining({ key: "other" }),
          expect.objectContaining({ key: "app/b" }),
        ],
      }),
      expect.objectContaining({
        more: false,
        keys: [{ key: "app/b", value: "two words", modRevision: 1, createRevision: 1, version: 1 }],
      }),
      expect.objectContaining({ more: true }),
    ]);
  });

  test("bounds are bytes, whatever text they make", async () => {
    await fill();
    const [more, fewer] = [Uint8Array.of(0xff), Uint8Array.of(0xff, 0x01)];
    await client.write(more, Buffer.from("x"));
    await client.write(fewer, Buffer.from("y"));
    const { out } = await piped(
      'count --from "\\xff\\x01"\ncount --from="\\xff" --to "\\xff\\x01"\n',
    );
    expect(out.match(/^\d+ key/gm)).toEqual(["1 key", "1 key"]);
  });

  test("what does not fit together is a mistake of usage", async () => {
    const { err, status } = await run({
      input: Readable.from([Buffer.from("keys app/ --from a\nkeys --limit 0\nkeys a b\n")]),
    });
    expect(status).toBe(EXIT.usage);
    expect(err).toContain("a prefix, or --from and --to, but not both");
    expect(err).toContain('--limit takes a number from 1 to 100000, got "0"');
    expect(client.calls).toEqual([]);
  });
});
