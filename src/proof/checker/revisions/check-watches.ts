/**
 * What etcd promises of watches, held against each other and against what transactions changed: ordered, unique, atomic, reliable (no
 * gap between the first and the last event or notice of progress), resumable (from the revision that was asked for), bookmarkable.
 */
import type { Replayed, StoreAnomaly } from "./check-revisions.ts";
import { isWithin, type StoreHistory, type Watch, type WatchEvent } from "./store-history.ts";

const ANOMALIES_MAX = 10;

export function checkWatches(
  { watches }: StoreHistory,
  { changes }: Replayed,
): readonly StoreAnomaly[] {
  const anomalies: StoreAnomaly[] = [];
  const report = (watch: Watch, what: string): void => {
    if (anomalies.length >= ANOMALIES_MAX) return;
    anomalies.push({ kind: "watch", text: `watch: ${what}\n  ${describeWatch(watch)}` });
  };
  const known = merged(watches, changes, report);
  for (const watch of watches) {
    checkOrder(watch, report);
    checkGaps(watch, known, report);
    checkPrevious(watch, changes, report);
  }
  return anomalies;
}

type Report = (watch: Watch, what: string) => void;
/** By revision and key: the value, null: deleted. */
type Known = ReadonlyMap<number, ReadonlyMap<string, string | null>>;

function merged(watches: readonly Watch[], changes: Replayed["changes"], report: Report): Known {
  const known = new Map<number, Map<string, string | null>>();
  for (const [revision, { keys }] of changes) {
    const values = [...keys].flatMap(([key, { before, after }]) =>
      // A deletion of a key that may not have been there says nothing.
      after === null && before === undefined ? [] : [[key, after?.value ?? null] as const],
    );
    known.set(revision, new Map(values));
  }
  for (const watch of watches) {
    for (const event of eventsOf(watch)) {
      const { revision, key, value } = event;
      let values = known.get(revision);
      if (values === undefined) known.set(revision, (values = new Map()));
      const other = values.get(key);
      if (other === value) continue;
      if (other !== undefined || (changes.has(revision) && !isUnsure(changes, event))) {
        const told = other === undefined ? "nothing happened to it" : `it was ${other}`;
        report(watch, `${describeEvent(event)}: elsewhere ${told} at that revision`);
        continue;
      }
      values.set(key, value);
    }
  }
  return known;
}

function isUnsure(changes: Replayed["changes"], { revision, key }: WatchEvent): boolean {
  const change = changes.get(revision)?.keys.get(key);
  return change !== undefined && change.after === null && change.before === undefined;
}

/** Ordered, unique, atomic, bookmarkable. */
function checkOrder(watch: Watch, report: Report): void {
  let last = 0;
  let lastResponse = 0;
  let progress = 0;
  let keys = new Set<string>();
  for (const { events, isProgress, revision } of watch.responses) {
    for (const event of events) {
      if (event.revision < last)
        report(watch, `not ordered: ${describeEvent(event)} after ${last}`);
      if (event.revision <= progress) {
        report(watch, `${describeEvent(event)} after a notice of progress at ${progress}`);
      }
      if (event.revision === last && last === lastResponse) {
        report(watch, `not atomic: revision ${last} came in two parts`);
      }
      if (event.revision !== last) keys = new Set();
      if (keys.has(event.key)) report(watch, `not unique: ${describeEvent(event)} came twice`);
      keys.add(event.key);
      last = event.revision;
      if (!isWithin(watch.range, event.key)) {
        report(watch, `${describeEvent(event)} is outside of what was asked for`);
      }
    }
    if (events.length > 0) lastResponse = last;
    if (isProgress) progress = Math.max(progress, revision);
  }
}

/** Reliable, resumable. */
function checkGaps(watch: Watch, known: Known, report: Report): void {
  const events = eventsOf(watch);
  const first = watch.from > 0 ? watch.from : (events[0]?.revision ?? Infinity);
  const progress = watch.responses.flatMap((each) => (each.isProgress ? [each.revision] : []));
  const last = Math.max(events.at(-1)?.revision ?? 0, ...progress);
  const seen = new Map<number, Set<string>>();
  for (const { revision, key } of events) {
    const keys = seen.get(revision);
    if (keys === undefined) seen.set(revision, new Set([key]));
    else keys.add(key);
  }
  for (const [revision, values] of known) {
    if (revision < first || revision > last) continue;
    for (const [key, value] of values) {
      if (!isWithin(watch.range, key) || seen.get(revision)?.has(key) === true) continue;
      const event = describeEvent({ revision, key, value });
      report(watch, `${event} is missing between revisions ${first} and ${last}`);
    }
  }
}

function checkPrevious(watch: Watch, changes: Replayed["changes"], report: Report): void {
  for (const event of eventsOf(watch)) {
    const before = changes.get(event.revision)?.keys.get(event.key)?.before;
    if (before === undefined) continue;
    if (event.value !== null && event.isCreate !== (before === null)) {
      report(
        watch,
        `${describeEvent(event)} says that the key was ${event.isCreate ? "not " : ""}there`,
      );
    }
    if (!watch.withPrevious) continue;
    const { previous } = event;
    const isRight =
      previous === null
        ? before === null
        : previous.value === before?.value && previous.modRevision === before.modRevision;
    if (!isRight) {
      const told = previous === null ? "nothing" : `${previous.value} of ${previous.modRevision}`;
      const was = before === null ? "nothing" : `${before.value} of ${before.modRevision}`;
      report(watch, `${describeEvent(event)} says that ${told} was there before: it was ${was}`);
    }
  }
}

function eventsOf({ responses }: Watch): WatchEvent[] {
  return responses.flatMap(({ events }) => events);
}

function describeEvent({
  revision,
  key,
  value,
}: Pick<WatchEvent, "revision" | "key" | "value">): string {
  const what = value === null ? "the deletion" : `the put (${value})`;
  return `${what} of ${JSON.stringify(key)} at revision ${revision}`;
}

function describeWatch({ source, range, from }: Watch): string {
  const { start, end } = range;
  const keys =
    end === null ? JSON.stringify(start) : `[${JSON.stringify(start)}, ${JSON.stringify(end)})`;
  return `watch of ${keys} from ${from > 0 ? `revision ${from}` : "then on"} (${source})`;
}
