/**
 * One management connection: requests wait here, unread from the socket after the first ones, until they may be answered.
 * Invariant: nothing is answered while answers worth more than UNREAD_BYTES_MAX are unread; so no more lies there than that
 * and one answer.
 */
import type { Connection, ConnectionHandlers } from "../ports/network.ts";
import type { BufferHolder } from "./buffer-budget.ts";
import { Inbox } from "./inbox.ts";

const UNREAD_BYTES_MAX = 256 * 1024;

export interface AdminGate {
  /** It has something to be answered: `serve` is to be called while there is work to be given away. */
  queued(connection: AdminConnection): void;
  /** @returns the answer; null: the request was none, and the connection was closed for it */
  answer(connection: Connection, request: Uint8Array): Uint8Array | null;
  held(connection: AdminConnection, bytes: number): void;
  ended(connection: AdminConnection): void;
  misbehaved(connection: Connection, what: string, reason: string): void;
}

export class AdminConnection implements ConnectionHandlers, BufferHolder {
  readonly #gate: AdminGate;
  readonly #connection: Connection;
  readonly #inbox = new Inbox();
  #open = true;

  constructor(gate: AdminGate, connection: Connection) {
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

  get hasWaiting(): boolean {
    return !this.#inbox.isEmpty;
  }

  /** Answers one request, if the answers before it are read. @returns the bytes of the answer; null: nothing was done */
  serve(): number | null {
    if (!this.#open || this.#connection.bufferedBytes() > UNREAD_BYTES_MAX) return null;
    const request = this.#inbox.shift();
    if (request === undefined) return null;
    const answer = this.#gate.answer(this.#connection, request);
    if (answer === null) {
      this.#inbox.clear();
      return request.length;
    }
    this.#connection.send(answer);
    if (this.#inbox.isEmpty) this.#connection.resume();
    this.#gate.held(this, this.heldBytes());
    return answer.length;
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#inbox.clear();
    this.#gate.ended(this);
  }
}
