/** Ranges for users: which keys are meant, and the pages that together are one state of the store. */
import { afterPrefix } from "../../base/index.ts";
import type { PageAnswer, PageItem, RangeBytes } from "../../protocol/client/index.ts";
import {
  bytesOf,
  KeyEntry,
  KeyValue,
  ownBytes,
  type RangeOptions,
  type RangeSelector,
  type RevisionBounds,
} from "../terms/index.ts";
import type { RangeOrder, RangeSelection } from "../../store/commands/index.ts";

/** What asks for one page: the first one linearizable if that is wanted. */
export type AskForPage = (range: RangeBytes, isFirst: boolean) => Promise<PageAnswer>;

const NOTHING = new Uint8Array(0);

/** What a selector and options stand for. */
export function rangeOf(
  selector: RangeSelector,
  options: RangeOptions,
  what: Pick<RangeBytes, "keysOnly" | "countOnly">,
): RangeBytes {
  const { limit = Number.MAX_SAFE_INTEGER, reverse = false, revision = 0 } = options;
  const select = selectionOf(options, options.orderBy ?? "key");
  const rest = { ...what, reverse, limit, revision, ...(select === null ? {} : { select }) };
  if (selector.prefix !== undefined) {
    const prefix = bytesOf(selector.prefix);
    return { start: prefix, end: afterPrefix(prefix), ...rest };
  }
  const { start, end } = selector;
  return {
    start: start === undefined ? NOTHING : bytesOf(start),
    end: end === undefined ? null : bytesOf(end),
    ...rest,
  };
}

/** Null: nothing of it is asked for, and nodes are asked as ever. */
function selectionOf(bounds: RevisionBounds, order: RangeOrder): RangeSelection | null {
  const { minCreateRevision: createMin = 0, maxCreateRevision: createMax = 0 } = bounds;
  const { minModRevision: modMin = 0, maxModRevision: modMax = 0 } = bounds;
  const isAll = createMin + createMax + modMin + modMax === 0;
  return isAll && order === "key" ? null : { order, createMin, createMax, modMin, modMax };
}

/**
 * All pages of a range, each asked for while the one before is looked at. The later ones are of the revision of the first:
 * any node has them that has come so far. A page may have fewer keys than there are to come, or none.
 */
export async function* pagesOf(ask: AskForPage, range: RangeBytes): AsyncGenerator<PageAnswer> {
  const isOrdered = range.select !== undefined && range.select.order !== "key";
  let left = range.limit;
  let next = ask(range, true);
  for (;;) {
    const page = await next;
    // In an order of its own each page has the first of its keys, and only all pages have the first of all.
    if (!isOrdered) left -= page.count;
    const { resume, revision } = page;
    if (resume === null || left <= 0) {
      yield page;
      return;
    }
    const bound =
      range.reverse && !isOrdered ? { end: ownBytes(resume) } : { start: ownBytes(resume) };
    next = ask({ ...range, ...bound, limit: left, revision }, false);
    // Whoever stops in the middle never asks what came of it.
    next.catch(() => {});
    yield page;
  }
}

/** A key of a page and its value. */
export function keyValueOf({
  key,
  value,
  modRevision,
  createRevision,
  version,
}: PageItem): KeyValue {
  return new KeyValue(ownBytes(key), ownBytes(value), modRevision, createRevision, version);
}

/** A key of a page. */
export function keyEntryOf({ key, modRevision, createRevision, version }: PageItem): KeyEntry {
  return new KeyEntry(ownBytes(key), modRevision, createRevision, version);
}
