/** One timer for all deadlines: set for the earliest, it asks its owner for the next one when it fires. */
import type { CancelTimer, Clock } from "../../machine/ports/index.ts";

/** Deadlines are met within this: many of them share one wake-up. */
const GRAIN_MS = 10;

export class Deadlines {
  readonly #clock: Clock;
  readonly #epoch: number;
  readonly #expire: (now: number) => number;
  #cancel: CancelTimer | null = null;
  #armedFor = Infinity;

  /**
   * @param epoch deadlines count in milliseconds from here
   * @param expire expires every deadline that is due, and returns the earliest deadline left: Infinity when there is none
   */
  constructor(clock: Clock, epoch: number, expire: (now: number) => number) {
    this.#clock = clock;
    this.#epoch = epoch;
    this.#expire = expire;
  }

  /** A new deadline. There is no way to take it back: `expire` finds nothing due then. */
  add(deadline: number): void {
    if (deadline >= this.#armedFor) return;
    this.#cancel?.();
    this.#armedFor = deadline;
    const ms = Math.max(GRAIN_MS, deadline - (this.#clock.now() - this.#epoch));
    this.#cancel = this.#clock.after(ms, () => {
      this.#cancel = null;
      this.#armedFor = Infinity;
      this.add(this.#expire(this.#clock.now() - this.#epoch));
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#armedFor = Infinity;
  }
}
