/**
 * Transactions as functions: reads of one state, writes that are kept back, and a commit which checks that no key or range that was
 * read has changed (optimistic concurrency).
 *
 * Invariants:
 *   TRANSACT-1. All reads of one attempt are of one revision R, that of the first read, which is linearizable.
 *   TRANSACT-2. The commit takes effect only when every key that was read has the revision that it had at R, and every range that was
 *       read has as many keys as at R, none of them changed since. Then its keys are those of R: a deleted key would be missing in
 *       the number, and a new one would have a later revision. So it is as if the transaction had read all where it commits.
 *   TRANSACT-3. A range is checked as far as it was read: from its beginning up to the last key that the function was given.
 *   TRANSACT-4. Only ClientCore sends a commit again, in the same session with the same number. Another attempt follows only a commit
 *       whose answer says that it did not take effect, or reads whose state the cluster no longer keeps.
 */
import { KvError, TXN_OPS_MAX } from "../../base/index.ts";
import type { Clock, Random } from "../../machine/ports/index.ts";
import {
  backOffMs,
  badArgument,
  type Bytes,
  bytesOf,
  type CountResult,
  FoundResult,
  KeyValue,
  MissingResult,
  namesOf,
  pause,
  type RangeOptions,
  type RangeSelector,
  type ReadOptions,
  type ReadResult,
  type RequestOptions,
  type Snapshot,
  wrongKey,
  wrongRangeOptions,
  wrongRequestOptions,
  wrongSelector,
  wrongValue,
  cancelled,
} from "../terms/index.ts";
import { rangeOf } from "../keys/index.ts";
import type {
  TransactOptions,
  TransactResult,
  TxnCompare,
  TxnOperation,
  TxnRequest,
  TxnResult,
} from "./txn-types.ts";

const ATTEMPTS_MAX = 32;
const PAUSES = { minMs: 4, maxMs: 256 };
/** A range that never holds a key: read for the store's revision. */
const NO_KEYS: RangeSelector = { start: new Uint8Array(1), end: new Uint8Array(1) };
const ALL_VALUES = { keysOnly: false, countOnly: false };

/** What transactions read from and commit to: a client, or a view of one. */
export interface TransactSource {
  /** As of KvClient. */
  snapshot(keys: readonly Bytes[], options?: ReadOptions): Promise<Snapshot>;
  /** As of KvClient. */
  range(selector: RangeSelector, options?: RangeOptions): AsyncGenerator<KeyValue>;
  /** As of KvClient. */
  count(selector: RangeSelector, options?: ReadOptions): Promise<CountResult>;
  /** As of KvClient. */
  txn(request: TxnRequest, options?: RequestOptions): Promise<TxnResult>;
}

export interface TransactMachine {
  readonly clock: Clock;
  readonly random: Random;
}

/** How many keys, and in which direction. */
export type TransactRangeOptions = Pick<RangeOptions, "limit" | "reverse">;

const OPTION_NAMES = namesOf<TransactOptions>({
  node: true,
  timeoutMs: true,
  signal: true,
  attempts: true,
});
const RANGE_NAMES = namesOf<TransactRangeOptions>({ limit: true, reverse: true });

export function wrongTransactOptions(options: unknown): KvError | null {
  const wrong = wrongRequestOptions(options, OPTION_NAMES);
  if (wrong !== null) return wrong;
  const { attempts } = options as Record<keyof TransactOptions, unknown>;
  if (attempts === undefined) return null;
  if (Number.isSafeInteger(attempts) && Number(attempts) >= 1) return null;
  return badArgument("attempts", "a positive integer", attempts);
}

/** @param options with which nothing is wrong */
export async function runTransact<T>(
  source: TransactSource,
  machine: TransactMachine,
  carryOut: (tx: Transaction) => Promise<T> | T,
  { attempts: attemptsMax = ATTEMPTS_MAX, ...options }: TransactOptions,
): Promise<TransactResult<T>> {
  const { signal } = options;
  for (let attempts = 1; ; attempts++) {
    if (signal?.aborted === true) throw cancelled("the transaction took effect", signal);
    const tx = new Transaction(source, options);
    const result = await attempt(tx, carryOut);
    if (result !== null) return { ...result, attempts };
    if (attempts >= attemptsMax) {
      const text = `others changed what the transaction had read, each of the ${attempts} times it was tried; nothing was changed`;
      throw new KvError("CONFLICT", text);
    }
    await pause(machine.clock, backOffMs(machine.random, attempts, PAUSES), signal);
  }
}

/** @returns null: the attempt had no effect, and another one may go better */
async function attempt<T>(
  tx: Transaction,
  carryOut: (tx: Transaction) => Promise<T> | T,
): Promise<Omit<TransactResult<T>, "attempts"> | null> {
  try {
    let result: T;
    try {
      result = await carryOut(tx);
    } catch (error) {
      // The state at R is gone, whatever the function did with that error.
      if (tx.isCompacted) return null;
      throw error;
    }
    if (tx.isCompacted) return null;
    const revision = await tx.commit();
    return revision === null ? null : { result, revision };
  } finally {
    tx.end();
  }
}

/** How far a range has been read. It grows with what the function is given: at the commit the function may still hold it open. */
interface RangeRead {
  readonly start: Uint8Array;
  readonly end: Uint8Array | null;
  readonly reverse: boolean;
  /** Of the store's keys. */
  count: number;
  /** The key that the function was given last, of the store's or its own. Null: none. */
  last: Uint8Array | null;
  /** The store has no more keys. */
  isWhole: boolean;
}

/** One attempt: what `transact` hands to its function. It is of no use after the function has returned. */
export class Transaction {
  readonly #source: TransactSource;
  readonly #options: RequestOptions;
  /** TRANSACT-1. Null: nothing was read yet. */
  #revision: Promise<number> | null = null;
  /** The revision of each key that was read, by its bytes; 0: there was no such key. */
  readonly #keysRead = new Map<string, number>();
  readonly #rangesRead: RangeRead[] = [];
  /** Null: to be deleted. */
  readonly #writes = new Map<string, Uint8Array | null>();
  #isOver = false;
  /** The cluster no longer keeps the state that is read. */
  isCompacted = false;

  constructor(source: TransactSource, options: RequestOptions) {
    this.#source = source;
    this.#options = options;
  }

  /**
   * A key as it is for this transaction: as it was at the transaction's revision, or as the transaction itself has written it
   * (with 0 for its revisions and its version, which it does not have yet).
   */
  async get(key: Bytes): Promise<ReadResult> {
    this.#check();
    const wrong = wrongKey("key", key);
    if (wrong !== null) throw wrong;
    const name = nameOf(key);
    const written = this.#writes.get(name);
    if (written === null) return new MissingResult(0);
    if (written !== undefined) return new FoundResult(written.slice(), 0, 0, 0, 0);
    const result = await this.#read(key);
    this.#keysRead.set(name, result.found ? result.modRevision : 0);
    return result;
  }

  /** The keys of a range as they are for this transaction, in order, as by `get`. The commit checks only the part that was read. */
  async *range(
    selector: RangeSelector,
    options: TransactRangeOptions = {},
  ): AsyncGenerator<KeyValue> {
    this.#check();
    const wrong = wrongSelector(selector) ?? wrongRangeOptions(options, RANGE_NAMES);
    if (wrong !== null) throw wrong;
    const { limit = Number.MAX_SAFE_INTEGER, reverse = false } = options;
    const { start, end } = rangeOf(selector, {}, ALL_VALUES);
    const own = this.#writtenIn(start, end, reverse);
    let left = limit;
    // TRANSACT-3. Up to date before each `yield`: the function may never come back.
    const read: RangeRead = { start, end, reverse, count: 0, last: null, isWhole: false };
    this.#rangesRead.push(read);
    for await (const entry of this.#stored(selector, reverse)) {
      const name = nameOf(entry.key);
      while (left > 0 && own.length > 0 && isBefore(own[0]?.name ?? "", name, reverse)) {
        const entry = own.shift()?.entry;
        if (entry === undefined) continue;
        left -= 1;
        read.last = entry.key;
        yield entry;
      }
      if (left === 0) return;
      read.count += 1;
      read.last = entry.key;
      if (own[0]?.name === name) {
        const mine = own.shift()?.entry;
        if (mine === undefined) continue;
        left -= 1;
        yield mine;
      } else {
        left -= 1;
        yield entry;
      }
      if (left === 0) return;
    }
    read.isWhole = true;
    for (const { entry } of own) {
      if (entry === undefined) continue;
      if (left-- === 0) return;
      yield entry;
    }
  }

  /** Sets the value of a key, when the transaction commits. A later one of the same key takes its place. */
  put(key: Bytes, value: Bytes): this {
    this.#check();
    const wrong = wrongKey("key", key) ?? wrongValue("value", value);
    if (wrong !== null) throw wrong;
    this.#writes.set(nameOf(key), bytesOf(value));
    return this;
  }

  /** Takes a key away, when the transaction commits. */
  delete(key: Bytes): this {
    this.#check();
    const wrong = wrongKey("key", key);
    if (wrong !== null) throw wrong;
    this.#writes.set(nameOf(key), null);
    return this;
  }

  /** Called by `transact`. @returns its revision; null: something that was read has changed */
  async commit(): Promise<number | null> {
    this.#isOver = true;
    const revision = (await this.#revision) ?? 0;
    if (this.#writes.size === 0) return revision;
    const then = [...this.#writes].map(([name, value]): TxnOperation => {
      const key = bytesNamed(name);
      return value === null ? { op: "delete", key } : { op: "put", key, value };
    });
    const compare = this.#compares(revision);
    checkSize("keys written", then.length);
    checkSize("comparisons, one a key read and two a range read", compare.length);
    // oxlint-disable-next-line no-thenable -- a list, which nobody can call
    const answer = await this.#source.txn({ compare, then }, this.#options);
    return answer.succeeded ? answer.revision : null;
  }

  /** Later calls are refused. */
  end(): void {
    this.#isOver = true;
  }

  /** TRANSACT-2. */
  #compares(revision: number): TxnCompare[] {
    const keys = [...this.#keysRead].map(([name, modRevision]): TxnCompare => ({
      key: bytesNamed(name),
      modRevision,
    }));
    const ranges = this.#rangesRead.flatMap((read): TxnCompare[] => {
      const part = partRead(read);
      if (part === null) return [];
      const { start, end } = part;
      const range = end === null ? { start } : { start, end };
      const { count } = read;
      return [
        { range, count },
        { range, modRevision: revision + 1, is: "<" },
      ];
    });
    return [...keys, ...ranges];
  }

  async #read(key: Bytes): Promise<ReadResult> {
    if (this.#revision === null) {
      const first = this.#told(this.#source.snapshot([key], this.#options));
      this.#revision = first.then(({ revision }) => revision);
      // Reads meanwhile wait for it and see its failure; without any, the failure must not go unhandled.
      this.#revision.catch(() => {});
      const { results } = await first;
      return results[0] ?? new MissingResult(0);
    }
    const revision = await this.#revision;
    // Of an empty store there is no revision to name; it had no keys.
    if (revision === 0) return new MissingResult(0);
    const { results } = await this.#told(
      this.#source.snapshot([key], { ...this.#options, revision }),
    );
    return results[0] ?? new MissingResult(0);
  }

  async *#stored(selector: RangeSelector, reverse: boolean): AsyncGenerator<KeyValue> {
    if (this.#revision === null) {
      const first = this.#told(this.#source.count(NO_KEYS, this.#options));
      this.#revision = first.then(({ revision }) => revision);
      this.#revision.catch(() => {});
    }
    const revision = await this.#revision;
    if (revision === 0) return;
    try {
      yield* this.#source.range(selector, { ...this.#options, reverse, revision });
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  async #told<R>(read: Promise<R>): Promise<R> {
    try {
      return await read;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  #note(error: unknown): void {
    if (error instanceof KvError && error.code === "COMPACTED") this.isCompacted = true;
  }

  /** Undefined: deleted. In the order of the range. */
  #writtenIn(
    start: Uint8Array,
    end: Uint8Array | null,
    reverse: boolean,
  ): { readonly name: string; readonly entry: KeyValue | undefined }[] {
    const [low, high] = [nameOf(start), end === null ? null : nameOf(end)];
    return [...this.#writes]
      .filter(([name]) => name >= low && (high === null || name < high))
      .toSorted(([a], [b]) => (isBefore(a, b, reverse) ? -1 : 1))
      .map(([name, value]) => ({
        name,
        entry: value === null ? undefined : new KeyValue(bytesNamed(name), value.slice(), 0, 0, 0),
      }));
  }

  #check(): void {
    if (!this.#isOver) return;
    throw new KvError("BAD_REQUEST", "the transaction is over: await what it does in its function");
  }
}

/** @throws KvError BAD_REQUEST: the function would do as much the next time */
function checkSize(noun: string, given: number): void {
  if (given <= TXN_OPS_MAX) return;
  const text = `transact: at most ${TXN_OPS_MAX} ${noun}, got ${given}`;
  throw new KvError("BAD_REQUEST", text);
}

/** The part of a range up to the last key; null: nothing of it was seen. */
function partRead({
  start,
  end,
  reverse,
  last,
  isWhole,
}: RangeRead): Pick<RangeRead, "start" | "end"> | null {
  if (isWhole) return { start, end };
  if (last === null) return null;
  return reverse ? { start: last, end } : { start, end: Buffer.concat([last, new Uint8Array(1)]) };
}

/** One character a byte: compared as strings these are in the order of their bytes. */
function nameOf(key: Bytes): string {
  const bytes = bytesOf(key);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function bytesNamed(name: string): Uint8Array {
  return new Uint8Array(Buffer.from(name, "latin1"));
}

function isBefore(a: string, b: string, reverse: boolean): boolean {
  return reverse ? a > b : a < b;
}
