/**
 * The reads of clients, from their arrival to their answer: those that learn an index first, and those that wait for one.
 *
 * Invariants:
 *   C1. Keys asked for that wait are bounded, whichever of the two they wait for; what does not fit is refused at once. No
 *       route gets more of that than is free (as for writes: Proposals, P5).
 *   C2. What a route's load counts as reads is what waits here of it, the rests of half answered frames included.
 */
import type { AnswerDesk } from "./answer-desk.ts";
import { PendingReads, type PendingRead } from "./pending-reads.ts";
import type { Reads } from "./reads.ts";

/**
 * A client that has seen more entries than this node knows of by this much is wrong: at thousands a second it would be
 * weeks ahead.
 */
const INDEXES_AHEAD_MAX = 2 ** 32;

export interface ClientReadsOptions {
  readonly waitTicks: number;
  readonly retryTicks: number;
  readonly readsMax: number;
  readonly desk: AnswerDesk;
  /** @param ready hands over reads that may be answered from any state that has applied [0, idx) */
  readonly confirm: (
    ready: (idx: number, reads: readonly PendingRead[]) => void,
  ) => Reads<PendingRead>;
  /**
   * @param isFirst whether nothing of this frame was answered yet
   * @returns what is left of it for a later turn
   */
  readonly answer: (read: PendingRead, isFirst: boolean) => PendingRead | null;
  readonly appliedIdx: () => number;
  readonly decidedIdx: () => number;
  /** Of the log as this node knows it, decided or not. */
  readonly knownIdx: () => number;
  /** Whether a full disk keeps this node from getting beyond what it has decided. */
  readonly isHeldUpByDisk: () => boolean;
}

export class ClientReads {
  readonly #options: ClientReadsOptions;
  readonly #confirmed: Reads<PendingRead>;
  readonly #pending = new PendingReads();
  /** Of frames that are too much for one turn; what they had to wait for is applied. */
  readonly #rests: PendingRead[] = [];
  #tick = 0;

  constructor(options: ClientReadsOptions) {
    this.#options = options;
    this.#confirmed = options.confirm((idx, reads) => this.#pending.add(idx, reads, this.#tick));
  }

  /** The rounds by which linearizable reads learn their index. */
  get rounds(): Reads<PendingRead> {
    return this.#confirmed;
  }

  /** Keys asked for. */
  get count(): number {
    return this.#confirmed.waitingCount + this.#pending.count;
  }

  /** Linearizable. */
  add(read: PendingRead): void {
    if (!this.#hasRoom(read)) return;
    this.#waits(read);
    this.#confirmed.add(read);
  }

  /** @param minIdx it is answered when this node has applied [0, minIdx) */
  addLocal(read: PendingRead, minIdx: number): void {
    const { desk, appliedIdx, decidedIdx, knownIdx, isHeldUpByDisk } = this.#options;
    if (minIdx <= appliedIdx()) return this.#answer(read, true);
    if (minIdx - knownIdx() > INDEXES_AHEAD_MAX) {
      const text = `no node of this cluster can have applied the first ${minIdx} entries`;
      return desk.refuseRead(read, "BAD_REQUEST", text);
    }
    if (minIdx > decidedIdx() && isHeldUpByDisk()) return this.#refuseHeldUp(read);
    if (!this.#hasRoom(read)) return;
    this.#waits(read);
    this.#pending.add(minIdx, [read], this.#tick);
  }

  /** Takes out what waits for an index and fulfils `predicate`. */
  remove(predicate: (read: PendingRead) => boolean): readonly PendingRead[] {
    const removed = [...this.#confirmed.remove(predicate), ...this.#pending.remove(predicate)];
    for (const read of removed) this.#leaves(read);
    return removed;
  }

  /** Takes out all that waits, what is left of half answered frames too. */
  removeAll(): readonly PendingRead[] {
    const rests = this.#rests.splice(0);
    for (const read of rests) this.#leaves(read);
    return [...this.remove(() => true), ...rests];
  }

  tick(): void {
    this.#tick += 1;
    this.#confirmed.tick();
  }

  /** Refuses what has waited for too long, or waits in vain. */
  expire(): void {
    const { waitTicks, retryTicks, desk, decidedIdx, isHeldUpByDisk } = this.#options;
    for (const read of this.remove(({ arrivedTick }) => this.#tick - arrivedTick > waitTicks)) {
      desk.refuseRead(read, "NO_QUORUM", read.local ? BEHIND_TEXT : NO_INDEX_TEXT);
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
    // An index learnt from an undecided tail may never be reached: after a while ask again.
    const stuck = (read: PendingRead, since: number): boolean =>
      !read.local && this.#tick - since > retryTicks;
    for (const read of this.#pending.remove(stuck)) this.#confirmed.add(read);
  }

  /** As far as this turn goes. @returns whether something is left that may be answered */
  answerReady(): boolean {
    const { desk, appliedIdx } = this.#options;
    const areReady = this.#pending.takeReady(appliedIdx(), (read) => {
      this.#leaves(read);
      this.#answer(read, true);
      return !desk.isFull;
    });
    this.#answerRests();
    return areReady || this.#rests.some(mayGoOn);
  }

  /** Frames of which more is left, one after the other; those go to the end whose turn it is not, and what is left again. */
  #answerRests(): void {
    let inVain = 0;
    while (!this.#options.desk.isFull && inVain < this.#rests.length) {
      const read = this.#rests.shift();
      if (read === undefined) return;
      if (mayGoOn(read)) {
        inVain = 0;
        this.#leaves(read);
        this.#answer(read, false);
      } else {
        inVain += 1;
        this.#rests.push(read);
      }
    }
  }

  #answer(read: PendingRead, isFirst: boolean): void {
    const rest = this.#options.answer(read, isFirst);
    if (rest === null) return;
    this.#waits(rest);
    this.#rests.push(rest);
  }

  #waits({ route, frame, count }: PendingRead): void {
    route.load.reads += count;
    route.load.readBytes += frame.length;
  }

  #leaves({ route, frame, count }: PendingRead): void {
    route.load.reads -= count;
    route.load.readBytes -= frame.length;
  }

  #hasRoom(read: PendingRead): boolean {
    const { readsMax, desk } = this.#options;
    const held = read.route.load.reads;
    if (this.count === 0 || this.count + held + read.count <= readsMax) return true;
    desk.refuseRead(read, "OVERLOADED", "too many reads are waiting at this node");
    return false;
  }

  #refuseHeldUp(read: PendingRead): void {
    this.#options.desk.refuseRead(read, "DISK_FULL", HELD_UP_TEXT);
  }
}

/** What is for nobody any more goes at once. */
function mayGoOn({ route }: PendingRead): boolean {
  return !route.isOpen() || route.mayHaveMore?.() !== false;
}

const NO_INDEX_TEXT = "this node reaches no leader with a quorum; nothing was read";
const HELD_UP_TEXT =
  "the disk of this node is full, so it cannot get to what this client has seen elsewhere; ask another node";
const BEHIND_TEXT =
  "this node is behind what this client has seen elsewhere, and hears of nothing newer";
