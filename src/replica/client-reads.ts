/**
 * The reads of clients, from their arrival to their answer: those that learn an index first, and those that wait for one.
 *
 * Invariant: keys asked for that wait are bounded, whichever of the two they wait for; what does not fit is refused at once.
 */
import type { AnswerDesk } from "./answer-desk.ts";
import { PendingReads, type PendingRead } from "./pending-reads.ts";
import type { Reads } from "./reads.ts";

export interface ClientReadsOptions {
  readonly waitTicks: number;
  readonly retryTicks: number;
  readonly readsMax: number;
  readonly desk: AnswerDesk;
  /** @param ready hands over reads that may be answered from any state that has applied [0, idx) */
  readonly confirm: (
    ready: (idx: number, reads: readonly PendingRead[]) => void,
  ) => Reads<PendingRead>;
  readonly answer: (read: PendingRead) => void;
  readonly appliedIdx: () => number;
  readonly decidedIdx: () => number;
  /** Whether a full disk keeps this node from getting beyond what it has decided. */
  readonly isHeldUpByDisk: () => boolean;
}

export class ClientReads {
  readonly #options: ClientReadsOptions;
  readonly #confirmed: Reads<PendingRead>;
  readonly #pending = new PendingReads();
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
    if (this.#hasRoom(read)) this.#confirmed.add(read);
  }

  /** @param minIdx it is answered when this node has applied [0, minIdx) */
  addLocal(read: PendingRead, minIdx: number): void {
    const { answer, appliedIdx, decidedIdx, isHeldUpByDisk } = this.#options;
    if (minIdx <= appliedIdx()) answer(read);
    else if (minIdx > decidedIdx() && isHeldUpByDisk()) this.#refuseHeldUp(read);
    else if (this.#hasRoom(read)) this.#pending.add(minIdx, [read], this.#tick);
  }

  /** Takes out what waits and fulfils `predicate`. */
  remove(predicate: (read: PendingRead) => boolean): readonly PendingRead[] {
    return [...this.#confirmed.remove(predicate), ...this.#pending.remove(predicate)];
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
      for (const read of this.#pending.remove(heldUp)) this.#refuseHeldUp(read);
    }
    // An index learnt from an undecided tail may never be reached: after a while ask again.
    const stuck = (read: PendingRead, since: number): boolean =>
      !read.local && this.#tick - since > retryTicks;
    for (const read of this.#pending.remove(stuck)) this.#confirmed.add(read);
  }

  answerReady(): void {
    const { appliedIdx, answer } = this.#options;
    this.#pending.takeReady(appliedIdx(), answer);
  }

  #hasRoom(read: PendingRead): boolean {
    const { readsMax, desk } = this.#options;
    if (this.count === 0 || this.count + read.count <= readsMax) return true;
    desk.refuseRead(read, "OVERLOADED", "too many reads are waiting at this node");
    return false;
  }

  #refuseHeldUp(read: PendingRead): void {
    this.#options.desk.refuseRead(read, "DISK_FULL", HELD_UP_TEXT);
  }
}

const NO_INDEX_TEXT = "this node reaches no leader with a quorum; nothing was read";
const HELD_UP_TEXT =
  "the disk of this node is full, so it cannot get to what this client has seen elsewhere; ask another node";
const BEHIND_TEXT =
  "this node is behind what this client has seen elsewhere, and hears of nothing newer";
