/** Ranges against a model: a sorted array, whatever is put and deleted, read in pages of one state. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  byteStringOfText,
  bytesOf,
  KvState,
  readPage,
  type ByteString,
  type RangePage,
  type RangeRequest,
} from "../../src/store/index.ts";
import { isCut } from "../../src/store/keys/range.ts";
import type { KeyValue } from "../../src/store/keys/frozen-cells.ts";
import { writerTo } from "./helpers.ts";

const ALL: RangeRequest = {
  ...{ start: "" as ByteString, end: null, reverse: false, keysOnly: false, countOnly: false },
  ...{ limit: 1_000_000, revision: 0 },
};

/** A state, and a session in it to write with. */
function store() {
  const state = new KvState();
  return { state, ...writerTo(state) };
}

/** All pages, as a client asks for them. */
function collect(ask: (request: RangeRequest) => RangePage, request: RangeRequest) {
  const keys: KeyValue[] = [];
  let count = 0;
  let rest = request;
  for (let pages = 1; ; pages++) {
    const page = ask(rest);
    keys.push(...page.keys);
    count += page.count;
    if (!isCut(page, rest)) return { keys, count, pages, last: page };
    const bound = request.reverse ? { end: page.resume } : { start: page.resume! };
    rest = { ...rest, ...bound, limit: request.limit - count };
  }
}

const key = fc.string({
  unit: fc.constantFrom("a", "b", "/", "\u00ff"),
  minLength: 1,
  maxLength: 4,
});
const step = fc.record({ key, value: fc.option(fc.string({ maxLength: 5 }), { freq: 3 }) });
const bound = fc.option(fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 3 }));

const DELETED_BEHIND_THE_LAST = [
  { key: "a", value: "" },
  { key: "a", value: null },
  ...["aa", "a/", "aaa"].map((name) => ({ key: name, value: "" })),
];

test("a range is what a sorted array would give, both ways, with bounds and limits", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      bound,
      bound,
      fc.boolean(),
      fc.integer({ min: 1, max: 30 }),
      (steps, start, end, reverse, limit) => {
        const { state, put, del } = store();
        const model = new Map<string, string>();
        for (const { key: name, value } of steps) {
          if (value === null) {
            del(name);
            model.delete(name);
          } else {
            put(name, value);
            model.set(name, value);
          }
        }
        const from = byteStringOfText(start ?? "");
        const to = end === null ? null : byteStringOfText(end);
        let expected = [...model]
          .map(([name, value]) => [byteStringOfText(name), byteStringOfText(value)] as const)
          .filter(([name]) => name >= from && (to === null || name < to))
          .sort(([a], [b]) => (a < b ? -1 : 1));
        if (reverse) expected.reverse();
        const all = expected.length;
        const isAll = all <= limit;
        expected = expected.slice(0, limit);
        const request = { ...ALL, start: from, end: to, reverse, limit };
        const page = readPage(state.cells, state.revision, request);
        expect(page.keys.map(({ key: name, value }) => [name, value])).toEqual(expected);
        // Behind the last key there may be deleted ones, of which nobody knows before they are looked at.
        if (page.resume === null) expect(isAll).toBe(true);
        const whole = collect((rest) => readPage(state.cells, state.revision, rest), {
          ...request,
          limit: steps.length + 1,
        });
        expect(whole.keys).toHaveLength(all);
        expect(page.revision).toBe(state.revision);
        const counted = readPage(state.cells, state.revision, { ...request, countOnly: true });
        expect(counted).toMatchObject({ count: expected.length, keys: [] });
      },
    ),
    { examples: [[DELETED_BEHIND_THE_LAST, null, null, true, 3]] },
  );
});

test("pages of a revision go on where the one before ended, both ways, whatever is written meanwhile", () => {
  const { state, put, del } = store();
  for (let i = 0; i < 3000; i++) put(`k${String(i).padStart(5, "0")}`, `v${i}`);
  const { revision } = state;
  for (let i = 0; i < 3000; i += 2) put(`k${String(i).padStart(5, "0")}`, "changed");
  for (let i = 1; i < 3000; i += 4) del(`k${String(i).padStart(5, "0")}`);
  put("k00000a", "new");
  for (const reverse of [false, true]) {
    const { keys, pages } = collect((request) => readPage(state.cells, revision, request), {
      ...ALL,
      reverse,
    });
    expect(pages).toBe(3);
    const texts = keys.map(({ value }) => value);
    const expected = Array.from({ length: 3000 }, (_, i) => `v${i}`);
    expect(texts).toEqual(reverse ? expected.toReversed() : expected);
  }
  const counted = collect((request) => readPage(state.cells, revision, request), {
    ...ALL,
    countOnly: true,
  });
  expect(counted.count).toBe(3000);
  expect(state.size).toBe(2251);
});

test("a page is bounded in bytes: large values come one or few at a time", () => {
  const { state, put } = store();
  for (let i = 0; i < 5; i++) put(`k${i}`, "x".repeat(100_000));
  const { pages, keys } = collect((request) => readPage(state.cells, state.revision, request), ALL);
  expect(keys.length).toBe(5);
  expect(pages).toBe(3);
  const { pages: one } = collect((request) => readPage(state.cells, state.revision, request), {
    ...ALL,
    keysOnly: true,
  });
  expect(one).toBe(1);
  expect(bytesOf(keys[0]!.value).length).toBe(100_000);
});
