import { assert } from "./errors.ts";

/**
 * The entries [base, end) of a log in memory, by absolute index.
 *
 * ENTRIES-1. base <= end; entries below base are gone for every caller.
 * ENTRIES-2. Dropping a prefix is amortised O(1) an entry: dead slots are reclaimed once they outnumber the live ones, so at
 *     most as many entries as are live (and a constant) are kept from the garbage collector.
 */
export class EntryLog<T> {
  #entries: T[];
  #dead = 0;
  #base: number;

  constructor(base: number, entries: readonly T[]) {
    this.#base = base;
    this.#entries = entries.slice();
  }

  get base(): number {
    return this.#base;
  }

  get end(): number {
    return this.#base + this.#entries.length - this.#dead;
  }

  /** The entry at idx; undefined outside [base, end). */
  at(idx: number): T | undefined {
    return idx < this.#base ? undefined : this.#entries[idx - this.#base + this.#dead];
  }

  /** A copy of [from, to). Both must lie in [base, end]. */
  slice(from: number, to: number): T[] {
    assert(
      this.#base <= from && from <= to && to <= this.end,
      `no entries [${from}, ${to}) in ${this.#range()}`,
    );
    const shift = this.#dead - this.#base;
    return this.#entries.slice(from + shift, to + shift);
  }

  push(entry: T): void {
    this.#entries.push(entry);
  }

  /** Entries at or after idx are gone. idx must lie in [base, end]. */
  truncate(idx: number): void {
    assert(this.#base <= idx && idx <= this.end, `cannot cut ${this.#range()} at ${idx}`);
    this.#entries.length = idx - this.#base + this.#dead;
  }

  /** Entries below idx are gone; when the log ended before idx it is now empty and starts there. */
  dropBelow(idx: number): void {
    if (idx <= this.#base) return;
    if (idx >= this.end) {
      this.#entries = [];
      this.#dead = 0;
      this.#base = idx;
      return;
    }
    this.#dead += idx - this.#base;
    this.#base = idx;
    if (this.#dead > RECLAIM_MIN && this.#dead * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#dead);
      this.#dead = 0;
    }
  }

  #range(): string {
    return `[${this.#base}, ${this.end})`;
  }
}

/** Below this many dead slots a copy costs more than it frees. */
const RECLAIM_MIN = 64;
