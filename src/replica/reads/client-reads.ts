/**
 * The reads of clients, from their arrival to their answer: those that learn an index first, and those that wait for one.
 *
 * Invariants:
 *   READS-1. The number of keys in waiting reads is bounded, whichever of the two they wait for; a read that does not fit is refused
 *       at once. No route gets more of that room than is free (as for writes: Proposals, PROPOSALS-5).
 *   READS-2. A route's load counts as reads those of its reads that wait here, the rests of half answered frames included, and those
 *       that a neighbour serves until they are settled.
 *   READS-3. A local read for an index that the cluster has never had is refused as soon as this is certain: a node told the client
 *       of entries that are gone. Every entry decided before a linearizable read was asked lies below the read's index.
 *   READS-4. A read that names a least revision is answered from no state before it. It waits for its index first: the entries
 *       that its client was told of are in the log, while the revision may be yet to be made. It waits for the revision no longer
 *       than any other read waits.
 */
import { RANGE_PAGE, type KvState, type PageLimits } from "../../store/index.ts";
import { aheadText } from "../../protocol/client/index.ts";
import type { AnswerOutbox } from "../turn/answer-outbox.ts";
import { ApplyWaitQueue, type PendingRead } from "../turn/apply-wait-queue.ts";
import { Readable } from "./readable.ts";
import type { ReadIndex } from "./read-index.ts";
import { Rests, type Gone } from "../turn/rests.ts";
import type { RequestMetrics } from "../requests/request-metrics.ts";

/**
 * A client that has seen more entries than this node knows of by this much is wrong: at thousands a second it would be
 * weeks ahead.
 */
const INDEXES_AHEAD_MAX = 2 ** 32;
/** Work on a frame at its first go, so that a client that asks for little does not wait behind those that ask for much. */
const FIRST_BYTES = 64 * 1024;

export interface ClientReadsOptions {
  readonly waitTicks: number;
  readonly retryTicks: number;
  /** Reads that took so long are reported. */
  readonly slowTicks: number;
  readonly readsMax: number;
  /** Default: RANGE_PAGE. */
  readonly rangePage?: PageLimits | undefined;
  readonly outbox: AnswerOutbox;
  /** @param ready hands over reads that may be answered from any state that has applied [0, idx) */
  readonly confirm: (
    ready: (idx: number, reads: readonly PendingRead[]) => void,
  ) => ReadIndex<PendingRead>;
  readonly state: () => KvState;
  readonly served: RequestMetrics;
  readonly appliedIdx: () => number;
  readonly decidedIdx: () => number;
  /** The end of the log as this node knows it, decided or not. */
  readonly knownIdx: () => number;
  /** Whether a full disk keeps this node from deciding more. */
  readonly isHeldUpByDisk: () => boolean;
  /** Whether this node has heard no majority for as long as a read waits. */
  readonly isCutOffForLong: () => boolean;
}

export class ClientReads {
  readonly #options: ClientReadsOptions;
  readonly #confirmed: ReadIndex<PendingRead>;
  readonly #pending = new ApplyWaitQueue();
  /** READS-4, by revision in place of an index. */
  readonly #early = new ApplyWaitQueue();
  readonly #readable: Readable;
  /** Unanswered parts of frames that are too much for one turn; the state has what they waited for. */
  readonly #rests = new Rests();
  /** Keys asked for by the reads that neighbours serve. */
  #lent = 0;
  #tick = 0;

  constructor(options: ClientReadsOptions) {
    this.#options = options;
    this.#confirmed = options.confirm((idx, reads) => this.#learnt(idx, reads));
    this.#readable = new Readable(options.state, options.rangePage ?? RANGE_PAGE);
  }

  /** The rounds by which linearizable reads learn their index. */
  get rounds(): ReadIndex<PendingRead> {
    return this.#confirmed;
  }

  /** Keys asked for. */
  get count(): number {
    const waiting = this.#confirmed.waitingCount + this.#pending.count + this.#early.count;
    return waiting + this.#lent;
  }

  /** Linearizable. */
  add(read: PendingRead): void {
    if (!this.#hasRoom(read)) return;
    this.#waits(read);
    this.#confirmed.add(read);
  }

  /** @param minIdx it is answered when this node has applied [0, minIdx) */
  addLocal(read: PendingRead, minIdx: number): void {
    const { outbox, appliedIdx, decidedIdx, knownIdx, isHeldUpByDisk, isCutOffForLong } =
      this.#options;
    if (minIdx <= appliedIdx()) {
      if (!this.#isEarly(read)) return this.#answer(read, read.arrivedTick);
      if (this.#hasRoom(read)) this.#waitForRevision(read);
      return;
    }
    if (minIdx - knownIdx() > INDEXES_AHEAD_MAX) {
      const text = `no node of this cluster can have applied the first ${minIdx} entries`;
      return outbox.refuseRead(read, "BAD_REQUEST", text);
    }
    if (minIdx > decidedIdx() && isHeldUpByDisk()) return this.#refuseHeldUp(read);
    // A read that had come earlier would be refused by now.
    if (minIdx > decidedIdx() && isCutOffForLong()) {
      return outbox.refuseRead(read, "NO_QUORUM", BEHIND_TEXT);
    }
    if (!this.#hasRoom(read)) return;
    this.#waits(read);
    this.#pending.add(minIdx, [read], this.#tick);
  }

  /** Takes out the waiting reads that fulfil `predicate`. */
  remove(predicate: (read: PendingRead) => boolean): readonly PendingRead[] {
    const removed = this.#remove(predicate);
    for (const read of removed) this.#leaves(read);
    return removed;
  }

  /** READS-2. The same, for a neighbour to serve. The caller must settle each. */
  lend(predicate: (read: PendingRead) => boolean): readonly PendingRead[] {
    const lent = this.#remove(predicate);
    for (const { count } of lent) this.#lent += count;
    return lent;
  }

  /** A read that was lent is answered, given back, or no longer wanted, as its client is gone. */
  settle(read: PendingRead): void {
    this.#lent -= read.count;
    this.#leaves(read);
  }

  /** Takes out all waiting reads, and the rests of half answered frames. */
  removeAll(): readonly PendingRead[] {
    const rests = this.#rests.removeAll();
    for (const read of rests) this.#leaves(read);
    return [...this.remove(() => true), ...rests];
  }

  tick(): void {
    this.#tick += 1;
    this.#confirmed.tick();
  }

  /** Refuses reads that have waited for too long, or wait in vain. */
  expire(): void {
    const { waitTicks, retryTicks, outbox, decidedIdx, knownIdx, isHeldUpByDisk } = this.#options;
    const known = knownIdx();
    const isOver = ({ arrivedTick }: PendingRead): boolean => this.#tick - arrivedTick > waitTicks;
    for (const read of this.#early.remove(isOver)) {
      this.#leaves(read);
      const text = aheadText(read.atLeast ?? 0, this.#readable.revision);
      outbox.refuseRead(read, "REVISION_AHEAD", text, this.#readable.isFor(read.route));
    }
    for (const read of this.remove(isOver)) {
      outbox.refuseRead(read, "NO_QUORUM", read.local ? BEHIND_TEXT : NO_INDEX_TEXT);
    }
    if (isHeldUpByDisk()) {
      const decided = decidedIdx();
      const heldUp = (read: PendingRead, _: number, idx: number): boolean =>
        read.local && idx > decided;
      for (const read of this.#pending.remove(heldUp)) {
        this.#leaves(read);
        this.#refuseHeldUp(read);
      }
    }
    // READS-3. A node that lags learns of such an index soon; where the leader has none to tell, the read would wait in vain.
    const doubtful = (read: PendingRead, since: number, idx: number): boolean =>
      read.local && read.doubtedIdx === undefined && idx > known && this.#tick - since > retryTicks;
    for (const { read, idx } of this.#pending.removeWithIdx(doubtful)) {
      this.#confirmed.add({ ...read, doubtedIdx: idx });
    }
    // An index learnt from an undecided tail may never be reached: after a while the node asks again.
    const stuck = (read: PendingRead, since: number): boolean =>
      !read.local && this.#tick - since > retryTicks;
    for (const read of this.#pending.remove(stuck)) this.#confirmed.add(read);
  }

  /** Answers as many reads as this turn has room for. @returns whether some are left that may be answered */
  answerReady(): boolean {
    const { outbox, appliedIdx } = this.#options;
    const areReady = this.#pending.takeReady(appliedIdx(), (read, sinceTick) => {
      this.#leaves(read);
      if (this.#isEarly(read)) this.#waitForRevision(read);
      else this.#answer(read, read.local ? read.arrivedTick : sinceTick);
      return !outbox.isFull;
    });
    const areThere = this.#early.count > 0 && this.#answerEarly();
    this.#answerRests();
    return areReady || areThere || this.#rests.hasWork;
  }

  /** @returns whether some of them may be answered, and were not because the turn is full */
  #answerEarly(): boolean {
    const { outbox } = this.#options;
    const { revision } = this.#readable;
    if (outbox.isFull) return this.#early.isReady(revision);
    return this.#early.takeReady(revision, (read) => {
      this.#leaves(read);
      this.#answer(read, read.arrivedTick);
      return !outbox.isFull;
    });
  }

  #isEarly({ atLeast = 0 }: PendingRead): boolean {
    return atLeast > this.#readable.revision;
  }

  #waitForRevision(read: PendingRead): void {
    this.#waits(read);
    this.#early.add(read.atLeast ?? 0, [read], this.#tick);
  }

  /** Every entry at or above idx was still undecided when these reads were asked. */
  #learnt(idx: number, reads: readonly PendingRead[]): void {
    const linearizable = reads.filter(({ doubtedIdx }) => doubtedIdx === undefined);
    if (linearizable.length > 0) this.#pending.add(idx, linearizable, this.#tick);
    for (const read of reads) {
      const { doubtedIdx } = read;
      if (doubtedIdx === undefined) continue;
      if (doubtedIdx <= idx) {
        this.#pending.add(doubtedIdx, [read], this.#tick);
        continue;
      }
      this.#leaves(read);
      this.#options.outbox.refuseRead(read, "WRONG_CLUSTER", wentBackText(doubtedIdx, idx));
    }
  }

  /** Goes on with half answered frames. */
  #answerRests(): void {
    const { outbox } = this.#options;
    this.#rests.serve(
      (read, workMax) => {
        this.#leaves(read);
        const { rest, work } = this.#go(read, workMax);
        if (rest !== null) this.#waits(rest);
        else if (read.stages !== undefined && this.#isSlow(read)) {
          this.#options.served.slowReads.note(read, read.stages, this.#tick);
        }
        return { rest, work };
      },
      () => outbox.isFull,
    );
  }

  /** @param learntTick when the read learnt the index it waits for; of a local read, when it came */
  #answer(read: PendingRead, learntTick: number): void {
    const { rest, work } = this.#go(read, FIRST_BYTES);
    if (rest === null) {
      if (!this.#isSlow(read)) return;
      const stages = { learntTick, startedTick: this.#tick };
      return this.#options.served.slowReads.note(read, stages, this.#tick);
    }
    this.#waits(rest);
    this.#rests.add({ ...rest, stages: { learntTick, startedTick: this.#tick } }, work);
  }

  #isSlow({ arrivedTick }: PendingRead): boolean {
    return this.#tick - arrivedTick >= this.#options.slowTicks;
  }

  #go(read: PendingRead, workMax: number): Gone {
    const { outbox, served } = this.#options;
    const { count, rest, work } = outbox.answerRead(
      read,
      this.#readable.isFor(read.route),
      workMax,
    );
    served.reads += count;
    return { rest, work };
  }

  #remove(predicate: (read: PendingRead) => boolean): readonly PendingRead[] {
    const waiting = [this.#confirmed, this.#pending, this.#early];
    return waiting.flatMap((reads) => reads.remove(predicate));
  }

  #waits({ route, count }: PendingRead): void {
    route.load.reads += count;
  }

  #leaves({ route, count }: PendingRead): void {
    route.load.reads -= count;
  }

  #hasRoom(read: PendingRead): boolean {
    const { readsMax, outbox } = this.#options;
    const held = read.route.load.reads;
    if (this.count === 0 || this.count + held + read.count <= readsMax) return true;
    outbox.refuseRead(read, "OVERLOADED", "too many reads are waiting at this node");
    return false;
  }

  #refuseHeldUp(read: PendingRead): void {
    this.#options.outbox.refuseRead(read, "DISK_FULL", HELD_UP_TEXT);
  }
}

function wentBackText(seen: number, has: number): string {
  return (
    `this client has seen ${seen} entries of the log, and the cluster has ${has}: its data were put back from an older ` +
    `copy, and what was written since is gone. Start this client anew`
  );
}

const NO_INDEX_TEXT = "this node reaches no leader with a quorum; nothing was read";
const HELD_UP_TEXT =
  "the disk of this node is full, so it cannot get to what this client has seen elsewhere; ask another node";
const BEHIND_TEXT =
  "this node is behind what this client has seen elsewhere, and hears of nothing newer";
