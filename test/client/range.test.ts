/** What a selector of a range stands for. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { afterPrefix, rangeOf } from "../../src/client/range.ts";

const WHAT = { keysOnly: false, countOnly: false };
const compare = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

test("the end of a prefix lies above all that begins with it, and below all else that follows", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 5 }),
      fc.uint8Array({ maxLength: 3 }),
      fc.uint8Array({ maxLength: 8 }),
      (prefix, tail, other) => {
        const given = Buffer.from(prefix);
        const end = afterPrefix(given);
        expect([...given]).toEqual([...prefix]);
        const inside = Buffer.concat([prefix, tail]);
        expect(end === null || compare(inside, end) < 0).toBe(true);
        const begins = Buffer.from(other.subarray(0, prefix.length)).equals(Buffer.from(prefix));
        const isIn = compare(other, prefix) >= 0 && (end === null || compare(other, end) < 0);
        expect(isIn).toBe(begins && other.length >= prefix.length);
      },
    ),
  );
});

test("bounds, a limit and the direction are taken as they are; nothing stands for all keys", () => {
  expect(rangeOf({}, {}, WHAT)).toMatchObject({
    ...{ start: new Uint8Array(0), end: null, reverse: false, revision: 0 },
    limit: Number.MAX_SAFE_INTEGER,
  });
  const { start, end, reverse, limit } = rangeOf(
    { start: "a", end: "b" },
    { reverse: true, limit: 3 },
    WHAT,
  );
  expect([start.toString(), end?.toString(), reverse, limit]).toEqual(["a", "b", true, 3]);
});
