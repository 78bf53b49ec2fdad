/** An answer that stays the same for `ms`: strangers may ask for it as often as they want. */
export class Kept<T> {
  readonly #ms: number;
  readonly #make: () => T;
  readonly #now: () => number;
  #last: { readonly value: T; readonly madeMs: number } | null = null;

  /** @param now milliseconds, monotonic */
  constructor(ms: number, now: () => number, make: () => T) {
    this.#ms = ms;
    this.#make = make;
    this.#now = now;
  }

  get(): T {
    const nowMs = this.#now();
    if (this.#last === null || nowMs - this.#last.madeMs >= this.#ms) {
      this.#last = { value: this.#make(), madeMs: nowMs };
    }
    return this.#last.value;
  }
}
