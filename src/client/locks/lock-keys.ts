/**
 * Where locks and elections stand in the store. A name has two places: one for its holders and one for its waiters. In each the exclusive
 * and the shared requests lie apart, so that a range finds those that matter to a request.
 */
import { afterPrefix, printable } from "../../base/index.ts";
import type { Bytes, LeaseId, RangeSelector } from "../terms/index.ts";

/** An exclusive lock is held alone, shared ones together. */
export type LockMode = "exclusive" | "shared";

/** All keys that begin with it belong to the library. */
export const LOCKS_PREFIX = "omnikv/locks/";
export const ELECTIONS_PREFIX = "omnikv/elections/";

const MODES = { exclusive: "x", shared: "s" } as const;
/** After a name; it cannot be in one. */
const END = "/";
const HELD = "held/";
const WAITING = "wait/";

/** A name is written so that there is no / in it: no name's keys begin as another's. Character by character: names that begin alike are written alike. */
export function writtenName(name: string): string {
  return encodeURIComponent(name);
}

export function placeOf(prefix: string, name: string): string {
  return `${prefix}${writtenName(name)}${END}`;
}

/** What the keys of all names with this beginning begin with. */
export function placeOfNames(prefix: string, namePrefix: string): string {
  return `${prefix}${writtenName(namePrefix)}`;
}

/** The prefix of the holders' keys, of one mode or of both. */
export function heldPrefix(place: string, mode?: LockMode): string {
  return `${place}${HELD}${mode === undefined ? "" : `${MODES[mode]}/`}`;
}

/** The prefix of the waiters' keys, of one mode or of both. */
export function waitPrefix(place: string, mode?: LockMode): string {
  return `${place}${WAITING}${mode === undefined ? "" : `${MODES[mode]}/`}`;
}

/** Whether a key of the place belongs to an exclusive request. */
export function isExclusiveIn(place: string, key: Bytes): boolean {
  const text = typeof key === "string" ? key : Buffer.from(key).toString("utf8");
  return (
    text.startsWith(heldPrefix(place, "exclusive")) ||
    text.startsWith(waitPrefix(place, "exclusive"))
  );
}

/** The id of one of the requests that used a lease, one after the other. It says that a holder may hand the lock to this request. */
export function requestIdOf(lease: LeaseId, number: number): string {
  return `${lease}-${number}`;
}

/** The lease in such an id; null: the id of a request that does not expect to be handed the lock. */
export function leaseInId(id: string): LeaseId | null {
  const [, lease = ""] = /^([1-9]\d{0,15})-\d+$/.exec(id) ?? [];
  return lease !== "" && Number.isSafeInteger(Number(lease)) ? Number(lease) : null;
}

export interface LockKey {
  readonly name: string;
  readonly isHeld: boolean;
  readonly mode: LockMode;
  readonly id: string;
}

/** Null: not a key of this layout. @param prefix LOCKS_PREFIX or one within a view */
export function lockKeyIn(prefix: string, key: string): LockKey | null {
  const match = /^([^/]+)\/(held|wait)\/([xs])\/([^/]+)$/.exec(key.slice(prefix.length));
  const [, name = "", state, mode, id = ""] = match ?? [];
  if (match === null || !key.startsWith(prefix)) return null;
  return {
    name: decodedName(name),
    isHeld: state === "held",
    mode: mode === "x" ? "exclusive" : "shared",
    id,
  };
}

/** A stranger may have written such a key with anything for a name. */
function decodedName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** All keys with the prefix but one: two ranges. */
export function allBut(prefix: string, key: string): readonly RangeSelector[] {
  const end = afterPrefix(Buffer.from(prefix, "utf8"));
  const rest = { start: `${key}\0` };
  return [{ start: prefix, end: key }, end === null ? rest : { ...rest, end }];
}

/** What a key of a holder stands for, in words; for another key, which a user guards writes with, what it is. */
export function holdingIn(key: string): string {
  const lock = lockKeyIn(LOCKS_PREFIX, key);
  if (lock !== null) return `the lock "${printable(lock.name)}"`;
  const election = lockKeyIn(ELECTIONS_PREFIX, key);
  return election === null ? printable(key) : `the term of "${printable(election.name)}"`;
}
