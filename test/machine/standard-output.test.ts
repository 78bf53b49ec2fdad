import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { boundedWriter } from "../../src/machine/host/standard-output.ts";

const MiB = 1024 * 1024;

test("what waits for a reader that stands still has a bound, and the reader is told what is missing", async () => {
  const stream = new PassThrough();
  const write: (text: string) => void = boundedWriter(stream, (lines) =>
    write(`${lines} left out\n`),
  );
  const line = (i: number): string => `${`${i} `.padEnd(1023, "x")}\n`;
  for (let i = 0; i < 20_000; i++) write(line(i));
  expect(stream.writableLength + stream.readableLength).toBeLessThan(5 * MiB);
  let text = "";
  stream.on("data", (bytes: Buffer) => (text += bytes.toString()));
  await expect.poll(() => text.includes("left out")).toBe(true);
  write("later\n");
  await expect.poll(() => text.endsWith("later\n")).toBe(true);
  const lines = text.trimEnd().split("\n");
  const kept = lines.length - 2;
  expect(lines.slice(0, kept).map((each) => Number.parseInt(each, 10))).toEqual(
    Array.from({ length: kept }, (_, i) => i),
  );
  expect(lines.at(-2)).toBe(`${20_000 - kept} left out`);
});
