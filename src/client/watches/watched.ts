/** What a program wants to watch, as the client asks it of nodes. */
import { KvError } from "../../base/index.ts";
import { checkKey } from "../../store/commands/index.ts";
import {
  badArgument,
  type Bytes,
  bytesOf,
  isPositive,
  namesOf,
  type RangeSelector,
  wrongRequestOptions,
  wrongWatched,
} from "../terms/index.ts";
import { checkBound } from "../core/index.ts";
import { rangeOf } from "../keys/index.ts";
import type { WatchAsked } from "./watch-line.ts";
import type { ObserveOptions, WatchOptions } from "./watch-types.ts";

const OPTION_NAMES = namesOf<WatchOptions>({
  node: true,
  timeoutMs: true,
  signal: true,
  from: true,
  previous: true,
  only: true,
  progress: true,
});
const OBSERVE_NAMES = namesOf<ObserveOptions>({ node: true, signal: true });
const ALL = { keysOnly: false, countOnly: false };

/**
 * @param skip bytes that are left away at the beginning of each key
 * @param firstTimeoutMs unless the options say otherwise
 * @throws KvError BAD_REQUEST, KEY_TOO_LARGE
 */
export function watchedOf(
  what: Bytes | RangeSelector,
  options: WatchOptions,
  skip: number,
  firstTimeoutMs: number,
): WatchAsked {
  const wrong = wrongWatched(what) ?? wrongWatchOptions(options);
  if (wrong !== null) throw wrong;
  const { from = null, previous = false, only, progress = false, timeoutMs } = options;
  const wish = { previous, puts: only !== "deletes", deletes: only !== "puts" };
  return {
    wish: { ...boundsOf(what), ...wish },
    from,
    progress,
    skip,
    firstTimeoutMs: timeoutMs ?? firstTimeoutMs,
    timeoutMs: timeoutMs ?? Infinity,
  };
}

function wrongWatchOptions(options: unknown): KvError | null {
  const wrong = wrongRequestOptions(options, OPTION_NAMES);
  if (wrong !== null) return wrong;
  const { from, previous, only, progress } = options as Record<keyof WatchOptions, unknown>;
  if (from !== undefined && !isPositive(from)) {
    return badArgument("from", "a positive integer", from);
  }
  if (only !== undefined && only !== "puts" && only !== "deletes") {
    return badArgument("only", '"puts" or "deletes"', only);
  }
  for (const [name, flag] of Object.entries({ previous, progress })) {
    if (flag !== undefined && typeof flag !== "boolean") {
      return badArgument(name, "true or false", flag);
    }
  }
  return null;
}

export function wrongObserveOptions(options: unknown): KvError | null {
  return wrongRequestOptions(options, OBSERVE_NAMES);
}

/** Copies: each new connection asks for it again, and the caller may go on writing to its bytes. */
function boundsOf(what: Bytes | RangeSelector): Pick<WatchAsked["wish"], "start" | "end"> {
  if (isKey(what)) {
    const key = bytesOf(what);
    checkKey(key);
    const end = new Uint8Array(key.length + 1);
    end.set(key);
    return { start: new Uint8Array(key), end };
  }
  const { start, end } = rangeOf(what, {}, ALL);
  checkBound(start);
  if (end !== null) checkBound(end);
  if (end !== null && Buffer.compare(end, start) <= 0) {
    throw new KvError("BAD_REQUEST", "range: expected an end above its start");
  }
  return { start: new Uint8Array(start), end: end === null ? null : new Uint8Array(end) };
}

export function isKey(what: Bytes | RangeSelector): what is Bytes {
  return typeof what === "string" || ArrayBuffer.isView(what);
}
