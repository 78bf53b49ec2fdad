/** Ranges in orders of their own and with bounds on revisions, against a model: a sorted array of all there is. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { FirstOfPages } from "../../src/client/keys/ordered-range.ts";
import {
  byteStringOfText,
  bytesOf,
  KvState,
  RANGE_ORDERS,
  readPage,
  type ByteString,
  type RangeOrder,
  type RangeRequest,
  type RangeSelection,
} from "../../src/store/index.ts";
import type { KeyValue } from "../../src/store/keys/frozen-cells.ts";
import { writerTo } from "./helpers.ts";

const ALL: RangeRequest = {
  ...{ start: "" as ByteString, end: null, reverse: false, keysOnly: false, countOnly: false },
  ...{ limit: Number.MAX_SAFE_INTEGER, revision: 0 },
};
const ANY: RangeSelection = { order: "key", createMin: 0, createMax: 0, modMin: 0, modMax: 0 };

/** All pages of a range in an order of its own, put together as the client does. */
function collect(state: KvState, revision: number, request: RangeRequest, order: RangeOrder) {
  const limits = { keys: 5, cells: 4 };
  const first = order === "key" ? null : new FirstOfPages(request, order);
  const keys: string[] = [];
  let [rest, pages] = [request, 0];
  for (;;) {
    const page = readPage(state.cells, revision, rest, { cells: 0 }, limits);
    pages += 1;
    expect(page.count).toBe(request.countOnly ? page.count : page.keys.length);
    expect(page.keys.length).toBeLessThanOrEqual(5);
    first?.add(page.keys.map((entry) => ({ ...entry, ...asBytes(entry) })));
    keys.push(...page.keys.map(({ key }) => key));
    if (page.resume === null || (first === null && page.count >= rest.limit)) break;
    const bound = request.reverse && first === null ? { end: page.resume } : { start: page.resume };
    rest = { ...rest, ...bound, limit: first === null ? rest.limit - page.count : rest.limit };
  }
  const told = first?.items.map(({ key }) => Buffer.from(key).toString("latin1"));
  return { keys: told ?? keys, pages };
}

function asBytes({ key, value }: KeyValue): { key: Uint8Array; value: Uint8Array } {
  return { key: bytesOf(key), value: bytesOf(value) };
}

const key = fc.string({ unit: fc.constantFrom("a", "b", "\u00ff"), minLength: 1, maxLength: 3 });
const step = fc.record({
  key,
  value: fc.option(fc.string({ unit: fc.constantFrom("x", "y"), maxLength: 2 }), { freq: 4 }),
});
const bound = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 30 }));

test("a range in any order, both ways, with any bounds, of any revision, is what a sorted array gives", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.record({
        order: fc.constantFrom(...RANGE_ORDERS),
        ...{ createMin: bound, createMax: bound, modMin: bound, modMax: bound },
      }),
      fc.boolean(),
      fc.integer({ min: 1, max: 12 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (steps, select, reverse, limit, moment) => {
        const state = new KvState();
        const { put, del } = writerTo(state);
        const states: KeyValue[][] = [[]];
        const model = new Map<string, KeyValue>();
        for (const { key: name, value } of steps) {
          const id = byteStringOfText(name);
          const before = model.get(name);
          if (value === null) {
            del(name);
            model.delete(name);
          } else {
            put(name, value);
            model.set(name, {
              ...{ key: id, value: byteStringOfText(value), modRevision: state.revision },
              createRevision: before?.createRevision ?? state.revision,
              version: (before?.version ?? 0) + 1,
            });
          }
          states[state.revision] = [...model.values()];
        }
        const revision = Math.max(1, Math.round(moment * state.revision));
        if (state.revision === 0) return;
        const numbers = {
          create: "createRevision",
          mod: "modRevision",
          version: "version",
        } as const;
        const rank = (entry: KeyValue): string | number =>
          select.order === "key" || select.order === "value"
            ? entry[select.order]
            : entry[numbers[select.order]];
        const sign = reverse ? -1 : 1;
        const expected = (states[revision] ?? [])
          .filter(({ createRevision: create, modRevision: mod }) => {
            const isOld = create <= (select.createMax || 99) && mod <= (select.modMax || 99);
            return isOld && create >= select.createMin && mod >= select.modMin;
          })
          .sort((a, b) => {
            const [x, y] = [rank(a), rank(b)];
            return sign * (x === y ? (a.key < b.key ? -1 : 1) : x < y ? -1 : 1);
          });
        const request = { ...ALL, reverse, limit, select };
        const { keys } = collect(state, revision, request, select.order);
        expect(keys).toEqual(expected.slice(0, limit).map((entry) => entry.key));
        const counted = { ...ALL, countOnly: true, select: { ...select, order: "key" as const } };
        expect(readPage(state.cells, revision, counted).count).toBe(expected.length);
      },
    ),
    { numRuns: 400 },
  );
});

test("a page in an order of its own is bounded in keys and bytes, however many are wanted", () => {
  const state = new KvState();
  const { put } = writerTo(state);
  for (let i = 0; i < 3000; i++) put(`k${String(i).padStart(5, "0")}`, `${i % 7}`);
  const select = { ...ANY, order: "version" as const };
  const page = readPage(state.cells, state.revision, { ...ALL, limit: 5000, select });
  expect(page.keys.length).toBe(1024);
  expect(page.resume).not.toBeNull();
  const few = readPage(state.cells, state.revision, { ...ALL, limit: 3, select });
  expect(few).toMatchObject({ count: 3, resume: null });
  for (let i = 0; i < 5; i++) put(`l${i}`, "x".repeat(100_000));
  const large = { ...ALL, start: byteStringOfText("l"), limit: 5, select };
  expect(readPage(state.cells, state.revision, large).count).toBe(2);
  expect(readPage(state.cells, state.revision, { ...large, keysOnly: true }).count).toBe(5);
});

test("to compare long values is work that counts: no page compares more than fits into a turn", () => {
  const state = new KvState();
  const { put } = writerTo(state);
  const same = "x".repeat(512 * 1024);
  for (let i = 0; i < 40; i++) put(`k${String(i).padStart(2, "0")}`, `${same}${String(i)}`);
  const select = { ...ANY, order: "value" as const };
  const looked = { cells: 0 };
  const request = { ...ALL, keysOnly: true, limit: 10, select };
  const limits = { keys: 1024, cells: 1000 };
  const page = readPage(state.cells, state.revision, request, looked, limits);
  expect(page.resume).not.toBeNull();
  expect(looked.cells).toBeGreaterThan(1000);
  expect(looked.cells).toBeLessThan(2000);
});
