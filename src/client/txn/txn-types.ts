/** Transactions as users hand them in, and what they get back. */
import type { Relation } from "../../store/commands/index.ts";
import type {
  Bytes,
  KeyValue,
  LeaseId,
  RangeSelector,
  RequestOptions,
  Revision,
} from "../terms/index.ts";

/** One key, or those of a range. */
export type TxnWhere =
  | { readonly key: Bytes; readonly range?: undefined }
  | { readonly range: RangeSelector; readonly key?: undefined };

/** What is compared, and with what: exactly one of them. */
export type TxnTarget =
  | { readonly value: Bytes }
  /** 1 when created, one more with each write since; 0: there is no such key. */
  | { readonly version: number }
  /** The revision at which the key came to be; 0: there is no such key. */
  | { readonly createRevision: Revision }
  /** The revision at which the key was last written; 0: there is no such key. */
  | { readonly modRevision: Revision }
  /** 0: bound to none. */
  | { readonly lease: LeaseId }
  /** How many keys there are. */
  | { readonly count: number };

/**
 * A comparison: `{ key: "a", modRevision: 7 }`, `{ range: { prefix: "b/" }, modRevision: 8, is: "<" }`. All existing keys of a range
 * must satisfy it; a range without keys is as a key that does not exist, whose numbers are 0 and whose value compares with
 * nothing.
 */
export type TxnCompare = TxnWhere &
  TxnTarget & {
    /** How the left side, the stored value, must relate to the given one. Default "=". */
    readonly is?: Relation;
  };

/** An operation of a transaction; each sees what the ones before it did. */
export type TxnOperation =
  | {
      readonly op: "put";
      readonly key: Bytes;
      readonly value: Bytes;
      readonly keepValue?: undefined;
      /** What the key held before is wanted. */
      readonly previous?: boolean;
      /** The key is bound to it from now on, and deleted when it ends. Default: to none. */
      readonly lease?: LeaseId;
      /** The key stays bound to the lease that it is bound to; without such a key the whole transaction is refused. Not with `lease`. */
      readonly keepLease?: true;
    }
  /** Counts as a write of the value that is there; without such a key the whole transaction is refused (TXN_REFUSED). */
  | {
      readonly op: "put";
      readonly key: Bytes;
      readonly value?: undefined;
      readonly keepValue: true;
      readonly previous?: boolean;
      readonly lease?: LeaseId;
      readonly keepLease?: true;
    }
  | ({
      readonly op: "delete";
      /** What was deleted is wanted, not only how many keys. */
      readonly previous?: boolean;
    } & TxnWhere)
  | ({
      readonly op: "get";
      /** Keys at most, 1 or more. Default: all. */
      readonly limit?: number;
      /** Values stay empty. */
      readonly keysOnly?: boolean;
      readonly countOnly?: boolean;
    } & TxnWhere)
  | ({ readonly op: "txn" } & TxnRequest);

/** If all comparisons hold `then` is carried out, otherwise `else`. All of it may be left out. */
export interface TxnRequest {
  readonly compare?: readonly TxnCompare[];
  readonly then?: readonly TxnOperation[];
  readonly else?: readonly TxnOperation[];
}

/** The result of one operation. */
export type TxnOperationResult =
  | {
      readonly op: "put";
      /** Null: there was no such key, or it was not wanted. */
      readonly previous: KeyValue | null;
    }
  | {
      readonly op: "delete";
      readonly count: number;
      /** Empty when they were not wanted. */
      readonly previous: readonly KeyValue[];
    }
  | {
      readonly op: "get";
      /** Of the keys that this result is of: with a `limit` no more than it, as nobody looks further. `countOnly` without one counts all. */
      readonly count: number;
      /** There are more keys than the limit. */
      readonly more: boolean;
      readonly found: readonly KeyValue[];
    }
  | {
      readonly op: "txn";
      readonly succeeded: boolean;
      readonly results: readonly TxnOperationResult[];
    };

/** The result of a transaction. */
export interface TxnResult {
  /** Whether all comparisons held. */
  readonly succeeded: boolean;
  /** The store's revision with this transaction: that of its changes, or as it was when it changed nothing. */
  readonly revision: Revision;
  /**
   * The results of the operations that were carried out, in order. Null: they are not known any more. The transaction took effect once,
   * and its first answer was lost; the cluster keeps up to 1 MiB of results for the repetitions of one client.
   */
  readonly results: readonly TxnOperationResult[] | null;
  /** The id of the node that answered. */
  readonly node: number;
}

/** What a key must be: exactly one of the four. */
export type AtomicCheck =
  /** It was last written at this revision. */
  | { readonly revision: Revision }
  | { readonly absent: true }
  | { readonly value: Bytes }
  /** It has been written so often since it was created. */
  | { readonly version: number };

/** A check that did not hold. */
export interface AtomicConflict {
  readonly key: Bytes;
  /** What is there; null: there is no such key. */
  readonly actual: {
    /** Null: all that differed was too large together to come along. */
    readonly value: Uint8Array | null;
    readonly modRevision: Revision;
    readonly createRevision: Revision;
    readonly version: number;
  } | null;
}

/** Whether the writes were made; if not, why. */
export type AtomicResult =
  | { readonly committed: true; readonly revision: Revision; readonly node: number }
  | {
      readonly committed: false;
      /** Never empty, unless the first answer was lost and its results are not known any more. */
      readonly conflicts: readonly AtomicConflict[];
      readonly node: number;
    };

/** Options of `transact`. They hold for all attempts together. */
export interface TransactOptions extends RequestOptions {
  /** How often it is tried at most, 1 or more. Default 32. */
  readonly attempts?: number;
}

/** The result of a `transact` that took effect. */
export interface TransactResult<T> {
  /** What the function returned the last time. */
  readonly result: T;
  /** The revision of its writes; when it wrote nothing, that of the state that it read. 0: it did neither. */
  readonly revision: Revision;
  /** How often it was tried. */
  readonly attempts: number;
}
