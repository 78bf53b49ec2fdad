/**
 * A set of keys as intervals [start, end) that neither overlap nor touch, in order: whether a range lies in it is one search,
 * however many permissions it was made of. An end of null is behind every key.
 */
import type { ByteString } from "../../base/index.ts";
import type { Where } from "../txn/txn.ts";

export interface KeyInterval {
  readonly start: ByteString;
  readonly end: ByteString | null;
}

export class KeyIntervals {
  readonly #intervals: readonly KeyInterval[];

  /** @param intervals in any order, overlapping or not; empty ones hold nothing */
  constructor(intervals: readonly KeyInterval[]) {
    this.#intervals = merged(intervals);
  }

  /** Whether every key that `where` may name is in the set. Of an empty range that is true. */
  covers(where: Where): boolean {
    if ("key" in where) return this.#holds(where.key);
    const { start, end } = where;
    if (end !== null && end <= start) return true;
    const interval = this.#at(start);
    if (interval === undefined) return false;
    return interval.end === null || (end !== null && end <= interval.end);
  }

  #holds(key: ByteString): boolean {
    const interval = this.#at(key);
    return interval !== undefined;
  }

  /** The interval that holds this key. */
  #at(key: ByteString): KeyInterval | undefined {
    const intervals = this.#intervals;
    let low = 0;
    let high = intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const interval = intervals[middle];
      if (interval !== undefined && interval.start <= key) low = middle + 1;
      else high = middle;
    }
    const found = intervals[low - 1];
    return found !== undefined && (found.end === null || key < found.end) ? found : undefined;
  }
}

function merged(intervals: readonly KeyInterval[]): readonly KeyInterval[] {
  const sorted = intervals
    .filter(({ start, end }) => end === null || start < end)
    .toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const result: KeyInterval[] = [];
  for (const { start, end } of sorted) {
    const last = result.at(-1);
    if (last === undefined || (last.end !== null && last.end < start)) {
      result.push({ start, end });
    } else if (last.end !== null && (end === null || end > last.end)) {
      result[result.length - 1] = { start: last.start, end };
    }
  }
  return result;
}
