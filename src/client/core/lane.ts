/** The way to one node: its link, the requests that wait for it, and how they become frames. */
import { CLIENT_FRAME_BYTES_MAX, type KvError } from "../../base/index.ts";
import { contentBytesOf, GroupWriter } from "../../store/commands/index.ts";
import type { CancelTimer } from "../../machine/ports/index.ts";
import { ReadsWriter, takeWritesFrame } from "../../protocol/client/index.ts";
import type { ClientSession } from "./client-session.ts";
import {
  appendRead,
  closeSessionFrame,
  openSessionFrame,
  readBytes,
  type WriteOperation,
} from "./frames.ts";
import type { NodeLink } from "./node-link.ts";
import type { Carrier, ReadRequest, Request, WriteRequest } from "./request.ts";

/** More is not handed to a socket that does not drain. */
const BUFFERED_BYTES_MAX = 2 * CLIENT_FRAME_BYTES_MAX;

/** Fewer writes than these are not looked through. */
const PRUNE_MIN = 16;
/** See `hasManyReads`. Much smaller frames would cost more than they gain. */
const MANY_READS = 64;
/** See `hasManyReads`: of the reads under way, so many frames keep the client, the network and the server busy at once. */
const READ_FRAMES_UNDER_WAY = 4;

export class Lane implements Carrier {
  readonly index: number;
  readonly link: NodeLink;
  /** Why this node was left the last time, if it was one of another cluster. */
  wrongCluster: KvError | null = null;
  /** No connection could be made the last time that one was wanted. */
  isUnreachable = false;
  /** Of the frame of answers that came last: its node had applied [0, answerIdx). */
  answerIdx = 0;
  /** What the client had seen of the log when it first asked for a session over this connection. Null: it did not. */
  openingIdx: number | null = null;
  readonly #groupWriter = new GroupWriter();
  readonly #readsWriter = new ReadsWriter();
  /**
   * Entries may be over or elsewhere by now. Those that have their numbers are apart: they need no place in the session's window, and
   * what waits for one must not hold them up.
   */
  #numbered: WriteRequest[] = [];
  #writes: WriteRequest[] = [];
  #reads: ReadRequest[] = [];
  #isSocketFull = false;
  /** Twice what was left the last time, so that pruning costs each write little. */
  #pruneAt = PRUNE_MIN;
  readonly #watchOpening: () => CancelTimer;
  /** A request to open the session is under way here: ends the watch over it. */
  #opening: CancelTimer | null = null;

  /** @param watchOpening called when the session is to be opened here: waiting requests must not wait for ever */
  constructor(index: number, link: NodeLink, watchOpening: () => CancelTimer) {
    this.index = index;
    this.link = link;
    this.#watchOpening = watchOpening;
  }

  get isEmpty(): boolean {
    return this.#hasNoWrites && this.#reads.length === 0;
  }

  get #hasNoWrites(): boolean {
    return this.#writes.length === 0 && this.#numbered.length === 0;
  }

  /**
   * Whether enough reads wait for a frame of their own: the server can begin with them while more come in.
   * @param underWay reads of the client that have been sent and have no answer
   */
  hasManyReads(underWay: number): boolean {
    const waiting = this.#reads.length;
    return waiting >= MANY_READS && waiting * READ_FRAMES_UNDER_WAY >= underWay;
  }

  enqueue(request: Request): void {
    request.lane = this;
    request.state = "queued";
    if (!request.isWrite) this.#reads.push(request);
    else if (request.number === 0) this.#writes.push(request);
    else this.#numbered.push(request);
  }

  /** What waits here now. The lane lets go of the rest. */
  queued(): Request[] {
    this.#prune();
    return [...this.#numbered, ...this.#writes, ...this.#reads];
  }

  /** Takes the requests that wait here: if they stayed, the client would dial the node for them again and again. */
  takeQueued(): Request[] {
    const taken = this.queued();
    this.#numbered = [];
    this.#writes = [];
    this.#reads = [];
    return taken;
  }

  /** The attempt to open the session here is over. */
  openingOver(): void {
    this.#opening?.();
    this.#opening = null;
  }

  /**
   * Sends what waits. The link is open.
   * @param seenIdx of the log, by the client: local reads are answered from no older state
   * @param sending told of each request before its frame leaves; numbers reads
   * @returns false when the socket is full and the rest must wait for it
   */
  flush(session: ClientSession, seenIdx: number, sending: (request: Request) => void): boolean {
    const readsDone = this.#flushReads(seenIdx, sending);
    return this.#flushWrites(session, seenIdx, sending) && readsDone;
  }

  /** Best effort: as many as one frame holds. Nothing before them is asked for again. */
  sendLastWords(session: ClientSession, id: number, operations: readonly WriteOperation[]): void {
    const writer = this.#groupWriter;
    let floor = 0;
    for (const operation of operations) {
      if (!writer.fits(contentBytesOf(operation))) break;
      const number = session.takeNumber();
      if (floor === 0) floor = number;
      writer.add(number, operation);
    }
    if (writer.count > 0) this.link.send(takeWritesFrame(writer, id, floor));
  }

  /** Best effort: the session's place becomes free sooner. */
  sendCloseSession(session: number, number: number): void {
    this.link.send(closeSessionFrame(this.#groupWriter, session, number));
  }

  #flushWrites(
    session: ClientSession,
    seenIdx: number,
    sending: (request: Request) => void,
  ): boolean {
    if (this.#hasNoWrites) return true;
    const { id } = session;
    if (id === null) {
      // Nothing is sent as long as no session can be opened, and so nothing else would take out what is over meanwhile.
      if (this.#writes.length >= this.#pruneAt) this.#prune();
      if (this.#opening === null && this.#hasWritesHere()) {
        this.#opening = this.#watchOpening();
        this.openingIdx ??= seenIdx;
        this.link.send(openSessionFrame(this.#groupWriter, session.nonce));
      }
      return true;
    }
    this.#isSocketFull = false;
    if (this.#numbered.length > 0) this.#flushNumbered(session, id, sending);
    if (!this.#isSocketFull) this.#writes = this.#sendWrites(this.#writes, session, id, sending);
    return !this.#isSocketFull;
  }

  #hasWritesHere(): boolean {
    const isHere = (request: Request): boolean => this.#isHere(request);
    return this.#writes.some(isHere) || this.#numbered.some(isHere);
  }

  #flushNumbered(session: ClientSession, id: number, sending: (request: Request) => void): void {
    const numbered = this.#numbered.filter(({ number }) => number !== 0);
    // The session of the others expired while they waited.
    const others = this.#numbered.filter(({ number }) => number === 0);
    this.#writes = [...others, ...this.#writes];
    this.#numbered = this.#sendWrites(numbered, session, id, sending);
  }

  /** @returns those for which the socket or the session's window has no room now */
  #sendWrites(
    writes: WriteRequest[],
    session: ClientSession,
    id: number,
    sending: (request: Request) => void,
  ): WriteRequest[] {
    const writer = this.#groupWriter;
    let next = 0;
    for (; next < writes.length; next++) {
      const request = writes[next];
      if (request === undefined || !this.#isHere(request)) continue;
      if (!writer.fits(contentBytesOf(request.operation))) {
        this.#sendGroup(id, session.floor);
        this.#isSocketFull = this.link.bufferedBytes() > BUFFERED_BYTES_MAX;
      }
      if (this.#isSocketFull || !session.admit(request)) break;
      sending(request);
      writer.add(request.number, request.operation);
    }
    this.#sendGroup(id, session.floor);
    return next === writes.length ? [] : writes.slice(next);
  }

  #sendGroup(id: number, floor: number): void {
    if (this.#groupWriter.count > 0) this.link.send(takeWritesFrame(this.#groupWriter, id, floor));
  }

  #flushReads(seenIdx: number, sending: (request: Request) => void): boolean {
    if (this.#reads.length === 0) return true;
    const waiting = this.#reads;
    this.#reads = [];
    for (const local of [false, true]) this.#sendReads(waiting, local, seenIdx, sending);
    return this.#reads.length === 0;
  }

  #sendReads(
    waiting: readonly ReadRequest[],
    local: boolean,
    seenIdx: number,
    sending: (request: Request) => void,
  ): void {
    const writer = this.#readsWriter;
    /** One for all reads of a frame. */
    let atLeast = 0;
    const send = (): void => {
      this.link.send(writer.take(local, seenIdx, this.link.asksForOrigin, atLeast));
    };
    let drained = true;
    for (const request of waiting) {
      if (request.operation.local !== local || !this.#isHere(request)) continue;
      const wanted = request.operation.atLeast ?? 0;
      const isApart = wanted !== atLeast && writer.count > 0;
      if (isApart || !writer.fits(readBytes(request.operation))) {
        send();
        drained = this.link.bufferedBytes() <= BUFFERED_BYTES_MAX;
      }
      if (!drained) {
        this.#reads.push(request);
        continue;
      }
      atLeast = wanted;
      sending(request);
      appendRead(writer, request.number, request.operation);
    }
    if (writer.count > 0) send();
  }

  #prune(): void {
    const isHere = (request: Request): boolean => this.#isHere(request);
    this.#numbered = this.#numbered.filter(isHere);
    this.#writes = this.#writes.filter(isHere);
    this.#reads = this.#reads.filter(isHere);
    this.#pruneAt = Math.max(PRUNE_MIN, 2 * this.#writes.length);
  }

  #isHere(request: Request): boolean {
    return request.state === "queued" && request.lane === this;
  }
}
