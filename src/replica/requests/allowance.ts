/** So many may be taken at once, and as many again as time gives. */
export class Allowance {
  readonly #most: number;
  readonly #perTick: number;
  #left: number;
  #tick: number;

  constructor(most: number, perTick: number, tick: number) {
    this.#most = most;
    this.#perTick = perTick;
    this.#left = most;
    this.#tick = tick;
  }

  left(tick: number): number {
    this.#left = Math.min(this.#most, this.#left + (tick - this.#tick) * this.#perTick);
    this.#tick = tick;
    return this.#left;
  }

  take(count: number): void {
    this.#left -= count;
  }
}
