/** The index against a plain map, with hashes that collide as they like. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Cell } from "../../src/kv/cell.ts";
import { CellIndex, INDEX_SHARDS } from "../../src/kv/cell-index.ts";
import type { ByteString } from "../../src/kv/index.ts";

const KEYS = 300;
/** From all keys in one bucket to each where it falls. */
const HASHES: readonly ((n: number) => number)[] = [
  () => 0,
  () => -1,
  (n) => n % 3,
  (n) => n * INDEX_SHARDS,
  (n) => Math.imul(n, 0x9e3779b1),
];

const step = fc.record({
  kind: fc.constantFrom("add" as const, "add" as const, "delete" as const, "replace" as const),
  n: fc.nat(KEYS - 1),
});

test.each(HASHES.map((hash, i) => [i, hash] as const))(
  "cells are found under their keys: hashes of kind %i",
  (_, hashOf) => {
    const cellOf = (n: number): Cell =>
      new Cell(`key ${n}` as ByteString, hashOf(n) | 0, "" as ByteString, 1, 1, 1, 0);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1500 }), fc.nat(2000), (steps, reserved) => {
        const index = new CellIndex();
        const plain = new Map<number, Cell>();
        for (let shard = 0; shard < INDEX_SHARDS; shard += 3) index.reserve(shard, reserved);
        for (const { kind, n } of steps) {
          const old = plain.get(n);
          const cell = cellOf(n);
          expect(index.get(cell.key, cell.keyHash)).toBe(old);
          if (kind === "add" && old === undefined) {
            index.add(cell);
            plain.set(n, cell);
          } else if (kind === "delete" && old !== undefined) {
            index.delete(old);
            plain.delete(n);
          } else if (kind === "replace" && old !== undefined) {
            index.replace(old, cell);
            plain.set(n, cell);
          }
        }
        for (let n = 0; n < KEYS; n++) {
          const { key, keyHash } = cellOf(n);
          expect(index.get(key, keyHash)).toBe(plain.get(n));
        }
      }),
      { numRuns: 50 },
    );
  },
);

test("keys that all fall into one bucket cost little more than others", () => {
  const index = new CellIndex();
  const cells = Array.from(
    { length: 50_000 },
    (_, n) => new Cell(`key ${n}` as ByteString, 42, "" as ByteString, 1, 1, 1, 0),
  );
  const begun = performance.now();
  for (const cell of cells) index.add(cell);
  for (const cell of cells) expect(index.get(cell.key, 42) === cell).toBe(true);
  // One after the other it would be a billion comparisons and more.
  expect(performance.now() - begun).toBeLessThan(5000);
});
