/**
 * Where locks and elections stand in the store. A name has two places: who holds it, and who waits for it. In each the exclusive ones
 * and the shared ones lie apart, so that a range finds those that matter to a request.
 */
import { afterPrefix, printable } from "../../base/index.ts";
import type { Bytes, LeaseId, RangeSelector } from "../terms/index.ts";

/** An exclusive lock is held alone, shared ones together. */
export type LockMode = "exclusive" | "shared";

/** What begins with it belongs to the library. */
export const LOCKS_PREFIX = "omnikv/locks/";
export const ELECTIONS_PREFIX = "omnikv/elections/";

const MODES = { exclusive: "x", shared: "s" } as const;
/** After a name; it cannot be in one. */
const END = "/";
const HELD = "held/";
const WAITING = "wait/";

/** A name is written so that there is no / in it: no name's keys begin as another's. */
export function placeOf(prefix: string, name: string): string {
  return `${prefix}${encodeURIComponent(name)}${END}`;
}

/**
 * What the keys of all names begin with that begin so. Names are written character by character: those that begin alike have keys that
 * begin alike.
 */
export function placeOfNames(prefix: string, namePrefix: string): string {
  return `${prefix}${encodeURIComponent(namePrefix)}`;
}

/** What the keys of holders begin with, of one mode or of both. */
export function heldPrefix(place: string, mode?: LockMode): string {
  return `${place}${HELD}${mode === undefined ? "" : `${MODES[mode]}/`}`;
}

/** What the keys of those who wait begin with, of one mode or of both. */
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

/** Of one of the requests that used a lease, one after the other. Says that the lock may be handed to whoever has it. */
export function requestIdOf(lease: LeaseId, number: number): string {
  return `${lease}-${number}`;
}

/** The other way; null: an id of somebody who does not expect that the lock is handed over. */
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

/** Null: not a key of this layout. @param prefix LOCKS_PREFIX or its like */
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

/** Somebody else may have written such a key with anything for a name. */
function decodedName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** All that begins with the prefix, but for one key: two ranges. */
export function allBut(prefix: string, key: string): readonly RangeSelector[] {
  const end = afterPrefix(Buffer.from(prefix, "utf8"));
  const rest = { start: `${key}\0` };
  return [{ start: prefix, end: key }, end === null ? rest : { ...rest, end }];
}

/** What a key of a holder stands for, in words; of another key, which somebody guards writes with, what it is. */
export function holdingIn(key: string): string {
  const lock = lockKeyIn(LOCKS_PREFIX, key);
  if (lock !== null) return `the lock "${printable(lock.name)}"`;
  const election = lockKeyIn(ELECTIONS_PREFIX, key);
  return election === null ? printable(key) : `the term of "${printable(election.name)}"`;
}
