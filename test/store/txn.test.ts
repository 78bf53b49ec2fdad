/** Transactions in the state machine: against a naive model, and one behaviour a test. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/base/errors.ts";
import { TXN_KEYS_MAX, VALUE_BYTES_MAX } from "../../src/base/limits.ts";
import {
  bytesOf,
  decodeResults,
  decodeTxn,
  encodeTxn,
  GroupWriter,
  buildEntry,
  KvState,
  readAt,
  readPage,
  STATUS,
  type ByteString,
  type Compare,
  type Txn,
  type TxnOp,
  type TxnResult,
  type Where,
} from "../../src/store/index.ts";
import { validateGroup } from "../../src/store/entries/group-check.ts";
import { wrongTxn } from "../../src/store/txn/txn-check.ts";
import { answerOf, keptOf } from "../../src/store/sessions/txn-kept.ts";
import { anyTxn, NAMES } from "./any-txn.ts";
import { carryOut, type Content } from "../../src/proof/simulator/txn-model.ts";
import {
  applySetting,
  byteString,
  compact,
  fromSnapshot,
  key,
  open,
  run,
  snapshotBytes,
} from "./helpers.ts";

interface Told {
  readonly status: number;
  readonly revision: number;
  readonly results: readonly TxnResult[] | null;
}

function applyTxn(
  state: KvState,
  session: number,
  sequence: number,
  txn: Txn | Uint8Array,
  floor = 0,
  version?: number,
): Told {
  const writer = new GroupWriter();
  writer.add(sequence, { kind: "txn", txn: txn instanceof Uint8Array ? txn : encodeTxn(txn) });
  const entry = buildEntry({ node: 1, nonce: 7, batch: 1 }, [writer.take(session, floor)], version);
  let told: Told | undefined;
  state.apply(entry, state.appliedIdx, {
    beginGroup: () => {},
    opened: () => {},
    answer: (_session, _sequence, status, revision, actual) => {
      const bytes = byteString(actual);
      const results = bytes === undefined ? null : decodeResults(bytesOf(bytes));
      told = { status, revision, results };
    },
  });
  return told!;
}

function started(): { state: KvState; session: number } {
  const state = new KvState();
  return { state, session: open(state, 1) };
}

const put = (name: string, value: string, previous = false): TxnOp => ({
  op: "put",
  key: key(name),
  value: key(value),
  previous,
});
const keep = (name: string): TxnOp => ({ op: "put", key: key(name), value: null, previous: false });
const remove = (where: Where, previous = false): TxnOp => ({ op: "delete", where, previous });
const get = (where: Where, rest = {}): TxnOp => ({
  ...{ op: "get", where, limit: 0, keysOnly: false, countOnly: false },
  ...rest,
});
const one = (name: string): Where => ({ key: key(name) });
const range = (start: string, end: string | null): Where => ({
  start: key(start),
  end: end === null ? null : key(end),
});
const txn = (
  compare: readonly Compare[],
  success: readonly TxnOp[],
  failure: readonly TxnOp[] = [],
): Txn => ({ compare, success, failure });
const nested = (...parts: Parameters<typeof txn>): TxnOp => ({ op: "txn", txn: txn(...parts) });
const mod = (where: Where, is: Compare["is"], to: number): Compare => ({
  ...{ where, is, target: "modRevision" as const, to },
});

function contentOf(state: KvState): Content {
  return new Map(
    state.readRange({ limit: 1e9 }).map(({ key: name, ...held }) => [name as string, held]),
  );
}

describe("model", () => {
  test("any transactions do what the naive model does, in any order with compaction and snapshots", () => {
    let carriedOut = 0;
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            { weight: 12, arbitrary: anyTxn() },
            { weight: 1, arbitrary: fc.constant("load" as const) },
            { weight: 1, arbitrary: fc.constant("compact" as const) },
          ),
          { maxLength: 12 },
        ),
        (steps) => {
          let { state, session } = started();
          let content: Content = new Map();
          const contents = [content];
          let sequence = 0;
          for (const step of steps) {
            if (step === "load") {
              const loaded = fromSnapshot(snapshotBytes(state.clone()));
              expect(loaded.hash()).toBe(state.hash());
              state = loaded;
            } else if (step === "compact") {
              if (state.revision > 0) compact(state, 1 + Math.floor(state.revision / 2));
            } else {
              const body = encodeTxn(step);
              expect(decodeTxn(body)).toEqual(step);
              if (wrongTxn(body) !== null) continue;
              sequence += 1;
              const told = applyTxn(state, session, sequence, body, sequence);
              const carried = carryOut(content, step, contents.length);
              if (carried === null) {
                expect(told).toMatchObject({ status: ERRORS.TXN_REFUSED.wire, revision: 3 });
                continue;
              }
              carriedOut += 1;
              const changes = [...carried.after].some(([k, v]) => content.get(k) !== v);
              if (changes || carried.after.size !== content.size) contents.push(carried.after);
              content = carried.after;
              expect(told).toEqual({
                status: carried.succeeded ? STATUS.txnThen : STATUS.txnElse,
                revision: contents.length - 1,
                results: asTold(carried.results),
              });
            }
            expect(state.revision).toBe(contents.length - 1);
            expect(contentOf(state)).toEqual(content);
          }
          checkHistory(state, contents);
        },
      ),
      { numRuns: 1500 },
    );
    expect(carriedOut).toBeGreaterThan(2000);
  });

  /** Puts alone, whose previous values nobody wanted, tell nothing. Values that were not wanted are empty. */
  function asTold(results: readonly TxnResult[]): readonly TxnResult[] {
    if (results.every((result) => result.op === "put" && result.previous === null)) return [];
    const bare = (result: TxnResult): TxnResult => {
      if (result.op === "txn") return { ...result, results: result.results.map(bare) };
      if (result.op !== "get" || !result.keysOnly) return result;
      return { ...result, found: result.found.map((found) => ({ ...found, value: key("") })) };
    };
    return results.map(bare);
  }

  function checkHistory(state: KvState, contents: readonly Content[]): void {
    const { cells } = state;
    for (let r = cells.history.oldest; r < contents.length; r++) {
      const all = {
        ...{ start: key(""), end: null, reverse: false, keysOnly: false, countOnly: false },
        ...{ limit: 1e9, revision: r },
      };
      const found = new Map(
        readPage(cells, r, all).keys.map(({ key: name, ...held }) => [name as string, held]),
      );
      expect(found).toEqual(contents[r]);
      for (const name of NAMES.map(key)) {
        const stored = readAt(name, cells.newest(name), r, cells.history, { cells: 0 });
        expect(stored?.value).toBe(contents[r]?.get(name)?.value);
      }
    }
  }
});

describe("form", () => {
  test("whatever the bytes, decoding ends, and what it accepts comes out as it went in", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const decoded = decodeTxn(bytes);
        if (typeof decoded !== "string") expect(encodeTxn(decoded)).toEqual(bytes);
        expect(() => wrongTxn(bytes)).not.toThrow();
        expect(() => decodeResults(bytes)).not.toThrow();
      }),
      { numRuns: 20_000 },
    );
    fc.assert(
      fc.property(anyTxn(), fc.nat(), fc.nat(255), fc.nat(), (any, at, byte, end) => {
        const body = encodeTxn(any);
        body[at % body.length] = byte;
        expect(() => wrongTxn(body)).not.toThrow();
        expect(() => wrongTxn(body.subarray(0, end % body.length))).not.toThrow();
      }),
      { numRuns: 5000 },
    );
  });

  test("a group with a damaged body is refused by the check, an entry with one changes nothing", () => {
    const { state, session } = started();
    const writer = new GroupWriter();
    writer.add(1, { kind: "txn", txn: new Uint8Array([0, 1, 9, 0]) });
    const group = writer.take(session, 0);
    expect(validateGroup(group)).toMatchObject({ code: "BAD_REQUEST" });
    state.apply(buildEntry({ node: 1, nonce: 7, batch: 1 }, [group]), state.appliedIdx);
    expect([state.unreadable.count, state.revision]).toEqual([1, 0]);
  });

  test("a transaction is unknown to entries of version 2", () => {
    const writer = new GroupWriter();
    writer.add(1, { kind: "txn", txn: encodeTxn(txn([], [])) });
    const group = writer.take(9, 0);
    expect(validateGroup(group, 0, "client", 2)).toMatchObject({ code: "BAD_REQUEST" });
    expect(buildEntry({ node: 1, nonce: 7, batch: 1 }, [group])[0]).toBe(8);
  });

  test("lists, nesting and all together are bounded", () => {
    const many = (count: number): TxnOp[] =>
      Array.from({ length: count }, (_, i) => put(`k${i}`, ""));
    expect(wrongTxn(encodeTxn(txn([], many(128))))).toBeNull();
    expect(wrongTxn(encodeTxn(txn([], many(129))))).toMatchObject({ code: "BAD_REQUEST" });
    let deep: TxnOp[] = [put("a", "")];
    for (let depth = 1; depth < 4; depth++) deep = [nested([], deep)];
    expect(wrongTxn(encodeTxn(txn([], deep)))).toBeNull();
    expect(wrongTxn(encodeTxn(txn([], [nested([], deep)])))?.message).toContain("at most 4");
    const gets = Array.from({ length: 100 }, () => get(one("a")));
    const wide = Array.from({ length: 11 }, () => nested([], gets));
    expect(wrongTxn(encodeTxn(txn([], wide)))?.message).toContain("at most 1024 in all");
  });

  test("no key may be changed twice on a path", () => {
    const isTwice = (...ops: TxnOp[]): boolean =>
      wrongTxn(encodeTxn(txn([], ops)))?.message.includes('"a" would be changed twice') === true;
    expect(isTwice(put("a", "1"), put("a", "2"))).toBe(true);
    expect(isTwice(put("a", "1"), remove(one("a")))).toBe(true);
    expect(isTwice(remove(range("", null)), put("a", "1"))).toBe(true);
    expect(isTwice(put("a", "1"), nested([], [], [put("a", "2")]))).toBe(true);
    expect(isTwice(put("a", "1"), nested([], [], [remove(range("a", "b"))]))).toBe(true);
    expect(isTwice(nested([], [put("a", "1")]), nested([], [remove(one("a"))]))).toBe(true);
    expect(isTwice(nested([], [put("a", "1")], [put("a", "2")]))).toBe(false);
    expect(isTwice(nested([], [put("a", "1")], [remove(one("a"))]))).toBe(false);
    expect(isTwice(remove(one("a")), remove(range("", null)))).toBe(false);
    expect(isTwice(put("a", "1"), remove(range("b", null)))).toBe(false);
  });
});

describe("meaning", () => {
  test("all changes have one revision, and a nested one is part of it", () => {
    const { state, session } = started();
    run(state, session, 1, { op: "write", key: "z", value: "" });
    const ops = [put("a", "1"), nested([], [put("b", "2")]), remove(one("z"))];
    expect(applyTxn(state, session, 2, txn([], ops))).toMatchObject({ revision: 2 });
    expect(state.revision).toBe(2);
    for (const name of ["a", "b"]) expect(state.read(key(name))?.modRevision).toBe(2);
    expect(state.cells.newest(key("z"))).toMatchObject({ version: 0, modRevision: 2 });
  });

  test("what changes nothing has no revision", () => {
    const { state, session } = started();
    const ops = [remove(one("a")), get(range("", null))];
    expect(applyTxn(state, session, 1, txn([], ops))).toMatchObject({ revision: 0 });
    expect(state.revision).toBe(0);
  });

  test("comparisons, those of nested ones too, see nothing of the transaction's own writes", () => {
    const { state, session } = started();
    const inner = nested([mod(one("a"), "=", 0)], [put("b", "then")], [put("b", "else")]);
    applyTxn(state, session, 1, txn([], [put("a", "1"), inner]));
    expect(state.read(key("b"))?.value).toBe("then");
  });

  test("of an empty range numbers are 0 and the value stands in no relation", () => {
    const { state, session } = started();
    const none = range("x", "y");
    const value = (is: Compare["is"]): Compare => ({
      where: none,
      is,
      target: "value",
      to: key(""),
    });
    const holds = (compare: Compare, sequence: number): boolean =>
      applyTxn(state, session, sequence, txn([compare], [])).status === STATUS.txnThen;
    expect(holds(mod(none, "=", 0), 1)).toBe(true);
    expect(holds(mod(none, "<", 1), 2)).toBe(true);
    expect(holds(mod(none, ">", 0), 3)).toBe(false);
    expect((["=", "!=", "<", ">"] as const).map((is, i) => holds(value(is), 4 + i))).toEqual(
      Array.from({ length: 4 }, () => false),
    );
  });

  test("what keeps the value of a key that is not there has no effect at all, now and when it is repeated", () => {
    const { state, session } = started();
    const wanted = txn([], [put("a", "1"), keep("b")]);
    const refused = { status: ERRORS.TXN_REFUSED.wire, revision: 3, results: null };
    expect(applyTxn(state, session, 1, wanted)).toEqual(refused);
    expect([state.size, state.revision]).toEqual([0, 0]);
    run(state, session, 2, { op: "write", key: "b", value: "2" });
    expect(applyTxn(state, session, 1, wanted)).toEqual(refused);
    expect(state.size).toBe(1);
  });

  test("the quota is for the whole of it: all or NO_SPACE", () => {
    const { state, session } = started();
    applySetting(state, { kind: "setQuota", quotaBytes: 1024 * 1024 });
    const large = "v".repeat(600 * 1024);
    applyTxn(state, session, 1, txn([], [put("old", large)]));
    const both = txn([], [put("a", "1"), put("b", large)]);
    expect(applyTxn(state, session, 2, both).status).toBe(ERRORS.NO_SPACE.wire);
    expect([state.size, state.revision]).toEqual([1, 1]);
    // In any order: what goes makes room for what comes.
    const swapped = txn([], [put("b", large), remove(one("old"))]);
    expect(applyTxn(state, session, 3, swapped)).toMatchObject({ revision: 2 });
    expect(applyTxn(state, session, 2, both).status).toBe(ERRORS.NO_SPACE.wire);
  });

  test("more keys than may be looked at, or more found than a result holds, are refused as a whole", () => {
    const { state, session } = started();
    let sequence = 0;
    const fill = (count: number): void => {
      for (let i = 0; i < count; i += 100) {
        const ops = Array.from({ length: 100 }, (_, j) => put(`k${i + j}`, "v".repeat(120)));
        sequence += 1;
        applyTxn(state, session, sequence, txn([], ops), sequence);
      }
    };
    fill(TXN_KEYS_MAX);
    const count = get(range("", null), { countOnly: true });
    sequence += 1;
    expect(applyTxn(state, session, sequence, txn([], [count]), sequence).results).toMatchObject([
      { count: TXN_KEYS_MAX },
    ]);
    const before = state.hash().slice(0, 8);
    sequence += 1;
    const tooMany = applyTxn(state, session, sequence, txn([], [put("a", ""), count]), sequence);
    expect(tooMany).toMatchObject({ status: ERRORS.TXN_REFUSED.wire, revision: 1 });
    sequence += 1;
    const all = txn([], [put("a", ""), get(range("k", null))]);
    expect(applyTxn(state, session, sequence, all, sequence)).toMatchObject({ revision: 1 });
    sequence += 1;
    const much = txn([], [put("a", ""), get(range("k", null), { limit: 9000 })]);
    expect(applyTxn(state, session, sequence, much, sequence)).toMatchObject({ revision: 2 });
    expect(state.hash().slice(0, 8)).toBe(before);
    sequence += 1;
    const gone = applyTxn(state, session, sequence, txn([], [remove(range("k", null))]), sequence);
    expect(gone.results).toMatchObject([{ count: TXN_KEYS_MAX }]);
    expect(state.size).toBe(0);
    // The history lets go of them again, and of their cells.
    compact(state, state.revision);
    while (state.releaseHistory(1000));
    expect([...state.cells.order.walkAll(key(""), null, false)]).toEqual([]);
    expect(state.cells.history.bytes).toBe(0);
  });
});

describe("exactly once", () => {
  test("a repeated transaction gets its first answer and has no effect, before and after a snapshot", () => {
    const { state, session } = started();
    const first = txn([], [put("a", "1"), put("b", "2")]);
    const second = txn([mod(one("a"), "=", 9)], [], [put("a", "3", true), get(range("", null))]);
    const told = [applyTxn(state, session, 1, first), applyTxn(state, session, 2, second)];
    expect(told.map(({ status }) => status)).toEqual([STATUS.txnThen, STATUS.txnElse]);
    for (const other of [state, fromSnapshot(snapshotBytes(state.clone()))]) {
      expect(applyTxn(other, session, 1, first)).toEqual(told[0]);
      expect(applyTxn(other, session, 2, second)).toEqual(told[1]);
      expect(other.revision).toBe(2);
    }
  });

  test("of a transaction that only reads nothing is kept: repeated, it reads again", () => {
    const { state, session } = started();
    run(state, session, 1, { op: "write", key: "a", value: "v".repeat(2000) });
    const kept = state.keptBytes;
    const inner = nested([], [get(one("a"))]);
    const read = txn([mod(one("a"), "=", 1)], [get(one("a")), inner], [inner]);
    const told = applyTxn(state, session, 2, read);
    expect(told).toMatchObject({ status: STATUS.txnThen, results: [{ count: 1 }, {}] });
    expect(state.keptBytes).toBe(kept);
    run(state, session, 3, { op: "write", key: "a", value: "w" });
    expect(applyTxn(state, session, 2, read)).toMatchObject({ status: STATUS.txnElse });
    // One that may change something, on a path not taken, is remembered as it came out.
    const maybe = txn([mod(one("a"), "=", 1)], [put("b", "")], [get(one("a"))]);
    const remembered = applyTxn(state, session, 4, maybe);
    run(state, session, 5, { op: "delete", key: "a" });
    expect(applyTxn(state, session, 4, maybe)).toEqual(remembered);
    const gone = applyTxn(state, session, 6, txn([], [nested([], [remove(one("b"))])]));
    run(state, session, 7, { op: "write", key: "b", value: "2" });
    expect(applyTxn(state, session, 6, txn([], [nested([], [remove(one("b"))])]))).toEqual(gone);
    expect(state.read(key("b"))).toBeDefined();
  });

  test("in entries before version 8 the answer to a transaction that only reads is kept", () => {
    const { state, session } = started();
    run(state, session, 1, { op: "write", key: "a", value: "v" });
    const read = txn([], [get(one("a"))]);
    const told = applyTxn(state, session, 2, read, 0, 6);
    run(state, session, 3, { op: "delete", key: "a" });
    expect(applyTxn(state, session, 2, read, 0, 6)).toEqual(told);
    expect(applyTxn(state, session, 2, read)).toEqual(told);
  });

  test("results for which a session has no room are told once, and that they are not kept", () => {
    const { state, session } = started();
    run(state, session, 1, { op: "write", key: "a", value: "v".repeat(700 * 1024) });
    const read = txn([], [get(one("a")), put("b", "")]);
    const otherwise = txn([mod(one("a"), "=", 9)], [], [get(one("a")), put("b", "")]);
    for (const [sequence, wanted] of [[2, read] as const, [3, otherwise] as const]) {
      const told = applyTxn(state, session, sequence, wanted);
      expect(told.results).toMatchObject([{ count: 1 }, {}]);
      const again = applyTxn(state, session, sequence, wanted);
      expect(again.results === null).toBe(sequence === 3);
      expect(again.status).toBe(told.status);
    }
    const loaded = fromSnapshot(snapshotBytes(state.clone()));
    expect(applyTxn(loaded, session, 3, otherwise)).toMatchObject({
      status: STATUS.txnElse,
      results: null,
    });
    expect(loaded.keptBytes).toBe(state.keptBytes);
  });

  test("the number of a transaction with another body is refused", () => {
    const { state, session } = started();
    applyTxn(state, session, 1, txn([], [put("a", "1")]));
    const other = applyTxn(state, session, 1, txn([], [put("a", "2")]));
    expect(other.status).toBe(ERRORS.BAD_REQUEST.wire);
  });

  test("every answer that is kept comes out as it went in", () => {
    const results = [undefined, bytesOf("" as ByteString), bytesOf("x" as ByteString)];
    for (const status of [STATUS.txnThen, STATUS.txnElse]) {
      for (const each of results) {
        const kept = keptOf({ status, results: each });
        expect(answerOf(kept)).toEqual({ status, results: each });
      }
    }
    for (const code of ["NO_SPACE", "TXN_REFUSED"] as const) {
      const answer = { status: ERRORS[code].wire, results: undefined };
      expect(answerOf(keptOf(answer))).toEqual(answer);
    }
  });

  test("a clone keeps the history of keys that were changed together", () => {
    const { state, session } = started();
    applyTxn(state, session, 1, txn([], [put("a", "1"), put("b", "1"), put("c", "1")]));
    applyTxn(state, session, 2, txn([], [put("a", "2"), remove(one("b")), put("c", "2")]));
    const clone = state.clone();
    compact(state, 2);
    while (state.releaseHistory(1000));
    const loaded = fromSnapshot(snapshotBytes(clone));
    const at = (name: string, revision: number): string | undefined => {
      const { cells } = loaded;
      const k = key(name);
      return readAt(k, cells.newest(k), revision, cells.history, { cells: 0 })?.value;
    };
    expect(["a", "b", "c"].map((name) => at(name, 1))).toEqual(["1", "1", "1"]);
    expect(["a", "b", "c"].map((name) => at(name, 2))).toEqual(["2", undefined, "2"]);
  });
});

test("a value at the limit fits, one above is refused", () => {
  const at = (length: number): Uint8Array =>
    encodeTxn(txn([], [{ ...put("a", ""), value: "v".repeat(length) as ByteString } as TxnOp]));
  expect(wrongTxn(at(VALUE_BYTES_MAX))).toBeNull();
  expect(wrongTxn(at(VALUE_BYTES_MAX + 1))).toMatchObject({ code: "BAD_REQUEST" });
});
