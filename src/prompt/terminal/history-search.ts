/** Ctrl-R: which line of the history is found, key by key. Pure. */
import type { Key } from "./keys.ts";

export interface HistorySearch {
  readonly query: string;
  /** Index of what was found, of the newest 0; null: nothing yet. */
  readonly at: number | null;
  /** No line beyond the one that was found has the query in it, or none at all. */
  readonly isMissing: boolean;
}

export type SearchStep =
  | { readonly kind: "searching"; readonly search: HistorySearch }
  /** @param runs it is carried out at once; else it is there to be changed */
  | { readonly kind: "taken"; readonly line: string; readonly runs: boolean }
  | { readonly kind: "givenUp" };

export const SEARCH_BEGIN: HistorySearch = { query: "", at: null, isMissing: false };

/** Longer than any useful query; pasted text must end somewhere. */
const QUERY_LENGTH_MAX = 256;

/** @param history newest first */
export function searchStep(
  search: HistorySearch,
  text: string | undefined,
  key: Key,
  history: readonly string[],
): SearchStep {
  const { query, at } = search;
  const goesOn = (next: HistorySearch): SearchStep => ({ kind: "searching", search: next });
  if (key.ctrl === true) {
    switch (key.name) {
      case "r":
        return goesOn(find(search, query, at === null ? 0 : at + 1, 1, history));
      case "s":
        return goesOn(find(search, query, at === null ? -1 : at - 1, -1, history));
      case "h":
        return goesOn(find(SEARCH_BEGIN, shortened(query), 0, 1, history));
      case "c":
      case "d":
      case "g":
        return { kind: "givenUp" };
      default:
        return taken(search, false, history);
    }
  }
  if (key.name === "backspace") {
    return goesOn(find(SEARCH_BEGIN, shortened(query), 0, 1, history));
  }
  if (key.name === "return" || key.name === "enter") return taken(search, true, history);
  const isText = key.meta !== true && text !== undefined && /^[^\p{Cc}\p{Cf}]+$/u.test(text);
  if (!isText) return taken(search, false, history);
  if (query.length + text.length > QUERY_LENGTH_MAX) return goesOn(search);
  return goesOn(find(search, query + text, at ?? 0, 1, history));
}

function taken({ at }: HistorySearch, runs: boolean, history: readonly string[]): SearchStep {
  const line = at === null ? undefined : history[at];
  return line === undefined ? { kind: "givenUp" } : { kind: "taken", line, runs };
}

/** What was found before stays when nothing more is. @param from first index that may be it */
function find(
  before: HistorySearch,
  query: string,
  from: number,
  step: 1 | -1,
  history: readonly string[],
): HistorySearch {
  if (query === "") return SEARCH_BEGIN;
  for (let at = from; at >= 0 && at < history.length; at += step) {
    if (history[at]?.includes(query) === true) return { query, at, isMissing: false };
  }
  return { ...before, query, isMissing: true };
}

function shortened(query: string): string {
  return Array.from(query).slice(0, -1).join("");
}
