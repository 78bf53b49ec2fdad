/**
 * Times of a history as numbers that lose nothing. Nanoseconds of a wall clock have more digits than a number holds: two of them
 * that differ by less than 256 would be the same. So where the first time of a history is that large, all are counted from it.
 */
export class TimeBase {
  #base: bigint | null = null;

  /** @returns what is wrong with it, as what was expected; or the time */
  read(value: unknown): number | string {
    if (typeof value === "string" && /^\d{1,19}$/.test(value)) return this.#count(BigInt(value));
    if (typeof value !== "number" || !Number.isFinite(value)) {
      return "a number, or a string of digits";
    }
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      return "a number up to 2^53, above which digits are lost, or a string of digits";
    }
    this.#base ??= 0n;
    return this.#base === 0n ? value : this.#count(BigInt(Math.floor(value)));
  }

  #count(time: bigint): number | string {
    this.#base ??= time > Number.MAX_SAFE_INTEGER ? time : 0n;
    const count = Number(time - this.#base);
    return Number.isSafeInteger(count) ? count : "a time within 2^53 of the first one";
  }
}
