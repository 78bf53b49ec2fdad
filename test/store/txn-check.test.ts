/** What a transaction must not do whatever the state is. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeTxn, type ByteString, type TxnOp, type Where } from "../../src/store/index.ts";
import { wrongTxn } from "../../src/store/txn/txn-check.ts";
import { anyTxn } from "./any-txn.ts";

test("what is put and deleted, or put twice, on one path is found as by comparing each with each", () => {
  const isIn = (name: ByteString, where: Where): boolean =>
    "key" in where
      ? where.key === name
      : name >= where.start && (where.end === null || name < where.end);
  interface All {
    readonly puts: readonly ByteString[];
    readonly deletes: readonly Where[];
  }
  const allOf = (op: TxnOp): All => {
    if (op.op === "put") return { puts: [op.key], deletes: [] };
    if (op.op === "delete") return { puts: [], deletes: [op.where] };
    const both = op.op === "txn" ? [...op.txn.success, ...op.txn.failure].map(allOf) : [];
    return { puts: both.flatMap((all) => all.puts), deletes: both.flatMap((all) => all.deletes) };
  };
  const isTwice = (ops: readonly TxnOp[]): boolean =>
    ops.some((op) => op.op === "txn" && (isTwice(op.txn.success) || isTwice(op.txn.failure))) ||
    ops.some((one, i) =>
      ops.some((other, j) => {
        if (i === j) return false;
        const { puts, deletes } = allOf(other);
        return allOf(one).puts.some(
          (name) => puts.includes(name) || deletes.some((where) => isIn(name, where)),
        );
      }),
    );
  let found = 0;
  fc.assert(
    fc.property(anyTxn(), (wanted) => {
      const expected = isTwice(wanted.success) || isTwice(wanted.failure);
      if (expected) found += 1;
      const wrong = wrongTxn(encodeTxn(wanted));
      expect(wrong !== null && wrong.message.includes("would be changed twice")).toBe(expected);
    }),
    { numRuns: 2000 },
  );
  expect(found).toBeGreaterThan(200);
});
