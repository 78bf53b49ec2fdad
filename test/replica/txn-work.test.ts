/** Clients may have transactions look at only so many keys, however few bytes they ask in. */
import { describe, expect, test } from "vitest";
import { byteStringOfText } from "../../src/base/byte-string.ts";
import { encodeTxn, KvState, type Txn } from "../../src/store/index.ts";
import { TxnWork } from "../../src/replica/txn-work.ts";
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

/** How many are taken one after the other. */
function taken(work: TxnWork, txn: Txn, tick: number): number {
  const body = encodeTxn(txn);
  let count = 0;
  while (count < 10_000 && work.take(body, tick)) count += 1;
  return count;
}

describe("work of transactions", () => {
  test("what ranges look at is taken at once up to a bound, and more as time goes on", () => {
    const state = stateWithKeys();
    const work = new TxnWork(() => state.cells);
    expect(taken(work, counting, 0)).toBe(32);
    expect(taken(work, counting, 0)).toBe(0);
    expect(taken(work, counting, 1)).toBe(2);
    expect(taken(work, counting, 10_000)).toBe(32);
  });

  test("to refuse many is no work: what was looked at counts, whether it was too much or not", () => {
    const state = stateWithKeys();
    let walked = 0;
    const counted = Object.create(state.cells, {
      walk: {
        *value(...args: Parameters<typeof state.cells.walk>) {
          for (const pair of state.cells.walk(...args)) {
            walked += 1;
            yield pair;
          }
        },
      },
    }) as typeof state.cells;
    const work = new TxnWork(() => counted);
    const body = encodeTxn(counting);
    for (let i = 0; i < 4000; i++) work.take(body, 0);
    expect(walked).toBeLessThan(40_000);
  });

  test("comparisons and both branches count, those of nested ones too; a deletion counts for more", () => {
    const state = stateWithKeys();
    const compared: Txn = {
      compare: [{ where: all, is: ">", target: "version", to: 0 }],
      success: [{ op: "txn", txn: counting }],
      failure: [{ op: "delete", where: all, previous: false }],
    };
    expect(taken(new TxnWork(() => state.cells), compared, 0)).toBe(5);
  });

  test("keys that were deleted are looked at for as long as the history has them", () => {
    const state = stateWithKeys();
    const session = open(state, 2);
    for (let i = 1; i <= KEYS; i++) run(state, session, i, { op: "delete", key: `k${i}` }, i);
    expect(taken(new TxnWork(() => state.cells), counting, 0)).toBe(32);
  });

  test("single keys cost nothing of it", () => {
    const state = stateWithKeys();
    const where = { key: byteStringOfText("k1") };
    const single: Txn = {
      ...nothing,
      success: [{ op: "get", where, limit: 0, keysOnly: false, countOnly: false }],
    };
    const work = new TxnWork(() => state.cells);
    taken(work, counting, 0);
    expect(taken(work, single, 0)).toBe(10_000);
  });
});
