/** Cells that do not change any more: a clone, ordered and without point index. */
import { type ByteString, EMPTY_BYTES } from "../../base/index.ts";
import type { StoredValue } from "../history/cell.ts";
import { History, type HistoryView } from "../history/history.ts";
import type { KeysInOrder, OrderView } from "./keys-in-order.ts";
import { NO_LEASES, type LeasesState } from "./leases.ts";
import { KEY_OVERHEAD_BYTES } from "../history/state-size.ts";
import type { KeyVersion } from "../history/versions.ts";

export interface KeyValue extends StoredValue {
  readonly key: ByteString;
}

export interface RangeQuery {
  /** First key wanted. Default: the very first. */
  readonly start?: ByteString;
  /** First key not wanted any more. Default: none. */
  readonly end?: ByteString;
  readonly limit: number;
  /** The range is read from its end downwards. */
  readonly reverse?: boolean;
}

export interface CellSums {
  /** How many keys are present, deleted ones not counted. */
  readonly size: number;
  readonly contentHash: number;
  /** Hash over the history that is kept. The history hash of a state is another one: over all that was ever applied. */
  readonly keptHistoryHash: number;
  readonly leases: LeasesState;
}

export class FrozenCells implements CellSums {
  readonly #order: KeysInOrder;
  readonly history: HistoryView;
  readonly size: number;
  readonly contentHash: number;
  readonly keptHistoryHash: number;
  readonly leases: LeasesState;

  constructor(order: KeysInOrder, history: HistoryView, sums: CellSums) {
    this.#order = order;
    this.history = history;
    this.size = sums.size;
    this.contentHash = sums.contentHash;
    this.keptHistoryHash = sums.keptHistoryHash;
    this.leases = sums.leases;
  }

  get(key: ByteString): StoredValue | undefined {
    return this.#order.get(key);
  }

  range(query: RangeQuery): KeyValue[] {
    return rangeOf(this.#order, query);
  }

  /** All cells in the order of their keys, deleted ones included. The pair is the same array each time. */
  entries(): Iterable<readonly [ByteString, KeyVersion]> {
    return this.#order.walkAll(EMPTY_BYTES, null, false);
  }

  /** The same cells without leases, and without the keys that are bound to them. */
  withoutLeases(): FrozenCells {
    const order = this.#order.clone();
    let { size, contentHash } = this;
    const isAny = this.leases.leases.length > 0;
    for (const [key, cell] of isAny ? this.#order.cells() : []) {
      if (cell.lease === 0) continue;
      order.remove(key);
      size -= 1;
      contentHash = (contentHash - cell.hash) | 0;
    }
    // Clients may still hold these ids, so no new lease gets one.
    const leases = { ...NO_LEASES, lastId: this.leases.lastId };
    const sums = { size, contentHash, keptHistoryHash: this.keptHistoryHash, leases };
    return new FrozenCells(order, this.history, sums);
  }

  /** The same keys, with a history that begins at this revision, at which all of them are older. */
  beginningAt(revision: number): FrozenCells {
    const { size, contentHash, leases } = this;
    const sums = { size, contentHash, keptHistoryHash: 0, leases };
    return new FrozenCells(this.#order.thereOnly(), new History(revision), sums);
  }
}

/** What a key that is there is taken to cost. */
export function costOf({ key, value }: { key: ByteString; value: ByteString }): number {
  return KEY_OVERHEAD_BYTES + key.length + value.length;
}

export function rangeOf(order: OrderView, query: RangeQuery): KeyValue[] {
  const { start = EMPTY_BYTES, end = null, limit, reverse = false } = query;
  const found: KeyValue[] = [];
  if (limit <= 0) return found;
  for (const [key, cell] of order.walk(start, end, reverse)) {
    const { value, createRevision, modRevision, version } = cell;
    found.push({ key, value, createRevision, modRevision, version });
    if (found.length >= limit) break;
  }
  return found;
}
