/** Which version of a key there was at a revision: its cell has the newest one, the history those before. */
import type { ByteString } from "../../base/index.ts";
import type { StoredValue } from "./cell.ts";
import type { HistoryView } from "./history.ts";

/** A version of a key, or that it was not there (any more). */
export interface KeyVersion extends StoredValue {
  /** 0: it was not there; the value is empty then. */
  readonly version: number;
}

/** How much was looked at: what a read costs beside what it finds. */
export interface Looked {
  cells: number;
}

/**
 * Where the version stands that there was at `revision`, which is not below the history's oldest: 0 for the cell itself,
 * else the revision of the change whose record has it.
 */
export function placeAt(
  key: ByteString,
  newest: KeyVersion,
  revision: number,
  history: HistoryView,
  looked: Looked,
): number {
  let place = 0;
  for (let mod = newest.modRevision; mod > revision; mod = history.modBefore(place, key)) {
    place = mod;
    looked.cells += 1;
  }
  return place;
}

/** Whether the key was there then. @param place as `placeAt` gives it */
export function isThere(
  key: ByteString,
  newest: KeyVersion,
  place: number,
  history: HistoryView,
): boolean {
  return (place === 0 ? newest.version : history.versionBefore(place, key)) > 0;
}

/** What there was then; undefined: nothing. Valid until the next change. @param place as `placeAt` gives it */
export function versionAt(
  key: ByteString,
  newest: KeyVersion,
  place: number,
  history: HistoryView,
): StoredValue | undefined {
  if (!isThere(key, newest, place, history)) return undefined;
  return place === 0 ? newest : history.before(place, key);
}

/** Every version from the one at `revision` back that is kept, newest first, deletions included. */
export function* versionsOf(
  key: ByteString,
  newest: KeyVersion,
  revision: number,
  history: HistoryView,
  looked: Looked = { cells: 0 },
): Generator<KeyVersion, void, undefined> {
  let place = placeAt(key, newest, revision, history, looked);
  for (;;) {
    const version = place === 0 ? newest : history.before(place, key);
    const { modRevision } = version;
    if (version.version === 0 && modRevision <= history.oldest) return;
    yield version;
    if (modRevision <= history.oldest) return;
    place = modRevision;
    looked.cells += 1;
  }
}

/** A key as it was at a revision which is not below the history's oldest; undefined: it was not there. */
export function readAt(
  key: ByteString,
  newest: KeyVersion | undefined,
  revision: number,
  history: HistoryView,
  looked: Looked,
): StoredValue | undefined {
  if (newest === undefined) return undefined;
  return versionAt(key, newest, placeAt(key, newest, revision, history, looked), history);
}
