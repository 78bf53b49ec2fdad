/**
 * Checks the events that watches were told against the log, revision by revision.
 *
 * Invariants, of each watch from the revision that `created` names on:
 *   WATCHCHECK-1. ordered and unique: every batch is of a later revision than the one before it, and than all progress before it.
 *   WATCHCHECK-2. reliable: no revision that has something for the watch lies between two batches, or between a batch and
 *       progress.
 *   WATCHCHECK-3. atomic: a batch has all events of its revision that the watch wants, in order of keys, and no others.
 *   WATCHCHECK-4. true: keys, values, revisions and previous values are those of the log.
 *   WATCHCHECK-5. bookmarkable: progress at R comes only when everything up to R has come (as WATCHCHECK-2).
 *   WATCHCHECK-6. resumable: a watch from a revision is created from that revision.
 *   WATCHCHECK-7. What ended COMPACTED needed a revision that was compacted; the revision that it names was once the oldest.
 *       What ended in another way names a revision below which everything has come.
 */
import { assert } from "../../base/index.ts";
import { byteStringOfText } from "../../store/index.ts";

/** A version of a key, as texts. */
export interface LoggedVersion {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

/** One key changed by one revision. */
export interface LoggedEvent {
  readonly key: string;
  /** Null: deleted. */
  readonly put: LoggedVersion | null;
  /** Null: there was nothing. */
  readonly previous: LoggedVersion | null;
}

export interface WatchedWish {
  readonly start: string;
  readonly end: string | null;
  readonly from: number | null;
  readonly previous: boolean;
  readonly puts: boolean;
  readonly deletes: boolean;
}

type WatchItem =
  | { readonly kind: "events"; readonly revision: number; readonly events: readonly LoggedEvent[] }
  | { readonly kind: "progress"; readonly revision: number };

/** Epochs of the rights that the node had applied at these moments, at most. */
export interface WatchTimes {
  /** Of none before this one. */
  readonly askedEpoch: number;
  createdEpoch: number;
  /** Of each item. */
  readonly told: number[];
  endedEpoch: number;
  /** When the sign-in was seen to hold at the latest. Infinity: it may be a later one. */
  signedIn: number;
}

/** One watch on one connection. */
export interface WatchRecord {
  readonly watcher: string;
  readonly wish: WatchedWish;
  /** The revision that `created` named; null: it did not come. */
  created: number | null;
  readonly items: WatchItem[];
  /** Null: the connection ended, or the run. */
  ended: { readonly code: string; readonly revision: number } | null;
  readonly times: WatchTimes;
}

/** What watches are held against. */
export interface WatchedLog {
  readonly revision: number;
  /** Every revision from which on the store could be read, one after the other. */
  readonly oldests: readonly number[];
  /** By revision, in order of keys; none at 0. */
  readonly events: readonly (readonly LoggedEvent[])[];
}

/** @throws InvariantError that names the watch that does not fit */
export function checkWatches(records: readonly WatchRecord[], log: WatchedLog): void {
  for (const record of records) checkWatch(record, log);
}

function checkWatch({ watcher, wish, created, items, ended }: WatchRecord, log: WatchedLog): void {
  const what = `watcher ${watcher}, ${JSON.stringify(wish)}`;
  if (created === null) {
    assert(items.length === 0, `told before it was created: ${what}`);
    if (ended?.code === "COMPACTED") checkCompacted(wish.from ?? 0, ended.revision, log, what);
    return;
  }
  // WATCHCHECK-6.
  assert(wish.from === null || wish.from === created, `created from ${created}: ${what}`);
  assert(wish.from !== null || created <= log.revision + 1, `created from ${created}: ${what}`);
  let next = created;
  for (const { kind, revision, ...rest } of items) {
    const isPast = kind === "progress" && revision < next;
    assert(revision >= next || isPast, `${kind} at ${revision} after all before ${next}: ${what}`);
    assert(revision <= log.revision, `${kind} at ${revision}, which there is not: ${what}`);
    checkNothing(wish, next, kind === "events" ? revision - 1 : revision, log, what);
    if ("events" in rest) checkBatch(wish, revision, rest.events, log, what);
    next = Math.max(next, revision + 1);
  }
  if (ended === null) return;
  if (ended.code === "COMPACTED") checkCompacted(next, ended.revision, log, what);
  else checkNothing(wish, next, ended.revision - 1, log, what);
}

/** WATCHCHECK-2 and WATCHCHECK-5. */
function checkNothing(
  wish: WatchedWish,
  from: number,
  to: number,
  log: WatchedLog,
  what: string,
): void {
  for (let revision = from; revision <= Math.min(to, log.revision); revision++) {
    const missed = wantedOf(wish, log.events[revision] ?? []);
    assert(missed.length === 0, `not told of revision ${revision}: ${what}`);
  }
}

/** WATCHCHECK-3 and WATCHCHECK-4. */
function checkBatch(
  wish: WatchedWish,
  revision: number,
  events: readonly LoggedEvent[],
  log: WatchedLog,
  what: string,
): void {
  const expected = JSON.stringify(wantedOf(wish, log.events[revision] ?? []));
  const told = JSON.stringify(events);
  assert(told === expected, `revision ${revision} was ${expected}, told was ${told}: ${what}`);
}

/** WATCHCHECK-7. @param next the first revision of which the watch was not told */
function checkCompacted(next: number, oldest: number, log: WatchedLog, what: string): void {
  assert(oldest >= next, `ended for ${oldest}, and needs ${next}: ${what}`);
  assert(log.oldests.includes(oldest), `${oldest} was never the oldest revision: ${what}`);
}

function wantedOf(wish: WatchedWish, events: readonly LoggedEvent[]): readonly LoggedEvent[] {
  const start = byteStringOfText(wish.start);
  const end = wish.end === null ? null : byteStringOfText(wish.end);
  return events
    .filter(({ key, put }) => {
      const bytes = byteStringOfText(key);
      const isIn = bytes >= start && (end === null || bytes < end);
      return isIn && (put === null ? wish.deletes : wish.puts);
    })
    .map((event) => (wish.previous ? event : { ...event, previous: null }));
}
