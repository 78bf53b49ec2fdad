/** What requests for locks need of a client, and how a client does it. */
import { KvError } from "../../base/index.ts";
import {
  type Bytes,
  bytesOf,
  type CountResult,
  type KeyEntry,
  type KeyValue,
  type RangeOptions,
  type RangeSelector,
  type ReadOptions,
  type RequestOptions,
  type Snapshot,
} from "../terms/index.ts";
import type { TxnRequest, TxnResult } from "../txn/index.ts";
import type { WatchItem, WatchOptions } from "../watches/index.ts";

export interface CoordinationSource {
  txn(request: TxnRequest, options?: RequestOptions): Promise<TxnResult>;
  snapshot(keys: readonly Bytes[], options?: ReadOptions): Promise<Snapshot>;
  range(selector: RangeSelector, options?: RangeOptions): AsyncGenerator<KeyValue>;
  keys(selector: RangeSelector, options?: RangeOptions): AsyncGenerator<KeyEntry>;
  count(selector: RangeSelector, options?: ReadOptions): Promise<CountResult>;
  watch(selector: RangeSelector, options?: WatchOptions): AsyncIterable<WatchItem>;
}

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

export function storeOf(source: CoordinationSource): LockStore {
  return {
    txn: (request, options) => source.txn(request, options),
    lastBefore: async (prefix, revision, options) => {
      // The revision at which the request itself began to wait: nothing is older than the first.
      if (revision <= 1) return null;
      const latest = { orderBy: "create", reverse: true, limit: 1 } as const;
      const wanted = { ...options, ...latest, maxCreateRevision: revision - 1 };
      for await (const { key } of source.keys({ prefix }, wanted)) return key;
      return null;
    },
    gone: (key, signal) => gone(source, bytesOf(key), signal),
  };
}

async function gone(
  source: CoordinationSource,
  key: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const only = { start: key, end: Buffer.concat([key, new Uint8Array(1)]) };
  while (!signal.aborted) {
    const { revision, results } = await source.snapshot([key], { signal });
    if (results[0]?.found !== true) return;
    try {
      const wanted = { from: revision + 1, only: "deletes", signal } as const;
      for await (const { type } of source.watch(only, wanted)) if (type === "events") return;
    } catch (error) {
      // So much was written since that the cluster does not know any more: then look again.
      if (!(error instanceof KvError) || error.code !== "COMPACTED") throw error;
    }
  }
}
