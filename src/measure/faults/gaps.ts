/** When writes were acknowledged, and how long none was. Times in milliseconds of one clock. */

export interface Gap {
  readonly fromMs: number;
  readonly ms: number;
  /** Nothing was acknowledged up to the end of what was looked at: the real gap may be longer. */
  readonly open: boolean;
}

/** Times in the order they are added; grows as needed. */
export class Acknowledgements {
  #times = new Float64Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @param ms not before the one added last */
  add(ms: number): void {
    if (this.#count === this.#times.length) {
      const grown = new Float64Array(2 * this.#count);
      grown.set(this.#times);
      this.#times = grown;
    }
    this.#times[this.#count++] = ms;
  }

  /** Those of [fromMs, untilMs). */
  between(fromMs: number, untilMs: number): Float64Array {
    return this.#times.subarray(this.#firstAt(fromMs), this.#firstAt(untilMs));
  }

  /** Index of the first at or after `ms`. */
  #firstAt(ms: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] ?? 0) < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The longest time within [fromMs, untilMs] in which nothing was acknowledged; its ends count as its bounds. */
export function longestGap(times: Float64Array, fromMs: number, untilMs: number): Gap {
  let last = fromMs;
  let longest: Gap = { fromMs, ms: 0, open: true };
  for (const time of times) {
    if (time < fromMs || time > untilMs) continue;
    if (time - last >= longest.ms) longest = { fromMs: last, ms: time - last, open: false };
    last = time;
  }
  if (untilMs - last > longest.ms) longest = { fromMs: last, ms: untilMs - last, open: true };
  return longest;
}

/** How many of [fromMs, untilMs) were acknowledged in each slot of `slotMs`; the last one may be shorter. */
export function perSlot(
  times: Float64Array,
  fromMs: number,
  untilMs: number,
  slotMs: number,
): readonly number[] {
  const counts = Array.from(
    { length: Math.max(0, Math.ceil((untilMs - fromMs) / slotMs)) },
    () => 0,
  );
  for (const time of times) {
    const slot = Math.floor((time - fromMs) / slotMs);
    if (slot >= 0 && time < untilMs) counts[slot] = (counts[slot] ?? 0) + 1;
  }
  return counts;
}
