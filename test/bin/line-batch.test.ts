/** Lines go out in batches, in their order, and no key twice in one. */
import { expect, test } from "vitest";
import { LineBatches } from "../../src/bin/files/line-batch.ts";

async function batchesOf(keys: readonly (string | number[])[], value = ""): Promise<number[][]> {
  const written: number[][] = [];
  let isWriting = false;
  const batches = new LineBatches(async (lines) => {
    expect(isWriting).toBe(false);
    isWriting = true;
    await Promise.resolve();
    isWriting = false;
    written.push(lines.map(({ line }) => line));
  });
  for (const [i, key] of keys.entries()) {
    await batches.add({ key: Buffer.from(key as string), value: Buffer.from(value), line: i + 1 });
  }
  await batches.flush();
  return written;
}

test("a key that comes again waits until the line before is written", async () => {
  expect(await batchesOf(["a", "b", "a", "c", "b", "b"])).toEqual([[1, 2], [3, 4, 5], [6]]);
  // Bytes that are no text, and would be the same one if they were.
  expect(await batchesOf([[0xff], [0xfe], [0xff]])).toEqual([[1, 2], [3]]);
});

test("a batch has a bound of keys, and one of bytes", async () => {
  const many = Array.from({ length: 4097 }, (_, i) => `k${i}`);
  expect((await batchesOf(many)).map(({ length }) => length)).toEqual([4096, 1]);
  const large = await batchesOf(many.slice(0, 10), "x".repeat(1024 * 1024));
  expect(large.map(({ length }) => length)).toEqual([8, 2]);
});
