/**
 * Ranges of keys and histories of one key, a page at a time: so both the size of an answer and the work of a turn are bounded.
 *
 * Invariants:
 *   RANGE-1. A page looks at PageLimits.cells cells and versions at most, and at the rest of one key: at a past revision those that
 *       were not there then count too. So it may hold fewer keys than are wanted, even none, and go on nevertheless.
 *   RANGE-2. Pages of one revision show one state, even when they come from different nodes.
 *   RANGE-3. A page in another order than that of keys has the first ones, in that order, of the keys that it went through in
 *       theirs. So the first of all pages together are the first of the range, and no node keeps anything between two pages.
 */
import type { ByteString } from "../../base/index.ts";
import type { StoredValue } from "../history/cell.ts";
import type { KeyValue } from "./frozen-cells.ts";
import type { HistoryView } from "../history/history.ts";
import type { OrderView, Visit } from "./keys-in-order.ts";
import { FirstInOrder, isWithin, type RangeOrder, type RangeSelection } from "./range-selection.ts";
import {
  isThere,
  placeAt,
  versionAt,
  versionsOf,
  type KeyVersion,
  type Looked,
} from "../history/versions.ts";

/** Of the keys and values in one page: the one that reaches it is the last. */
const PAGE_BYTES_MAX = 128 * 1024;

export interface PageLimits {
  /** Keys in one page, unless fewer are wanted, or versions of one key. */
  readonly keys: number;
  /** Cells looked at for one page, and versions gone through: more of them when they are only counted, or not there. */
  readonly cells: number;
}

export const RANGE_PAGE: PageLimits = { keys: 1024, cells: 8192 };

export interface RangeRequest {
  /** First key wanted; empty: the very first. */
  readonly start: ByteString;
  /** First key not wanted any more; null: none. */
  readonly end: ByteString | null;
  /** From the end of the range downwards. */
  readonly reverse: boolean;
  readonly keysOnly: boolean;
  /** The number of keys, and none of them. */
  readonly countOnly: boolean;
  /** Keys at most; 1 or more. */
  readonly limit: number;
  /** Of the state that is asked; 0: the newest there is. */
  readonly revision: number;
  /** Which of them, in which order. Undefined: all, in order of keys. What is counted only is in no order. */
  readonly select?: RangeSelection | undefined;
}

export interface RangePage {
  /** Of the state that the page is from. */
  readonly revision: number;
  /** Keys in the page; with countOnly they were only counted. */
  readonly count: number;
  readonly keys: readonly KeyValue[];
  /**
   * Where the next page begins: its first key, or in reverse the first key above it; in an order that is not that of keys
   * always its first key. Null: there are no more keys in the range.
   */
  readonly resume: ByteString | null;
}

/** A key as it was at a revision. */
export interface KeyRequest {
  readonly key: ByteString;
  readonly revision: number;
}

/** Keys that are wanted of one state; revision 0: of the newest. */
export interface KeysRequest {
  readonly keys: readonly ByteString[];
  readonly revision: number;
}

/** The versions of a key. */
export interface HistoryRequest {
  readonly history: ByteString;
  /** The first one wanted is that of this revision; 0: the newest. */
  readonly revision: number;
  /** Versions at most; 1 or more. */
  readonly limit: number;
}

export interface HistoryPage {
  /** Newest first; version 0: the key was deleted. */
  readonly versions: readonly KeyVersion[];
  /** The revision to go on with. Null: nothing older is kept. */
  readonly resume: number | null;
}

/** Cells, live or frozen, and what they were before. */
export interface ReadSource {
  /** As of the key that was deleted too: version 0. */
  newest(key: ByteString): KeyVersion | undefined;
  readonly order: OrderView;
  readonly history: HistoryView;
}

/**
 * The first page of what is asked for.
 * @param revision neither below the oldest nor above the newest one of the source
 * @param looked counts what it took
 */
export function readPage(
  source: ReadSource,
  revision: number,
  request: RangeRequest,
  looked: Looked = { cells: 0 },
  limits = RANGE_PAGE,
): RangePage {
  const { start, end, reverse, countOnly, keysOnly, select } = request;
  if (select !== undefined && select.order !== "key") {
    return readInOrder(source, revision, request, select, select.order, looked, limits);
  }
  const keysMax = countOnly ? request.limit : Math.min(request.limit, limits.keys);
  const cellsMax = looked.cells + limits.cells;
  const { history } = source;
  const keys: KeyValue[] = [];
  let count = 0;
  let bytes = 0;
  let last: ByteString | null = null;
  let resume: ByteString | null = null;
  const take = (key: ByteString, newest: KeyVersion): boolean => {
    if (count >= keysMax || bytes >= PAGE_BYTES_MAX || looked.cells >= cellsMax) {
      resume = reverse ? last : key;
      return false;
    }
    looked.cells += 1;
    last = key;
    const place = placeAt(key, newest, revision, history, looked);
    if (countOnly && select === undefined) {
      if (isThere(key, newest, place, history)) count += 1;
      return true;
    }
    const stored = versionAt(key, newest, place, history);
    if (stored === undefined || (select !== undefined && !isWithin(stored, select))) return true;
    count += 1;
    if (countOnly) return true;
    keys.push(keyValue(key, stored));
    bytes += key.length + (keysOnly ? 0 : stored.value.length);
    return true;
  };
  if (reverse) {
    for (const [key, newest] of walkDown(source, revision, start, end))
      if (!take(key, newest)) break;
  } else visit(source, revision, start, end, take);
  return { revision, count, keys, resume };
}

/** The keys that may have been there at the revision. Of the newest state they are those that are there. */
function visit(
  { order, history }: ReadSource,
  revision: number,
  start: ByteString,
  end: ByteString | null,
  visitor: Visit,
): void {
  if (revision >= history.last) order.visit(start, end, visitor);
  else order.visitAll(start, end, visitor);
}

/** As `visit`, from the end downwards. */
function walkDown(
  { order, history }: ReadSource,
  revision: number,
  start: ByteString,
  end: ByteString | null,
): Iterable<readonly [ByteString, KeyVersion]> {
  return revision >= history.last ? order.walk(start, end, true) : order.walkAll(start, end, true);
}

/** RANGE-3. */
function readInOrder(
  source: ReadSource,
  revision: number,
  request: RangeRequest,
  select: RangeSelection,
  order: Exclude<RangeOrder, "key">,
  looked: Looked,
  limits: PageLimits,
): RangePage {
  const { start, end } = request;
  const { history } = source;
  const first = new FirstInOrder(order, request, limits.keys, PAGE_BYTES_MAX);
  const cellsMax = looked.cells + limits.cells;
  let resume: ByteString | null = null;
  visit(source, revision, start, end, (key, newest) => {
    if (first.isFull || looked.cells >= cellsMax) {
      resume = key;
      return false;
    }
    looked.cells += 1;
    const place = placeAt(key, newest, revision, history, looked);
    const stored = versionAt(key, newest, place, history);
    if (stored === undefined || !isWithin(stored, select)) return true;
    first.offer(key, stored);
    looked.cells += first.takeLooks();
    return true;
  });
  return { revision, count: first.keys.length, keys: first.keys, resume };
}

/** @param revision as of readPage */
export function readHistory(
  source: ReadSource,
  revision: number,
  request: HistoryRequest,
  looked: Looked = { cells: 0 },
  limits = RANGE_PAGE,
): HistoryPage {
  const newest = source.newest(request.history);
  looked.cells += 1;
  if (newest === undefined) return { versions: [], resume: null };
  const { history } = source;
  const max = Math.min(request.limit, limits.keys);
  const versions: KeyVersion[] = [];
  let bytes = 0;
  for (const each of versionsOf(request.history, newest, revision, history, looked)) {
    if (versions.length >= max || bytes >= PAGE_BYTES_MAX) {
      // The version that the oldest revision shows may be older than that, and can be asked for at no revision before it.
      return { versions, resume: Math.max(each.modRevision, history.oldest) };
    }
    const { value, createRevision, modRevision, version } = each;
    versions.push({ value, createRevision, modRevision, version });
    bytes += value.length;
  }
  return { versions, resume: null };
}

/** There are more keys than the page has, and they were asked for. */
export function isCut(page: RangePage, request: RangeRequest): boolean {
  return page.resume !== null && page.count < request.limit;
}

/** A copy of the fields that clients see: a cell of the state has more. */
function keyValue(
  key: ByteString,
  { value, createRevision, modRevision, version }: StoredValue,
): KeyValue {
  return { key, value, createRevision, modRevision, version };
}
