/** The tree, its index and its clones against plain maps, with enough keys for several levels of nodes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ByteString } from "../../src/kv/index.ts";
import { OrderedCells } from "../../src/kv/ordered-cells.ts";

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
          cells.put(nameOf(i), "first" as ByteString, 1, i);
          plain.set(nameOf(i), ["first", i, i, 1]);
        }
        steps.forEach(({ kind, n }, revision) => {
          const name = nameOf(n);
          const old = plain.get(name);
          if (kind === "put") {
            const value = `v${revision}` as ByteString;
            cells.put(name, value, revision, revision);
            plain.set(name, [value, old?.[1] ?? revision, revision, (old?.[3] ?? 0) + 1]);
          } else if (kind === "delete") {
            expect(cells.delete(name)).toBe(plain.delete(name));
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

  test("the content hash does not depend on the way there", () => {
    const cells = new OrderedCells();
    const again = new OrderedCells();
    for (let n = 0; n < 300; n++) cells.put(nameOf(n), "v" as ByteString, n, n + 1);
    const stored = cells
      .range({ limit: 999 })
      .map(({ key, ...rest }) => [key, { ...rest }] as const);
    for (const [name, value] of stored.toReversed()) {
      expect(again.restore(name, value, value.modRevision - 1)).toBe(true);
      expect(again.restore(name, value, 0)).toBe(false);
    }
    expect(again.contentHash).toBe(cells.contentHash);
    for (let n = 0; n < 300; n++) expect(cells.delete(nameOf(n))).toBe(true);
    expect([cells.contentHash, cells.size]).toEqual([0, 0]);
  });
});
