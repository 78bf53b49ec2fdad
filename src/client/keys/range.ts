/** Ranges for users: which keys they mean, and the pages that together are one state of the store. */
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

/** Asks for one page: the first one linearizable if the caller wants that. */
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

/** Null: no option asks for a selection, and the client sends the plain request. */
function selectionOf(bounds: RevisionBounds, order: RangeOrder): RangeSelection | null {
  const { minCreateRevision: createMin = 0, maxCreateRevision: createMax = 0 } = bounds;
  const { minModRevision: modMin = 0, maxModRevision: modMax = 0 } = bounds;
  const isAll = createMin + createMax + modMin + modMax === 0;
  return isAll && order === "key" ? null : { order, createMin, createMax, modMin, modMax };
}

/**
 * All pages of a range; the client asks for each while the caller looks at the one before. The later ones are of the revision of the
 * first: any node that has come so far has them. A page may have fewer keys than there are to come, or none.
 */
export async function* pagesOf(ask: AskForPage, range: RangeBytes): AsyncGenerator<PageAnswer> {
  const isOrdered = range.select !== undefined && range.select.order !== "key";
  let left = range.limit;
  let next = ask(range, true);
  for (;;) {
    const page = await next;
    // In an order of its own each page has the first of its own keys, and only all pages together have the first of all.
    if (!isOrdered) left -= page.count;
    const { resume, revision } = page;
    if (resume === null || left <= 0) {
      yield page;
      return;
    }
    const bound =
      range.reverse && !isOrdered ? { end: ownBytes(resume) } : { start: ownBytes(resume) };
    next = ask({ ...range, ...bound, limit: left, revision }, false);
    // A caller that stops in the middle never reads this page, so its error must not go unhandled.
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
