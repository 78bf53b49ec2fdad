import { BALLOT_BOTTOM, ballotsEqual, compareBallots } from "./ballot.ts";
import type { Ballot } from "./ballot.ts";
import type { DurableState, WriteSeq } from "./effects.ts";
import { assert } from "./errors.ts";
import { EntryLog } from "./log.ts";
import type { CompleteSnapshot, StopSign } from "./messages.ts";
import type { DurableMark, Outbox } from "./outbox.ts";

/**
 * The state of a node that must survive a crash, and the writes that bring the disk to it. It owns the log, the two
 * ballots, the decided and compacted index, the snapshot and the stop-sign; the batch is volatile until flushed.
 *
 * STORE-1. decidedIdx <= acceptedIdx, in memory and in every prefix of the write groups; neither node nor disk ever forgets
 *     a decided entry except into a snapshot or by a trim.
 * STORE-2. acceptedRound <= promise; promise never decreases.
 * STORE-3. compactedIdx <= snapshot.idx <= decidedIdx when there is a snapshot; compactedIdx <= decidedIdx always.
 * STORE-4. The decided index is written lazily: with the next group, or on `writeDecided`. A compaction writes it first.
 * STORE-5. The stop-sign is the last entry, kept outside the log; acceptedIdx and decidedIdx count it, log.end does not.
 */
export class Store<T, S> {
  readonly #outbox: Outbox<T, S>;
  readonly #log: EntryLog<T>;
  #promise: Ballot;
  #acceptedRound: Ballot;
  #decidedIdx: number;
  #snapshot: CompleteSnapshot<S> | null;
  #stopSign: StopSign | null;
  #batch: T[] = [];
  #writtenDecidedIdx: number;
  #durable: DurableMark;
  #promiseSeq: WriteSeq = 0;
  #logSeq: WriteSeq = 0;

  constructor(outbox: Outbox<T, S>, recovered: DurableState<T, S> | undefined) {
    this.#outbox = outbox;
    this.#promise = recovered?.promise ?? BALLOT_BOTTOM;
    this.#acceptedRound = recovered?.acceptedRound ?? BALLOT_BOTTOM;
    this.#decidedIdx = recovered?.decidedIdx ?? 0;
    this.#writtenDecidedIdx = this.#decidedIdx;
    this.#log = new EntryLog(recovered?.compactedIdx ?? 0, recovered?.entries ?? []);
    this.#snapshot = recovered?.snapshot ?? null;
    this.#stopSign = recovered?.stopSign ?? null;
    this.#durable = this.mark();
    this.checkInvariants();
  }

  get log(): EntryLog<T> {
    return this.#log;
  }
  get promise(): Ballot {
    return this.#promise;
  }
  get acceptedRound(): Ballot {
    return this.#acceptedRound;
  }
  get decidedIdx(): number {
    return this.#decidedIdx;
  }
  /** The least that a restart would find. */
  get durable(): DurableMark {
    return this.#durable;
  }
  get durableDecidedIdx(): number {
    return this.#durable.decidedIdx;
  }
  /** Decided entries end here: the decided index without the stop-sign. */
  get decidedEnd(): number {
    return Math.min(this.#decidedIdx, this.#log.end);
  }
  get acceptedIdx(): number {
    return this.#log.end + (this.#stopSign === null ? 0 : 1);
  }
  get compactedIdx(): number {
    return this.#log.base;
  }
  get snapshot(): CompleteSnapshot<S> | null {
    return this.#snapshot;
  }
  get stopSign(): StopSign | null {
    return this.#stopSign;
  }
  get stopSignDecided(): boolean {
    return this.#stopSign !== null && this.#decidedIdx === this.acceptedIdx;
  }
  get batch(): readonly T[] {
    return this.#batch;
  }
  /** The decided index that the write groups so far carry (STORE-4). */
  get writtenDecidedIdx(): number {
    return this.#writtenDecidedIdx;
  }
  get batchLength(): number {
    return this.#batch.length;
  }
  /** The write group that makes the current promise durable. */
  get promiseSeq(): WriteSeq {
    return this.#promiseSeq;
  }
  /** The write group that makes the accepted round, the log and the stop-sign durable as they are now. */
  get logSeq(): WriteSeq {
    return this.#logSeq;
  }

  setPromise(promise: Ballot): void {
    assert(compareBallots(promise, this.#promise) >= 0, "a promise never decreases (STORE-2)");
    if (ballotsEqual(promise, this.#promise)) return;
    this.#promise = promise;
    this.#promiseSeq = this.#outbox.write({ kind: "promise", promise });
  }

  setAcceptedRound(acceptedRound: Ballot): void {
    if (ballotsEqual(acceptedRound, this.#acceptedRound)) return;
    this.#acceptedRound = acceptedRound;
    this.#logSeq = this.#outbox.write({ kind: "acceptedRound", acceptedRound });
  }

  append(entry: T): void {
    this.#logSeq = this.#outbox.writeEntry(this.#log.end, entry);
    this.#log.push(entry);
  }

  appendToBatch(entry: T): void {
    this.#batch.push(entry);
  }

  /** Moves the batch into the log; answers what it held. */
  flushBatch(): readonly T[] {
    const entries = this.#batch;
    if (entries.length === 0) return entries;
    this.#batch = [];
    for (const entry of entries) this.append(entry);
    return entries;
  }

  /** The log below fromIdx stays, the rest becomes `entries`. fromIdx lies in [compactedIdx, log.end]. */
  replaceSuffix(fromIdx: number, entries: readonly T[]): void {
    if (fromIdx < this.#log.end) {
      this.#log.truncate(fromIdx);
    } else if (entries.length === 0) {
      return;
    }
    for (const entry of entries) this.#log.push(entry);
    this.#logSeq = this.#outbox.write({ kind: "append", fromIdx, entries });
  }

  setStopSign(stopSign: StopSign | null): void {
    if (stopSign === this.#stopSign) return;
    this.#stopSign = stopSign;
    this.#logSeq = this.#outbox.write({ kind: "stopSign", stopSign });
  }

  /** Raises the decided index, at most to the accepted index; a lower one is not news. */
  decide(idx: number): void {
    const decidedIdx = Math.min(idx, this.acceptedIdx);
    if (decidedIdx <= this.#decidedIdx) return;
    this.#decidedIdx = decidedIdx;
  }

  /** Puts a decided index that no group carries yet into the open group. */
  writeDecided(): void {
    if (this.#writtenDecidedIdx === this.#decidedIdx) return;
    this.#writtenDecidedIdx = this.#decidedIdx;
    this.#outbox.write({ kind: "decided", decidedIdx: this.#decidedIdx });
  }

  /** Forgets the entries below idx, which a snapshot stands for or every node has. */
  compact(idx: number, snapshot: CompleteSnapshot<S> | null): void {
    this.writeDecided();
    if (snapshot !== null) this.#snapshot = snapshot;
    this.#log.dropBelow(idx);
    this.#logSeq = this.#outbox.write({ kind: "compact", idx, snapshot });
  }

  /** A snapshot from another node takes the place of everything below snapshot.idx, which becomes decided. */
  install(snapshot: CompleteSnapshot<S>): void {
    this.#snapshot = snapshot;
    this.#log.dropBelow(snapshot.idx);
    this.#logSeq = this.#outbox.write({ kind: "compact", idx: snapshot.idx, snapshot });
    if (snapshot.idx > this.#decidedIdx) {
      this.#decidedIdx = snapshot.idx;
    }
  }

  /** What is on disk once everything written so far is. */
  mark(): DurableMark {
    return {
      promise: this.#promise,
      acceptedRound: this.#acceptedRound,
      acceptedIdx: this.acceptedIdx,
      decidedIdx: this.#writtenDecidedIdx,
    };
  }

  markDurable(mark: DurableMark): void {
    this.#durable = mark;
  }

  /** @throws InvariantError when STORE-1–STORE-3 or STORE-5 do not hold. */
  checkInvariants(): void {
    const { decidedIdx, acceptedIdx, compactedIdx, snapshot } = this;
    assert(decidedIdx <= acceptedIdx, `decided ${decidedIdx} > accepted ${acceptedIdx} (STORE-1)`);
    assert(
      compareBallots(this.#acceptedRound, this.#promise) <= 0,
      "accepted round above the promise (STORE-2)",
    );
    assert(
      compactedIdx <= decidedIdx,
      `compacted ${compactedIdx} > decided ${decidedIdx} (STORE-3)`,
    );
    assert(
      this.durableDecidedIdx <= decidedIdx,
      "durable decided index above the decided one (STORE-4)",
    );
    if (snapshot === null) return;
    assert(
      compactedIdx <= snapshot.idx && snapshot.idx <= this.decidedEnd,
      `snapshot at ${snapshot.idx} outside [${compactedIdx}, ${this.decidedEnd}] (STORE-3)`,
    );
  }
}
