/** The rules that a transaction must meet in any state: a node checks them before it proposes one, and each receiver does so again. */
import { type ByteString, KvError, unreachable } from "../../base/index.ts";
import { decodeTxn } from "./txn-format.ts";
import type { Txn, TxnOp, Where } from "./txn.ts";

/**
 * What is wrong with the body of a transaction: its form, its limits, or that a key may change twice. Null: nothing.
 * @param mayHaveLeases it is that of a leasedTxn
 */
export function wrongTxn(body: Uint8Array, mayHaveLeases = false): KvError | null {
  const txn = decodeTxn(body, mayHaveLeases);
  if (typeof txn === "string") return new KvError("BAD_REQUEST", `transaction: ${txn}`);
  const twice = keyChangedTwice(txn);
  if (twice === null) return null;
  const shown = Buffer.from(twice, "latin1").toString("utf8").slice(0, 60);
  return new KvError("BAD_REQUEST", `transaction: the key "${shown}" would be changed twice`);
}

/**
 * Whether it can make the state grow. One that only reads cannot, nor one that only deletes; one that deletes and finds values
 * can, as the client's session keeps them with the answer.
 */
export function canGrow(body: Uint8Array): boolean {
  const txn = decodeTxn(body);
  if (typeof txn === "string") return false;
  return hasOp(txn, isPut) || (hasOp(txn, isDelete) && hasOp(txn, findsValues));
}

/** Whether it has an operation, on any path, that may change a key. */
export function mayChange(txn: Txn): boolean {
  return hasOp(txn, isPut) || hasOp(txn, isDelete);
}

type PlainOp = Exclude<TxnOp, { readonly op: "txn" }>;

function hasOp(txn: Txn, is: (op: PlainOp) => boolean): boolean {
  const has = (op: TxnOp): boolean => (op.op === "txn" ? hasOp(op.txn, is) : is(op));
  return txn.success.some(has) || txn.failure.some(has);
}

const isPut = ({ op }: PlainOp): boolean => op === "put";
const isDelete = ({ op }: PlainOp): boolean => op === "delete";

function findsValues(op: PlainOp): boolean {
  return op.op === "get" ? !op.countOnly : op.previous;
}

/** Whether programs that know no leases could not read it: then it is a leasedTxn. */
export function hasLeases(txn: Txn): boolean {
  const inOp = (op: TxnOp): boolean =>
    (op.op === "put" && op.lease !== undefined && op.lease !== 0) ||
    (op.op === "txn" && hasLeases(op.txn));
  return (
    txn.compare.some(({ target }) => target === "lease") ||
    txn.success.some(inOp) ||
    txn.failure.some(inOp)
  );
}

/** What is changed on some path. */
interface Changes {
  readonly puts: ReadonlySet<ByteString>;
  readonly deletes: readonly Where[];
}

/** A key that is put twice on one path, or put and deleted. To be deleted twice does no harm. */
function keyChangedTwice(txn: Txn): ByteString | null {
  for (const ops of [txn.success, txn.failure]) {
    const changes = changesOf(ops);
    if (typeof changes === "string") return changes;
  }
  return null;
}

function changesOf(ops: readonly TxnOp[]): Changes | ByteString {
  const puts = new Set<ByteString>();
  const deletes: Where[] = [];
  const each: Changes[] = [];
  for (const op of ops) {
    const own = changesOfOne(op);
    if (typeof own === "string") return own;
    each.push(own);
    for (const key of own.puts) {
      if (puts.has(key)) return key;
      puts.add(key);
    }
    deletes.push(...own.deletes);
  }
  if (deletes.length === 0) return { puts, deletes };
  // A nested transaction takes one list only: it may put a key in one list and delete it in the other.
  for (const own of each) {
    for (const key of own.puts) {
      const isDeleted = each.some(
        (other) => other !== own && other.deletes.some((where) => isIn(key, where)),
      );
      if (isDeleted) return key;
    }
  }
  return { puts, deletes };
}

function changesOfOne(op: TxnOp): Changes | ByteString {
  switch (op.op) {
    case "put":
      return { puts: new Set([op.key]), deletes: [] };
    case "delete":
      return { puts: new Set(), deletes: [op.where] };
    case "get":
      return { puts: new Set(), deletes: [] };
    case "txn": {
      const then = changesOf(op.txn.success);
      if (typeof then === "string") return then;
      const other = changesOf(op.txn.failure);
      if (typeof other === "string") return other;
      return {
        puts: new Set([...then.puts, ...other.puts]),
        deletes: [...then.deletes, ...other.deletes],
      };
    }
    default:
      return unreachable(op, "operation of a transaction");
  }
}

export function isIn(key: ByteString, where: Where): boolean {
  if ("key" in where) return key === where.key;
  return key >= where.start && (where.end === null || key < where.end);
}
