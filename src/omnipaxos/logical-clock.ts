/** Counts ticks and fires every `timeoutTicks` of them. */
export class LogicalClock {
  readonly #timeoutTicks: number;
  #elapsedTicks = 0;

  constructor(timeoutTicks: number) {
    this.#timeoutTicks = timeoutTicks;
  }

  get elapsedTicks(): number {
    return this.#elapsedTicks;
  }

  /** Advances by one tick; true when the time-out is reached, which also starts the next one. */
  tick(): boolean {
    this.#elapsedTicks += 1;
    if (this.#elapsedTicks < this.#timeoutTicks) return false;
    this.#elapsedTicks = 0;
    return true;
  }
}
