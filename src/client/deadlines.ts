/** One timer for all deadlines: set for the earliest, it asks its owner for the next one when it fires. */
import type { CancelTimer, Clock } from "../ports/clock.ts";

/** Deadlines are met within this: many of them share one wake-up. */
const GRAIN_MS = 10;

export class Deadlines {
  readonly #clock: Clock;
  readonly #expire: (now: number) => number;
  #cancel: CancelTimer | null = null;
  #armedFor = Infinity;

  /** @param expire carries out what is due, and returns the earliest deadline left: Infinity when there is none */
  constructor(clock: Clock, expire: (now: number) => number) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** A new deadline. There is no way to take it back: `expire` finds nothing due then. */
  add(deadline: number): void {
    if (deadline >= this.#armedFor) return;
    this.#cancel?.();
    this.#armedFor = deadline;
    const ms = Math.max(GRAIN_MS, deadline - this.#clock.now());
    this.#cancel = this.#clock.after(ms, () => {
      this.#cancel = null;
      this.#armedFor = Infinity;
      this.add(this.#expire(this.#clock.now()));
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#armedFor = Infinity;
  }
}
