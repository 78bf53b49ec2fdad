/** What requests for locks need of a client. */
import { KvError } from "../base/errors.ts";
import type { TxnRequest, TxnResult } from "./txn-types.ts";
import type { Bytes, RequestOptions } from "./types.ts";

/** Promises reject with a KvError. */
export interface LockStore {
  txn(request: TxnRequest, options: RequestOptions): Promise<TxnResult>;
  /** The key with the prefix that was created last before the revision; null: there is none. Linearizable. */
  lastBefore(prefix: string, revision: number, options: RequestOptions): Promise<Bytes | null>;
  /** Resolves when there is no such key any more, without asking again and again. */
  gone(key: Bytes, signal: AbortSignal): Promise<void>;
}

/** Nobody has carried it out, and the next time may go better. */
export function isWorthAnotherTry(error: unknown): error is KvError {
  return error instanceof KvError && error.retryable && error.definite;
}
