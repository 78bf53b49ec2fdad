/**
 * The changes at revisions that are kept, in the order in which they were made: the source of watches.
 *
 * A record of the history has the version of a key before a change. The version after it stands in the record of the key's next
 * change. So `changesIn` goes through the revisions from the last one back, and has to search only for the version of each key
 * after `to`: back from the present version, or, where that is far, by the key's next change (NextChanges).
 */
import { type ByteString, InvariantError } from "../../base/index.ts";
import type { HistoryView } from "./history.ts";
import type { NextChanges } from "./next-changes.ts";
import { placeAt, type KeyVersion, type Looked } from "./versions.ts";

/** One key, changed at one revision. A copy: it stays as it is. */
export interface Change {
  readonly revision: number;
  readonly key: ByteString;
  /** Version 0: the key was deleted. */
  readonly after: KeyVersion;
  /** Version 0: there was nothing. */
  readonly before: KeyVersion;
}

export interface ChangesSource {
  readonly history: HistoryView;
  newest(key: ByteString): KeyVersion | undefined;
}

/**
 * All changes of keys that are wanted, by revision and then by key.
 * @param from above the oldest revision
 * @param to the last one, at most that of the state
 * @param next where what comes after `from` is known up to the state's last change
 */
export function changesIn(
  source: ChangesSource,
  from: number,
  to: number,
  isWanted: (key: ByteString) => boolean,
  looked: Looked = { cells: 0 },
  next: NextChanges | null = null,
): Change[] {
  const { history } = source;
  const changes: Change[] = [];
  /** The versions of keys after the present revision. */
  const later = new Map<ByteString, KeyVersion>();
  for (let revision = to; revision >= from; revision--) {
    const keys = history.keysAt(revision);
    // The last key first, as the whole list is reversed in the end.
    for (const key of keys.length === 1 ? keys : keys.toSorted().toReversed()) {
      looked.cells += 1;
      if (!isWanted(key)) continue;
      const after = later.get(key) ?? versionAfter(source, key, revision, looked, next);
      const before = history.before(revision, key);
      later.set(key, before);
      changes.push({ revision, key, after, before });
    }
  }
  return changes.toReversed();
}

/** Those of some keys that were changed at a revision, in the order in which they are given. */
export function changesAt(
  source: ChangesSource,
  revision: number,
  keys: readonly ByteString[],
  looked: Looked = { cells: 0 },
  next: NextChanges | null = null,
): Change[] {
  return keys.map((key) => ({
    revision,
    key,
    after: versionAfter(source, key, revision, looked, next),
    before: source.history.before(revision, key),
  }));
}

/** What a key was after its change at this revision. */
function versionAfter(
  source: ChangesSource,
  key: ByteString,
  revision: number,
  looked: Looked,
  next: NextChanges | null,
): KeyVersion {
  const { history } = source;
  const nextRevision = next?.after(revision, key) ?? 0;
  if (nextRevision > 0) {
    looked.cells += 1;
    return history.before(nextRevision, key);
  }
  const found = source.newest(key);
  if (found === undefined) throw new InvariantError("a key whose changes are kept has a cell");
  const place = placeAt(key, found, revision, history, looked);
  if (place > 0) return history.before(place, key);
  // The cell goes on to change.
  const { value, createRevision, modRevision, version } = found;
  return { value, createRevision, modRevision, version };
}
