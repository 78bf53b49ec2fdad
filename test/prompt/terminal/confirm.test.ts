import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { askYesNo } from "../../../src/prompt/terminal/confirm.ts";

const RUNS = new AbortController().signal;

test.each([
  ["yes\n", true],
  [" Y \n", true],
  ["no\n", false],
  ["\n", false],
  ["yes, but not now\n", false],
])("%j is %s", async (line, meant) => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const answer = askYesNo(input, output, "sure? ", RUNS);
  input.write(line);
  expect(await answer).toBe(meant);
  expect(String(output.read())).toBe("sure? ");
});

test("the end of what is typed, and an interruption, say no", async () => {
  const ended = new PassThrough();
  const answer = askYesNo(ended, new PassThrough(), "sure? ", RUNS);
  ended.end();
  expect(await answer).toBe(false);
  const abort = new AbortController();
  const asked = askYesNo(new PassThrough(), new PassThrough(), "sure? ", abort.signal);
  abort.abort();
  expect(await asked).toBe(false);
  expect(await askYesNo(new PassThrough(), new PassThrough(), "sure? ", abort.signal)).toBe(false);
});
