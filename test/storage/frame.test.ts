import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteReader } from "../../src/base/byte-reader.ts";
import { ByteWriter } from "../../src/base/byte-writer.ts";
import { findFrame, finishFrame, FRAME_HEADER_BYTES, readFrame } from "../../src/storage/frame.ts";
import type { LogWrite } from "../../src/storage/log-scalars.ts";
import {
  MalformedError,
  readRecord,
  UnknownRecordError,
  writeGroup,
} from "../../src/storage/record.ts";

const SALT = 0x89ab_cdef;

function frame(segment: number, position: number, body: readonly number[]): Uint8Array {
  const out = new ByteWriter();
  out.zeros(FRAME_HEADER_BYTES);
  out.bytes(Uint8Array.from(body));
  finishFrame(out, 0, { salt: SALT, segment, position, previousCrc: 1, groups: 1 });
  return out.copy();
}

/** A file with the frame at a position. */
function fileWith(bytes: Uint8Array, position: number): Uint8Array {
  const file = new Uint8Array(position + bytes.length + 64);
  new DataView(file.buffer).setUint32(12, SALT, true);
  file.set(bytes, position);
  return file;
}

test("a frame is valid at its own place only", () => {
  const made = frame(7, 64, [1, 2, 3]);
  expect(readFrame(fileWith(made, 64), 64)).toMatchObject({ segment: 7, previousCrc: 1 });
  for (const position of [0, 8, 56, 72, 128]) {
    expect(readFrame(fileWith(made, position), position)).toBeNull();
  }
});

test("a frame with any flipped bit is none", () => {
  const made = frame(7, 64, [1, 2, 3]);
  for (let bit = 0; bit < made.length * 8; bit++) {
    const flipped = made.slice();
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
    expect(readFrame(fileWith(flipped, 64), 64), `bit ${bit}`).toBeNull();
  }
});

test("a frame of a file with another salt is none", () => {
  const file = fileWith(frame(7, 64, [1, 2, 3]), 64);
  expect(readFrame(file, 64)).not.toBeNull();
  file[12]! ^= 1;
  expect(readFrame(file, 64)).toBeNull();
});

test("a frame is found behind rubbish, and one of an older segment is not", () => {
  const file = fileWith(frame(7, 640, [1, 2, 3]), 640);
  for (let i = 16; i < 640; i++) file[i] = (i * 31) & 0xff;
  expect(findFrame(file, 16, 7)).toBe(640);
  expect(findFrame(file, 16, 8)).toBeNull();
  expect(findFrame(file, 648, 7)).toBeNull();
});

const index = fc.maxSafeNat();
const ballot = fc.record({ configId: index, n: index, priority: index, pid: index });
const bytes = fc.uint8Array({ maxLength: 300 });
const ref = fc.record({ idx: index, bytes: index, crc: fc.nat(2 ** 32 - 1) });
const stopSign = fc.record({
  nextConfig: fc.oneof(
    fc.record({ configurationId: index, nodes: fc.array(index) }),
    fc.record({
      configurationId: index,
      nodes: fc.array(index),
      flexibleQuorum: fc.record({ read: index, write: index }),
    }),
  ),
  metadata: fc.option(bytes),
});
const write: fc.Arbitrary<LogWrite> = fc.oneof(
  fc.record({ kind: fc.constant("promise" as const), promise: ballot }),
  fc.record({ kind: fc.constant("acceptedRound" as const), acceptedRound: ballot }),
  fc.record({ kind: fc.constant("append" as const), fromIdx: index, entries: fc.array(bytes) }),
  fc.record({ kind: fc.constant("decided" as const), decidedIdx: index }),
  fc.record({ kind: fc.constant("stopSign" as const), stopSign: fc.option(stopSign) }),
  fc.record({
    kind: fc.constant("compact" as const),
    idx: index,
    snapshot: fc.option(ref.map((value) => ({ kind: "complete" as const, idx: value.idx, value }))),
  }),
);

test("a group reads back as it was written", () => {
  fc.assert(
    fc.property(fc.array(write), (writes) => {
      const out = new ByteWriter();
      writeGroup(out, writes);
      out.zeros(8);
      const reader = new ByteReader().reset(out.copy());
      expect(readRecord(reader)).toEqual({ kind: "group", writes });
      expect(readRecord(reader)).toBeNull();
    }),
  );
});

test("bytes that are no record throw nothing but what says so", () => {
  fc.assert(
    fc.property(bytes, (made) => {
      const reader = new ByteReader().reset(made);
      try {
        while (readRecord(reader) !== null);
      } catch (error) {
        expect(error instanceof MalformedError || error instanceof UnknownRecordError).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
});
