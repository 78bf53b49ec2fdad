/**
 * Checks users' arguments before they are used: programs without types hand in anything. Each function returns what is
 * wrong, naming the argument, what was expected and what came, or null. Nothing is allocated where all is well.
 */
import {
  KEY_BYTES_MAX,
  KvError,
  ORDERED_KEYS_MAX,
  printableJson,
  VALUE_BYTES_MAX,
} from "../../base/index.ts";
import { RANGE_ORDERS } from "../../store/commands/index.ts";
import { type KnownNames, namesOf, shownName, unknownName } from "./known-names.ts";
import type {
  Bytes,
  CasCondition,
  CountOptions,
  HistoryOptions,
  RangeOptions,
  ReadOptions,
  RequestOptions,
  RevisionBounds,
  WriteOptions,
} from "./types.ts";

/** Timers of a longer time would fire at once (2^31 - 1). */
export const TIMEOUT_MS_MAX = 2_147_483_647;
const SHOWN_LENGTH_MAX = 60;
const BYTES_EXPECTED = "a string or a Uint8Array";
/** Half of a surrogate pair has no bytes in UTF-8: all halves would become U+FFFD, and different keys one key. */
export const TEXT_EXPECTED = "well-formed text (no half of a surrogate pair)";
const SELECTOR_EXPECTED = "{ prefix }, or { start, end } of which either may be left out";
const WATCHED_EXPECTED = `a key (a string or a Uint8Array), or ${SELECTOR_EXPECTED}`;
const CONDITION_EXPECTED =
  "exactly one of { value }, { absent: true } and { revision } as the condition";

const ORDERS_EXPECTED = RANGE_ORDERS.map((order) => `"${order}"`).join(", ");
const REVISION_BOUNDS = [
  "minCreateRevision",
  "maxCreateRevision",
  "minModRevision",
  "maxModRevision",
] as const;

const OF_REQUESTS = { node: true, timeoutMs: true, signal: true } as const;
const OF_READS = { ...OF_REQUESTS, consistency: true, revision: true, atLeast: true } as const;
const OF_COUNTS = {
  ...OF_READS,
  minCreateRevision: true,
  maxCreateRevision: true,
  minModRevision: true,
  maxModRevision: true,
} as const;
const REQUEST_NAMES = namesOf<RequestOptions>(OF_REQUESTS);
const WRITE_NAMES = namesOf<WriteOptions>({ ...OF_REQUESTS, lease: true, ttl: true });
const READ_NAMES = namesOf<ReadOptions>(OF_READS);
const HISTORY_NAMES = namesOf<HistoryOptions>({ ...OF_READS, limit: true });
const COUNT_NAMES = namesOf<CountOptions>(OF_COUNTS);
const RANGE_NAMES = namesOf<RangeOptions>({
  ...OF_COUNTS,
  limit: true,
  reverse: true,
  orderBy: true,
});
const CONDITION_NAMES = namesOf<CasCondition>({ value: true, absent: true, revision: true });

export function badArgument(name: string, expected: string, got: unknown): KvError {
  return new KvError("BAD_REQUEST", `${name}: expected ${expected}, got ${shown(got)}`);
}

export function wrongBytes(name: string, bytes: unknown): KvError | null {
  if (typeof bytes === "string") {
    return bytes.isWellFormed() ? null : badArgument(name, TEXT_EXPECTED, bytes);
  }
  if (isBytes(bytes)) return null;
  return badArgument(name, `${BYTES_EXPECTED}${hintFor(name, bytes)}`, bytes);
}

/**
 * A key that is no longer than a single request takes, and not empty.
 * @param name of the argument, or where it lies in one: "txn.then[3].key"
 */
export function wrongKey(name: string, key: unknown): KvError | null {
  const wrong = wrongBytes(name, key);
  if (wrong !== null) return wrong;
  // Anything else was refused.
  const bytes = byteLengthOf(key as Bytes);
  if (bytes === 0) return badArgument(name, "at least one byte", key);
  return wrongLength("KEY_TOO_LARGE", name, bytes, KEY_BYTES_MAX);
}

/** As wrongKey, for a value, which may be empty. */
export function wrongValue(name: string, value: unknown): KvError | null {
  const wrong = wrongBytes(name, value);
  if (wrong !== null) return wrong;
  return wrongLength("VALUE_TOO_LARGE", name, byteLengthOf(value as Bytes), VALUE_BYTES_MAX);
}

function byteLengthOf(bytes: Bytes): number {
  return typeof bytes === "string" ? Buffer.byteLength(bytes, "utf8") : bytes.length;
}

/** In the words of a single request that is refused for its length. */
function wrongLength(
  code: "KEY_TOO_LARGE" | "VALUE_TOO_LARGE",
  name: string,
  bytes: number,
  bytesMax: number,
): KvError | null {
  if (bytes <= bytesMax) return null;
  return new KvError(code, `${name} of ${bytes} bytes, the limit is ${bytesMax}`);
}

/** What its caller may have meant. */
function hintFor(name: string, bytes: unknown): string {
  const isData = typeof bytes === "object" && bytes !== null && !ArrayBuffer.isView(bytes);
  if (!isData || bytes instanceof ArrayBuffer) return "";
  if (name !== "key") return " (JSON.stringify makes text of it)";
  if (Array.isArray(bytes)) return " (get reads several keys, batch carries out several requests)";
  const isRange = SELECTOR_NAMES.some((each) => each in bytes);
  return isRange
    ? ' (range, keys and count take several keys; txn({ then: [{ op: "delete", range: { prefix } }] }) deletes them)'
    : " (JSON.stringify makes text of it)";
}

const SELECTOR_NAMES = ["prefix", "start", "end"];

export function wrongKeys(keys: unknown): KvError | null {
  if (!Array.isArray(keys)) return badArgument("keys", "an array of keys", keys);
  for (const [i, key] of keys.entries()) {
    const wrong = wrongBytes(`keys[${i}]`, key);
    if (wrong !== null) return wrong;
  }
  return null;
}

/**
 * Checks the options that most requests share.
 * @param known the options of this call; it looks at those that are its own itself
 */
export function wrongRequestOptions(options: unknown, known = REQUEST_NAMES): KvError | null {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    return badArgument("options", "an object", options);
  }
  // Of an object any property may be asked for.
  const { node, timeoutMs, signal } = options as Record<keyof RequestOptions, unknown>;
  return (
    unknownName(options, known) ??
    (node === undefined ? null : wrongNodeId("node", node)) ??
    (timeoutMs === undefined ? null : wrongTimeout("timeoutMs", timeoutMs)) ??
    (signal === undefined ? null : wrongSignal("signal", signal))
  );
}

/** But for what is wrong with a lease. */
export function wrongWriteOptions(options: unknown): KvError | null {
  return wrongRequestOptions(options, WRITE_NAMES);
}

/** Of a write that is bound to no lease. */
export function wrongPlainWriteOptions(options: unknown): KvError | null {
  const wrong = wrongWriteOptions(options);
  if (wrong !== null) return wrong;
  const { lease, ttl } = options as Record<keyof WriteOptions, unknown>;
  if (lease !== undefined) return badArgument("lease", "none here (`write` takes one)", lease);
  return ttl === undefined ? null : badArgument("ttl", "none here (`write` takes one)", ttl);
}

export function wrongReadOptions(options: unknown): KvError | null {
  return wrongRead(options, READ_NAMES);
}

function wrongRead(options: unknown, known: KnownNames): KvError | null {
  return wrongRequestOptions(options, known) ?? wrongMoment(options as object);
}

/** @param read options, or a request to read, with nothing else wrong with it */
export function wrongMoment(read: object): KvError | null {
  const { consistency, revision, atLeast } = read as Record<keyof ReadOptions, unknown>;
  if (revision !== undefined && !isPositive(revision)) {
    return badArgument("revision", "a positive integer", revision);
  }
  if (atLeast !== undefined) {
    if (!isPositive(atLeast)) return badArgument("atLeast", "a positive integer", atLeast);
    if (consistency !== undefined && consistency !== "local") {
      return badArgument("consistency", '"local", or nothing, with atLeast', consistency);
    }
  }
  if (consistency === undefined) return null;
  if (consistency === "linearizable" || consistency === "local") return null;
  return badArgument("consistency", '"linearizable" or "local"', consistency);
}

export function wrongHistoryOptions(options: unknown): KvError | null {
  return wrongRead(options, HISTORY_NAMES) ?? wrongLimit(options);
}

/** @param known as of wrongRequestOptions */
export function wrongRangeOptions(options: unknown, known = RANGE_NAMES): KvError | null {
  const wrong = wrongCountOptions(options, known) ?? wrongLimit(options);
  if (wrong !== null) return wrong;
  const { reverse, orderBy, limit } = options as Record<keyof RangeOptions, unknown>;
  if (reverse !== undefined && typeof reverse !== "boolean") {
    return badArgument("reverse", "true or false", reverse);
  }
  if (orderBy === undefined || orderBy === "key") return null;
  if (!RANGE_ORDERS.some((order) => order === orderBy)) {
    return badArgument("orderBy", ORDERS_EXPECTED, orderBy);
  }
  if (limit !== undefined && Number(limit) <= ORDERED_KEYS_MAX) return null;
  return badArgument(
    "limit",
    `1 to ${ORDERED_KEYS_MAX} keys in an order that is not that of keys`,
    limit,
  );
}

/** @param known as of wrongRequestOptions */
export function wrongCountOptions(options: unknown, known = COUNT_NAMES): KvError | null {
  const wrong = wrongRead(options, known);
  if (wrong !== null) return wrong;
  const bounds = options as Record<keyof RevisionBounds, unknown>;
  for (const name of REVISION_BOUNDS) {
    const bound = bounds[name];
    if (bound !== undefined && !isPositive(bound)) {
      return badArgument(name, "a positive integer", bound);
    }
  }
  return null;
}

/** A key, or a selector of a range. */
export function wrongWatched(what: unknown): KvError | null {
  if (typeof what === "string" || isBytes(what)) return wrongBytes("watched", what);
  const isObject = typeof what === "object" && what !== null;
  return isObject ? wrongSelector(what) : badArgument("watched", WATCHED_EXPECTED, what);
}

function wrongLimit(options: unknown): KvError | null {
  const { limit } = options as Record<keyof RangeOptions, unknown>;
  if (limit === undefined || isPositive(limit)) return null;
  return badArgument("limit", "a positive integer", limit);
}

export function isPositive(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

/** A selector with a prefix and bounds at once could mean two ranges, so it is refused. */
export function wrongSelector(selector: unknown): KvError | null {
  const isObject = typeof selector === "object" && selector !== null;
  if (!isObject || isBytes(selector) || Array.isArray(selector)) {
    return badArgument("range", SELECTOR_EXPECTED, selector);
  }
  const { prefix, start, end, ...others } = selector as Record<string, unknown>;
  const areTwo = prefix !== undefined && (start !== undefined || end !== undefined);
  const areNone = prefix === undefined && start === undefined && end === undefined;
  // {} is everything. { prefix: undefined } is a variable that was never set, and would delete everything, too.
  const isUnset = areNone && Object.keys(selector).length > 0;
  if (areTwo || isUnset || Object.keys(others).length > 0) {
    return badArgument("range", SELECTOR_EXPECTED, selector);
  }
  return (
    (prefix === undefined ? null : wrongBytes("prefix", prefix)) ??
    (start === undefined ? null : wrongBytes("start", start)) ??
    (end === undefined ? null : wrongBytes("end", end))
  );
}

/** A condition that has two meanings is refused: the client must not choose one of them. */
export function wrongCondition(condition: unknown): KvError | null {
  if (typeof condition !== "object" || condition === null) {
    return badArgument("condition", CONDITION_EXPECTED, condition);
  }
  const unknown = unknownName(condition, CONDITION_NAMES, "condition");
  if (unknown !== null) return unknown;
  const { value, absent, revision } = condition as Record<string, unknown>;
  const given = Number(value !== undefined) + Number(absent !== undefined);
  if (given + Number(revision !== undefined) !== 1) {
    return badArgument("condition", CONDITION_EXPECTED, condition);
  }
  if (value !== undefined) return wrongBytes("condition.value", value);
  if (absent !== undefined) {
    return absent === true ? null : badArgument("condition.absent", "true", absent);
  }
  if (Number.isSafeInteger(revision) && Number(revision) >= 1) return null;
  return badArgument("condition.revision", "a positive integer", revision);
}

export function wrongNodeId(name: string, id: unknown): KvError | null {
  if (Number.isSafeInteger(id) && Number(id) >= 1) return null;
  return badArgument(name, "the id of a node, a positive integer", id);
}

export function wrongTimeout(name: string, ms: unknown): KvError | null {
  if (typeof ms === "number" && ms > 0 && ms <= TIMEOUT_MS_MAX) return null;
  const expected = `milliseconds, more than 0 and at most ${TIMEOUT_MS_MAX}`;
  return badArgument(name, expected, ms);
}

/** Also one of another realm: of another window, or of a test runner. */
function isBytes(value: unknown): boolean {
  if (value instanceof Uint8Array) return true;
  return (
    ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]"
  );
}

/** Also a signal that another library has made: its methods decide. */
export function wrongSignal(name: string, value: unknown): KvError | null {
  if (typeof value !== "object" || value === null) {
    return badArgument(name, "an AbortSignal", value);
  }
  const { aborted, addEventListener, removeEventListener } = value as Record<string, unknown>;
  const isSignal =
    typeof aborted === "boolean" &&
    typeof addEventListener === "function" &&
    typeof removeEventListener === "function";
  return isSignal ? null : badArgument(name, "an AbortSignal", value);
}

/** Whether it is an object with fields, and no list, date or map that would pass for one without any. */
export function isRecord(value: unknown): value is object {
  return Object.prototype.toString.call(value) === "[object Object]";
}

/** A function that is called back later, when it may be too late to say that it is none. */
export function wrongFunction(name: string, value: unknown): KvError | null {
  return typeof value === "function" ? null : badArgument(name, "a function", value);
}

/**
 * For an object that throws when it is read: a getter of the caller's, or a proxy that was revoked.
 * @param thrown also a refusal of our own, which is returned as it is
 */
export function unreadable(thrown: unknown): KvError {
  if (thrown instanceof KvError) return thrown;
  const text = `arguments: expected what can be read, got one that throws: ${String(thrown)}`;
  return new KvError("BAD_REQUEST", text, { cause: thrown });
}

/** Never says much: the argument may be a secret or a megabyte. */
function shown(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "nothing";
    case "string":
      return printableJson(
        value.length <= SHOWN_LENGTH_MAX ? value : `${value.slice(0, SHOWN_LENGTH_MAX)}…`,
      );
    case "number":
    case "boolean":
      return String(value);
    case "bigint":
      return `the bigint ${value}n`.slice(0, SHOWN_LENGTH_MAX);
    case "symbol":
      return "a symbol";
    case "function":
      return "a function";
    case "object":
      return value === null ? "null" : shownObject(value);
    default:
      return "something else";
  }
}

function shownObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (tag !== "Object") return `an object of type ${tag}`;
  const names = Object.keys(value).map(shownName);
  return names.length === 0
    ? "{}"
    : `an object with ${names.join(", ").slice(0, SHOWN_LENGTH_MAX)}`;
}
