/**
 * The pings of all connections of a network, spread over the time between two of one connection: thousands at the same moment, and their
 * answers, would keep a server from everything else for as long as a ping takes times their number.
 *
 * Invariant PINGROUND-1: each connection is looked at once in a round, so once in `intervalMs`; how many are looked at together differs by
 * one at most as long as none goes.
 */
const PARTS_MAX = 32;
/** Timers are not more exact than that. */
const PART_MS_MIN = 5;

export class PingRounds<T> {
  readonly #parts: readonly Set<T>[];
  readonly #partMs: number;
  readonly #look: (connection: T) => void;
  #size = 0;
  /** Where the next one goes, and which part was looked at last. The first one is looked at soon, so that the others join its round. */
  #next: number;
  #at = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number, look: (connection: T) => void) {
    const count = Math.max(1, Math.min(PARTS_MAX, Math.floor(intervalMs / PART_MS_MIN)));
    this.#parts = Array.from({ length: count }, () => new Set());
    this.#partMs = intervalMs / count;
    this.#look = look;
    this.#next = 1 % count;
  }

  add(connection: T): void {
    this.#parts[this.#next]?.add(connection);
    this.#next = (this.#next + 1) % this.#parts.length;
    this.#size += 1;
    if (this.#timer === null) this.#wait();
  }

  remove(connection: T): void {
    if (!this.#parts.some((part) => part.delete(connection))) return;
    this.#size -= 1;
    if (this.#size > 0 || this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** For the next part that has some: a program with one connection is not woken for the others. */
  #wait(): void {
    const count = this.#parts.length;
    let steps = 1;
    while (steps < count && this.#parts[(this.#at + steps) % count]?.size === 0) steps += 1;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#at = (this.#at + steps) % count;
      this.#parts[this.#at]?.forEach((connection) => this.#look(connection));
      if (this.#size > 0) this.#wait();
    }, steps * this.#partMs);
  }
}
