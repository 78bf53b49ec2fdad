/** Requests about one key: what a client and a view of it have in common. */
import type { KeyVersion } from "./keys/index.ts";
import type {
  BatchOperation,
  BatchOutcome,
  Bytes,
  CasCondition,
  CasResult,
  CountOptions,
  CountResult,
  DeleteResult,
  HistoryOptions,
  KeyEntry,
  KeyRequest,
  KeyValue,
  RangeOptions,
  RangeSelector,
  ReadOptions,
  ReadResult,
  RequestOptions,
  ResultOf,
  Snapshot,
  WriteOptions,
  WriteResult,
} from "./terms/index.ts";
import type {
  ObserveOptions,
  RangeState,
  Watch,
  WatchItem,
  WatchOptions,
} from "./watches/index.ts";
import type {
  Atomic,
  Transaction,
  TransactOptions,
  TransactResult,
  TransactSource,
  TxnRequest,
  TxnResult,
} from "./txn/index.ts";
import type { ElectOptions, Guard, Leader, Locks, Term } from "./locks/index.ts";
import type { GuardedClient } from "./guarded-client.ts";
import type { Leases } from "./leases/index.ts";

/** One method for each request. `request` decides how a request is carried out. */
export abstract class KeyRequests {
  /**
   * One request as data, as `batch` takes many: `request({ op: "write", key, value })` is `write(key, value)`.
   * @param options those of reads for a read only
   * @returns a promise that rejects as the method of that name
   */
  abstract request<R extends KeyRequest>(
    request: R,
    options?: ReadOptions,
  ): Promise<ResultOf<R["op"]>>;

  /**
   * Sets the value of a key. Answered when a majority of the nodes has it on disk.
   * @returns a promise that rejects with BAD_REQUEST (a wrong argument), KEY_TOO_LARGE or VALUE_TOO_LARGE before anything is
   *   sent; with TIMEOUT, CONNECTION_LOST, SESSION_EXPIRED or CANCELLED, `definite` false, when it may have taken effect;
   *   with NO_QUORUM, DISK_FULL, NO_SPACE, OVERLOADED, CONNECTION_FAILED, UNAUTHORIZED, WRONG_CLUSTER, DIVERGED and others of
   *   ERRORS when nodes refused it or none was reached; with a lease, with LEASE_LOST when that is over (CANCELLED, definite, when this client revoked it)
   */
  write(key: Bytes, value: Bytes, options?: WriteOptions): Promise<WriteResult> {
    if (options !== undefined && isBound(options)) return this.writeBound(key, value, options);
    return this.request({ op: "write", key, value }, options);
  }

  /** A write with a lease. */
  protected abstract writeBound(
    key: Bytes,
    value: Bytes,
    options: WriteOptions,
  ): Promise<WriteResult>;

  /**
   * Reads a key; `text()` and `json()` of the result say what its bytes are. `consistency: "local"` takes less time and may
   * be old. Rejects as `write`; a read has no effect, so `definite` does not matter.
   */
  read(key: Bytes, options?: ReadOptions): Promise<ReadResult> {
    return this.request({ op: "read", key }, options);
  }

  /**
   * Puts bytes behind the value of a key, as one step; a key that does not exist begins with them. Like every write it takes
   * effect once, however often it is tried. It costs the nodes what a write of the whole value would.
   *
   * Rejects as `write`; with VALUE_TOO_LARGE also when the value would become longer than a value may be, and with OVERLOADED
   * when long values are appended to faster than nodes take it: then it has certainly had no effect.
   */
  append(key: Bytes, value: Bytes, options?: RequestOptions): Promise<WriteResult> {
    return this.request({ op: "append", key, value }, options);
  }

  /** Takes a key away. Rejects as `write`. */
  delete(key: Bytes, options?: RequestOptions): Promise<DeleteResult> {
    return this.request({ op: "delete", key }, options);
  }

  /**
   * Compare and swap: writes `value` only if the condition holds, as one step. That it did not hold is a result, not an
   * error. Rejects as `write`.
   */
  cas(
    key: Bytes,
    condition: CasCondition,
    value: Bytes,
    options?: RequestOptions,
  ): Promise<CasResult> {
    return this.request({ op: "cas", key, condition, value }, options);
  }
}

/** `request` refuses options that cannot be read. */
function isBound(options: WriteOptions): boolean {
  try {
    return options?.lease !== undefined || options?.ttl !== undefined;
  } catch {
    return false;
  }
}

/** What a client does, and a view of it (`withPrefix`). Promises reject with a KvError. */
export interface KvRequests extends KeyRequests {
  /** As of KvClient. */
  batch(operations: readonly BatchOperation[], options?: RequestOptions): Promise<BatchOutcome[]>;
  /** As of KvClient. */
  snapshot(keys: readonly Bytes[], options?: ReadOptions): Promise<Snapshot>;
  /** As of KvClient. */
  txn(request: TxnRequest, options?: RequestOptions): Promise<TxnResult>;
  /** As of KvClient. */
  txnWhile(guard: Guard, request: TxnRequest, options?: RequestOptions): Promise<TxnResult | null>;
  /** As of KvClient. */
  atomic(): Atomic;
  /** As of KvClient. */
  transact<T>(
    carryOut: (tx: Transaction) => Promise<T> | T,
    options?: TransactOptions,
  ): Promise<TransactResult<T>>;
  /** As `transact`, on a view of this client. */
  transactOn<T>(
    view: TransactSource,
    carryOut: (tx: Transaction) => Promise<T> | T,
    options?: TransactOptions,
  ): Promise<TransactResult<T>>;
  /** As of KvClient. */
  range(selector: RangeSelector, options?: RangeOptions): AsyncGenerator<KeyValue>;
  /** As of KvClient. */
  keys(selector: RangeSelector, options?: RangeOptions): AsyncGenerator<KeyEntry>;
  /** As of KvClient. */
  count(selector: RangeSelector, options?: CountOptions): Promise<CountResult>;
  /** As of KvClient. */
  history(key: Bytes, options?: HistoryOptions): AsyncGenerator<KeyVersion>;
  /** As of KvClient. */
  watch(
    what: Bytes | RangeSelector,
    options: WatchOptions & { readonly progress: true },
  ): Watch<WatchItem>;
  /** As of KvClient: without items that only tell how far the watch has come. */
  watch(what: Bytes | RangeSelector, options?: WatchOptions): Watch;
  /** As `watch`, for a view of this client: keys of events come without so many bytes at their beginning. */
  watchOn(skip: number, what: Bytes | RangeSelector, options?: WatchOptions): Watch;
  /** As of KvClient. */
  observe(keys: readonly Bytes[], options?: ObserveOptions): AsyncGenerator<Snapshot>;
  /** As of KvClient. */
  observe(range: RangeSelector, options?: ObserveOptions): AsyncGenerator<RangeState>;
  /** The leases of the whole cluster: they have no names, so no prefix holds for them. */
  readonly leases: Leases;
  /** As of KvClient. */
  readonly locks: Locks;
  /** As of KvClient. */
  guarded(guard: Guard): GuardedClient;
  /** As of KvClient. */
  elect(name: string, options?: ElectOptions): AsyncGenerator<Term, void, undefined>;
  /** As of KvClient. */
  observeElection(
    name: string,
    options?: Pick<RequestOptions, "signal">,
  ): AsyncGenerator<Leader | null, void, undefined>;
  /** As `observe`, on a view of this client. */
  observeOn(
    view: KvRequests,
    what: readonly Bytes[] | RangeSelector,
    options?: ObserveOptions,
  ): AsyncGenerator<Snapshot | RangeState>;
}
