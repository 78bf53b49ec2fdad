/** The client for users: promises over the core. */
import { KvError } from "../base/index.ts";
import { encodeTxn, hasLeases, mayChange } from "../store/commands/index.ts";
import type { PageAnswer, RangeBytes } from "../protocol/client/index.ts";
import {
  onAbort,
  type BatchOperation,
  type BatchOutcome,
  type Bytes,
  bytesOf,
  type CountOptions,
  type CountResult,
  type HistoryOptions,
  type KeyEntry,
  type KeyRequest,
  type KeyValue,
  type NodesGiven,
  type RangeOptions,
  type RangeSelector,
  type ReadOptions,
  type ReadResult,
  type RequestOptions,
  type ResultOf,
  type Snapshot,
  unreadable,
  type WriteOptions,
  type WriteResult,
  wrongBytes,
  wrongCountOptions,
  wrongFunction,
  wrongHistoryOptions,
  wrongKeys,
  wrongPlainWriteOptions,
  wrongRangeOptions,
  wrongReadOptions,
  wrongRequestOptions,
  wrongSelector,
  cancelled,
  withReason,
} from "./terms/index.ts";
import {
  type AskForKeys,
  type AskForPage,
  type AskForVersions,
  type BatchPort,
  isLocal,
  keyEntryOf,
  keysInParts,
  keyValueOf,
  PagedItems,
  type KeyVersion,
  notUnderstood,
  operationOf,
  orderedPages,
  pagesOf,
  rangeOf,
  readResults,
  resultOf,
  runBatch,
  versionsOf,
  wrongBatch,
  wrongRequest,
} from "./keys/index.ts";
import {
  type Answer,
  checkClientOptions,
  ClientCore,
  type ClientCoreOptions,
  endpointsIn,
  type Operation,
  type Request,
  TIMEOUT_MS,
} from "./core/index.ts";
import { observeOn } from "./observe.ts";
import {
  type ObserveOptions,
  type RangeState,
  Watch,
  watchedOf,
  WatchFeeds,
  type WatchItem,
  type WatchOptions,
} from "./watches/index.ts";
import { PrefixedClient } from "./prefixed-client.ts";
import { KeyRequests, type KvRequests } from "./key-requests.ts";
import {
  Coordination,
  type ElectOptions,
  type Guard,
  type Leader,
  type Locks,
  type Term,
} from "./locks/index.ts";
import { GuardedClient, txnWhile } from "./guarded-client.ts";
import { leasePortOf, type Leases, writeBound } from "./leases/index.ts";
import {
  Atomic,
  runTransact,
  type Transaction,
  type TransactMachine,
  type TransactOptions,
  type TransactResult,
  type TransactSource,
  txnOf,
  type TxnRequest,
  type TxnResult,
  txnResult,
  untilTold,
  wrongTransactOptions,
} from "./txn/index.ts";

const VALUES = { keysOnly: false, countOnly: false };
const KEYS_ONLY = { keysOnly: true, countOnly: false };
const COUNT_ONLY = { keysOnly: false, countOnly: true };
const NO_OPTIONS: ReadOptions = Object.freeze({});

/** The machine is handed in: `createClient` has the usual one. */
export type KvClientOptions = Omit<ClientCoreOptions, "nodes"> & { readonly nodes: NodesGiven };

/**
 * Reads and writes the store. One client is one session of the cluster: a write that is tried again, through whichever
 * node, takes effect once. Requests of one turn of the event loop travel together; any number may be under way.
 *
 * Every promise rejects with a KvError: `definite` says that the request certainly had no effect; otherwise a write may
 * or may not have taken effect. Connections are made when they are needed; `close` ends them, until then they keep the
 * process alive.
 */
export class KvClient extends KeyRequests implements KvRequests {
  readonly #core: ClientCore;
  readonly #machine: TransactMachine;
  readonly #coordination: Coordination;
  readonly #watches: WatchFeeds;
  readonly #timeoutMs: number;

  /** @throws KvError BAD_REQUEST that names the option; UNKNOWN_NODE for a `firstNode` that is not among the nodes */
  constructor(options: KvClientOptions) {
    super();
    checkClientOptions(options);
    this.#machine = { clock: options.clock, random: options.random };
    const nodes = endpointsIn(options.nodes);
    this.#core = new ClientCore({ ...options, nodes });
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#watches = new WatchFeeds(this.#core, { ...options, nodes });
    this.#coordination = new Coordination(
      this,
      options.clock,
      leasePortOf((operation, requestOptions, result) =>
        this.#submit(operation, requestOptions, result),
      ),
      options.random,
    );
  }

  override request<R extends KeyRequest>(
    request: R,
    options: ReadOptions = NO_OPTIONS,
  ): Promise<ResultOf<R["op"]>> {
    try {
      const wrong = wrongRequest(request) ?? wrongOptionsOf(request.op, options);
      if (wrong !== null) return Promise.reject(wrong);
      const op: R["op"] = request.op;
      return this.#submit(operationOf(request, options), options, resultOf(op));
    } catch (error) {
      return Promise.reject(unreadable(error));
    }
  }

  protected override writeBound(
    key: Bytes,
    value: Bytes,
    options: WriteOptions,
  ): Promise<WriteResult> {
    return writeBound(this, key, value, options);
  }

  /** As `read`. */
  get(key: Bytes, options?: ReadOptions): Promise<ReadResult>;
  /**
   * Reads many keys at once, all of one state of the store.
   * @param keys 1 to 1,024 of them, of 1 MiB together at most
   * @returns what was found, in the order of the keys
   * @throws KvError OVERLOADED when their values are more than 32 MiB together. More than about 4 MiB come in several answers, all of the
   *   state of the first, and `timeoutMs` is for each: COMPACTED when the cluster gave that state up meanwhile (see `range`)
   */
  get(keys: readonly Bytes[], options?: ReadOptions): Promise<ReadResult[]>;
  get(
    keys: Bytes | readonly Bytes[],
    options: ReadOptions = NO_OPTIONS,
  ): Promise<ReadResult | ReadResult[]> {
    if (typeof keys === "string" || ArrayBuffer.isView(keys)) return this.read(keys, options);
    return this.snapshot(keys, options).then(({ results }) => results as ReadResult[]);
  }

  /** As `get` of many keys, with the revision of the state that was read: a later read can name it. */
  async snapshot(keys: readonly Bytes[], options: ReadOptions = NO_OPTIONS): Promise<Snapshot> {
    const wrong = wrongKeys(keys) ?? wrongReadOptions(options);
    if (wrong !== null) throw wrong;
    const { revision: asked = 0, atLeast = 0 } = options;
    const ask: AskForKeys = (part, told) => {
      const rest =
        told === null
          ? { local: isLocal(options), revision: asked, atLeast }
          : { local: true, revision: told, atLeast: 0 };
      return this.#submit({ kind: "keys", keys: part, ...rest }, options, (answer) => ({
        revision: answer.revision,
        results: readResults(part, answer),
      }));
    };
    return keysInParts(ask, keys.map(bytesOf));
  }

  /**
   * A transaction: when all comparisons hold `then` is carried out, otherwise `else`, as one step and at one revision. Like
   * every write it takes effect once, however often it is tried.
   *
   * At most 128 comparisons and operations in each list, 1,024 in all, 4 within each other, 4 MiB in all; no key may be changed
   * twice. Rejects as `write`, and with TXN_REFUSED when it would look at more than 10,000 keys or find more than 1 MiB: then it
   * has certainly had no effect.
   */
  txn(request: TxnRequest, options: RequestOptions = NO_OPTIONS): Promise<TxnResult> {
    try {
      const wrong = wrongRequestOptions(options);
      if (wrong !== null) return Promise.reject(wrong);
      const txn = txnOf(request);
      const operation: Operation = {
        kind: hasLeases(txn) ? "leasedTxn" : "txn",
        txn: encodeTxn(txn),
      };
      const ask = (): Promise<TxnResult> =>
        this.#submit(operation, options, (answer) => txnResult(txn, answer));
      return mayChange(txn) ? ask() : untilTold(ask);
    } catch (error) {
      return Promise.reject(unreadable(error));
    }
  }

  /**
   * Checks and writes, all or nothing:
   * `kv.atomic().check("a", { revision }).put("a", "1").delete("b").commit()`, which answers `{ committed: true, revision }` or
   * `{ committed: false, conflicts }`.
   */
  atomic(): Atomic {
    return new Atomic((request, options) => this.txn(request, options));
  }

  /**
   * Runs the function until nothing that it read has changed when its writes are made: all of it as one step, in an order of all
   * transactions and writes that agrees with real time (strict serializability). Its reads are of one state of the store; its
   * writes are kept back until it returns, and made at one revision.
   *
   *     await kv.transact(async (tx) => {
   *       const from = Number((await tx.get("a")).text());
   *       const to = Number((await tx.get("b")).text());
   *       tx.put("a", String(from - 1)).put("b", String(to + 1));
   *     });
   *
   * The function may run several times, so it should do nothing else. What it throws ends it, without writes. A commit whose
   * outcome is not known (`definite` false) rejects and is never tried again; one whose answer was lost and came later took effect
   * once.
   * @returns a promise that rejects with CONFLICT when others were faster each time, CANCELLED by the signal, or as `txn`
   */
  transact<T>(
    carryOut: (tx: Transaction) => Promise<T> | T,
    options: TransactOptions = NO_OPTIONS,
  ): Promise<TransactResult<T>> {
    return this.transactOn(this, carryOut, options);
  }

  /** As `transact`, on a view of this client. */
  async transactOn<T>(
    view: TransactSource,
    carryOut: (tx: Transaction) => Promise<T> | T,
    options: TransactOptions = NO_OPTIONS,
  ): Promise<TransactResult<T>> {
    const wrong = wrongFunction("callback", carryOut) ?? wrongTransactOptions(options);
    if (wrong !== null) throw wrong;
    return runTransact(view, this.#machine, carryOut, options);
  }

  /**
   * The keys of a range and their values, in order: `for await (const { key, value } of kv.range({ prefix: "app/" }))`.
   * All of them are of one state of the store, however many there are and even if others write meanwhile: a linearizable state unless
   * "local" is asked for, or the one at the `revision` that is asked for. The client fetches a page at a time, 1,024 keys or 128 KiB;
   * `timeoutMs` is for each page.
   *
   * In another order (`orderBy`) the client must look at all keys of the range before it hands out the first; `limit` says how many it
   * hands out: at most 10,000, and 64 MiB together (OVERLOADED).
   *
   * @throws KvError while iterating: COMPACTED when others write so much between two pages that the cluster no longer keeps that state
   *   (50,000 changes, or a twenty-fourth of the quota, unless set otherwise)
   */
  range(selector: RangeSelector, options: RangeOptions = {}): AsyncGenerator<KeyValue> {
    return new PagedItems(() => this.#pages(selector, options, VALUES), keyValueOf);
  }

  /** As `range`, without the values. */
  keys(selector: RangeSelector, options: RangeOptions = {}): AsyncGenerator<KeyEntry> {
    return new PagedItems(() => this.#pages(selector, options, KEYS_ONLY), keyEntryOf);
  }

  /** How many keys there are in a range, in one state of the store. */
  async count(selector: RangeSelector, options: CountOptions = {}): Promise<CountResult> {
    const wrong = wrongCountOptions(options);
    if (wrong !== null) throw wrong;
    let result: CountResult = { count: 0, revision: 0 };
    for await (const { count, revision } of this.#pages(selector, options, COUNT_ONLY)) {
      result = { count: result.count + count, revision };
    }
    return result;
  }

  /**
   * The versions of a key that are kept, newest first: `for await (const { revision, value } of kv.history("app/a"))`. A
   * value of null: it was deleted at that revision. With `revision` from the one on that there was then.
   *
   * @throws KvError while iterating: COMPACTED when what is to come next was compacted meanwhile
   */
  async *history(key: Bytes, options: HistoryOptions = {}): AsyncGenerator<KeyVersion> {
    const wrong = wrongBytes("key", key) ?? wrongHistoryOptions(options);
    if (wrong !== null) throw wrong;
    const { revision = 0, limit = Number.MAX_SAFE_INTEGER, atLeast = 0 } = options;
    const bytes = bytesOf(key);
    const ask: AskForVersions = async (from, left, isFirst) => {
      const local = !isFirst || isLocal(options);
      const rest = { local, revision: from, limit: left, atLeast: isFirst ? atLeast : 0 };
      const operation: Operation = { kind: "history", key: bytes, ...rest };
      return answered(await this.#submit(operation, options, ({ versions }) => versions));
    };
    yield* versionsOf(ask, revision, limit);
  }

  /**
   * What happens to a key or to the keys of a range, from a revision on:
   * `for await (const { revision, events } of kv.watch({ prefix: "app/" }))`. See Watch for what holds of it, and WatchOptions.
   *
   * It begins at once. `await watch.created` tells the revision from which it holds: there is no gap between a state that was read at the
   * revision before, or at any later one, and the watch's events. Thousands of watches share one connection. A program that takes items
   * more slowly than they come loses none: at most 8 MiB wait here, and the client asks for the rest later, from the history that
   * the cluster keeps.
   * @throws KvError BAD_REQUEST, KEY_TOO_LARGE for a wrong argument; UNKNOWN_NODE for a `node` that was not named
   */
  watch(
    what: Bytes | RangeSelector,
    options: WatchOptions & { readonly progress: true },
  ): Watch<WatchItem>;
  /** The same, without items that only tell how far the watch has come. */
  watch(what: Bytes | RangeSelector, options?: WatchOptions): Watch;
  watch(what: Bytes | RangeSelector, options: WatchOptions = NO_OPTIONS): Watch {
    return this.watchOn(0, what, options);
  }

  /** As `watch`, for a view of this client: keys of events come without so many bytes at their beginning. */
  watchOn(skip: number, what: Bytes | RangeSelector, options: WatchOptions = NO_OPTIONS): Watch {
    const asked = watchedOf(what, options, skip, this.#timeoutMs);
    return new Watch(this.#watches.of(options.node ?? null), asked, options.signal);
  }

  /**
   * The newest state of a few keys, at first and whenever it has changed: `for await (const { results } of kv.observe(["a", "b"]))`,
   * or `for await (const { items } of kv.observe({ prefix: "app/" }))`. Each state existed in the store, for all the keys together, and
   * none is older than the one before; states that go by while the program looks at one are left out.
   *
   * @param keys 1 to 1,024 of them
   * @throws KvError while iterating: OVERLOADED when they are more, or have more than 32 MiB together; CANCELLED; others as `watch`
   */
  observe(keys: readonly Bytes[], options?: ObserveOptions): AsyncGenerator<Snapshot>;
  /**
   * The newest state of a range: as for a list of keys.
   *
   * @param range one with at most 1,024 keys
   */
  observe(range: RangeSelector, options?: ObserveOptions): AsyncGenerator<RangeState>;
  observe(
    what: readonly Bytes[] | RangeSelector,
    options: ObserveOptions = NO_OPTIONS,
  ): AsyncGenerator<Snapshot | RangeState> {
    return this.observeOn(this, what, options);
  }

  /** As `observe`, on a view of this client. */
  observeOn(
    view: KvRequests,
    what: readonly Bytes[] | RangeSelector,
    options: ObserveOptions = NO_OPTIONS,
  ): AsyncGenerator<Snapshot | RangeState> {
    return observeOn(view, this.#machine.clock, what, options);
  }

  /**
   * Many independent requests as one call: they travel together, and each has an outcome of its own, in the order of the
   * operations. Not a transaction: some may take effect and others not, in any order. Any number is taken.
   *
   * @param options for each of them: `timeoutMs` counts from when it is its turn; a signal gives up what has no answer yet
   * @returns a promise that rejects for a wrong argument only (BAD_REQUEST); what becomes of an operation is its outcome
   */
  async batch(
    operations: readonly BatchOperation[],
    options: RequestOptions = NO_OPTIONS,
  ): Promise<BatchOutcome[]> {
    const wrong = wrongBatch(operations) ?? wrongRequestOptions(options);
    if (wrong !== null) throw wrong;
    const { node = null, timeoutMs, signal } = options;
    const port: BatchPort<Request> = {
      submit: (operation, done) => this.#core.submit(operation, { node, timeoutMs }, done),
      cancel: (request) => this.#core.cancel(request),
    };
    return runBatch([...operations], port, signal);
  }

  /**
   * A view of this client whose keys all begin with `prefix`: `client.withPrefix("app/").read("a")` reads "app/a".
   * @throws KvError BAD_REQUEST when the prefix is neither a string nor bytes
   */
  withPrefix(prefix: Bytes): PrefixedClient {
    return new PrefixedClient(this, prefix);
  }

  /** Leases: times to live that are renewed in the background, to which keys can be bound. */
  get leases(): Leases {
    return this.#coordination.leases;
  }

  /** Locks of the whole cluster, in the shape of the Web Locks API. */
  get locks(): Locks {
    return this.#coordination.locks;
  }

  /**
   * A client whose writes are made only while the lock is held, or the term lasts: each is one step with the check. A late one
   * rejects with LOCK_LOST and has certainly had no effect.
   * @throws KvError BAD_REQUEST when it is no lock and no term
   */
  guarded(guard: Guard): GuardedClient {
    return new GuardedClient(this, guard);
  }

  /** As `txn`, in one step with the check that the lock is held, or the term lasts. Null: it does not, and nothing was done. */
  txnWhile(guard: Guard, request: TxnRequest, options?: RequestOptions): Promise<TxnResult | null> {
    return txnWhile((whole, given) => this.txn(whole, given), guard, request, options);
  }

  /**
   * Stands for an election until the signal is aborted: one term after the other in which this process leads, and no other one does.
   *
   *     for await (const term of client.elect("scheduler", { value: "10.0.0.1:80", signal })) {
   *       await work({ signal: term.signal, store: client.guarded(term) });
   *     }
   *
   * The term is given up when the body is over, or by `term.resign()`; then this process stands again, behind all others. Leave the
   * loop to end it. A term that was lost (`term.signal`) is followed by another one as soon as it is this process's turn again.
   * @throws KvError while iterating: what no node would do differently later; an interruption is waited for
   */
  elect(name: string, options: ElectOptions = {}): AsyncGenerator<Term, void, undefined> {
    return this.#coordination.elect(name, options);
  }

  /**
   * Who leads, and from then on each change: null when there is no leader. Changes that follow each other fast may come as one.
   * @throws KvError while iterating, as `range` and `watch`
   */
  observeElection(
    name: string,
    options: Pick<RequestOptions, "signal"> = {},
  ): AsyncGenerator<Leader | null, void, undefined> {
    return this.#coordination.observeElection(name, options);
  }

  /**
   * Rejects every request without an answer (CANCELLED), watches too, and ends the connections. Later requests are rejected too. The
   * client stops waiting for locks; the locks that it holds are free when their time to live is over.
   */
  close(): void {
    const leases = this.#coordination.close();
    this.#watches.close();
    this.#core.close(leases.map((lease) => ({ kind: "leaseRevoke", lease })));
  }

  #pages(
    selector: RangeSelector,
    options: RangeOptions,
    what: Pick<RangeBytes, "keysOnly" | "countOnly">,
  ): AsyncGenerator<PageAnswer> {
    const wrong = wrongSelector(selector) ?? wrongRangeOptions(options);
    if (wrong !== null) throw wrong;
    const ask: AskForPage = async (range, isFirst) => {
      const local = !isFirst || isLocal(options);
      const atLeast = isFirst ? (options.atLeast ?? 0) : 0;
      const operation: Operation = { kind: "range", range, local, atLeast };
      return answered(await this.#submit(operation, options, ({ page }) => page));
    };
    const range = rangeOf(selector, options, what);
    const order = range.select?.order ?? "key";
    return order === "key" ? pagesOf(ask, range) : orderedPages(ask, range, order);
  }

  #submit<T>(
    operation: Operation,
    options: RequestOptions,
    result: (answer: Answer) => T,
  ): Promise<T> {
    const { signal, node = null, timeoutMs } = options;
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(cancelled("it was sent", signal));
        return;
      }
      let stopListening: (() => void) | null = null;
      const request = this.#core.submit(operation, { node, timeoutMs }, (error, answer) => {
        stopListening?.();
        if (answer === null) {
          reject(withReason(error ?? new KvError("INTERNAL", "no answer and no error"), signal));
          return;
        }
        try {
          resolve(result(answer));
        } catch (thrown) {
          // It would end the process of the program: nobody calls this but the connection.
          reject(notUnderstood(thrown));
        }
      });
      if (signal === undefined || request === null) return;
      stopListening = onAbort(signal, () => this.#core.cancel(request));
    });
  }
}

function wrongOptionsOf(op: KeyRequest["op"], options: unknown): KvError | null {
  switch (op) {
    case "read":
      return wrongReadOptions(options);
    case "write":
      return wrongPlainWriteOptions(options);
    default:
      return wrongRequestOptions(options);
  }
}

/** A node that answers a range with another kind of answer breaks the protocol. */
function answered<T>(part: T | null): T {
  if (part === null) throw new KvError("INTERNAL", "a read was answered with something else");
  return part;
}
