/** Keys of a node's own state, page by page, in order of their bytes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { listKeys } from "../../../src/server/gateway/list-keys.ts";
import { byteStringOf } from "../../../src/store/index.ts";
import type { KeyValue } from "../../../src/store/keys/frozen-cells.ts";

/** A state that holds these keys and is asked in ranges. */
function stateOf(keys: readonly Uint8Array[]) {
  const sorted = [...new Set(keys.map(byteStringOf))].sort();
  return {
    readRange: ({ start, limit }: { start?: string; limit: number }): KeyValue[] =>
      sorted
        .filter((key) => start === undefined || key >= start)
        .slice(0, limit)
        .map((key) => ({ key, value: key, createRevision: 1, modRevision: 1, version: 1 })),
  };
}

const key = fc.uint8Array({ maxLength: 4, max: 3 });

test("all pages together are all keys with the prefix, once, in order", () => {
  fc.assert(
    fc.property(
      fc.array(key, { maxLength: 40 }),
      fc.uint8Array({ maxLength: 2, max: 3 }),
      fc.integer({ min: 1, max: 7 }),
      (keys, prefix, limit) => {
        const state = stateOf(keys);
        const found: string[] = [];
        let after: Uint8Array | null = null;
        for (;;) {
          const page = listKeys(state, { prefix, after, limit });
          expect(page.keys.length).toBeLessThanOrEqual(limit);
          found.push(...page.keys.map(byteStringOf));
          if (!page.more) break;
          expect(page.keys).toHaveLength(limit);
          after = page.keys.at(-1)!;
        }
        const wanted = keys
          .map(byteStringOf)
          .filter((each) => each.startsWith(byteStringOf(prefix)));
        expect(found).toEqual([...new Set(wanted)].sort());
      },
    ),
    { numRuns: 300 },
  );
});

test("an answer is bounded in bytes, and never empty while there is more", () => {
  const large = Array.from({ length: 400 }, (_, i) => {
    const bytes = new Uint8Array(4096);
    bytes[0] = i >> 8;
    bytes[1] = i;
    return bytes;
  });
  const page = listKeys(stateOf(large), { prefix: new Uint8Array(0), after: null, limit: 1000 });
  expect(page).toMatchObject({ more: true });
  expect(page.keys).toHaveLength(256);
});
