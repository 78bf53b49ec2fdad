/**
 * The reads of clients, from their arrival to their answer: those that learn an index first, and those that wait for one.
 *
 * Invariants:
 *   READS-1. The number of keys in waiting reads is bounded, whichever of the two they wait for, and so are the bytes of their frames,
 *       those that a neighbour serves included; a read that does not fit is refused at once. No route holds more of either than is
 *       free after it: one alone gets half of the room, and as much as the last one got is left for the next. Only where nothing
 *       waits a read is taken whatever its size.
 *   READS-2. A route's load counts as reads those of its reads that wait here, the rests of half answered frames included, and those
 *       that a neighbour serves until they are settled; with their bytes. They go with the route.
 *   READS-3. A local read for an index that the cluster has never had is refused as soon as this is certain: a node told the client
 *       of entries that are gone. Every entry decided before a linearizable read was asked lies below the read's index.
 *   READS-4. A read that names a least revision is answered from no state before it. It waits for its index first: the entries
 *       that its client was told of are in the log, while the revision may be yet to be made. It waits for the revision no longer
 *       than any other read waits.
 *   READS-5. What a tick does for reads that wait depends on how many of them are due, and is bounded: of reads that wait for too long it
 *       refuses so many, of those for a neighbour to serve it hands over so many, and so many ask for their index again. The
 *       next ticks go on.
 */
import { RANGE_PAGE, type KvState, type PageLimits } from "../../store/index.ts";
import { aheadText } from "../../protocol/client/index.ts";
import type { AnswerOutbox } from "../turn/answer-outbox.ts";
import {
  ApplyWaitQueue,
  type PendingRead,
  type WaitingGroup,
  type WaitingPlace,
} from "../turn/apply-wait-queue.ts";
import { Readable } from "./readable.ts";
import type { ReadIndex } from "./read-index.ts";
import { Rests, type Gone } from "../turn/rests.ts";
import type { RequestMetrics } from "../requests/request-metrics.ts";
import type { Route } from "../requests/route.ts";
import { WaitingReads } from "./waiting-reads.ts";

/**
 * A client that has seen more entries than this node knows of by this much is wrong: at thousands a second it would be
 * weeks ahead.
 */
const INDEXES_AHEAD_MAX = 2 ** 32;
/** Work on a frame at its first go, so that a client that asks for little does not wait behind those that ask for much. */
const FIRST_BYTES = 64 * 1024;
/** READS-5, in keys; so many bytes of frames count as one more. A millisecond or two. */
const OVER_EACH_TICK = 2048;
const LENT_EACH_TICK = 4096;
/** READS-5, in frames. */
const ASKED_EACH_TICK = 2048;
const KEY_BYTES = 256;
/** While more keys wait than these, frames that wait keep none of the bytes alive that came together with them. */
const SHARED_MAX = 1024;
/** Less than that beside a frame is not worth a copy. */
const SPARE_BYTES = 1024;

export interface ClientReadsOptions {
  readonly waitTicks: number;
  readonly retryTicks: number;
  /** Reads that took so long are reported. */
  readonly slowTicks: number;
  readonly readsMax: number;
  readonly readBytesMax: number;
  /** Default: RANGE_PAGE. */
  readonly rangePage?: PageLimits | undefined;
  readonly outbox: AnswerOutbox;
  /** @param ready hands over reads that may be answered from any state that has applied [0, idx) */
  readonly confirm: (
    ready: (idx: number, places: readonly WaitingPlace[]) => void,
  ) => ReadIndex<WaitingPlace>;
  readonly state: () => KvState;
  readonly served: RequestMetrics;
  readonly appliedIdx: () => number;
  readonly decidedIdx: () => number;
  /** The end of the log as this node knows it, decided or not. */
  readonly knownIdx: () => number;
  /** Whether a full disk keeps this node from deciding more. */
  readonly isHeldUpByDisk: () => boolean;
  /** Whether this node has been cut off (`Standing`) for as long as a read waits. */
  readonly isCutOffForLong: () => boolean;
}

export class ClientReads {
  readonly #options: ClientReadsOptions;
  readonly #confirmed: ReadIndex<WaitingPlace>;
  readonly #pending = new ApplyWaitQueue();
  /** READS-4, by revision in place of an index. */
  readonly #early = new ApplyWaitQueue();
  readonly #readable: Readable;
  /** Unanswered parts of frames that are too much for one turn; the state has what they waited for. */
  readonly #rests = new Rests();
  /** What waits in one of these three. */
  readonly #waiting = new WaitingReads();
  /** What came to `#pending` and was not looked at again, in order of time. */
  #toAskAgain: WaitingGroup[] = [];
  /** Keys asked for by the reads that neighbours serve. */
  #lent = 0;
  #lentBytes = 0;
  #wasHeldUp = false;
  #tick = 0;

  constructor(options: ClientReadsOptions) {
    this.#options = options;
    this.#confirmed = options.confirm((idx, places) => this.#learnt(idx, places));
    this.#readable = new Readable(options.state, options.rangePage ?? RANGE_PAGE);
  }

  /** The rounds by which linearizable reads learn their index. */
  get rounds(): ReadIndex<WaitingPlace> {
    return this.#confirmed;
  }

  /** Keys asked for. */
  get count(): number {
    return this.#waiting.count + this.#lent;
  }

  /** Linearizable. */
  add(read: PendingRead): void {
    if (this.#hasRoom(read)) this.#ask(read);
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
    this.#await(minIdx, [this.#enter(read)]);
  }

  /** READS-2 and READS-5. Takes out waiting reads of this node's clients, for a neighbour to serve. The caller must settle each. */
  lend(): readonly PendingRead[] {
    const lent: PendingRead[] = [];
    for (let work = 0; work < LENT_EACH_TICK;) {
      const place = this.#waiting.firstOwn;
      if (place === undefined) break;
      const read = this.#leave(place);
      this.#waits(read);
      this.#lent += read.count;
      this.#lentBytes += read.frame.length;
      work += workOn(read);
      lent.push(read);
    }
    return lent;
  }

  /** A read that was lent is answered, given back, or no longer wanted, as its client is gone. */
  settle(read: PendingRead): void {
    this.#lent -= read.count;
    this.#lentBytes -= read.frame.length;
    this.#leaves(read);
  }

  /** Takes out all waiting reads, and the rests of half answered frames. */
  removeAll(): readonly PendingRead[] {
    const reads: PendingRead[] = [];
    const rests = this.#rests.removeAll();
    for (const read of rests) this.#leaves(read);
    for (;;) {
      const place = this.#waiting.firstOver(Infinity);
      if (place === undefined) return [...reads, ...rests];
      reads.push(this.#leave(place));
    }
  }

  /** The client is gone: nobody waits for its reads any more. The caller settles those that are lent. */
  forget(route: Route): void {
    for (const read of this.#rests.remove(route)) this.#leaves(read);
    for (;;) {
      const place = this.#waiting.firstOf(route);
      if (place === undefined) return;
      this.#leave(place);
    }
  }

  tick(): void {
    this.#tick += 1;
    this.#confirmed.tick();
  }

  /** Refuses reads that have waited for too long, or wait in vain. */
  expire(): void {
    this.#refuseOver();
    const { decidedIdx, isHeldUpByDisk } = this.#options;
    const isHeldUp = isHeldUpByDisk();
    if (isHeldUp && !this.#wasHeldUp) {
      const decided = decidedIdx();
      const places = this.#pending.find(({ local }, idx) => local && idx > decided);
      for (const place of places) this.#refuseHeldUp(this.#leave(place));
    }
    this.#wasHeldUp = isHeldUp;
    this.#askAgain();
  }

  #refuseOver(): void {
    const { outbox } = this.#options;
    for (let work = 0; work < OVER_EACH_TICK;) {
      const place = this.#waiting.firstOver(this.#tick);
      if (place === undefined) return;
      const isEarly = place.room === this.#early;
      const read = this.#leave(place);
      work += workOn(read);
      if (isEarly) {
        const text = aheadText(read.atLeast ?? 0, this.#readable.revision);
        outbox.refuseRead(read, "REVISION_AHEAD", text, this.#readable.isFor(read.route));
      } else {
        outbox.refuseRead(read, "NO_QUORUM", read.local ? BEHIND_TEXT : NO_INDEX_TEXT);
      }
    }
  }

  /** Looks once at each read that has waited for its index for a while. */
  #askAgain(): void {
    const { retryTicks, knownIdx } = this.#options;
    const known = knownIdx();
    let asked = 0;
    let done = 0;
    for (const { idx, sinceTick, places } of this.#toAskAgain) {
      if (this.#tick - sinceTick <= retryTicks) break;
      for (const place of places) {
        const { read } = place;
        if (read === null || (read.local && (read.doubtedIdx !== undefined || idx <= known))) {
          continue;
        }
        if (asked === ASKED_EACH_TICK) break;
        asked += 1;
        // An index learnt from an undecided tail may never be reached.
        if (!read.local) this.#ask(this.#leave(place));
        // READS-3. A node that lags learns of such an index soon; where the leader has none to tell, the read would wait in vain.
        else this.#ask({ ...this.#leave(place), doubtedIdx: idx });
      }
      if (asked === ASKED_EACH_TICK) break;
      done += 1;
    }
    if (done > 0) this.#toAskAgain.splice(0, done);
  }

  /** Answers as many reads as this turn has room for. @returns whether some are left that may be answered */
  answerReady(): boolean {
    const { outbox, appliedIdx } = this.#options;
    const areReady = this.#pending.takeReady(appliedIdx(), (place, sinceTick) => {
      const read = this.#leave(place);
      if (this.#isEarly(read)) this.#waitForRevision(read);
      else this.#answer(read, read.local ? read.arrivedTick : sinceTick);
      return !outbox.isFull;
    });
    const areThere = this.#answerEarly();
    this.#answerRests();
    return areReady || areThere || this.#rests.hasWork;
  }

  /** @returns whether some of them may be answered, and were not because the turn is full */
  #answerEarly(): boolean {
    const { outbox } = this.#options;
    const { revision } = this.#readable;
    if (outbox.isFull) return this.#early.isReady(revision);
    return this.#early.takeReady(revision, (place) => {
      const read = this.#leave(place);
      this.#answer(read, read.arrivedTick);
      return !outbox.isFull;
    });
  }

  #isEarly({ atLeast = 0 }: PendingRead): boolean {
    return atLeast > this.#readable.revision;
  }

  /** Its client learns at once that it may not read: this state is not older than what the client has seen. */
  #waitForRevision(read: PendingRead): void {
    const { route } = read;
    const { rights } = this.#readable.isFor(route);
    if (rights !== null && (route.actor ?? null) === null) {
      const text = this.#readable.deniedText(rights);
      return this.#options.outbox.refuseRead(read, "UNAUTHENTICATED", text);
    }
    this.#early.add(read.atLeast ?? 0, [this.#enter(read)], this.#tick);
  }

  /** It learns its index. */
  #ask(read: PendingRead): void {
    const place = this.#enter(read);
    place.room = this.#confirmed;
    this.#confirmed.add(place);
  }

  #await(idx: number, places: readonly WaitingPlace[]): void {
    this.#toAskAgain.push(this.#pending.add(idx, places, this.#tick));
  }

  /** Every entry at or above idx was still undecided when these reads were asked. */
  #learnt(idx: number, places: readonly WaitingPlace[]): void {
    const { outbox, decidedIdx, isHeldUpByDisk } = this.#options;
    const linearizable: WaitingPlace[] = [];
    for (const place of places) {
      const { read } = place;
      if (read === null) continue;
      // It has been handed over.
      place.room = null;
      const { doubtedIdx } = read;
      if (doubtedIdx === undefined) linearizable.push(place);
      else if (doubtedIdx <= idx) {
        if (doubtedIdx > decidedIdx() && isHeldUpByDisk()) this.#refuseHeldUp(this.#leave(place));
        else this.#await(doubtedIdx, [place]);
      } else {
        const text = wentBackText(doubtedIdx, idx);
        outbox.refuseRead(this.#leave(place), "WRONG_CLUSTER", text);
      }
    }
    if (linearizable.length > 0) this.#await(idx, linearizable);
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
    const { route } = read;
    // Else each of the frames that it has sent might get a first go: thousands of them may wait for the same index.
    const isResting = route.isResting?.() === true;
    const { rest, work } = isResting ? { rest: read, work: 0 } : this.#go(read, FIRST_BYTES);
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

  #enter(arrived: PendingRead): WaitingPlace {
    const read = this.#waiting.count > SHARED_MAX ? withOwnFrame(arrived) : arrived;
    this.#waits(read);
    const overTick = read.arrivedTick + this.#options.waitTicks + 1;
    return this.#waiting.enter(read, Math.max(overTick, this.#tick));
  }

  #leave(place: WaitingPlace): PendingRead {
    const read = this.#waiting.leave(place);
    this.#leaves(read);
    return read;
  }

  #waits({ route: { load }, count, frame }: PendingRead): void {
    load.reads += count;
    load.readBytes += frame.length;
  }

  #leaves({ route: { load }, count, frame }: PendingRead): void {
    load.reads -= count;
    load.readBytes -= frame.length;
  }

  /** READS-1. */
  #hasRoom(read: PendingRead): boolean {
    const { readsMax, readBytesMax, outbox } = this.#options;
    const { reads, readBytes } = read.route.load;
    const bytes = this.#waiting.bytes + this.#lentBytes;
    const fits =
      this.count + reads + 2 * read.count <= readsMax &&
      bytes + readBytes + 2 * read.frame.length <= readBytesMax;
    if (fits || this.count === 0) return true;
    outbox.refuseRead(read, "OVERLOADED", "too many reads are waiting at this node");
    return false;
  }

  #refuseHeldUp(read: PendingRead): void {
    this.#options.outbox.refuseRead(read, "DISK_FULL", HELD_UP_TEXT);
  }
}

function workOn({ count, frame }: PendingRead): number {
  return count + Math.floor(frame.length / KEY_BYTES);
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

/** A frame is a part of a piece that came over the network, of up to 64 KiB, and as long as it is there, all of the piece is. */
function withOwnFrame(read: PendingRead): PendingRead {
  const { frame } = read;
  const isOwn = frame.buffer.byteLength <= frame.length + SPARE_BYTES;
  return isOwn ? read : { ...read, frame: new Uint8Array(frame) };
}
