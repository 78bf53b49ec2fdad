/**
 * Sockets of a listener that have proved nothing yet: from the moment they are accepted, whatever they send or do not send,
 * until their connection is admitted; and again sockets that have shaken hands and have still to say who they are.
 *
 * Invariants:
 *   STRANGER-1. There are never more than `max` of them, nor more than `perAddressMax` from one address (of IPv6 from one network of
 *       64 bits): the oldest goes, because an honest client needs only three round trips. So strangers hold no slot that another client needs.
 *   STRANGER-2. No stranger is there for longer than `deadlineMs`, or `requestMs` since its last request over HTTP, and once more
 *       `deadlineMs` after it has shaken hands.
 */
import type { Socket } from "node:net";
import { addressOf } from "../../base/index.ts";

export interface StrangersOptions {
  readonly max: number;
  readonly perAddressMax: number;
  readonly deadlineMs: number;
  /** For a stranger that asked for a page and is being answered. */
  readonly requestMs: number;
  /** Told of each stranger that had to go. */
  readonly onRefused: (remote: string, reason: string) => void;
}

interface Entry {
  /** As it is counted: `addressOf`. */
  readonly address: string;
  readonly remote: string;
  readonly hasShakenHands: boolean;
  readonly onClose: () => void;
  dueMs: number;
}

const CHECKS_PER_DEADLINE = 16;

export class Strangers {
  readonly #options: StrangersOptions;
  /** Oldest first. */
  readonly #entries = new Map<Socket, Entry>();
  readonly #perAddress = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: StrangersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The listener has accepted the socket. */
  add(socket: Socket): void {
    this.#add(socket, false);
  }

  /** It has shaken hands, and has still to say who it is. */
  addAgain(socket: Socket): void {
    if (!socket.destroyed && !this.#entries.has(socket)) this.#add(socket, true);
  }

  #add(socket: Socket, hasShakenHands: boolean): void {
    const { max, perAddressMax, deadlineMs } = this.#options;
    const remote = `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? 0}`;
    const address = addressOf(remote);
    const fromThere = this.#perAddress.get(address) ?? 0;
    if (fromThere >= perAddressMax) this.#refuseOldest(address, "too many from one address");
    else if (this.#entries.size >= max) this.#refuseOldest(null, "too many at once");
    const onClose = (): void => this.remove(socket);
    const dueMs = performance.now() + deadlineMs;
    this.#entries.set(socket, { address, remote, hasShakenHands, onClose, dueMs });
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    socket.once("close", onClose);
    this.#timer ??= setInterval(() => this.#check(), deadlineMs / CHECKS_PER_DEADLINE).unref();
  }

  /** It asked for something over HTTP, and is given the time to read the answer. */
  requested(socket: Socket): void {
    const entry = this.#entries.get(socket);
    if (entry !== undefined) entry.dueMs = performance.now() + this.#options.requestMs;
  }

  /** It has proved itself, or is gone. */
  remove(socket: Socket): void {
    const entry = this.#entries.get(socket);
    if (entry === undefined) return;
    this.#entries.delete(socket);
    socket.off("close", entry.onClose);
    const left = (this.#perAddress.get(entry.address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(entry.address, left);
    else this.#perAddress.delete(entry.address);
    if (this.#entries.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** @param address null: from any address */
  #refuseOldest(address: string | null, reason: string): void {
    for (const [socket, entry] of this.#entries) {
      if (address === null || entry.address === address) return this.#refuse(socket, entry, reason);
    }
  }

  #check(): void {
    const nowMs = performance.now();
    for (const [socket, entry] of this.#entries) {
      if (entry.dueMs > nowMs) continue;
      // A socket that has shaken hands does nothing wrong: a page stays open before its user signs in, and connects again.
      this.#refuse(socket, entry, entry.hasShakenHands ? null : "proved nothing in time");
    }
  }

  /** @param reason null: `onRefused` is not called */
  #refuse(socket: Socket, entry: Entry, reason: string | null): void {
    this.remove(socket);
    socket.destroy();
    if (reason !== null) this.#options.onRefused(entry.remote, reason);
  }
}
