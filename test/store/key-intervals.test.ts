/** Permissions as intervals of keys, against the naive answer. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ByteString } from "../../src/store/index.ts";
import { KeyIntervals, type KeyInterval } from "../../src/store/access/key-intervals.ts";

const letter = fc.constantFrom("a", "b", "c", "\u0000", "\u00ff");
const text = fc.string({ unit: letter, maxLength: 3 }).map((one) => one as ByteString);
const interval: fc.Arbitrary<KeyInterval> = fc.record({
  start: text,
  end: fc.option(text, { freq: 4 }),
});
const holds = ({ start, end }: KeyInterval, at: ByteString): boolean =>
  at >= start && (end === null || at < end);

test("permissions hold a key when one of them does", () => {
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 6 }), text, (all, at) => {
      expect(new KeyIntervals(all).covers({ key: at })).toBe(all.some((one) => holds(one, at)));
    }),
    { numRuns: 2000 },
  );
});

/** All keys of up to four letters that matter: each bound, and what comes right before and after. */
const points = (all: readonly KeyInterval[], where: KeyInterval): ByteString[] =>
  [...all, where]
    .flatMap(({ start, end }) => (end === null ? [start] : [start, end]))
    .flatMap((one) => [one, `${one}\u0000`, `${one}\u00ff\u00ff`] as ByteString[]);

test("permissions hold a range when they hold each of its keys", () => {
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 6 }), interval, (all, where) => {
      const inside = points(all, where).filter((at) => holds(where, at));
      const isOpen = where.end === null;
      const naive =
        inside.every((at) => all.some((one) => holds(one, at))) &&
        (!isOpen || inside.length === 0 || all.some(({ end }) => end === null));
      expect(new KeyIntervals(all).covers(where)).toBe(naive);
    }),
    { numRuns: 3000 },
  );
});
