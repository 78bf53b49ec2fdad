/** The index against a plain map, with hashes that collide as they like. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Cell } from "../../src/store/history/cell.ts";
import { CellIndex, firstOf, INDEX_SHARDS } from "../../src/store/keys/cell-index.ts";
import { hashByteString } from "../../src/base/byte-string.ts";
import { byteStringOf, KvState, OrderedCells, type ByteString } from "../../src/store/index.ts";
import { placeHash } from "../../src/store/entries/place-hash.ts";
import { keyAt } from "./key-at.ts";
import { open, run, snapshotBytes } from "./helpers.ts";

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
      new Cell(`key ${n}` as ByteString, 0, "" as ByteString, 1, 1, 1, 0);
    const placeOf = (n: number): number => hashOf(n) | 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1500 }), fc.nat(2000), (steps, reserved) => {
        const index = new CellIndex();
        const plain = new Map<number, Cell>();
        for (let shard = 0; shard < INDEX_SHARDS; shard += 3) index.reserve(shard, reserved);
        for (const { kind, n } of steps) {
          const old = plain.get(n);
          const cell = cellOf(n);
          const place = placeOf(n);
          expect(index.get(cell.key, place)).toBe(old);
          expect(index.find(keyAt(cell.key), place)).toBe(old);
          if (kind === "add" && old === undefined) {
            index.add(cell, place);
            plain.set(n, cell);
          } else if (kind === "delete" && old !== undefined) {
            index.delete(old, place);
            plain.delete(n);
          } else if (kind === "replace" && old !== undefined) {
            index.replace(old, cell, place);
            plain.set(n, cell);
          }
        }
        for (let n = 0; n < KEYS; n++) {
          expect(index.get(cellOf(n).key, placeOf(n))).toBe(plain.get(n));
        }
      }),
      { numRuns: 50 },
    );
  },
);

test("a sample is from all shards, and takes no look at places after it", () => {
  const index = new CellIndex();
  const cells = Array.from({ length: 100_000 }, (_, n) => {
    return new Cell(`key ${n}` as ByteString, 0, "" as ByteString, n, 1, 1, 0);
  });
  cells.forEach((cell, n) => index.add(cell, Math.imul(n, 0x9e3779b1)));
  const found = new Set(index.sample(2048));
  expect(found.size).toBe(2048);
  // Every part of the keys is there, about as it should be.
  const early = [...found].filter(({ createRevision }) => createRevision < 25_000).length;
  expect(early).toBeGreaterThan(400);
  expect(early).toBeLessThan(620);
  let looks = 0;
  function* places(): Generator<number | undefined> {
    for (; ; looks++) yield looks % 2 === 0 ? undefined : looks;
  }
  expect([...firstOf(places(), 3)]).toEqual([1, 3, 5]);
  expect(looks).toBe(5);
});

test("keys that all fall into one bucket cost little more than others", () => {
  const index = new CellIndex();
  const cells = Array.from(
    { length: 50_000 },
    (_, n) => new Cell(`key ${n}` as ByteString, 0, "" as ByteString, 1, 1, 1, 0),
  );
  const begun = performance.now();
  for (const cell of cells) index.add(cell, 42);
  for (const cell of cells) expect(index.get(cell.key, 42) === cell).toBe(true);
  // One after the other it would be a billion comparisons and more.
  expect(performance.now() - begun).toBeLessThan(5000);
});

test("a key in bytes is that key and no other, however long", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 130 }), fc.nat(129), (bytes, at) => {
      const key = byteStringOf(bytes);
      const source = keyAt(key);
      expect([source.key(), source.keyLength, source.isKey(key)]).toEqual([key, key.length, true]);
      const other = Uint8Array.from(bytes);
      other[at % bytes.length]! ^= 0x80;
      for (const bad of [byteStringOf(other), key.slice(1), `${key}\0`]) {
        expect(source.isKey(bad as ByteString)).toBe(false);
      }
    }),
  );
});

describe("places", () => {
  test("are HalfSipHash-1-3 with the seed as its key", () => {
    // By the reference implementation's construction, written as plainly as it goes.
    const reference = (bytes: readonly number[], low: number, high: number): number => {
      const v = [low | 0, high | 0, low ^ 0x6c796765, high ^ 0x74656462] as [
        number,
        number,
        number,
        number,
      ];
      const turned = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
      const round = (): void => {
        v[0] = (v[0] + v[1]) | 0;
        v[1] = turned(v[1], 5) ^ v[0];
        v[0] = turned(v[0], 16);
        v[2] = (v[2] + v[3]) | 0;
        v[3] = turned(v[3], 8) ^ v[2];
        v[0] = (v[0] + v[3]) | 0;
        v[3] = turned(v[3], 7) ^ v[0];
        v[2] = (v[2] + v[1]) | 0;
        v[1] = turned(v[1], 13) ^ v[2];
        v[2] = turned(v[2], 16);
      };
      const padded = [...bytes];
      while (padded.length % 4 !== 3) padded.push(0);
      padded.push(bytes.length & 0xff);
      for (let i = 0; i < padded.length; i += 4) {
        const block = Buffer.from(padded).readInt32LE(i);
        v[3] ^= block;
        round();
        v[0] ^= block;
      }
      v[2] ^= 0xff;
      for (let i = 0; i < 3; i++) round();
      return v[1] ^ v[3];
    };
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(2 ** 32 - 1),
        fc.nat(2 ** 32 - 1),
        (bytes, low, high) => {
          const expected = reference([...bytes], low, high);
          const key = byteStringOf(bytes);
          expect(placeHash(key, { low, high })).toBe(expected);
          // No command has an empty key.
          if (bytes.length > 0) expect(keyAt(key).keyPlace({ low, high })).toBe(expected);
        },
      ),
    );
  });

  test("of keys that collide under the known hash are spread nevertheless, and differently for each seed", () => {
    // Keys whose known hash has the same lowest bits: with it, all would stand in one shard of 256.
    const keys: ByteString[] = [];
    for (let i = 0; keys.length < 500; i++) {
      const key = `key ${i}` as ByteString;
      if ((hashByteString(key) & (INDEX_SHARDS - 1)) === 0) keys.push(key);
    }
    const seeds = [
      { low: 1, high: 2 },
      { low: 3, high: 4 },
    ];
    const shards = seeds.map((seed) => keys.map((key) => placeHash(key, seed) & 255));
    for (const each of shards) expect(new Set(each).size).toBeGreaterThan(150);
    expect(shards[0]).not.toEqual(shards[1]);
  });

  test("are of no consequence for what a state says: another seed, the same bytes", () => {
    const states = [
      { low: 1, high: 2 },
      { low: 9, high: 77 },
    ].map((seed) => {
      const state = new KvState(new OrderedCells(seed));
      const session = open(state, 1);
      for (let i = 0; i < 500; i++) {
        run(state, session, i, { op: "write", key: `k${(i * 7) % 90}`, value: `${i}` }, i);
        if (i % 5 === 0) run(state, session, 1000 + i, { op: "delete", key: `k${i % 90}` }, i);
      }
      return { hash: state.hash(), bytes: snapshotBytes(state.clone()).toString("hex") };
    });
    expect(states[1]).toEqual(states[0]);
  });
});
