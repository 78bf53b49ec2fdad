/** Transactions of every form, on a few keys. */
import fc from "fast-check";
import type { Compare, Txn, TxnOp, Where } from "../../src/store/index.ts";
import { key } from "./helpers.ts";

export const NAMES = ["a", "aa", "ab", "b", "ba", "c"];
export const anyKey = fc.constantFrom(...NAMES).map(key);
const anyBound = fc.constantFrom("", ...NAMES, "bb").map(key);
export const anyWhere: fc.Arbitrary<Where> = fc.oneof(
  fc.record({ key: anyKey }),
  fc.record({ start: anyBound, end: fc.option(anyBound, { nil: null }) }),
);
export const anyValue = fc.string({ maxLength: 2 }).map(key);
const anyCompare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record({
    where: anyWhere,
    is: fc.constantFrom("=", "!=", "<", ">" as const),
    target: fc.constant("value" as const),
    to: anyValue,
  }),
  fc.record({
    where: anyWhere,
    is: fc.constantFrom("=", "!=", "<", ">" as const),
    target: fc.constantFrom("version", "createRevision", "modRevision", "count" as const),
    to: fc.nat(9),
  }),
);
const anyOp = (depth: number): fc.Arbitrary<TxnOp> =>
  fc.oneof(
    fc.record({
      op: fc.constant("put" as const),
      key: anyKey,
      value: fc.oneof(
        { weight: 6, arbitrary: anyValue },
        { weight: 1, arbitrary: fc.constant(null) },
      ),
      previous: fc.boolean(),
    }),
    fc.record({ op: fc.constant("delete" as const), where: anyWhere, previous: fc.boolean() }),
    fc.record({
      op: fc.constant("get" as const),
      where: anyWhere,
      limit: fc.nat(3),
      keysOnly: fc.boolean(),
      countOnly: fc.boolean(),
    }),
    ...(depth > 3 ? [] : [fc.record({ op: fc.constant("txn" as const), txn: anyTxn(depth + 1) })]),
  );
export const anyTxn = (depth = 1): fc.Arbitrary<Txn> =>
  fc.record({
    compare: fc.array(anyCompare, { maxLength: 2 }),
    success: fc.array(anyOp(depth), { maxLength: 4 }),
    failure: fc.array(anyOp(depth), { maxLength: 4 }),
  });
