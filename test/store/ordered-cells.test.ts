/** The tree, its index and its clones against plain maps, with enough keys for several levels of nodes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ByteString, readPage } from "../../src/store/index.ts";
import { CellsBuilder } from "../../src/store/snapshots/cells-builder.ts";
import type { Visit } from "../../src/store/keys/keys-in-order.ts";
import { OrderedCells } from "../../src/store/keys/ordered-cells.ts";
import { keyAt } from "./key-at.ts";

const nameOf = (n: number): ByteString => `key/${n}` as ByteString;
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("put" as const), n: fc.nat(1500) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("delete" as const), n: fc.nat(1500) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clone" as const), n: fc.nat(3) }) },
);

type Plain = Map<string, [value: string, create: number, mod: number, version: number]>;
const inOrder = (plain: Plain): unknown[] =>
  [...plain].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, fields]) => [key, ...fields]);
const flat = (found: ReturnType<OrderedCells["range"]>): unknown[] =>
  found.map((cell) => [cell.key, cell.value, cell.createRevision, cell.modRevision, cell.version]);

describe("ordered cells", () => {
  test("content, order and clones are those of plain maps", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 500, maxLength: 3000 }), (steps) => {
        const cells = new OrderedCells();
        const plain: Plain = new Map();
        const clones: [ReturnType<OrderedCells["clone"]>, Plain, number][] = [];
        for (let i = 0; i < 1500; i += 2) {
          const revision = cells.history.last + 1;
          cells.put(keyAt(nameOf(i)), "first" as ByteString, 1, revision);
          plain.set(nameOf(i), ["first", revision, revision, 1]);
        }
        steps.forEach(({ kind, n }) => {
          const revision = cells.history.last + 1;
          const name = nameOf(n);
          const old = plain.get(name);
          if (kind === "put") {
            const value = `v${revision}` as ByteString;
            cells.put(keyAt(name), value, revision, revision);
            plain.set(name, [value, old?.[1] ?? revision, revision, (old?.[3] ?? 0) + 1]);
          } else if (kind === "delete") {
            expect(cells.delete(keyAt(name), revision)).toBe(plain.delete(name));
          } else if (clones.length < 5) {
            clones.push([cells.clone(), new Map(plain), cells.contentHash]);
          }
          const stored = cells.get(name);
          expect(stored?.value).toBe(plain.get(name)?.[0]);
        });
        expect(cells.size).toBe(plain.size);
        expect(flat(cells.range({ limit: 9999 }))).toEqual(inOrder(plain));
        for (const [clone, then, hash] of clones) {
          expect(flat(clone.range({ limit: 9999 }))).toEqual(inOrder(then));
          expect([clone.size, clone.contentHash]).toEqual([then.size, hash]);
          const [name] = then.keys();
          expect(clone.get(name as ByteString)?.value).toBe(then.get(name!)?.[0]);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("whoever visits a range meets what whoever walks through it meets, and no more than is wanted", () => {
    const cells = new OrderedCells();
    for (let n = 0; n < 1500; n++) cells.put(keyAt(nameOf(n)), "v" as ByteString, n, n + 1);
    for (let n = 0; n < 1500; n += 3) cells.delete(keyAt(nameOf(n)), cells.history.last + 1);
    for (let n = 0; n < 1500; n += 9) {
      cells.put(keyAt(nameOf(n)), "again" as ByteString, n, cells.history.last + 1);
    }
    const expected = Array.from({ length: 1500 }, (_, n): [ByteString, number] => [
      nameOf(n),
      n % 3 === 0 && n % 9 !== 0 ? 0 : 1,
    ]).sort(([a], [b]) => (a < b ? -1 : 1));
    const bounds = ["", "a", "key/", "key/1", "key/1499", "key/777", "key/999", "key/9999", "z"];
    const told = ([key, { version }]: readonly [ByteString, { version: number }]): unknown => [
      key,
      version,
    ];
    for (const start of bounds as ByteString[]) {
      for (const end of [null, ...(bounds as ByteString[])]) {
        const all = expected.filter(([key]) => key >= start && (end === null || key < end));
        const there = all.filter(([, version]) => version > 0);
        for (const isAll of [true, false]) {
          const wanted = isAll ? all : there;
          const { order } = cells;
          const walk = (reverse: boolean): unknown[] =>
            Array.from(
              isAll ? order.walkAll(start, end, reverse) : order.walk(start, end, reverse),
              told,
            );
          expect(walk(false)).toEqual(wanted);
          expect(walk(true)).toEqual(wanted.toReversed());
          for (const most of [1, 100, 9999]) {
            const visited: unknown[] = [];
            const visitor: Visit = (key, stored) => visited.push(told([key, stored])) < most;
            if (isAll) order.visitAll(start, end, visitor);
            else order.visit(start, end, visitor);
            expect(visited).toEqual(wanted.slice(0, most));
          }
        }
      }
    }
    const nobody: Visit = () => expect.unreachable("there is nothing");
    new OrderedCells().order.visitAll(nameOf(0), null, nobody);
  });

  test("a read of the newest state comes past nothing that was deleted, one of a past state does", () => {
    const cells = new OrderedCells();
    for (let n = 0; n < 1000; n++) {
      cells.put(keyAt(nameOf(n)), "v" as ByteString, n, 2 * n + 1);
      cells.delete(keyAt(nameOf(n)), 2 * n + 2);
    }
    cells.put(keyAt(nameOf(500)), "v" as ByteString, 0, 2001);
    const looksAt = (revision: number, reverse: boolean): [number, number] => {
      const looked = { cells: 0 };
      const start = "" as ByteString;
      const request = { start, end: null, reverse, keysOnly: true, countOnly: false, limit: 10 };
      const { count } = readPage(cells, revision, { ...request, revision }, looked);
      return [count, looked.cells];
    };
    for (const reverse of [false, true]) {
      expect(looksAt(2001, reverse)).toEqual([1, 1]);
      const [count, looked] = looksAt(2000, reverse);
      expect(count).toBe(0);
      expect(looked).toBeGreaterThan(999);
    }
    cells.compactTo(2001);
    while (cells.release(100));
    expect([...cells.order.walkAll("" as ByteString, null, false)]).toHaveLength(1);
  });

  test("the content hash does not depend on the way there", () => {
    const cells = new OrderedCells();
    for (let n = 0; n < 300; n++) cells.put(keyAt(nameOf(n)), "v" as ByteString, n, n + 1);
    expect(rebuilt(cells, () => 0).contentHash).not.toBe(cells.contentHash);
    const values = new Map(Array.from({ length: 300 }, (_, n) => [nameOf(n), n]));
    const again = new CellsBuilder();
    for (const { key, value, createRevision, modRevision, version } of cells.range({
      limit: 999,
    })) {
      again.append(key, value, createRevision, modRevision, version, values.get(key) ?? 0);
    }
    expect(again.contentHash).toBe(cells.contentHash);
    for (let n = 0; n < 300; n++) expect(cells.delete(keyAt(nameOf(n)), 301 + n)).toBe(true);
    expect([cells.contentHash, cells.size]).toEqual([0, 0]);
  });
});

/** What stands in `cells`, made anew in order of keys. */
function rebuilt(cells: OrderedCells, valueHash: (value: ByteString) => number): OrderedCells {
  const builder = new CellsBuilder();
  builder.beginHistory(cells.history.last);
  for (const { key, value, ...rest } of cells.range({ limit: 1e9 })) {
    const { createRevision, modRevision, version } = rest;
    builder.append(key, value, createRevision, modRevision, version, valueHash(value));
  }
  while (builder.step());
  return builder.finish();
}

describe("cells built in order", () => {
  test.each([0, 1, 1023, 1024, 1025, 20_000])("are those that were put: %i of them", (count) => {
    const cells = new OrderedCells();
    for (let n = 0; n < count; n++) {
      cells.put(keyAt(nameOf((n * 7919) % 25_013)), `v${n}` as ByteString, n, n + 1);
    }
    const built = rebuilt(cells, (value) => Number(value.slice(1)));
    expect([built.size, built.contentHash]).toEqual([count, cells.contentHash]);
    const all = flat(cells.range({ limit: 1e9 }));
    expect(flat(built.range({ limit: 1e9 }))).toEqual(all);
    expect(flat(built.range({ limit: 1e9, reverse: true }))).toEqual(all.toReversed());
    for (const key of cells.range({ limit: 1e9 }).map((each) => each.key)) {
      expect(built.get(key)).toEqual(cells.get(key));
    }
    expect(built.get(nameOf(30_000))).toBeUndefined();
  });

  test("change like any others, and their clones do not", () => {
    const both = [new OrderedCells(), new OrderedCells()] as [OrderedCells, OrderedCells];
    for (let n = 0; n < 5000; n++) both[0].put(keyAt(nameOf(2 * n)), "v" as ByteString, 7, n + 1);
    both[1] = rebuilt(both[0], () => 7);
    const before = flat(both[0].range({ limit: 1e9 }));
    const clones = both.map((cells) => cells.clone());
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(10_000), fc.boolean()), { maxLength: 500 }), (steps) => {
        for (const [n, isPut] of steps) {
          const revision = both[0].history.last + 1;
          if (isPut) {
            for (const cells of both) cells.put(keyAt(nameOf(n)), "w" as ByteString, 9, revision);
          } else {
            const [a, b] = both.map((cells) => cells.delete(keyAt(nameOf(n)), revision));
            expect(a).toBe(b);
          }
          expect(both[1].get(nameOf(n))).toEqual(both[0].get(nameOf(n)));
        }
        expect([both[1].size, both[1].contentHash]).toEqual([both[0].size, both[0].contentHash]);
        const now = flat(both[0].range({ limit: 1e9 }));
        expect(flat(both[1].range({ limit: 1e9 }))).toEqual(now);
      }),
    );
    for (const clone of clones) expect(flat(clone.range({ limit: 1e9 }))).toEqual(before);
  });

  test("one step never takes long, however many there are", () => {
    const builder = new CellsBuilder();
    const cells = 30_000;
    for (let n = 0; n < cells; n++) {
      const name = `key/${String(n).padStart(6, "0")}` as ByteString;
      builder.append(name, "v" as ByteString, 1, 1, 1, 1);
    }
    let steps = 0;
    while (builder.step()) steps += 1;
    expect(steps).toBeGreaterThanOrEqual((2 * cells) / 1024 - 1);
  });

  test("a key out of order is a bug", () => {
    const builder = new CellsBuilder();
    builder.append(nameOf(2), "v" as ByteString, 1, 1, 1, 1);
    builder.append(nameOf(1), "v" as ByteString, 1, 1, 1, 1);
    expect(() => builder.step()).toThrow(/ascending/);
  });
});
