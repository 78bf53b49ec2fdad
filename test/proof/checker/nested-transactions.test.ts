/** Transactions within others, comparisons on ranges, and histories that share the store with others. */
import { describe, expect, test } from "vitest";
import {
  checkStore,
  type FoundKey,
  type OpResult,
  type StoreOp,
  type StoreOperation,
  type StoreTxn,
  type TxnAnswer,
} from "../../../src/proof/checker/index.ts";

const NONE: OpResult = { found: [], count: null, deleted: 0 };
const put = (key: string, value: string): StoreOp => ({ kind: "put", key, value, lease: "" });
const SET = { start: "s/", end: "s0" };

function told(txn: Partial<StoreTxn>, revision: number, answer: TxnAnswer): StoreOperation {
  const request = { kind: "txn", conditions: [], success: [], failure: [], ...txn } as const;
  return { process: "0", request, outcome: "ok", revision, answer, call: 0, end: 0, source: "" };
}

function lost(txn: Partial<StoreTxn>): StoreOperation {
  const operation = told(txn, 0, { succeeded: true, results: [] });
  return { ...operation, outcome: "unknown", revision: null, answer: null, end: Infinity };
}

const puts = (revision: number, ...ops: StoreOp[]): StoreOperation =>
  told({ success: ops }, revision, { succeeded: true, results: [] });

function reads(revision: number, found: readonly FoundKey[]): StoreOperation {
  const range: StoreOp = { kind: "range", range: SET, limit: 0 };
  const results = [{ ...NONE, found, count: found.length }];
  return told({ success: [range] }, revision, { succeeded: true, results });
}

const found = (key: string, value: string, modRevision: number): FoundKey => ({
  key,
  value,
  modRevision,
  version: null,
});

/** One after the other. */
function verdict(asked: readonly StoreOperation[], isShared = true): string {
  const operations = asked.map((each, i) => ({ ...each, call: i, end: each.end + i + 0.5 }));
  const { anomalies } = checkStore({ operations, watches: [], isWhole: true, isShared });
  return anomalies[0]?.text ?? "ok";
}

/** A new member, if there is one member, changed before revision 3; else another one. */
function nested(isThen: boolean, innerRevision: number): StoreOperation {
  const inner: StoreOp = {
    kind: "txn",
    conditions: [
      { range: SET, target: "count", is: "=", expected: 1 },
      { range: SET, target: "modRevision", is: "<", expected: 3 },
    ],
    success: [put("s/then", "1")],
    failure: [put("s/else", "1")],
  };
  const result = { ...NONE, inner: { succeeded: isThen, results: [NONE] } };
  const ops = [put("s/b", "1"), inner];
  return told({ success: ops }, innerRevision, { succeeded: true, results: [NONE, result] });
}

describe("a transaction within another", () => {
  test("is decided on the state before the outermost", () => {
    const before = puts(2, put("s/a", "1"));
    const [a, b] = [found("s/a", "1", 2), found("s/b", "1", 3)];
    const then = reads(3, [a, b, found("s/then", "1", 3)]);
    expect(verdict([before, nested(true, 3), then])).toBe("ok");
    expect(verdict([before, nested(false, 3)])).toMatch(/its conditions hold/);
    expect(verdict([before, nested(true, 3), reads(3, [a, b, found("s/else", "1", 3)])])).toMatch(
      /"s\/else" is not there/,
    );
  });

  test("and the halves of one are not mixed up when a member is newer, or there are two", () => {
    const older = puts(2, put("s/a", "1"));
    const newer = puts(3, put("s/a", "2"));
    expect(verdict([older, newer, nested(false, 4)])).toBe("ok");
    expect(verdict([older, newer, nested(true, 4)])).toMatch(/do not hold/);
    const two = puts(2, put("s/a", "1"), put("s/c", "1"));
    expect(verdict([two, nested(true, 3)])).toMatch(/do not hold/);
  });
});

describe("a store that is shared", () => {
  test("others take revisions, with keys of their own", () => {
    const operations = [puts(2, put("s/a", "1")), puts(7, put("s/b", "1"))];
    expect(verdict(operations)).toBe("ok");
    expect(verdict(operations, false)).toMatch(/nobody took revision 3/);
  });

  test("what left a trace was done by somebody whose answer was lost, or is wrong", () => {
    const seen = reads(9, [found("s/a", "1", 2), found("s/c", "1", 5)]);
    expect(verdict([puts(2, put("s/a", "1")), seen])).toMatch(/nobody took revision 5/);
    expect(verdict([puts(2, put("s/a", "1")), lost({ success: [put("s/c", "1")] }), seen])).toBe(
      "ok",
    );
  });

  test("a member that goes without a trace is missed when nobody can have taken it away", () => {
    const operations = [puts(2, put("s/a", "1")), puts(7, put("s/b", "1"))];
    expect(verdict([...operations, reads(9, [found("s/b", "1", 7)])])).toMatch(/"s\/a" is missing/);
    const taken = lost({ success: [{ kind: "delete", key: "s/a" }] });
    expect(verdict([taken, ...operations, reads(9, [found("s/b", "1", 7)])])).toBe("ok");
  });

  test("keys that were only counted", () => {
    const count = (count: number): StoreOperation => {
      const range: StoreOp = { kind: "range", range: SET, limit: 0 };
      const results = [{ ...NONE, count, isCountOnly: true }];
      return told({ success: [range] }, 2, { succeeded: true, results });
    };
    expect(verdict([puts(2, put("s/a", "1")), count(1)])).toBe("ok");
    expect(verdict([puts(2, put("s/a", "1")), count(2)])).toMatch(/counted 2 keys, there are 1/);
  });
});

test("something was put behind what is there: the key is another, its value not known", () => {
  const change: StoreOp = { kind: "change", key: "s/a" };
  const operations = [puts(2, put("s/a", "1")), puts(3, change)];
  expect(verdict([...operations, reads(3, [found("s/a", "1+2", 3)])])).toBe("ok");
  const again = puts(4, put("s/a", "3"));
  expect(verdict([...operations, again, reads(4, [found("s/a", "1+2", 3)])])).toMatch(
    /"s\/a" is 3/,
  );
});

describe("an answer that was lost", () => {
  test("may be the one to the first change of all, whichever revision that takes", () => {
    const operations = [lost({ success: [put("s/a", "1")] }), reads(1, [found("s/a", "1", 1)])];
    const history = { operations, watches: [], isWhole: true, isShared: true };
    expect(checkStore({ ...history, emptyRevision: 0 }).verdict).toBe("ok");
    expect(checkStore(history).verdict).toBe("violation");
  });
});
