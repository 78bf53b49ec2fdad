/** Ranges of keys, a page at a time: what one answer holds is bounded, and so is what one turn spends on it. */
import type { ByteString } from "../base/byte-string.ts";
import type { KeyValue } from "./ordered-cells.ts";

/** Keys in one page, unless fewer are wanted. */
export const RANGE_PAGE_KEYS_MAX = 1024;
/** Of the keys and values in one page: the one that reaches it is the last. */
const PAGE_BYTES_MAX = 128 * 1024;
/** To count a key is so many times less work than to read it. */
const COUNTED_FOR_READ = 8;

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
}

export interface RangePage {
  /** Of the state that the page is from. */
  readonly revision: number;
  /** Keys in the page; with countOnly they were only counted. */
  readonly count: number;
  readonly keys: readonly KeyValue[];
  /**
   * Where the next page begins: its first key, or in reverse the first key above it. Null: there are no more keys in the
   * range.
   */
  readonly resume: ByteString | null;
}

/** Keys that are wanted of one state. */
export interface KeysRequest {
  readonly keys: readonly ByteString[];
}

/** Ordered cells, live or frozen. */
export interface RangeSource {
  /** In order of keys, or from the end downwards. Valid until the next change. */
  walk(
    start: ByteString,
    end: ByteString | null,
    reverse: boolean,
  ): Iterable<readonly [ByteString, Omit<KeyValue, "key">]>;
}

/** The first page of what is asked for. */
export function readPage(
  source: RangeSource,
  revision: number,
  request: RangeRequest,
  pageKeys = RANGE_PAGE_KEYS_MAX,
): RangePage {
  const { start, end, reverse, countOnly, limit } = request;
  const keysMax = Math.min(limit, countOnly ? COUNTED_FOR_READ * pageKeys : pageKeys);
  const keys: KeyValue[] = [];
  let count = 0;
  let bytes = 0;
  let last: ByteString | null = null;
  for (const [key, cell] of source.walk(start, end, reverse)) {
    if (count >= keysMax || bytes >= PAGE_BYTES_MAX) {
      return { revision, count, keys, resume: reverse ? last : key };
    }
    count += 1;
    last = key;
    if (countOnly) continue;
    const { value, createRevision, modRevision, version } = cell;
    keys.push({ key, value, createRevision, modRevision, version });
    bytes += key.length + (request.keysOnly ? 0 : value.length);
  }
  return { revision, count, keys, resume: null };
}

/** There are more keys than the page has, and they were asked for. */
export function isCut(page: RangePage, request: RangeRequest): boolean {
  return page.resume !== null && page.count < request.limit;
}
