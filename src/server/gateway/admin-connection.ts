/**
 * One management connection: requests wait here, unread from the socket after the first ones, until the gateway may answer them.
 * Invariant: the node answers nothing while the manager leaves answers worth more than UNREAD_BYTES_MAX unread; so at most that much
 * and one answer wait there.
 */
import type { Connection, ConnectionHandlers } from "../../machine/ports/index.ts";
import type { BufferHolder } from "./buffer-budget.ts";
import type { Identity } from "./identity.ts";
import { Inbox } from "./inbox.ts";

const UNREAD_BYTES_MAX = 256 * 1024;

export interface AdminReply {
  readonly frame: Uint8Array;
  /** In bytes of answers: how much work it was to make, and is to send. */
  readonly work: number;
}

export interface AdminGate {
  /** The connection has a request to answer: the gateway calls `serve` while there is work to be given away. */
  queued(connection: AdminConnection): void;
  /**
   * @returns the answer; "later": `answered` will be called with it; null: the request was none, and the connection was
   *   closed for it
   */
  answer(connection: AdminConnection, request: Uint8Array): AdminReply | "later" | null;
  held(connection: AdminConnection, bytes: number): void;
  ended(connection: AdminConnection): void;
  misbehaved(connection: Pick<Connection, "remote">, what: string, reason: string): void;
}

export class AdminConnection implements ConnectionHandlers, BufferHolder {
  readonly identity: Identity;
  readonly #gate: AdminGate;
  readonly #connection: Connection;
  readonly #inbox = new Inbox();
  #open = true;
  /** The answer to one request comes later; until then the node answers no other one. */
  #waits = false;

  constructor(gate: AdminGate, connection: Connection, identity: Identity) {
    this.identity = identity;
    this.#gate = gate;
    this.#connection = connection;
  }

  onFrame(frame: Uint8Array): void {
    if (!this.#open) return;
    this.#inbox.push(frame);
    this.#gate.queued(this);
    if (this.#inbox.isEmpty) return;
    this.#connection.pause();
    this.#gate.held(this, this.heldBytes());
  }

  onClose(): void {
    this.#close();
  }

  close(reason: string): void {
    this.#connection.close(reason);
  }

  heldBytes(): number {
    if (!this.#open) return 0;
    const connection = this.#connection;
    return this.#inbox.bytes + connection.bufferedBytes() + connection.unfinishedBytes();
  }

  giveUp(reason: string): void {
    if (!this.#open) return;
    this.#gate.misbehaved(
      this.#connection,
      "management holds too much memory; connection ended",
      reason,
    );
    this.#close();
    this.#connection.destroy();
  }

  get remote(): string {
    return this.#connection.remote;
  }

  get hasWaiting(): boolean {
    return !this.#inbox.isEmpty;
  }

  /** Answers one request, if the answers before it are read. @returns the work that it was; null: nothing was done */
  serve(): number | null {
    if (!this.#open || this.#waits) return null;
    if (this.#connection.bufferedBytes() > UNREAD_BYTES_MAX) return null;
    const request = this.#inbox.shift();
    if (request === undefined) return null;
    const answer = this.#gate.answer(this, request);
    if (answer === null) {
      this.#inbox.clear();
      return request.length;
    }
    if (answer === "later") {
      this.#waits = true;
      return request.length;
    }
    this.#send(answer.frame);
    return answer.work;
  }

  /** The answer that was to come later. */
  answered(frame: Uint8Array): void {
    if (!this.#open || !this.#waits) return;
    this.#waits = false;
    this.#send(frame);
    if (!this.#inbox.isEmpty) this.#gate.queued(this);
  }

  #send(frame: Uint8Array): void {
    this.#connection.send(frame);
    if (this.#inbox.isEmpty) this.#connection.resume();
    this.#gate.held(this, this.heldBytes());
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#inbox.clear();
    this.#gate.ended(this);
  }
}
