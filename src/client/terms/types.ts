/** What users of the client hand in and get back. */

import type { KvError } from "../../base/index.ts";
import type { RangeOrder } from "../../store/commands/index.ts";
import type {
  AnswerOf,
  FieldContent,
  FieldName,
  OPERATIONS,
  PlainRequestName,
  RequestName,
} from "../../store/operations/index.ts";
import type { FoundResult, MissingResult } from "./read-result.ts";

export type { RangeOrder } from "../../store/commands/index.ts";

/**
 * A key has 1 to 4096 bytes, a value up to 1 MiB. A string stands for its UTF-8 bytes; one with half of a surrogate pair has
 * none, and is refused with BAD_REQUEST. Bytes are copied at the call, so that the buffer may be used for something else at once; those of
 * a `batch` of more than 8,192 operations must stay as they are until it is settled.
 */
export type Bytes = Uint8Array | string;

/** A node of the cluster, and where clients find it. */
export interface NodeAddress {
  /** A positive integer. */
  readonly id: number;
  /** A host name or an IP address, without brackets. */
  readonly host: string;
  /** The client and management port. */
  readonly port: number;
}

/**
 * A node as users name it: `"127.0.0.1:4101"`, `"[::1]:4101"`, either with its id before it (`"1=127.0.0.1:4101"`), or an
 * object. `https://` or `wss://` before the host stands for TLS. Without an id any node of the cluster may answer there, also
 * another one each time.
 */
export type NodeGiven =
  | string
  | { readonly id?: number | null | undefined; readonly host: string; readonly port: number };

/** Nodes as users name them; in one string they stand with commas between them. */
export type NodesGiven = string | readonly NodeGiven[];

/** A node as the client dials it. Its id is null when the user gave none: any node at this address is accepted. */
export interface Endpoint {
  readonly id: number | null;
  readonly host: string;
  readonly port: number;
}

/** Options of any request. */
export interface RequestOptions {
  /**
   * The id of the node to ask, which the user must have named with it (else UNKNOWN_NODE): this one and no other. Default: any
   * node, and the next one when it cannot serve.
   */
  readonly node?: number;
  /** Milliseconds, more than 0, from the call to the answer. Default: the client's. */
  readonly timeoutMs?: number;
  /** Gives up waiting: a write that was sent may take effect nevertheless (CANCELLED, indefinite). */
  readonly signal?: AbortSignal;
}

/** As the cluster names a lease. */
export type LeaseId = number;

/** What a write needs of a lease that this process keeps alive. */
export interface HeldLease {
  readonly id: LeaseId;
  readonly signal: AbortSignal;
}

/** How a write is carried out, and for how long its key stays. */
export interface WriteOptions extends RequestOptions {
  /**
   * The key is bound to the lease and deleted when it ends. When the lease has ended the write is not made (LEASE_LOST). Default: no
   * lease, and a key that was bound to one is no longer.
   */
  readonly lease?: HeldLease | LeaseId;
  /**
   * The key is deleted after so many milliseconds, unless it is written again before. It gets a lease of its own that the client does not
   * renew, which costs a request before the write, and which ends when the key is written again or deleted. Not with `lease`.
   */
  readonly ttl?: number;
}

/** Options of reads. */
export interface ReadOptions extends RequestOptions {
  /**
   * "linearizable" (default): sees every write that was answered, to anybody, before the read began.
   * "local": the node's own state, at once; never older than what this client has already seen.
   */
  readonly consistency?: "linearizable" | "local";
  /**
   * Reads the store as it was at this revision, which the answer to a write or to another read told. Rejects with COMPACTED when the
   * cluster no longer keeps it (`oldestRevision` of the error says what it keeps), with BAD_REQUEST when there is no such revision yet.
   * Default: the newest.
   */
  readonly revision?: Revision;
  /**
   * "Not older than this revision": the node's own state, as "local", as soon as it has come to this revision, which another client was
   * told of a write. Waits as long as `timeoutMs` says; rejects with REVISION_AHEAD (`node` alone asked, after the server's
   * `--request-timeout-ms`) or TIMEOUT when no node has come so far by then. Never with "linearizable".
   */
  readonly atLeast?: Revision;
}

/** Options of `history`. */
export interface HistoryOptions extends ReadOptions {
  /** Versions at most, 1 or more. Default: all. */
  readonly limit?: number;
}

/** The store-wide count of writes that took effect. */
export type Revision = number;

/** A write took effect. */
export interface WriteResult {
  /** The store's revision with this write. */
  readonly revision: Revision;
  /** The id of the node that answered. */
  readonly node: number;
}

/** A deletion took effect. */
export interface DeleteResult {
  /** False: there was nothing to delete. */
  readonly existed: boolean;
  /** The store's revision with this deletion: as it was when there was nothing to delete. */
  readonly revision: Revision;
  /** The id of the node that answered. */
  readonly node: number;
}

/** Tell the two apart by `found`; `text()` and `json()` give nothing, undefined, when the key does not exist. */
export type ReadResult = FoundResult | MissingResult;

/** The condition of a compare-and-swap: exactly one of the three. */
export type CasCondition =
  /** The key has this value. */
  | { readonly value: Bytes }
  /** The key does not exist. */
  | { readonly absent: true }
  /** The key was last written at this revision. */
  | { readonly revision: Revision };

/** `node` is the id of the node that answered. */
export type CasResult =
  | { readonly swapped: true; readonly revision: Revision; readonly node: number }
  | {
      readonly swapped: false;
      /** What the key holds instead; null: nothing. A null value is too large to come along: read it. */
      readonly actual: {
        readonly value: Uint8Array | null;
        readonly modRevision: Revision;
      } | null;
      readonly node: number;
    };

/** Which keys: those that begin with a prefix, or those from `start` on and below `end`; {} stands for all. In order of bytes. */
export type RangeSelector =
  | { readonly prefix: Bytes; readonly start?: undefined; readonly end?: undefined }
  | {
      readonly prefix?: undefined;
      /** First key wanted. Default: the very first. */
      readonly start?: Bytes;
      /** First key not wanted any more. Default: none. */
      readonly end?: Bytes;
    };

/** Only keys whose creation and last change lie within these revisions, all included. */
export interface RevisionBounds {
  readonly minCreateRevision?: Revision;
  readonly maxCreateRevision?: Revision;
  readonly minModRevision?: Revision;
  readonly maxModRevision?: Revision;
}

/** Options of counts. */
export interface CountOptions extends ReadOptions, RevisionBounds {}

/** Options of ranges. */
export interface RangeOptions extends ReadOptions, RevisionBounds {
  /** Keys at most, 1 or more. Default: all. */
  readonly limit?: number;
  /** From the last key downwards; in another order from its end. */
  readonly reverse?: boolean;
  /**
   * The field that orders them; keys with the same value of it come in order of keys. Default: "key". With any other `limit` is needed,
   * 10,000 at most: all keys of the range are looked at, and the client holds the first `limit` of them until it has seen all.
   */
  readonly orderBy?: RangeOrder;
}

/** Keys as they were at one revision. */
export interface Snapshot {
  /** Of the state that was read. */
  readonly revision: Revision;
  /** In the order of the keys that were asked for. */
  readonly results: readonly ReadResult[];
}

/** How many keys there are. */
export interface CountResult {
  readonly count: number;
  /** Of the state that was counted. */
  readonly revision: Revision;
}

/** The fields of an operation as users hand them over. */
type Handed<F extends FieldName> = FieldContent<F> extends number ? number : Bytes;

/** Requests that are an operation of the table as it stands there, such as `{ op: "write", key, value }`. */
type PlainRequest = {
  [N in PlainRequestName]: { readonly op: N } & {
    readonly [F in (typeof OPERATIONS)[N]["fields"][number]]: Handed<F>;
  };
}[PlainRequestName];

/** A request about one key, as data. */
export type KeyRequest =
  | PlainRequest
  | {
      readonly op: "cas";
      readonly key: Bytes;
      readonly condition: CasCondition;
      readonly value: Bytes;
    }
  | {
      readonly op: "read";
      readonly key: Bytes;
      readonly consistency?: "linearizable" | "local";
      /** As of ReadOptions. */
      readonly revision?: Revision;
      /** As of ReadOptions. */
      readonly atLeast?: Revision;
    };

/** One request of a batch. */
export type BatchOperation = KeyRequest;

/** What answers of the table's kinds are to users. */
export interface Results {
  readonly written: WriteResult;
  readonly deleted: DeleteResult;
  readonly swapped: CasResult;
}

/** What a request is answered, by its name. */
export type ResultOf<O extends KeyRequest["op"]> = O extends RequestName
  ? Results[AnswerOf<O>]
  : ReadResult;

/** What such a request alone would have been answered. */
export type BatchResult = {
  [O in KeyRequest["op"]]: { readonly op: O; readonly result: ResultOf<O> };
}[KeyRequest["op"]];

/** The outcome of one request of a batch. */
export type BatchOutcome =
  | ({ readonly ok: true } & BatchResult)
  | {
      readonly ok: false;
      readonly op: BatchOperation["op"];
      /** The error with which the promise of such a request alone would have been rejected. */
      readonly error: KvError;
    };
