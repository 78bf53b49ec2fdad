/** Reads of this node's clients that took long, and where the time went. Pure; quick reads allocate nothing. */

/** A healthy cluster answers in a hundredth of that, and a change of leader takes less. */
export const SLOW_READ_MS = 1000;

/** In ticks, as the core reads no clock. */
export interface SlowReads {
  /** Of clients. */
  readonly frames: number;
  /** Keys and pages of ranges that the slowest frame asked for and that its last go answered. */
  readonly keys: number;
  readonly ticks: number;
  /** Of these: until its index was learnt for the last time; 0 for a local read. */
  readonly indexTicks: number;
  /** Then: until this node had applied that much, or had the revision that was asked for. */
  readonly applyTicks: number;
}

/** When the two waits of a read were over. */
export interface ReadStages {
  readonly learntTick: number;
  readonly startedTick: number;
}

export class SlowReadCounter {
  #slow: SlowReads | null = null;

  note(
    { arrivedTick, count }: { readonly arrivedTick: number; readonly count: number },
    { learntTick, startedTick }: ReadStages,
    nowTick: number,
  ): void {
    const frames = (this.#slow?.frames ?? 0) + 1;
    const ticks = nowTick - arrivedTick;
    if (this.#slow !== null && this.#slow.ticks >= ticks) {
      this.#slow = { ...this.#slow, frames };
      return;
    }
    const indexTicks = learntTick - arrivedTick;
    this.#slow = { frames, keys: count, ticks, indexTicks, applyTicks: startedTick - learntTick };
  }

  /** @returns what was noted since the last call; null: nothing */
  take(): SlowReads | null {
    const slow = this.#slow;
    this.#slow = null;
    return slow;
  }
}
