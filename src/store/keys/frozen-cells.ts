/** Cells that do not change any more: a clone, ordered and without point index. And how ordered cells are read. */
import type { ByteString } from "../../base/index.ts";
import type { StoredValue } from "../history/cell.ts";
import type { CellTree } from "./cell-tree.ts";
import { History, type HistoryView } from "../history/history.ts";
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
  /** Hash over the records of the history. */
  readonly historyHash: number;
  readonly leases: LeasesState;
}

export class FrozenCells implements CellSums {
  readonly #tree: CellTree;
  readonly history: HistoryView;
  readonly size: number;
  readonly contentHash: number;
  readonly historyHash: number;
  readonly leases: LeasesState;

  constructor(tree: CellTree, history: HistoryView, sums: CellSums) {
    this.#tree = tree;
    this.history = history;
    this.size = sums.size;
    this.contentHash = sums.contentHash;
    this.historyHash = sums.historyHash;
    this.leases = sums.leases;
  }

  get(key: ByteString): StoredValue | undefined {
    const cell = this.#tree.get(key);
    return cell === undefined || cell.version === 0 ? undefined : cell;
  }

  range(query: RangeQuery): KeyValue[] {
    return rangeOf(this.#tree, query);
  }

  /** All cells in the order of their keys, deleted ones included. The pair is the same array each time. */
  entries(): IterableIterator<[ByteString, KeyVersion]> {
    return this.#tree.entries(undefined, []);
  }

  /** The same cells without leases, and without the keys that are bound to them. */
  withoutLeases(): FrozenCells {
    const tree = this.#tree.clone();
    let { size, contentHash } = this;
    const isAny = this.leases.leases.length > 0;
    for (const [key, cell] of isAny ? this.#tree.entries(undefined, []) : []) {
      if (cell.lease === 0) continue;
      tree.delete(key);
      size -= 1;
      contentHash = (contentHash - cell.hash) | 0;
    }
    // Ids that clients may still hold are not given out again.
    const leases = { ...NO_LEASES, lastId: this.leases.lastId };
    const sums = { size, contentHash, historyHash: this.historyHash, leases };
    return new FrozenCells(tree, this.history, sums);
  }

  /** The same keys, with a history that begins at this revision, at which all of them are older. */
  beginningAt(revision: number): FrozenCells {
    const { size, contentHash, leases } = this;
    const sums = { size, contentHash, historyHash: 0, leases };
    return new FrozenCells(this.#tree, new History(revision), sums);
  }
}

/** What a key that is there is taken to cost. */
export function costOf({ key, value }: { key: ByteString; value: ByteString }): number {
  return KEY_OVERHEAD_BYTES + key.length + value.length;
}

export function* walk(
  tree: CellTree,
  start: ByteString | undefined,
  end: ByteString | undefined,
  reverse: boolean,
): Generator<[ByteString, KeyVersion]> {
  const pairs = reverse ? tree.entriesReversed(end, [], true) : tree.entries(start, []);
  for (const pair of pairs) {
    const [key] = pair;
    const isOutside = reverse
      ? start !== undefined && key < start
      : end !== undefined && key >= end;
    if (isOutside) return;
    yield pair;
  }
}

/** What a pair in a range is told to. @returns whether the next one is wanted too */
export type Visit<V extends StoredValue = KeyVersion> = (key: ByteString, value: V) => boolean;

const STOP = { break: 0 };

/**
 * As `walk`, forwards. Costs a fifth of it, also before the engine has compiled it, which a busy machine takes its time for: so
 * for whoever has very many keys looked at in few bytes.
 */
export function visit(
  tree: CellTree,
  start: ByteString,
  end: ByteString | null,
  visitor: Visit,
): void {
  const last = end ?? tree.maxKey();
  if (last === undefined || (end !== null && end <= start)) return;
  tree.forRange(start, last, end === null, (key, cell) => (visitor(key, cell) ? undefined : STOP));
}

export function rangeOf(tree: CellTree, query: RangeQuery): KeyValue[] {
  const { start, end, limit, reverse = false } = query;
  const found: KeyValue[] = [];
  if (limit <= 0) return found;
  for (const [key, cell] of walk(tree, start, end, reverse)) {
    const { value, createRevision, modRevision, version } = cell;
    if (version === 0) continue;
    found.push({ key, value, createRevision, modRevision, version });
    if (found.length >= limit) break;
  }
  return found;
}
