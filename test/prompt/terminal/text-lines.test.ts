/** Lines of text out of pieces of bytes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { textLines } from "../../../src/prompt/terminal/text-lines.ts";

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function linesOf(bytes: Uint8Array, length = 7): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of textLines(pieces(bytes, length), "in Base64")) lines.push(line);
  return lines;
}

test("however the bytes are cut, the lines are the same", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom("a", "ü", "\u2028", "😀", "\r", " ") })),
      fc.integer({ min: 1, max: 9 }),
      async (lines, length) => {
        const text = lines.map((line) => `${line}\n`).join("");
        const expected = lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
        expect(await linesOf(Buffer.from(text), length)).toEqual(expected);
      },
    ),
  );
});

test("the last line needs no end, and an end is no further line", async () => {
  expect(await linesOf(Buffer.from("a\r\nb"))).toEqual(["a", "b"]);
  expect(await linesOf(Buffer.from("a\n"))).toEqual(["a"]);
  expect(await linesOf(new Uint8Array(0))).toEqual([]);
});

test("what is no UTF-8 is refused, and so is a line without an end", async () => {
  await expect(linesOf(Uint8Array.from([97, 10, 0xff, 10]))).rejects.toThrow("no UTF-8");
  await expect(linesOf(new Uint8Array(9 * 1024 * 1024), 65_536)).rejects.toThrow("longer than");
});
