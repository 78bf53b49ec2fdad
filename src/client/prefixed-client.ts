/** A view of a client, for the part of the store whose keys begin alike. */
import { afterPrefix, type KvError } from "../base/index.ts";
import {
  badArgument,
  type BatchOperation,
  type BatchOutcome,
  type Bytes,
  bytesOf,
  type CountOptions,
  type CountResult,
  type HistoryOptions,
  KeyEntry,
  type KeyRequest,
  KeyValue,
  type RangeOptions,
  type RangeSelector,
  type ReadOptions,
  type RequestOptions,
  type ResultOf,
  type Snapshot,
  type WriteOptions,
  type WriteResult,
  wrongBytes,
  wrongKeys,
  wrongSelector,
  wrongWatched,
  unreadable,
} from "./terms/index.ts";
import { type KeyVersion, wrongBatch, wrongRequest } from "./keys/index.ts";
import { KeyRequests, type KvRequests } from "./key-requests.ts";
import {
  type ElectOptions,
  type Guard,
  type Leader,
  type Locks,
  type Term,
  wrongName,
} from "./locks/index.ts";
import { GuardedClient } from "./guarded-client.ts";
import type { Leases } from "./leases/index.ts";
import {
  isKey,
  type ObserveOptions,
  type RangeState,
  type Watch,
  type WatchItem,
  type WatchOptions,
} from "./watches/index.ts";
import {
  Atomic,
  type Transaction,
  type TransactOptions,
  type TransactResult,
  type TransactSource,
  type TxnRequest,
  type TxnResult,
  withinPrefix,
  withoutPrefix,
} from "./txn/index.ts";

/**
 * Puts its prefix before every key, and does nothing else: requests, limits (a key's bytes are counted with the prefix),
 * errors and the session are those of the client it was made by, and it works until that one is closed.
 */
export class PrefixedClient extends KeyRequests implements KvRequests {
  readonly #client: KvRequests;
  readonly #prefix: Bytes;

  /** @throws KvError BAD_REQUEST when the prefix is neither well-formed text nor bytes */
  constructor(client: KvRequests, prefix: Bytes) {
    super();
    const wrong = wrongBytes("prefix", prefix);
    if (wrong !== null) throw wrong;
    this.#client = client;
    // The caller may go on writing to its bytes. `slice` of a Buffer would be a view of the same.
    this.#prefix = typeof prefix === "string" ? prefix : new Uint8Array(prefix);
  }

  /** As of KvClient. */
  override async request<R extends KeyRequest>(
    request: R,
    options?: ReadOptions,
  ): Promise<ResultOf<R["op"]>> {
    const wrong = this.#wrongRequest(request);
    if (wrong !== null) throw wrong;
    return this.#client.request({ ...request, key: this.#whole(request.key) }, options);
  }

  /** As of KvClient: an outcome for each. An operation without a key of its own is BAD_REQUEST, and the others are carried out. */
  async batch(
    operations: readonly BatchOperation[],
    options?: RequestOptions,
  ): Promise<BatchOutcome[]> {
    const wrong = wrongBatch(operations);
    if (wrong !== null) throw wrong;
    const asked: BatchOperation[] = [];
    const refused = Array.from(operations, (operation): BatchOutcome | null => {
      const error = this.#wrongRequest(operation);
      if (error !== null) return { ok: false, op: operation?.op, error };
      asked.push({ ...operation, key: this.#whole(operation.key) });
      return null;
    });
    const outcomes = await this.#client.batch(asked, options);
    let next = 0;
    return refused.flatMap((outcome) => outcome ?? outcomes[next++] ?? []);
  }

  protected override writeBound(
    key: Bytes,
    value: Bytes,
    options: WriteOptions,
  ): Promise<WriteResult> {
    return this.#client.write(this.#whole(key), value, options);
  }

  /** As of KvClient, within the prefix: {} stands for all of it, and keys come without it. */
  async *range(selector: RangeSelector, options?: RangeOptions): AsyncGenerator<KeyValue> {
    const { length } = bytesOf(this.#prefix);
    for await (const entry of this.#client.range(this.#within(selector), options)) {
      const { key, value, modRevision, createRevision, version } = entry;
      yield new KeyValue(key.subarray(length), value, modRevision, createRevision, version);
    }
  }

  /** As of KvClient, as `range`. */
  async *keys(selector: RangeSelector, options?: RangeOptions): AsyncGenerator<KeyEntry> {
    const { length } = bytesOf(this.#prefix);
    for await (const entry of this.#client.keys(this.#within(selector), options)) {
      const { key, modRevision, createRevision, version } = entry;
      yield new KeyEntry(key.subarray(length), modRevision, createRevision, version);
    }
  }

  /** As of KvClient, as `range`. */
  async count(selector: RangeSelector, options?: CountOptions): Promise<CountResult> {
    return this.#client.count(this.#within(selector), options);
  }

  /** As of KvClient. */
  async *history(key: Bytes, options?: HistoryOptions): AsyncGenerator<KeyVersion> {
    yield* this.#client.history(this.#whole(key), options);
  }

  /** As of KvClient. */
  async snapshot(keys: readonly Bytes[], options?: ReadOptions): Promise<Snapshot> {
    const wrong = wrongKeys(keys);
    if (wrong !== null) throw wrong;
    return this.#client.snapshot(
      keys.map((key) => this.#whole(key)),
      options,
    );
  }

  /** As of KvClient, within the prefix. */
  async txn(request: TxnRequest, options?: RequestOptions): Promise<TxnResult> {
    return this.#without(await this.#client.txn(this.#withinIt(request), options));
  }

  /** As of KvClient, within the prefix. */
  async txnWhile(
    guard: Guard,
    request: TxnRequest,
    options?: RequestOptions,
  ): Promise<TxnResult | null> {
    const answer = await this.#client.txnWhile(guard, this.#withinIt(request), options);
    return answer === null ? null : this.#without(answer);
  }

  /** Those of the client: leases have no names. The keys that one has come whole. */
  get leases(): Leases {
    return this.#client.leases;
  }

  /**
   * As of KvClient, with names within the prefix: "a" of the view "app/" is the lock "app/a".
   * @throws KvError BAD_REQUEST when the prefix is no text
   */
  get locks(): Locks {
    return this.#client.locks.within(this.#prefixText());
  }

  /** As of KvClient, within the prefix; the lock may be one of the client or of any view. */
  guarded(guard: Guard): GuardedClient {
    return new GuardedClient(this, guard);
  }

  /** As of KvClient, with names as `locks` has them. */
  async *elect(name: string, options?: ElectOptions): AsyncGenerator<Term, void, undefined> {
    for await (const term of this.#client.elect(this.#named(name), options)) {
      yield { ...term, name };
    }
  }

  /** As of KvClient, with names as `locks` has them. */
  async *observeElection(
    name: string,
    options?: Pick<RequestOptions, "signal">,
  ): AsyncGenerator<Leader | null, void, undefined> {
    yield* this.#client.observeElection(this.#named(name), options);
  }

  /** As of KvClient, within the prefix. */
  atomic(): Atomic {
    return new Atomic((request, options) => this.txn(request, options));
  }

  /** As of KvClient, within the prefix. */
  transact<T>(
    carryOut: (tx: Transaction) => Promise<T> | T,
    options?: TransactOptions,
  ): Promise<TransactResult<T>> {
    return this.#client.transactOn(this, carryOut, options);
  }

  /** As of KvClient. */
  transactOn<T>(
    view: TransactSource,
    carryOut: (tx: Transaction) => Promise<T> | T,
    options?: TransactOptions,
  ): Promise<TransactResult<T>> {
    return this.#client.transactOn(view, carryOut, options);
  }

  /** As of KvClient, within the prefix: {} stands for all of it, and keys come without it. */
  watch(
    what: Bytes | RangeSelector,
    options: WatchOptions & { readonly progress: true },
  ): Watch<WatchItem>;
  /** As of KvClient. */
  watch(what: Bytes | RangeSelector, options?: WatchOptions): Watch;
  watch(what: Bytes | RangeSelector, options?: WatchOptions): Watch {
    return this.watchOn(0, what, options);
  }

  /** As of KvClient. */
  watchOn(skip: number, what: Bytes | RangeSelector, options?: WatchOptions): Watch {
    const wrong = wrongWatched(what);
    if (wrong !== null) throw wrong;
    const within = isKey(what) ? this.#whole(what) : this.#within(what);
    return this.#client.watchOn(skip + bytesOf(this.#prefix).length, within, options);
  }

  /** As of KvClient, within the prefix. */
  observe(keys: readonly Bytes[], options?: ObserveOptions): AsyncGenerator<Snapshot>;
  /** As of KvClient. */
  observe(range: RangeSelector, options?: ObserveOptions): AsyncGenerator<RangeState>;
  observe(
    what: readonly Bytes[] | RangeSelector,
    options?: ObserveOptions,
  ): AsyncGenerator<Snapshot | RangeState> {
    return this.#client.observeOn(this, what, options);
  }

  /** As of KvClient. */
  observeOn(
    view: KvRequests,
    what: readonly Bytes[] | RangeSelector,
    options?: ObserveOptions,
  ): AsyncGenerator<Snapshot | RangeState> {
    return this.#client.observeOn(view, what, options);
  }

  /** A view of this view: its keys begin with both, this one's prefix first. @throws KvError BAD_REQUEST as the constructor */
  withPrefix(prefix: Bytes): PrefixedClient {
    return new PrefixedClient(this, prefix);
  }

  #withinIt(request: TxnRequest): TxnRequest {
    try {
      return withinPrefix(
        request,
        (key) => this.#whole(key),
        (selector) => this.#within(selector),
      );
    } catch (error) {
      throw unreadable(error);
    }
  }

  #without(answer: TxnResult): TxnResult {
    const { length } = bytesOf(this.#prefix);
    const results = answer.results?.map((result) => withoutPrefix(result, length)) ?? null;
    return { ...answer, results };
  }

  /** @throws KvError BAD_REQUEST */
  #named(name: string): string {
    const prefix = this.#prefixText();
    const wrong = wrongName(name, prefix);
    if (wrong !== null) throw wrong;
    return prefix + name;
  }

  /** @throws KvError BAD_REQUEST: names are text */
  #prefixText(): string {
    const text = Buffer.from(bytesOf(this.#prefix)).toString("utf8");
    if (Buffer.from(text, "utf8").equals(bytesOf(this.#prefix))) return text;
    throw badArgument("prefix", "text, for locks and elections", this.#prefix);
  }

  #within(selector: RangeSelector): RangeSelector {
    const wrong = wrongSelector(selector);
    if (wrong !== null) throw wrong;
    const { prefix, start, end } = selector;
    const own = bytesOf(this.#prefix);
    if (prefix !== undefined) return { prefix: Buffer.concat([own, bytesOf(prefix)]) };
    if (start === undefined && end === undefined) return { prefix: own };
    const last = end === undefined ? afterPrefix(own) : Buffer.concat([own, bytesOf(end)]);
    const first = { start: Buffer.concat([own, bytesOf(start ?? "")]) };
    return last === null ? first : { ...first, end: last };
  }

  #wrongRequest(request: KeyRequest): KvError | null {
    return wrongRequest(request) ?? wrongKeyAfterPrefix(request.key);
  }

  /** @throws KvError BAD_REQUEST as `wrongKeyAfterPrefix` */
  #whole(key: Bytes): Bytes {
    const wrong = wrongKeyAfterPrefix(key);
    if (wrong !== null) throw wrong;
    const prefix = this.#prefix;
    if (typeof prefix === "string" && typeof key === "string") return prefix + key;
    return Buffer.concat([bytesOf(prefix), bytesOf(key)]);
  }
}

/** An empty key would become the bare prefix, which is a neighbour's key. */
function wrongKeyAfterPrefix(key: Bytes): KvError | null {
  const wrong = wrongBytes("key", key);
  if (wrong !== null) return wrong;
  return key.length > 0 ? null : badArgument("key", "at least one byte after the prefix", key);
}
