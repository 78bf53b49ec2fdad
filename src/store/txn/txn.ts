/**
 * Transactions: comparisons, and two lists of operations of which one is carried out, as one step. Their meaning:
 *
 *   - All comparisons, those of nested transactions too, are of the state before it. A transaction that is nested is decided
 *     by its own comparisons alone.
 *   - The operations of the list that is taken are carried out in order, each on what the ones before it have left.
 *   - All keys that it changes get the same revision, one more than the store's; when it changes nothing there is none.
 *   - No key is put twice on one path, nor put and in a range that is deleted: so each key changes at most once at a revision.
 *     A path is one list with the lists that its nested transactions may take.
 */
import type { ByteString } from "../../base/index.ts";

/** One key, or those of a range: from `start` on and below `end`; null: no end. */
export type Where =
  { readonly key: ByteString } | { readonly start: ByteString; readonly end: ByteString | null };

/** In a body, their positions. */
export const RELATIONS = ["=", "!=", "<", ">"] as const;
export type Relation = (typeof RELATIONS)[number];

/** In a body, their positions. Add at the end. */
export const TARGETS = [
  "value",
  "version",
  "createRevision",
  "modRevision",
  "count",
  "lease",
] as const;
type Target = (typeof TARGETS)[number];

/**
 * All keys that there are in `where` must stand in the relation. When there are none, or no such key, it is as if there was one
 * with zeros for its version, revisions and lease; the value of none stands in no relation. A count is of the keys in `where`.
 */
export type Compare = {
  readonly where: Where;
  readonly is: Relation;
} & (
  | { readonly target: "value"; readonly to: ByteString }
  | { readonly target: Exclude<Target, "value">; readonly to: number }
);

export interface PutOp {
  readonly op: "put";
  readonly key: ByteString;
  /** Null: the value stays as it is, revision and version grow. The key must exist: else the whole transaction is refused. */
  readonly value: ByteString | null;
  /** The client wants the key's previous value. */
  readonly previous: boolean;
  /**
   * The lease that the key is bound to from now on: unless it exists the transaction is refused. None: no lease. Null: the present
   * one; the key must exist.
   */
  readonly lease?: number | null;
}

export interface DeleteOp {
  readonly op: "delete";
  readonly where: Where;
  /** The client wants the keys' previous values, not only their number. */
  readonly previous: boolean;
}

export interface GetOp {
  readonly op: "get";
  readonly where: Where;
  /** Keys at most; 0: no limit but that of the transaction. */
  readonly limit: number;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
}

interface NestedOp {
  readonly op: "txn";
  readonly txn: Txn;
}

export type TxnOp = PutOp | DeleteOp | GetOp | NestedOp;

export interface Txn {
  readonly compare: readonly Compare[];
  readonly success: readonly TxnOp[];
  readonly failure: readonly TxnOp[];
}

/** Why the present state refuses a transaction: the revision of its answer says which. Part of the format. */
export const TXN_REFUSAL = {
  tooManyKeys: 1,
  tooMuchFound: 2,
  nothingToKeep: 3,
  noSuchLease: 4,
  tooManyKeysOfLease: 5,
} as const;
export type TxnRefusal = (typeof TXN_REFUSAL)[keyof typeof TXN_REFUSAL];
