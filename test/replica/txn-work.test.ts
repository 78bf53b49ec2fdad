/** Clients may have transactions look at only so many keys, however few bytes they ask in. */
import { describe, expect, test } from "vitest";
import { byteStringOfText } from "../../src/base/byte-string.ts";
import { encodeTxn, KvState, type Txn } from "../../src/store/index.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { type Asker, TxnWork } from "../../src/replica/writes/txn-work.ts";
import { open, run } from "../store/helpers.ts";

const KEYS = 1000;
const all = { start: byteStringOfText("k"), end: byteStringOfText("l") };
const nothing: Txn = { compare: [], success: [], failure: [] };
const counting: Txn = {
  ...nothing,
  success: [{ op: "get", where: all, limit: 0, keysOnly: false, countOnly: true }],
};

function stateWithKeys(): KvState {
  const state = new KvState();
  const session = open(state, 1);
  for (let i = 1; i <= KEYS; i++) {
    run(state, session, i, { op: "write", key: `k${i}`, value: "v" }, i);
  }
  return state;
}

const askerOf = (id: number): Asker => ({ id, load: new RouteLoad() });

/** How many of one client are taken one after the other. */
function taken(work: TxnWork, txn: Txn, tick: number, asker = askerOf(1)): number {
  const body = encodeTxn(txn);
  let count = 0;
  while (count < 10_000 && work.take(asker, body, tick)) count += 1;
  return count;
}

describe("work of transactions", () => {
  test("what ranges look at is taken at once up to a bound, and more as time goes on", () => {
    const state = stateWithKeys();
    const work = new TxnWork(() => state.cells);
    expect(taken(work, counting, 0)).toBe(16);
    expect(taken(work, counting, 0)).toBe(0);
    expect(taken(work, counting, 7)).toBe(0);
    expect(taken(work, counting, 9)).toBe(16);
    expect(taken(work, counting, 10_000)).toBe(16);
  });

  test("long values that are compared count by their bytes, and short ones or others do not", () => {
    const state = new KvState();
    const session = open(state, 1);
    const long = "v".repeat(36 * 1024);
    for (let i = 1; i <= 100; i++) {
      run(state, session, i, { op: "write", key: `k${i}`, value: long }, i);
    }
    const comparing = (to: string): Txn => ({
      ...nothing,
      compare: [{ where: all, is: "=", target: "value", to: byteStringOfText(to) }],
    });
    const count = (txn: Txn): number => taken(new TxnWork(() => state.cells), txn, 0);
    expect(count(comparing("short"))).toBe(count(counting));
    // 100 keys, and 36 times 100 pieces of values: as much as 3,700 keys.
    expect(count(comparing(long))).toBe(4);
  });

  test("whoever asks for much leaves room for others, however many of them there are", () => {
    const state = stateWithKeys();
    const work = new TxnWork(() => state.cells);
    const counts = [1, 2, 3, 4].map((id) => taken(work, counting, 0, askerOf(id)));
    expect(counts).toEqual([16, 8, 4, 2]);
    // And those who ask for much again and again keep nobody from it as time goes on.
    let modest = 0;
    for (let tick = 1; tick <= 1000; tick++) {
      for (const id of [1, 2, 3]) taken(work, counting, tick, askerOf(id));
      if (tick % 50 === 0 && work.take(askerOf(9), encodeTxn(counting), tick)) modest += 1;
    }
    expect(modest).toBe(20);
  });

  test("a large one is had however often it is asked for in vain", () => {
    const state = stateWithKeys();
    const work = new TxnWork(() => state.cells);
    const large: Txn = {
      ...nothing,
      success: [{ op: "delete", where: all, previous: false }, ...counting.success],
      failure: Array.from({ length: 20 }, () => counting.success).flat(),
    };
    const [large1, other] = [askerOf(1), askerOf(2)];
    expect(taken(work, counting, 0, other)).toBe(16);
    expect(work.take(large1, encodeTxn(large), 0)).toBe(false);
    let tick = 0;
    while (!work.take(large1, encodeTxn(large), tick)) tick += 1;
    expect(tick).toBeLessThan(20);
  });

  test("what is looked at for a client is its work, for which it rests; what is refused as well", () => {
    const state = stateWithKeys();
    const work = new TxnWork(() => state.cells);
    const asker = askerOf(1);
    work.take(asker, encodeTxn(counting), 0);
    expect(asker.load.workBytes).toBe(384 * KEYS);
    taken(work, counting, 0, asker);
    expect(asker.load.workBytes).toBeGreaterThan(384 * 16 * KEYS);
    expect(asker.load.workBytes).toBeLessThan(384 * 17 * KEYS);
  });

  test("a lease is renewed, whatever else its client has asked for", () => {
    const state = stateWithKeys();
    const work = new TxnWork(() => state.cells);
    taken(work, counting, 0);
    expect(work.takeCells(askerOf(1), 8, 0)).toBe(true);
    expect(work.takeCells(askerOf(1), 9, 0)).toBe(false);
  });

  test("to refuse many is no work: what was looked at counts, whether it was too much or not", () => {
    const state = stateWithKeys();
    let walked = 0;
    const { order } = state.cells;
    const visit: typeof order.visit = (start, end, visitor) => {
      order.visit(start, end, (key, cell) => {
        walked += 1;
        return visitor(key, cell);
      });
    };
    const watched = Object.create(order, { visit: { value: visit } }) as typeof order;
    const counted = Object.create(state.cells, { order: { value: watched } }) as typeof state.cells;
    const work = new TxnWork(() => counted);
    const body = encodeTxn(counting);
    for (let i = 0; i < 4000; i++) work.take(askerOf(i % 2), body, 0);
    expect(walked).toBeLessThan(70_000);
  });

  test("comparisons and both branches count, those of nested ones too; a deletion counts for more", () => {
    const state = stateWithKeys();
    const compared: Txn = {
      compare: [{ where: all, is: ">", target: "version", to: 0 }],
      success: [{ op: "txn", txn: counting }],
      failure: [{ op: "delete", where: all, previous: false }],
    };
    expect(taken(new TxnWork(() => state.cells), compared, 0)).toBe(2);
  });

  test("to delete as much as a transaction may is let in, once nobody owes anything", () => {
    const state = stateWithKeys();
    const session = open(state, 2);
    for (let i = 1; i <= 9000; i++) {
      run(state, session, i, { op: "write", key: `ka${i}`, value: "v" }, i);
    }
    const work = new TxnWork(() => state.cells);
    const deleting: Txn = { ...nothing, success: [{ op: "delete", where: all, previous: false }] };
    expect(taken(work, deleting, 0)).toBe(1);
    expect(taken(work, counting, 8, askerOf(2))).toBeGreaterThan(0);
    expect(taken(work, deleting, 100)).toBe(1);
    const tooMuch: Txn = {
      ...nothing,
      success: Array.from({ length: 4 }, () => counting.success).flat(),
    };
    const success = [
      ...tooMuch.success,
      ...deleting.success,
      ...deleting.success,
      ...deleting.success,
    ];
    expect(taken(work, { ...nothing, success: [...success, ...deleting.success] }, 10_000)).toBe(0);
  });

  test("keys that were deleted are no work, although the history still has them", () => {
    const state = stateWithKeys();
    const session = open(state, 2);
    for (let i = 1; i <= KEYS; i++) run(state, session, i, { op: "delete", key: `k${i}` }, i);
    const work = new TxnWork(() => state.cells);
    for (let i = 0; i < 10_000; i++) {
      expect(work.take(askerOf(i), encodeTxn(counting), 0)).toBe(true);
    }
  });

  test("a few single keys cost nothing of it, and very many do", () => {
    const state = stateWithKeys();
    const where = { key: byteStringOfText("k1") };
    const gets = (count: number): Txn["success"] =>
      Array.from({ length: count }, () => {
        return { op: "get", where, limit: 0, keysOnly: false, countOnly: false } as const;
      });
    const work = new TxnWork(() => state.cells);
    taken(work, counting, 0);
    expect(taken(work, { ...nothing, success: gets(16) }, 0)).toBe(10_000);
    const nested: Txn = { ...nothing, success: gets(100) };
    const many: Txn = {
      ...nothing,
      success: Array.from({ length: 7 }, () => ({ op: "txn", txn: nested }) as const),
    };
    // 2 cells for each key but 16, of half of 32,768 at once.
    expect(taken(new TxnWork(() => state.cells), many, 0)).toBe(11);
  });

  test("long values of single keys count where they are copied: into an answer, or a new version", () => {
    const state = new KvState();
    const session = open(state, 1);
    run(state, session, 1, { op: "write", key: "k", value: "v".repeat(512 * 1024) }, 1);
    const at = byteStringOfText("k");
    const where = { key: at };
    const lookings: Txn["success"] = [
      { op: "get", where, limit: 0, keysOnly: true, countOnly: false },
      { op: "delete", where, previous: false },
      { op: "put", key: at, value: byteStringOfText("w"), previous: false },
    ];
    const copying: Txn["success"] = [
      { op: "get", where, limit: 0, keysOnly: false, countOnly: false },
      { op: "delete", where, previous: true },
      { op: "put", key: at, value: null, previous: false },
      { op: "put", key: at, value: byteStringOfText("w"), previous: true },
    ];
    const count = (op: Txn["success"][number]): number =>
      taken(new TxnWork(() => state.cells), { ...nothing, success: [op] }, 0);
    expect(lookings.map(count)).toEqual([10_000, 10_000, 10_000]);
    // 8,192 cells each, and one client has half of what there is at once.
    expect(copying.map(count)).toEqual([2, 2, 2, 2]);
    // What is more than all that clients have at once is had all the same.
    const success = Array.from({ length: 20 }, () => copying).flat();
    const work = new TxnWork(() => state.cells);
    expect(taken(work, { ...nothing, success }, 0)).toBeGreaterThan(0);
    expect(taken(work, { ...nothing, success }, 1000)).toBeGreaterThan(0);
  });

  test("many values of the usual size count as well, each by itself or found in a range", () => {
    const state = new KvState();
    const session = open(state, 1);
    const value = "v".repeat(2000);
    for (let i = 1; i <= 100; i++) run(state, session, i, { op: "write", key: `k${i}`, value }, i);
    const get = { op: "get", limit: 0, keysOnly: false, countOnly: false } as const;
    const single = (i: number) => ({ ...get, where: { key: byteStringOfText(`k${i}`) } });
    const range = { ...get, where: all };
    const count = (...success: Txn["success"]): number =>
      taken(new TxnWork(() => state.cells), { ...nothing, success }, 0);
    // A few are no more work than all that belongs to a transaction: they have a share of their own.
    expect(count(single(1), single(2), single(3), single(4))).toBe(Math.floor((2 << 20) / 8000));
    // 200,000 bytes without 8 KiB: 2,997 cells, and 100 or 168 for the keys. One client has half of 32,768 at once.
    expect(count(range)).toBe(5);
    expect(count(...Array.from({ length: 100 }, (_, i) => single(i + 1)))).toBe(5);
    expect(count(range, range)).toBe(2);
    // Only what is copied: of the first keys, up to the limit; or of none.
    expect(count({ ...range, limit: 4 })).toBe(count({ ...range, keysOnly: true }));
    expect(count({ op: "delete", where: all, previous: true })).toBeLessThan(
      count({ op: "delete", where: all, previous: false }),
    );
  });

  test("what is free in one transaction is not free in thousands of them", () => {
    const state = new KvState();
    const session = open(state, 1);
    const value = "v".repeat(8000);
    run(state, session, 1, { op: "write", key: "k", value }, 1);
    run(state, session, 2, { op: "write", key: "short", value: "v".repeat(500) }, 2);
    const keep = (key: string): Txn => ({
      ...nothing,
      success: [{ op: "put", key: byteStringOfText(key), value: null, previous: false }],
    });
    const work = new TxnWork(() => state.cells);
    const [greedy, other] = [askerOf(1), askerOf(2)];
    expect(taken(work, keep("k"), 0, greedy)).toBeLessThan(300);
    expect(taken(work, keep("k"), 0, greedy)).toBe(0);
    // Others have what is left, and those who copy little are not held up.
    expect(taken(work, keep("k"), 0, other)).toBeGreaterThan(100);
    expect(taken(work, keep("short"), 0, greedy)).toBe(10_000);
    // What it takes is paid by time, at 128 KiB a tick for all.
    expect(taken(work, keep("k"), 100, greedy)).toBeGreaterThan(200);
    let later = 0;
    for (let tick = 101; tick <= 200; tick++) later += taken(work, keep("k"), tick, greedy);
    expect(later * value.length).toBeLessThan(1.1 * 100 * 128 * 1024);
  });

  test("ranges without keys are work as well, beyond a few", () => {
    const state = stateWithKeys();
    const empty = { start: byteStringOfText("x"), end: byteStringOfText("y") };
    const deletions = (count: number): Txn => ({
      ...nothing,
      success: Array.from({ length: count }, () => ({
        op: "delete",
        where: empty,
        previous: false,
      })),
    });
    const count = (txn: Txn): number => taken(new TxnWork(() => state.cells), txn, 0);
    expect(count(deletions(16))).toBe(10_000);
    // Four cells for each of 112.
    expect(count(deletions(128))).toBe(Math.floor(16_384 / 448));
  });
});
