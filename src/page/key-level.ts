/**
 * One level of the tree that keys with "/" in them form. The page jumps over the keys inside a folder, so a level costs as many
 * requests as it has folders, and a million keys in one of them cost nothing.
 */
import { afterPrefix } from "../base/index.ts";
import type { KeyEntry } from "../client/terms/index.ts";

export type KeyItem =
  | {
      readonly kind: "key";
      readonly key: string;
      /** The part of it that the folder's name does not tell. */
      readonly name: string;
      readonly modRevision: number;
    }
  | {
      readonly kind: "folder";
      /** What all keys below it begin with, the "/" at the end included. */
      readonly prefix: string;
      readonly name: string;
    };

export interface KeyLevel {
  readonly items: readonly KeyItem[];
  /** Where the next page of the level begins; null: that was the last. */
  readonly resume: Uint8Array | null;
  /** Keys and folders in between that are no UTF-8 and so cannot be shown. */
  readonly unreadable: number;
}

/** The part of a level that is shown, after some pages of it. */
export interface ShownLevel extends KeyLevel {
  /** How many keys and folders before these are not shown any more. */
  readonly gone: number;
}

/** The first keys from `start` on and below `end`, in order. */
export type AskKeys = (
  range: { readonly start: Uint8Array; readonly end: Uint8Array | null },
  limit: number,
) => Promise<readonly Pick<KeyEntry, "key" | "modRevision">[]>;

const SLASH = 0x2f;
export const ITEMS_PER_PAGE = 100;
/** Of a level that is paged through, the last ones stay: a page in a browser cannot hold a million of them. */
export const ITEMS_SHOWN_MAX = 1000;
const KEYS_PER_REQUEST = 128;
/** Levels of nothing but folders, or of keys that cannot be shown, are not searched for ever. */
const REQUESTS_PER_PAGE = 40;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @param prefix only what begins with it; the level is that of its last "/"
 * @param resume of the page before; null: from the beginning
 */
export async function keyLevel(
  ask: AskKeys,
  prefix: string,
  resume: Uint8Array | null,
): Promise<KeyLevel> {
  const begin = encoder.encode(prefix);
  const end = afterPrefix(begin);
  const parentLength = begin.lastIndexOf(SLASH) + 1;
  const items: KeyItem[] = [];
  let unreadable = 0;
  let folder: Uint8Array | null = null;
  let start = resume ?? begin;
  for (let request = 0; request < REQUESTS_PER_PAGE; request++) {
    const entries = await ask({ start, end }, KEYS_PER_REQUEST);
    for (const entry of entries) {
      if (folder !== null && beginsWith(entry.key, folder)) continue;
      if (items.length === ITEMS_PER_PAGE) return { items, resume: entry.key, unreadable };
      const slash: number = entry.key.indexOf(SLASH, parentLength);
      folder = slash === -1 ? null : entry.key.slice(0, slash + 1);
      const item = itemOf(entry, folder, parentLength);
      if (item === null) unreadable += 1;
      else items.push(item);
    }
    const last = entries.at(-1);
    if (last === undefined || entries.length < KEYS_PER_REQUEST) {
      return { items, resume: null, unreadable };
    }
    start = folder === null ? Uint8Array.of(...last.key, 0) : (afterPrefix(folder) ?? last.key);
  }
  return { items, resume: start, unreadable };
}

/** A page after those before it. The oldest items go when there are too many. */
export function joinedLevels(before: ShownLevel, page: KeyLevel): ShownLevel {
  const items = [...before.items, ...page.items];
  const gone = Math.max(0, items.length - ITEMS_SHOWN_MAX);
  return {
    items: items.slice(gone),
    resume: page.resume,
    unreadable: before.unreadable + page.unreadable,
    gone: before.gone + gone,
  };
}

/** Null: it is no UTF-8. */
function itemOf(
  { key, modRevision }: Pick<KeyEntry, "key" | "modRevision">,
  folder: Uint8Array | null,
  parentLength: number,
): KeyItem | null {
  const whole = textOf(folder ?? key);
  const name = textOf((folder ?? key).subarray(parentLength));
  if (whole === null || name === null) return null;
  return folder === null
    ? { kind: "key", key: whole, name, modRevision }
    : { kind: "folder", prefix: whole, name };
}

function beginsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, i) => byte === bytes[i]);
}

/** Null: it is no UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
