/** What a selector of a range stands for. */
import { afterPrefix } from "../../../src/base/bytes.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { wrongRangeOptions, wrongSelector } from "../../../src/client/terms/argument-checks.ts";
import { orderedPages } from "../../../src/client/keys/ordered-range.ts";
import { PrefixedClient } from "../../../src/client/prefixed-client.ts";
import { rangeOf } from "../../../src/client/keys/range.ts";
import type { KvRequests } from "../../../src/client/key-requests.ts";
import type { RangeSelector } from "../../../src/client/terms/types.ts";
import type { PageAnswer, PageItem, RangeBytes } from "../../../src/protocol/client/client.ts";

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

test.each([
  [undefined],
  [null],
  ["app/"],
  [Buffer.from("app/")],
  [{ prefix: 5 }],
  [{ prefix: "a", start: "b" }],
  [{ start: "a", end: {} }],
  [{ prefixes: "a" }],
  [{ prefix: undefined }],
  [{ start: undefined, end: undefined }],
])("a selector like %j is refused", (selector) => {
  expect(wrongSelector(selector)).toMatchObject({ code: "BAD_REQUEST" });
});

test.each<[object]>([
  [{ limit: 0 }],
  [{ limit: "3" }],
  [{ limit: 1.5 }],
  [{ reverse: 1 }],
  [{ node: "a" }],
  [{ orderBy: "age", limit: 1 }],
  [{ orderBy: "mod" }],
  [{ orderBy: "mod", limit: 10_001 }],
  [{ minModRevision: 0 }],
  [{ atLeast: 0 }],
  [{ atLeast: 3, consistency: "linearizable" }],
])("options like %j are refused", (options) => {
  expect(wrongRangeOptions(options)).toMatchObject({ code: "BAD_REQUEST" });
});

test("bounds and orders are asked for when they are wanted, and other ranges as ever", () => {
  expect(rangeOf({}, { orderBy: "key" }, WHAT)).not.toHaveProperty("select");
  expect(rangeOf({}, { minModRevision: 4 }, WHAT).select).toEqual({
    ...{ order: "key", createMin: 0, createMax: 0, modMin: 4, modMax: 0 },
  });
  expect(wrongRangeOptions({ orderBy: "mod", limit: 10_000, atLeast: 1 })).toBeNull();
});

test("in an order of its own every page is asked for, upwards, and its keys come at the end", async () => {
  const asked: RangeBytes[] = [];
  const item = (name: string, modRevision: number): PageItem => ({
    ...{ key: Buffer.from(name), value: null, createRevision: 1, modRevision, version: 1 },
  });
  const pages: PageAnswer[] = [
    { revision: 9, count: 2, resume: Buffer.from("c"), items: [item("b", 5), item("a", 4)] },
    { revision: 9, count: 0, resume: Buffer.from("d"), items: [] },
    { revision: 9, count: 2, resume: null, items: [item("e", 8), item("d", 4)] },
  ];
  const options = { orderBy: "mod", limit: 2, reverse: true } as const;
  const range = rangeOf({}, options, { keysOnly: true, countOnly: false });
  const ask = (wanted: RangeBytes): Promise<PageAnswer> =>
    Promise.resolve(pages[asked.push(wanted) - 1]!);
  const told: string[][] = [];
  for await (const { items } of orderedPages(ask, range, "mod")) {
    told.push(Array.from(items, ({ key }) => Buffer.from(key).toString()));
  }
  expect(told).toEqual([["e", "b"]]);
  expect(
    asked.map(({ start, end, limit, revision }) => [start.toString(), end, limit, revision]),
  ).toEqual([
    ["", null, 2, 0],
    ["99", null, 2, 9],
    ["100", null, 2, 9],
  ]);
});

test("a view of a client asks for ranges within its prefix, and tells keys without it", async () => {
  const asked: RangeSelector[] = [];
  // What is not asked for is not there.
  const client = {
    async *range(selector: RangeSelector) {
      asked.push(selector);
      const revisions = { modRevision: 1, createRevision: 1, version: 1 };
      yield { key: Buffer.from("app/a"), value: Buffer.from("1"), ...revisions };
    },
  } as unknown as KvRequests;
  const view = new PrefixedClient(client, "app/");
  const keys: string[] = [];
  for (const selector of [{}, { prefix: "x" }, { start: "b" }, { end: "c" }]) {
    for await (const { key } of view.range(selector)) keys.push(Buffer.from(key).toString());
  }
  expect(keys).toEqual(["a", "a", "a", "a"]);
  const text = (bound: unknown): string => Buffer.from(bound as Uint8Array).toString();
  expect(
    asked.map((selector) =>
      Object.entries(selector).map(([name, bound]) => `${name} ${text(bound)}`),
    ),
  ).toEqual([
    ["prefix app/"],
    ["prefix app/x"],
    ["start app/b", "end app0"],
    ["start app/", "end app/c"],
  ]);
});
