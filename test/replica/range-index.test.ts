/** The index of watched ranges against a list that is gone through, and what it costs with many of them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { byteStringOfText, type ByteString } from "../../src/base/byte-string.ts";
import { RangeIndex, type KeyRange } from "../../src/replica/watches/range-index.ts";

const key = fc
  .array(fc.constantFrom("a", "b", "c", "\0"), { minLength: 0, maxLength: 3 })
  .map((letters) => byteStringOfText(letters.join("")));
const range: fc.Arbitrary<KeyRange> = fc.oneof(
  fc.record({ start: key, end: fc.constant(null) }),
  fc
    .tuple(key, key)
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => (a < b ? { start: a, end: b } : { start: b, end: a })),
  key.map((start) => ({ start, end: `${start}\0` as ByteString })),
);

const holds = ({ start, end }: KeyRange, at: ByteString): boolean =>
  start <= at && (end === null || at < end);

function found(index: RangeIndex<number>, at: ByteString): number[] {
  const items: number[] = [];
  index.visit(at, (item) => items.push(item));
  return items.sort((a, b) => a - b);
}

test("each look-up finds what a list finds, whatever was added and removed before", () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: range }) },
    { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.array(key, { minLength: 8 }),
      (steps, keys) => {
        const index = new RangeIndex<number>();
        const list: [number, KeyRange][] = [];
        steps.forEach((each, number) => {
          if ("add" in each) {
            index.add(each.add, number);
            list.push([number, each.add]);
          } else if (list.length > 0) {
            const [gone] = list.splice(each.remove % list.length, 1);
            if (gone !== undefined) index.remove(gone[1], gone[0]);
          }
          for (const at of keys) {
            const expected = list.filter(([, wanted]) => holds(wanted, at)).map(([item]) => item);
            expect(found(index, at)).toEqual(expected);
            expect(index.has(at)).toBe(expected.length > 0);
          }
        });
        const sorted = (items: number[]): number[] => items.toSorted((a, b) => a - b);
        expect(sorted(index.some(60))).toEqual(sorted(list.map(([item]) => item)));
        expect(index.some(2)).toHaveLength(Math.min(2, list.length));
        for (const [item, wanted] of list) index.remove(wanted, item);
        expect(index.bytes).toBe(0);
        expect(index.some(1)).toEqual([]);
        expect(keys.some((at) => index.has(at))).toBe(false);
      },
    ),
    { numRuns: 400 },
  );
});

test("ranges that come in order make no deep tree", () => {
  const index = new RangeIndex<number>();
  const at = (n: number): ByteString => byteStringOfText(String(n).padStart(6, "0"));
  // Recursion by depth: a list of so many would not return.
  for (let i = 0; i < 60_000; i++) index.add({ start: at(i), end: at(i + 3) }, i);
  expect(found(index, at(30_000))).toEqual([29_998, 29_999, 30_000]);
  for (let i = 0; i < 60_000; i++) index.remove({ start: at(i), end: at(i + 3) }, i);
  expect(found(index, at(30_000))).toEqual([]);
});
