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
  type Revision,
  type Snapshot,
} from "../terms/index.ts";
import type { TxnRequest, TxnResult } from "../txn/index.ts";
import type { Waiting } from "./hand-over.ts";
import type { WatchItem, WatchOptions } from "../watches/index.ts";

export interface CoordinationSource {
  txn(request: TxnRequest, options?: RequestOptions): Promise<TxnResult>;
  snapshot(keys: readonly Bytes[], options?: ReadOptions): Promise<Snapshot>;
  range(selector: RangeSelector, options?: RangeOptions): AsyncGenerator<KeyValue>;
  keys(selector: RangeSelector, options?: RangeOptions): AsyncGenerator<KeyEntry>;
  count(selector: RangeSelector, options?: ReadOptions): Promise<CountResult>;
  watch(selector: RangeSelector, options?: WatchOptions): AsyncIterable<WatchItem>;
}

/** A key is there since it was created at a revision, or it is not. */
export interface KeyState {
  /** Of the state. */
  readonly revision: Revision;
  /** 0: there is no such key. */
  readonly createRevision: Revision;
}

/** Promises reject with a KvError. */
export interface LockStore {
  txn(request: TxnRequest, options: RequestOptions): Promise<TxnResult>;
  /** The key with the prefix that was created last before the revision, in a state not older than it; null: there is none. */
  lastBefore(prefix: string, revision: number, options: RequestOptions): Promise<Bytes | null>;
  /** Those with the prefix that were created first, in a state not older than the revision. */
  firstOf(
    prefix: string,
    limit: number,
    atLeast: Revision,
    options: RequestOptions,
  ): Promise<readonly Waiting[]>;
  /** What becomes of a key, from a revision on; null: from its present state on. It does not poll. */
  follow(key: Bytes, from: Revision | null, signal: AbortSignal): AsyncIterable<KeyState>;
}

/** No node has carried it out, and the next try may go better. */
export function isWorthAnotherTry(error: unknown): error is KvError {
  return error instanceof KvError && error.retryable && error.definite;
}

/** Resolves when there is no such key any more, with a revision at which there is none. As `follow`. */
export async function gone(
  store: LockStore,
  key: Bytes,
  from: Revision | null,
  signal: AbortSignal,
): Promise<Revision> {
  for await (const { revision, createRevision } of store.follow(key, from, signal)) {
    if (createRevision === 0) return revision;
  }
  throw new KvError("CANCELLED", "nobody waits for the key any more");
}

export function storeOf(source: CoordinationSource): LockStore {
  return {
    txn: (request, options) => source.txn(request, options),
    lastBefore: async (prefix, revision, options) => {
      // The caller began to wait at the first revision: there is no older one.
      if (revision <= 1) return null;
      const latest = { orderBy: "create", reverse: true, limit: 1, atLeast: revision } as const;
      const wanted = { ...options, ...latest, maxCreateRevision: revision - 1 };
      for await (const { key } of source.keys({ prefix }, wanted)) return key;
      return null;
    },
    firstOf: async (prefix, limit, atLeast, options) => {
      const first = { orderBy: "create", limit, atLeast } as const;
      const found: Waiting[] = [];
      for await (const each of source.range({ prefix }, { ...options, ...first })) {
        const { value, createRevision } = each;
        found.push({ key: Buffer.from(each.key).toString("utf8"), value, createRevision });
      }
      return found;
    },
    follow: (key, from, signal) => follow(source, bytesOf(key), from, signal),
  };
}

async function* follow(
  source: CoordinationSource,
  key: Uint8Array,
  first: Revision | null,
  signal: AbortSignal,
): AsyncGenerator<KeyState, void, undefined> {
  const only = { start: key, end: Buffer.concat([key, new Uint8Array(1)]) };
  let from = first;
  while (!signal.aborted) {
    if (from === null) {
      const { revision, results } = await source.snapshot([key], { signal });
      const [found] = results;
      yield { revision, createRevision: found?.found === true ? found.createRevision : 0 };
      from = revision + 1;
    }
    try {
      for await (const item of source.watch(only, { from, signal })) {
        if (item.type !== "events") continue;
        from = item.revision + 1;
        for (const event of item.events) {
          const createRevision = event.type === "put" ? event.createRevision : 0;
          yield { revision: item.revision, createRevision };
        }
      }
    } catch (error) {
      // Others have written so much since that the cluster no longer keeps these events: then look again.
      if (!(error instanceof KvError) || error.code !== "COMPACTED") throw error;
      from = null;
    }
  }
}
