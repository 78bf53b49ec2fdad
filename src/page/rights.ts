/** What the user of this page may do, as the nodes told last: the page greys what they would refuse. The nodes judge for themselves. */
import { afterPrefix } from "../base/index.ts";
import type { AdminResult } from "../protocol/admin/index.ts";

export type Who = AdminResult<"whoami">;

interface Range {
  readonly start: Uint8Array;
  readonly end: Uint8Array | null;
}

const SIGN_IN_TEXT = "Access control is on: sign in first";

/** @param who null: no node has told it yet. @returns why management would be refused; null: it would not, or is not known */
export function whyNotManage(who: Who | null): string | null {
  if (who === null || mayAll(who)) return null;
  return who.by === "none" ? SIGN_IN_TEXT : `${nameIn(who)} has not the role root`;
}

/** @returns why the nodes would refuse it; null: they would not, or it is not known */
export function whyNotKey(who: Who | null, way: "read" | "write", key: string): string | null {
  const start = new TextEncoder().encode(key);
  const isAllowed = mayIn(who, way, { start, end: Uint8Array.of(...start, 0) });
  return isAllowed ? null : whyNot(who, `${way} this key`);
}

/** All keys that begin so. */
export function whyNotPrefix(who: Who | null, prefix: string): string | null {
  const start = new TextEncoder().encode(prefix);
  if (mayIn(who, "read", { start, end: afterPrefix(start) })) return null;
  return whyNot(who, prefix === "" ? "read all keys" : `read all keys that begin with ${prefix}`);
}

/** Prefixes that the user may read, where he may not read all keys: where to begin. */
export function readablePrefixes(who: Who | null): readonly string[] {
  if (who === null || mayAll(who)) return [];
  return (who.permissions ?? []).flatMap(({ may, start, end }) => {
    const after = afterPrefix(start);
    const isPrefix = after === null ? end === null : end !== null && compare(end, after) === 0;
    return may !== "write" && isPrefix ? [new TextDecoder().decode(start)] : [];
  });
}

function whyNot(who: Who | null, what: string): string {
  return who === null || who.by === "none"
    ? SIGN_IN_TEXT
    : `None of the roles of ${nameIn(who)} lets ${nameIn(who)} ${what}`;
}

function mayIn(who: Who | null, way: "read" | "write", range: Range): boolean {
  if (who === null || mayAll(who) || who.permissions === null) return true;
  const own = who.permissions
    .filter(({ may }) => may === way || may === "both")
    .toSorted((a, b) => compare(a.start, b.start));
  let from = range.start;
  for (const { start, end } of own) {
    if (compare(start, from) > 0) return false;
    if (end === null) return true;
    if (compare(end, from) > 0) from = end;
    if (range.end !== null && compare(from, range.end) >= 0) return true;
  }
  return false;
}

function mayAll({ isOn, roles }: Who): boolean {
  return !isOn || roles.includes("root");
}

function nameIn({ user }: Who): string {
  return user ?? "this page";
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
