/** What goes to the disk is byte for byte what it was when these bytes were recorded, and is read as it was. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Batch, sealFrame } from "../../src/storage/batch.ts";
import { LiveBytes } from "../../src/storage/live-bytes.ts";
import { SCALAR_SAMPLES, WRITE_SAMPLES } from "./record-samples.ts";

const recorded = JSON.parse(
  readFileSync(new URL("./fixtures/record-bytes.json", import.meta.url), "utf8"),
) as unknown;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("frames with records and writes of every kind", () => {
  const [first, second] = SCALAR_SAMPLES;
  const batch = new Batch(first!, new LiveBytes());
  batch.add({ seq: 1, writes: WRITE_SAMPLES });
  batch.add({ seq: 2, writes: [] });
  const later = new Batch(second!, new LiveBytes());
  for (const write of WRITE_SAMPLES) later.add({ seq: 3, writes: [write] });
  const carried = [new Uint8Array(3), Uint8Array.of(1)];
  expect({
    first: hex(batch.finishFirst(0xfedcba98, 0x01234567, 7, 2 ** 33, 0x89abcdef, null).bytes),
    carried: hex(later.finishFirst(1, 5, 8, 100, 2, carried).bytes),
    later: hex(later.finish({ salt: 5, segment: 9, bytes: 4096, crc: 77 }).bytes),
    seal: hex(sealFrame({ salt: 5, segment: 9, bytes: 8192, crc: 78 }, 2 ** 20)),
  }).toEqual(recorded);
});
