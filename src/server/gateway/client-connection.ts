/**
 * One client's connection: its share of a turn, and the input that waits for the next ones.
 *
 * Invariants:
 *   CONNECTION-1. In one turn a connection gets the work of TURN_WORK, and its last frame may go beyond that; the excess is taken off its
 *       next turns. So the number of connections with input bounds a turn, and a connection with little input is served in the turn in
 *       which the input came.
 *   CONNECTION-2. A connection has at most COMMANDS_MAX commands, READS_MAX reads and BYTES_MAX bytes of either under way (and one frame or
 *       piece of a frame), and nothing is taken from it, nor are its reads answered, while its client leaves UNREAD_BYTES_MAX of answers
 *       unread. While the node refuses
 *       all writes those under way do not count: they may wait for the disk as long as it takes, and the client must hear at once that
 *       later ones are refused; reads go on.
 *   CONNECTION-3. Input beyond that waits in order, and the node does not read the socket meanwhile: the client must wait.
 *   CONNECTION-5. Frames after a request to sign in wait until it is answered.
 *   CONNECTION-4. While others are at work it has one piece of large values under way, and rests after it (LargeWrites).
 *   CONNECTION-6. While others are at work it rests after the node has looked at much for it (WorkPace), and so does the rest of its
 *       frames.
 */
import { KvError, unreachable } from "../../base/index.ts";
import { piecesOf, type Actor, type GroupPiece } from "../../store/index.ts";
import type { Audit, Connection, ConnectionHandlers } from "../../machine/ports/index.ts";
import {
  type Replica,
  type Route,
  RouteLoad,
  type WatchRoute,
  WorkPace,
} from "../../replica/index.ts";
import {
  AnswerWriter,
  type ClientFrame,
  decodeClientFrame,
  cutReads,
  type ReadsPieces,
  uncheckedGroup,
  writesFrame,
  decodeSignIn,
  encodeSignedIn,
  SIGN_IN_FRAME,
  type SignInRequest,
  type WatchRequest,
} from "../../protocol/client/index.ts";
import { DecodeError } from "../../protocol/codec/index.ts";
import type { BufferHolder } from "./buffer-budget.ts";
import { recordFrame, signInRecord } from "./audit-frame.ts";
import type { Identity } from "./identity.ts";
import { Inbox } from "./inbox.ts";
import { LargeWrites } from "./large-writes.ts";
import type { SignIn } from "./sign-in.ts";

/** In commands, or reads; so many bytes of either are as much work as one. A millisecond or two. */
const TURN_WORK = 1024;
const WORK_BYTES = 256;
/** A connection signs in once in a while. */
const SIGN_IN_WORK = 512;
/**
 * Larger frames of writes and of requests for watches are taken piece by piece. Those with more bytes are checked piece by piece, too, as are such frames of reads: to
 * check 256 KiB of transactions that name a thousand keys each takes ten milliseconds, and 4 MiB of reads of very short keys thirty.
 */
const PIECE_COMMANDS = 256;
/** To begin a watch or to end it, and to tell its client of that: beside one read. */
const WATCH_WORK_BYTES = 512;
const PIECE_BYTES = 256 * 1024;
/** Checks of smaller frames take less than a millisecond. */
const SLOW_BYTES = 16 * 1024;
/** What a check takes beyond a millisecond, or the audit log, or to begin and end watches, is work, at a fifth of the node's time (work-pace). */
const TIMED_BYTES_EACH_MS = 5 * 64 * 1024;
const COMMANDS_MAX = 1024;
const BYTES_MAX = 512 * 1024;
const READS_MAX = 4096;
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

/** What a connection needs of its gateway. */
export interface ClientGate {
  readonly replica: Replica;
  /** The number of the turn that gathers input now. */
  readonly turn: number;
  /** Hard limit of the answers that wait for one client. */
  readonly unreadBytesMax: number;
  readonly signIn: SignIn;
  /** Null: there is no audit log. */
  readonly audit: Audit | null;
  nowMs(): number;
  /** Another client needs this node, or writes through another node. */
  othersAtWork(nowMs: number): boolean;
  /** A frame has come in. */
  worked(connection: ClientConnection): void;
  /** Input has reached the replica, or waits here. */
  wake(): void;
  /** The connection waits for its turn: the gateway calls `serve` in the next ones. */
  queued(connection: ClientConnection): void;
  /** The connection holds more bytes than before. */
  held(connection: ClientConnection, bytes: number): void;
  ended(connection: ClientConnection): void;
  /** The connection broke a rule, and was ended for it. */
  misbehaved(connection: ClientConnection, what: string, reason: string): void;
}

export class ClientConnection implements ConnectionHandlers, Route, WatchRoute, BufferHolder {
  readonly id: number;
  readonly relayed = false;
  readonly answers = new AnswerWriter();
  readonly load = new RouteLoad();
  readonly #gate: ClientGate;
  readonly #connection: Connection;
  readonly #inbox = new Inbox();
  readonly #large = new LargeWrites();
  readonly #pace = new WorkPace();
  /** The pieces of the frame that is being taken. */
  #pieces: readonly GroupPiece[] = [];
  #areChecked = false;
  #nextPiece = 0;
  /** The same of a frame of reads. Null: none is left. */
  #reads: ReadsPieces | null = null;
  /** The same of a frame of watches. */
  #watches: readonly WatchRequest[] = [];
  #open = true;
  /** What is left of this turn's share, or missing from the next ones. */
  #work = TURN_WORK;
  #workTurn = 0;
  #unread = false;
  readonly #identity: Identity;
  /** CONNECTION-5. */
  #signingIn = false;

  constructor(gate: ClientGate, connection: Connection, identity: Identity) {
    this.#identity = identity;
    this.#gate = gate;
    this.#connection = connection;
    this.id = gate.replica.newRouteId();
  }

  get actor(): Actor | null {
    return this.#identity.actor(this.#gate.nowMs());
  }

  get onlyWhileOn(): boolean {
    return this.#identity.onlyWhileOn;
  }

  get remote(): string {
    return this.#connection.remote;
  }

  isOpen(): boolean {
    return this.#open;
  }

  heldBytes(): number {
    if (!this.#open) return 0;
    const connection = this.#connection;
    const unfinished = connection.bufferedBytes() + connection.unfinishedBytes();
    return this.#inbox.bytes + this.load.readBytes + unfinished;
  }

  giveUp(reason: string): void {
    if (!this.#open) return;
    this.#gate.misbehaved(this, "client holds too much memory; connection ended", reason);
    this.#close();
    this.#connection.destroy();
  }

  /** The node stops. */
  close(reason: string): void {
    this.#connection.close(reason);
  }

  onFrame(frame: Uint8Array): void {
    if (!this.#open) return;
    this.#gate.worked(this);
    if (!this.#hasWaiting && this.#mayGoOn()) this.#take(frame);
    else this.#inbox.push(frame);
    if (this.#hasWaiting) {
      this.#connection.pause();
      this.#gate.queued(this);
      this.#gate.held(this, this.heldBytes());
    }
    this.#gate.wake();
  }

  onClose(): void {
    this.#close();
  }

  deliver(frame: Uint8Array): void {
    this.#work -= Math.floor(frame.length / WORK_BYTES);
    this.tell(frame);
  }

  /** CONNECTION-2 and CONNECTION-6. */
  isResting(): boolean {
    this.#countWork();
    if (this.#unread) this.#unread = this.#connection.bufferedBytes() > UNREAD_BYTES_MAX;
    return this.#unread || (!this.#pace.isIdle && this.#mustRestFromWork());
  }

  unreadBytes(): number {
    return this.#connection.bufferedBytes();
  }

  /** Sends a frame that the client did not just ask for: the connection's share of the turn is not touched. */
  tell(frame: Uint8Array): void {
    this.#connection.send(frame);
    if (!this.#large.isIdle && this.load.commands === 0) this.#large.ended(this.#gate.nowMs());
    const unread = this.#connection.bufferedBytes();
    if (unread <= UNREAD_BYTES_MAX) return;
    this.#unread = true;
    if (unread > this.#gate.unreadBytesMax) {
      return this.giveUp(`${unread} bytes of its answers are not read`);
    }
    this.#gate.held(this, this.heldBytes());
  }

  /** Its turn has come: takes as much of the waiting input as it may. @returns whether input still waits */
  serve(): boolean {
    while (this.#hasWaiting && this.#mayGoOn()) this.#takeNext();
    if (this.#hasWaiting) return true;
    this.#connection.resume();
    return false;
  }

  /** Whether `serve` in the next turn would do something. */
  get canGoOn(): boolean {
    return this.#hasRoom();
  }

  get #hasWaiting(): boolean {
    const hasPieces = this.#nextPiece < this.#pieces.length || this.#reads !== null;
    return hasPieces || this.#watches.length > 0 || !this.#inbox.isEmpty;
  }

  /** CONNECTION-1 and CONNECTION-2. */
  #mayGoOn(): boolean {
    if (!this.#hasRoom() || this.#gate.replica.answersFull) return false;
    const turns = this.#gate.turn - this.#workTurn;
    if (turns > 0) {
      this.#workTurn = this.#gate.turn;
      this.#work = Math.min(TURN_WORK, this.#work + turns * TURN_WORK);
    }
    this.#countWork();
    return this.#work > 0;
  }

  #countWork(): void {
    const { workBytes } = this.load;
    if (workBytes === 0) return;
    this.load.workBytes = 0;
    this.#work -= Math.floor(workBytes / WORK_BYTES);
    const nowMs = this.#gate.nowMs();
    this.#pace.took(workBytes, nowMs, !this.#gate.othersAtWork(nowMs));
  }

  /** CONNECTION-2. */
  #hasRoom(): boolean {
    if (!this.#open || this.#signingIn) return false;
    const { commands, bytes, reads, readBytes } = this.load;
    if (reads >= READS_MAX || readBytes >= BYTES_MAX) return false;
    const isFull = commands >= COMMANDS_MAX || bytes >= BYTES_MAX;
    if (isFull && !this.#gate.replica.refusesWrites) return false;
    if (!this.#large.isIdle && this.#mustRest()) return false;
    return !this.isResting();
  }

  /** CONNECTION-4. */
  #mustRest(): boolean {
    const nowMs = this.#gate.nowMs();
    if (this.#gate.othersAtWork(nowMs) && !this.#gate.replica.refusesWrites) {
      return this.#large.mustRest(nowMs, this.load.commands > 0);
    }
    this.#large.forget();
    return false;
  }

  /** CONNECTION-6. */
  #mustRestFromWork(): boolean {
    const nowMs = this.#gate.nowMs();
    return this.#pace.mustRest(nowMs) && this.#gate.othersAtWork(nowMs);
  }

  #takeNext(): void {
    if (this.#reads !== null) return this.#takeReads(this.#reads);
    if (this.#watches.length > 0) return this.#takeWatches();
    const piece = this.#pieces[this.#nextPiece];
    if (piece === undefined) {
      const frame = this.#inbox.shift();
      if (frame !== undefined) this.#take(frame);
      return;
    }
    const isChecked = this.#areChecked;
    this.#nextPiece += 1;
    if (this.#nextPiece === this.#pieces.length) this.#forgetPieces();
    if (isChecked) return this.#write(piece.group, piece.count);
    try {
      this.#takeFrame(writesFrame(piece.group));
    } catch (error) {
      this.#refuse(error);
    }
  }

  #take(bytes: Uint8Array): void {
    try {
      if (bytes[0] === SIGN_IN_FRAME) return this.#signIn(decodeSignIn(bytes));
      this.#reads = cutReads(bytes, PIECE_BYTES);
      if (this.#reads !== null) return this.#takeReads(this.#reads);
      const unchecked = bytes.length > PIECE_BYTES ? uncheckedGroup(bytes) : null;
      if (unchecked === null || !this.#takeInPieces(unchecked, false)) this.#takeFrame(bytes);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** The next piece of them. */
  #takeReads(reads: ReadsPieces): void {
    try {
      const beganMs = this.#gate.nowMs();
      const { bytes, frame } = reads.next();
      this.#payForTime(beganMs);
      if (reads.isAtEnd) this.#reads = null;
      this.#carryOut(bytes, frame);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** The next piece of them. */
  #takeWatches(): void {
    const piece = this.#watches.slice(0, PIECE_COMMANDS);
    this.#watches = this.#watches.slice(PIECE_COMMANDS);
    this.#work -= piece.length;
    this.load.workBytes += WATCH_WORK_BYTES * piece.length;
    const beganMs = this.#gate.nowMs();
    const wrong = this.#gate.replica.onWatches(this, piece);
    this.#payForTime(beganMs);
    if (wrong !== null) this.#refuse(new DecodeError(wrong));
  }

  /** @returns false when it is in one piece, or cannot be taken apart */
  #takeInPieces(group: Uint8Array, areChecked: boolean): boolean {
    const pieces = piecesOf(group, PIECE_COMMANDS, PIECE_BYTES);
    if (pieces === null || pieces.length < 2) return false;
    this.#pieces = pieces;
    this.#nextPiece = 0;
    this.#areChecked = areChecked;
    this.#takeNext();
    return true;
  }

  /** @throws DecodeError */
  #takeFrame(bytes: Uint8Array): void {
    this.#carryOut(
      bytes,
      bytes.length < SLOW_BYTES ? decodeClientFrame(bytes) : this.#checked(bytes),
    );
  }

  /** @throws DecodeError */
  #carryOut(bytes: Uint8Array, frame: ClientFrame): void {
    if (this.#gate.audit !== null) this.#audit(this.#gate.audit, bytes, frame);
    switch (frame.kind) {
      case "writes": {
        const { group, count } = frame;
        if (count > PIECE_COMMANDS && this.#takeInPieces(group, true)) return;
        return this.#write(group, count);
      }
      case "reads":
        this.#work -= frame.count + Math.floor(bytes.length / WORK_BYTES);
        return this.#gate.replica.onReads(this, bytes, frame);
      case "watches":
        this.#work -= Math.floor(bytes.length / WORK_BYTES);
        this.#watches = frame.requests;
        return this.#takeWatches();
      default:
        return unreachable(frame, "client frame");
    }
  }

  /** The time that it takes counts for the connection. */
  #checked(bytes: Uint8Array): ClientFrame {
    const beganMs = this.#gate.nowMs();
    const frame = decodeClientFrame(bytes);
    this.#payForTime(beganMs);
    return frame;
  }

  #payForTime(beganMs: number): void {
    this.load.workBytes += TIMED_BYTES_EACH_MS * Math.max(0, this.#gate.nowMs() - beganMs - 1);
  }

  /** @throws what is no DecodeError */
  #refuse(error: unknown): void {
    if (!(error instanceof DecodeError)) throw error;
    const { message } = error;
    this.#gate.misbehaved(this, "malformed frame from a client; connection closed", message);
    this.#connection.close(`malformed frame: ${message}`);
    this.#forgetPieces();
    this.#inbox.clear();
  }

  #signIn({ user, proof }: SignInRequest): void {
    this.#signingIn = true;
    this.#work -= SIGN_IN_WORK;
    this.#gate.signIn.signIn(this.remote, user, proof, (result) => {
      this.#signingIn = false;
      if (!this.#open) return;
      const wrong =
        result instanceof KvError ? null : this.#identity.signedIn(result, this.#gate.nowMs());
      const answer = wrong === null ? result : new KvError("BAD_REQUEST", wrong);
      const record = signInRecord(user, this.remote, answer);
      if (record !== null) this.#gate.audit?.record(record);
      this.#connection.send(encodeSignedIn(answer));
      if (!this.#hasWaiting) return;
      this.#gate.queued(this);
      this.#gate.wake();
    });
  }

  #audit(audit: Audit, bytes: Uint8Array, frame: ClientFrame): void {
    const { access, leases } = this.#gate.replica.state;
    const { actor, onlyWhileOn, remote: from } = this;
    const asker = { access, leases, actor, onlyWhileOn, from };
    const beganMs = this.#gate.nowMs();
    recordFrame(audit, asker, bytes, frame);
    this.#payForTime(beganMs);
  }

  #write(group: Uint8Array, count: number): void {
    this.#work -= count + Math.floor(group.length / WORK_BYTES);
    if (LargeWrites.isLarge(group)) this.#large.taken(this.#gate.nowMs());
    this.#gate.replica.onWrites(this, group, count);
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#inbox.clear();
    this.#forgetPieces();
    this.#gate.replica.onRouteClosed(this);
    this.#gate.ended(this);
  }

  #forgetPieces(): void {
    this.#pieces = [];
    this.#nextPiece = 0;
    this.#reads = null;
    this.#watches = [];
  }
}
