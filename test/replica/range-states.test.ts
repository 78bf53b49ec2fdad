/** What is kept for later pages of a range, for how long, and what whoever comes too late is told. */
import { expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import {
  buildEntry,
  GroupWriter,
  KvState,
  type ByteString,
  type RangePage,
  type RangeRequest,
} from "../../src/kv/index.ts";
import { RangeStates } from "../../src/replica/range-states.ts";

const TIMES = { idleTicks: 10, keptTicks: 30, freezeTicks: 5, pageKeys: 1024 };

function world(keys = 3000) {
  const state = new KvState();
  const writer = new GroupWriter();
  let session = 0;
  let sequence = 0;
  let isShort = false;
  const apply = (id: number): void => {
    const origin = { node: 1, nonce: 1, batch: state.appliedIdx + 1 };
    state.apply(buildEntry(origin, [writer.take(id, sequence)]), state.appliedIdx, {
      beginGroup: () => {},
      answer: () => {},
      opened: (_, __, opened) => (session = opened),
    });
  };
  writer.add(0, { kind: "openSession", nonce: new Uint8Array(16).fill(1) });
  apply(0);
  const put = (key: string, value: string): void => {
    writer.add(++sequence, {
      kind: "write",
      key: new TextEncoder().encode(key),
      value: new TextEncoder().encode(value),
    });
    apply(session);
  };
  for (let i = 0; i < keys; i++) put(`k${String(i).padStart(5, "0")}`, "first");
  const states = new RangeStates(
    () => state,
    () => isShort,
    TIMES,
  );
  const ask = (request: Partial<RangeRequest>): RangePage | KvError =>
    states.page({
      ...{ start: "" as ByteString, end: null, reverse: false, keysOnly: false, countOnly: false },
      ...{ limit: 1_000_000, revision: 0 },
      ...request,
    });
  const page = (request: Partial<RangeRequest>): RangePage => {
    const answer = ask(request);
    if (answer instanceof KvError) throw answer;
    return answer;
  };
  return {
    ...{ state, states, put, ask, page },
    ticks: (n: number) => {
      for (let i = 0; i < n; i++) states.tick();
    },
    beShort: () => (isShort = true),
  };
}

test("pages of one range are one state, whatever is written between them", () => {
  const { page, put } = world();
  const first = page({});
  expect(first.keys.length).toBe(1024);
  put("k02000", "second");
  put("a", "before all");
  const second = page({ revision: first.revision, start: first.resume! });
  expect(second.revision).toBe(first.revision);
  expect(second.keys.map(({ value }) => value)).toEqual(Array(1024).fill("first"));
  const third = page({ revision: first.revision, start: second.resume! });
  expect(third.resume).toBeNull();
  expect(first.count + second.count + third.count).toBe(3000);
  expect(page({ limit: 1 }).keys[0]!.value).toBe("before all");
});

test("nothing is kept for a range that ends with its first page, or its limit", () => {
  const { page, states } = world();
  page({ limit: 1024 });
  page({ start: "k02999" as ByteString });
  expect(states.kept).toBe(0);
  page({ limit: 1025 });
  expect(states.kept).toBe(1);
});

test("a state that nobody asked for is let go, and one that is asked for too; then it is COMPACTED", () => {
  const { page, ask, put, ticks, states } = world();
  const { revision, resume } = page({});
  put("z", "z");
  const later = { revision, start: resume! };
  ticks(TIMES.idleTicks);
  expect(page(later).revision).toBe(revision);
  ticks(TIMES.idleTicks);
  expect(page(later).revision).toBe(revision);
  ticks(TIMES.idleTicks);
  page(later);
  ticks(1);
  expect(states.kept).toBe(0);
  expect(ask(later)).toMatchObject({ code: "COMPACTED" });
  expect(ask({ revision: revision + 100 })).toMatchObject({ code: "COMPACTED" });
});

test("a state goes with the last page of the last range that is read from it", () => {
  const { page, put, states } = world();
  const first = page({});
  page({ reverse: true });
  put("z", "z");
  expect(states.kept).toBe(1);
  const { revision } = first;
  const second = page({ revision, start: first.resume! });
  page({ revision, start: second.resume! });
  expect(states.kept).toBe(1);
  page({ revision, start: first.resume!, limit: 5 });
  expect(states.kept).toBe(0);
});

test("one asker has a part of the places; who leaves its ranges makes way for others, and for itself", () => {
  const { page, ask, put, ticks, states } = world();
  const begin = (asker: number, i: number): RangePage | KvError => {
    put("z", `${asker} ${i}`);
    states.asker = asker;
    return ask({});
  };
  for (let i = 0; i < 4; i++) expect(begin(1, i)).toMatchObject({ count: 1024 });
  expect(begin(1, 4)).toMatchObject({ code: "OVERLOADED" });
  expect(page({ limit: 10 }).count).toBe(10);
  expect(begin(2, 0)).toMatchObject({ count: 1024 });
  ticks(TIMES.freezeTicks);
  expect(begin(1, 5)).toMatchObject({ count: 1024 });
  expect(states.kept).toBe(5);
});

test("many who leave their ranges keep nobody from beginning one for long", () => {
  const { page, ask, put, ticks, states } = world();
  for (let asker = 1; asker <= 16; asker++) {
    put("z", `${asker}`);
    states.asker = asker;
    page({});
    if (asker % 8 === 0) ticks(TIMES.freezeTicks);
  }
  expect(states.kept).toBe(16);
  put("z", "more");
  states.asker = 17;
  expect(ask({})).toMatchObject({ count: 1024 });
  expect(states.kept).toBe(16);
});

test("keys are frozen only so often", () => {
  const { ask, put, ticks, states } = world();
  const begin = (asker: number): RangePage | KvError => {
    put("z", `${asker}`);
    states.asker = asker;
    return ask({});
  };
  for (let asker = 1; asker <= 8; asker++) expect(begin(asker)).toMatchObject({ count: 1024 });
  expect(begin(9)).toMatchObject({ code: "OVERLOADED" });
  ticks(TIMES.freezeTicks);
  expect(begin(9)).toMatchObject({ count: 1024 });
});

test("a node that is short of memory keeps none", () => {
  const { page, ask, put, beShort, ticks, states } = world();
  const { revision, resume } = page({});
  put("z", "z");
  beShort();
  ticks(1);
  expect(states.kept).toBe(0);
  expect(ask({ revision, start: resume! })).toMatchObject({ code: "COMPACTED" });
  expect(ask({})).toMatchObject({ code: "OVERLOADED" });
});
