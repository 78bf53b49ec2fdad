/** The rules that a transaction must meet in any state: a node checks them before it proposes one, and each receiver does so again. */
import { type ByteString, firstFrom, KvError } from "../../base/index.ts";
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

/** Deletions in a transaction whose answer is next to nothing. */
const FEW_DELETIONS = 16;

/**
 * Whether it can make the state grow. One that only reads cannot, nor one of a few deletions; one that deletes and finds something
 * can, as the client's session keeps that with the answer.
 */
export function canGrow(body: Uint8Array): boolean {
  const txn = decodeTxn(body);
  if (typeof txn === "string") return false;
  if (hasOp(txn, isPut)) return true;
  return hasOp(txn, isDelete) && (hasOp(txn, findsSomething) || opsIn(txn) > FEW_DELETIONS);
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

function findsSomething(op: PlainOp): boolean {
  return op.op === "get" || op.previous;
}

function opsIn({ success, failure }: Txn): number {
  return [...success, ...failure].reduce(
    (sum, op) => sum + (op.op === "txn" ? opsIn(op.txn) : 1),
    0,
  );
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
  readonly puts: Iterable<ByteString>;
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

/** In time that grows with the number of operations, and its logarithm: clients may send hundreds of such in a frame. */
function changesOf(ops: readonly TxnOp[]): Changes | ByteString {
  /** The position of the operation that puts a key: one at most does. */
  const puts = new Map<ByteString, number>();
  const deletes: Where[] = [];
  const deletedBy: number[] = [];
  for (const [position, op] of ops.entries()) {
    if (op.op === "put") {
      if (puts.has(op.key)) return op.key;
      puts.set(op.key, position);
    } else if (op.op === "delete") {
      deletes.push(op.where);
      deletedBy.push(position);
    }
    if (op.op !== "txn") continue;
    const own = changesOfEither(op.txn);
    if (typeof own === "string") return own;
    for (const key of own.puts) {
      if (puts.has(key)) return key;
      puts.set(key, position);
    }
    for (const where of own.deletes) {
      deletes.push(where);
      deletedBy.push(position);
    }
  }
  if (deletes.length > 0 && puts.size > 0) {
    const both = putAndDeleted(puts, deletes, deletedBy);
    if (both !== null) return both;
  }
  return { puts: puts.keys(), deletes };
}

/**
 * A nested transaction takes one list only: it may put a key in one list and delete it in the other.
 * @returns a key that one operation puts and another one deletes
 */
function putAndDeleted(
  puts: ReadonlyMap<ByteString, number>,
  deletes: readonly Where[],
  deletedBy: readonly number[],
): ByteString | null {
  let order: PutOrder | null = null;
  for (const [i, where] of deletes.entries()) {
    const position = deletedBy[i] ?? -1;
    if ("key" in where) {
      const by = puts.get(where.key);
      if (by !== undefined && by !== position) return where.key;
      continue;
    }
    order ??= new PutOrder(puts);
    const found = order.findOfOther(where, position);
    if (found !== null) return found;
  }
  return null;
}

/** The keys that are put, in order. */
class PutOrder {
  readonly #puts: ReadonlyMap<ByteString, number>;
  readonly #keys: readonly ByteString[];
  /** By place: the next one whose key another operation puts. */
  readonly #nextOfOther: readonly number[];

  constructor(puts: ReadonlyMap<ByteString, number>) {
    this.#puts = puts;
    const keys = [...puts.keys()].toSorted();
    const next: number[] = [];
    for (let at = keys.length - 1, of = keys.length; at >= 0; at--) {
      if (at + 1 < keys.length && this.#by(keys[at]) !== this.#by(keys[at + 1])) of = at + 1;
      next[at] = of;
    }
    this.#keys = keys;
    this.#nextOfOther = next;
  }

  /** @returns a key in the range that another operation than this one puts */
  findOfOther(
    range: Extract<Where, { readonly start: unknown }>,
    position: number,
  ): ByteString | null {
    const first = firstFrom(this.#keys, range.start);
    const at = this.#by(this.#keys[first]) === position ? (this.#nextOfOther[first] ?? -1) : first;
    const key = this.#keys[at];
    return key !== undefined && isIn(key, range) ? key : null;
  }

  #by(key: ByteString | undefined): number | undefined {
    return key === undefined ? undefined : this.#puts.get(key);
  }
}

/** It takes one list only: so a key in both is changed once. */
function changesOfEither({ success, failure }: Txn): Changes | ByteString {
  const then = changesOf(success);
  if (typeof then === "string") return then;
  const other = changesOf(failure);
  if (typeof other === "string") return other;
  return {
    puts: new Set([...then.puts, ...other.puts]),
    deletes: [...then.deletes, ...other.deletes],
  };
}

export function isIn(key: ByteString, where: Where): boolean {
  if ("key" in where) return key === where.key;
  return key >= where.start && (where.end === null || key < where.end);
}
