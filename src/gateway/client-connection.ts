/**
 * One client's connection: what it may have of a turn, and what waits for the next ones.
 *
 * Invariants:
 *   F1. In one turn a connection gets the work of TURN_WORK and what its last frame goes beyond it; that is taken off its
 *       next turns. So a turn is bounded by the number of those who want something, and whoever wants little gets it in
 *       the turn in which it came.
 *   F2. A connection has at most COMMANDS_MAX commands, BYTES_MAX bytes of them and READS_MAX reads under way (and one frame
 *       or piece of a frame), and nothing is taken from it while it leaves UNREAD_BYTES_MAX of its answers unread. While the
 *       node refuses all writes those under way do not count: they may wait for the disk as long as it takes, and what
 *       comes after them is to hear of it at once, reads are to go on. Nor does a large answer go on meanwhile.
 *   F4. What is large goes at the node's pace (`Pace`) while others are at work.
 *   F3. What comes beyond that waits in order, and the socket is not read meanwhile: it is for the other side to wait.
 */
import { unreachable } from "../base/assert.ts";
import { piecesOf, type GroupPiece } from "../kv/index.ts";
import type { Connection, ConnectionHandlers } from "../ports/network.ts";
import type { Replica } from "../replica/replica.ts";
import type { Route } from "../replica/route.ts";
import { RouteLoad } from "../replica/route-load.ts";
import { AnswerWriter, decodeClientFrame } from "../wire/client.ts";
import { DecodeError } from "../wire/decode-error.ts";
import type { BufferHolder } from "./buffer-budget.ts";
import { Inbox } from "./inbox.ts";
import { LARGE_BYTES, type Haul, type Pace } from "./pace.ts";

/** In commands, or reads; so many bytes of either are as much work as one. A millisecond or two. */
const TURN_WORK = 1024;
const WORK_BYTES = 256;
/** Larger frames of writes are taken piece by piece. */
const PIECE_COMMANDS = 256;
const PIECE_BYTES = 256 * 1024;
const COMMANDS_MAX = 1024;
const BYTES_MAX = 512 * 1024;
const READS_MAX = 4096;
const UNREAD_BYTES_MAX = 1024 * 1024;

/** What a connection needs of its gateway. */
export interface ClientGate {
  readonly replica: Replica;
  readonly pace: Pace;
  /** Of the turn that gathers input now. */
  readonly turn: number;
  /** Hard limit of the answers that wait for one client. */
  readonly unreadBytesMax: number;
  /** Input has reached the replica, or waits here. */
  wake(): void;
  /** It waits for its turn: `serve` is to be called in the next ones. */
  queued(connection: ClientConnection): void;
  /** What is held for it has grown. */
  held(connection: ClientConnection, bytes: number): void;
  ended(connection: ClientConnection): void;
  /** It does what it must not, and was ended for it. */
  misbehaved(connection: ClientConnection, what: string, reason: string): void;
}

export class ClientConnection implements ConnectionHandlers, Route, BufferHolder {
  readonly id: number;
  readonly relayed = false;
  readonly answers = new AnswerWriter();
  readonly load = new RouteLoad();
  readonly #gate: ClientGate;
  readonly #connection: Connection;
  readonly #inbox = new Inbox();
  readonly #haul: Haul;
  /** Of the frame that is being taken. */
  #pieces: readonly GroupPiece[] = [];
  #nextPiece = 0;
  #open = true;
  /** What is left of this turn's share, or missing from the next ones. */
  #work = TURN_WORK;
  #workTurn = 0;
  #unread = false;

  constructor(gate: ClientGate, connection: Connection) {
    this.#gate = gate;
    this.#connection = connection;
    this.#haul = gate.pace.newHaul();
    this.id = gate.replica.newRouteId();
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
    return (
      this.#inbox.bytes +
      this.load.readBytes +
      connection.bufferedBytes() +
      connection.unfinishedBytes()
    );
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
    if (!this.#haul.movesMuch) this.#gate.pace.modest();
    if (!this.#hasWaiting && this.#mayGoOn(frame.length)) this.#take(frame);
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
    this.#connection.send(frame);
    if (frame.length >= LARGE_BYTES) {
      this.#haul.moved();
      this.#gate.pace.answered();
    }
    const unread = this.#connection.bufferedBytes();
    if (unread <= UNREAD_BYTES_MAX) return;
    this.#unread = true;
    if (unread > this.#gate.unreadBytesMax) {
      return this.giveUp(`${unread} bytes of its answers are not read`);
    }
    this.#gate.held(this, unread + this.#inbox.bytes);
  }

  /** F2 and F4. */
  mayHaveMore(): boolean {
    return this.#gate.pace.mayAnswer && !this.#leavesUnread();
  }

  /** Its turn has come: takes of what waits as much as it may. @returns whether something waits still */
  serve(): boolean {
    while (this.#hasWaiting && this.#mayGoOn(this.#nextBytes)) this.#takeNext();
    if (this.#hasWaiting) return true;
    this.#connection.resume();
    return false;
  }

  /** Whether `serve` in the next turn would do something. */
  get canGoOn(): boolean {
    return this.#hasRoom(this.#nextBytes);
  }

  get #hasWaiting(): boolean {
    return this.#nextPiece < this.#pieces.length || !this.#inbox.isEmpty;
  }

  /** Of what waits first. */
  get #nextBytes(): number {
    return this.#pieces[this.#nextPiece]?.group.length ?? this.#inbox.firstBytes;
  }

  /** F1, F2 and F4. @param bytes of what comes next */
  #mayGoOn(bytes: number): boolean {
    if (!this.#hasRoom(bytes) || this.#gate.replica.answersFull) return false;
    const turns = this.#gate.turn - this.#workTurn;
    if (turns > 0) {
      this.#workTurn = this.#gate.turn;
      this.#work = Math.min(TURN_WORK, this.#work + turns * TURN_WORK);
    }
    return this.#work > 0;
  }

  /** F2 and F4. */
  #hasRoom(nextBytes: number): boolean {
    if (!this.#open) return false;
    const { commands, bytes, reads } = this.load;
    const isFull =
      commands >= COMMANDS_MAX ||
      bytes >= BYTES_MAX ||
      (nextBytes >= LARGE_BYTES && !this.#haul.mayGoOn(bytes));
    if (reads >= READS_MAX || (isFull && !this.#gate.replica.refusesWrites)) return false;
    return !this.#leavesUnread();
  }

  #leavesUnread(): boolean {
    if (this.#unread) this.#unread = this.#connection.bufferedBytes() > UNREAD_BYTES_MAX;
    return this.#unread;
  }

  #takeNext(): void {
    const piece = this.#pieces[this.#nextPiece];
    if (piece === undefined) {
      const frame = this.#inbox.shift();
      if (frame !== undefined) this.#take(frame);
      return;
    }
    this.#nextPiece += 1;
    if (this.#nextPiece === this.#pieces.length) this.#forgetPieces();
    this.#write(piece.group, piece.count);
  }

  #take(bytes: Uint8Array): void {
    try {
      const frame = decodeClientFrame(bytes);
      switch (frame.kind) {
        case "writes":
          if (frame.count > PIECE_COMMANDS || frame.group.length > PIECE_BYTES) {
            this.#pieces = piecesOf(frame.group, PIECE_COMMANDS, PIECE_BYTES);
            this.#nextPiece = 0;
            this.#takeNext();
          } else {
            this.#write(frame.group, frame.count);
          }
          return;
        case "reads":
          this.#work -= frame.count + Math.floor(bytes.length / WORK_BYTES);
          this.#gate.replica.onReads(this, bytes, frame);
          return;
        default:
          unreachable(frame, "client frame");
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#gate.misbehaved(
        this,
        "malformed frame from a client; connection closed",
        error.message,
      );
      this.#connection.close(`malformed frame: ${error.message}`);
      this.#inbox.clear();
    }
  }

  #write(group: Uint8Array, count: number): void {
    this.#work -= count + Math.floor(group.length / WORK_BYTES);
    if (group.length >= LARGE_BYTES) this.#haul.begins();
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
  }
}
