/** Blocks of documents that are run anew: read, put back, and compared in form. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  blocksOf,
  differences,
  formOf,
  runAnew,
  withBlocks,
} from "../../src/measure/experiments/transcripts/blocks.ts";

const PROMPT = /^((?:admin|node[123])\$) /;
const DOCUMENT = `Text.

\`\`\`console
node1$ cat >file <<'END'
> one
> two
> END
admin$ put
ok, revision 7 (12 ms)
\`\`\`

\`\`\`sh
node1$ not run
\`\`\`

\`\`\`console
admin$ health
node 1: ready
> no continuation
\`\`\`
`;

test("a document is put together again as it was", () => {
  const blocks = blocksOf(DOCUMENT, PROMPT);
  expect(blocks.map(({ lines }) => lines.length)).toEqual([2, 1]);
  expect(blocks[0]?.lines[0]?.typed).toEqual({
    prompt: "node1$",
    text: "cat >file <<'END'\none\ntwo\nEND",
  });
  expect(withBlocks(DOCUMENT, blocks)).toBe(DOCUMENT);
});

test("what is printed takes the place of what stands there, and only another form is a difference", async () => {
  const [first] = blocksOf(DOCUMENT, PROMPT);
  if (first === undefined) throw new Error("no block");
  const say =
    (text: string) =>
    ({ typed }: { typed: { prompt: string } }) =>
      typed.prompt === "admin$" ? text : "";
  const run = (text: string) => runAnew(first, (typed) => Promise.resolve(say(text)({ typed })));
  const same = await run("ok, revision 12345 (1.3 s)\n\n");
  expect(withBlocks(DOCUMENT, [same])).toContain("admin$ put\nok, revision 12345 (1.3 s)\n```\n");
  expect(differences(first, same)).toEqual([]);
  const other = await run("refused\n");
  expect(differences(first, other)).toEqual([
    "block 1, admin$ put\n  in the document:\n    ok, revision 7 (12 ms)\n  now:\n    refused",
  ]);
});

test("times, sizes, identities and who leads are not form; words and numbers of lines are", () => {
  const [a, b] = [
    "taken 2026-11-29T06:00:18.798Z  hash 6f7bf4b6e1612a1c  node 1 leader  306 bytes, 2.7 kB (12 ms)",
    "taken 2027-01-01T00:00:00.000Z hash 00aa22bb44cc66dd node 3 follower 7 bytes, 912 B (1.5 s)",
  ];
  expect(formOf(a)).toBe(formOf(b));
  expect(formOf("ready")).not.toBe(formOf("not ready"));
  expect(formOf("a\nb")).not.toBe(formOf("a"));
});

test("every command of docs/operations.md is typed at a machine that the tour has", () => {
  const blocks = blocksOf(readFileSync("docs/operations.md", "utf8"), PROMPT);
  expect(blocks.length).toBeGreaterThan(15);
});
