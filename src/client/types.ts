/** What users of the client hand in and get back. */

/** A string stands for its UTF-8 bytes. */
export type Bytes = Uint8Array | string;

export interface NodeAddress {
  readonly id: number;
  readonly host: string;
  /** The client and management port. */
  readonly port: number;
}

export interface RequestOptions {
  /** Ask this node and no other. Default: any node, and the next one when it cannot serve. */
  readonly node?: number;
  /** Default: the client's. */
  readonly timeoutMs?: number;
  /** Gives up waiting: a write that was sent may take effect nevertheless (CANCELLED, indefinite). */
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends RequestOptions {
  /**
   * "linearizable" (default): sees every write that was answered, to anybody, before the read began.
   * "local": the node's own state, at once; never older than what this client has already seen.
   */
  readonly consistency?: "linearizable" | "local";
}

/** The store-wide count of writes that took effect. */
export type Revision = number;

export interface WriteResult {
  readonly revision: Revision;
  /** The node that answered. */
  readonly node: number;
}

export interface DeleteResult {
  /** False: there was nothing to delete. */
  readonly existed: boolean;
  readonly revision: Revision;
  readonly node: number;
}

export type ReadResult =
  | {
      readonly found: true;
      readonly value: Uint8Array;
      /** When the key was last written. */
      readonly modRevision: Revision;
      /** When it came to be. */
      readonly createRevision: Revision;
      /** 1 when created, one more with each write since. */
      readonly version: number;
      readonly node: number;
    }
  | { readonly found: false; readonly node: number };

/** The condition of a compare-and-swap. */
export type CasCondition =
  | { readonly value: Bytes }
  | { readonly absent: true }
  /** The key was last written at this revision. */
  | { readonly revision: Revision };

export type CasResult =
  | { readonly swapped: true; readonly revision: Revision; readonly node: number }
  | {
      readonly swapped: false;
      /** What is there instead; null: nothing. A null value is too large to come along: read it. */
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

export interface RangeOptions extends ReadOptions {
  /** Keys at most, 1 or more. Default: all. */
  readonly limit?: number;
  /** From the last key downwards. */
  readonly reverse?: boolean;
}

export interface KeyEntry {
  readonly key: Uint8Array;
  /** When the key was last written. */
  readonly modRevision: Revision;
  /** When it came to be. */
  readonly createRevision: Revision;
  /** 1 when created, one more with each write since. */
  readonly version: number;
}

export interface KeyValue extends KeyEntry {
  readonly value: Uint8Array;
}

export interface CountResult {
  readonly count: number;
  /** Of the state that was counted. */
  readonly revision: Revision;
}
