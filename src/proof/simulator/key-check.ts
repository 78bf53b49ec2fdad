/**
 * Checks what readers of keys were told (key-reader) against the decided log.
 *
 * Invariants:
 *   KEYCHECK-1. A key, or several, are as one state had them: with value, revisions and version. It is the state of the revision that was
 *       asked for, or of the one that is told.
 *   KEYCHECK-2. The versions of a key are those that it had, deletions included, from the state on back. None is passed over, and there is
 *       no end before the oldest revision that was readable.
 *   KEYCHECK-3. A linearizable read of the newest state is of none older than any answer given before it was asked, and of none that a
 *       later request has made.
 */
import { assert } from "../../base/index.ts";
import type { DecidedLog, Version } from "./decided-log.ts";
import type { KeyReadRecord, OperationRecord, ReadVersion } from "./history.ts";

/** @throws InvariantError that names the read that does not fit */
export function checkKeyReads(
  records: readonly KeyReadRecord[],
  operations: readonly OperationRecord[],
  log: DecidedLog,
): void {
  for (const record of records) {
    const states = statesOf(record, operations, log);
    const isTold = states.some((state) => fits(record, state, log));
    assert(
      isTold,
      `reader ${record.reader}: of no state ${states.at(0)}..${states.at(-1)}: ${JSON.stringify(record)}`,
    );
  }
}

/** The revisions whose states the answer may be from. */
function statesOf(
  { local, asked, state, call, back }: KeyReadRecord,
  operations: readonly OperationRecord[],
  log: DecidedLog,
): readonly number[] {
  let from = asked;
  let to = asked > 0 ? asked : log.revision;
  if (state !== null) [from, to] = [Math.max(from, state), Math.min(to, state)];
  if (!local && asked === 0) {
    for (const { operation, outcome, call: began, end } of operations) {
      if (!("revision" in outcome)) continue;
      const isLocal = operation.kind === "read" && operation.local;
      if (end < call && !isLocal) from = Math.max(from, outcome.revision);
      const isChange = outcome.kind === "written" || outcome.kind === "deleted";
      if (began > back && isChange) to = Math.min(to, outcome.revision - 1);
    }
  }
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

function fits(record: KeyReadRecord, state: number, log: DecidedLog): boolean {
  const { kind, keys, versions, limit, resume } = record;
  if (kind !== "history") {
    // Each once, in the order in which they were asked for.
    const there = [...new Set(keys)].flatMap((key) => {
      const version = versionsAt(log, key, state).at(-1);
      return version === undefined || version.value === null ? [] : [version];
    });
    return same(versions, there);
  }
  const [key = ""] = keys;
  const back = versionsAt(log, key, state).toReversed();
  return log.oldests.some((oldest) => {
    if (oldest > state) return false;
    const kept = keptOf(back, oldest);
    if (versions.length > limit || !same(versions, kept.slice(0, versions.length))) return false;
    const next = kept[versions.length];
    if (next === undefined) return resume === null;
    return versions.length > 0 && resume === Math.max(next.mod, oldest);
  });
}

/** @param back newest first */
function keptOf(back: readonly ReadVersion[], oldest: number): readonly ReadVersion[] {
  // What the oldest state shows of the key is kept, unless that is that it is not there.
  const last = back.findIndex(({ mod }) => mod <= oldest);
  if (last === -1) return back;
  return back.slice(0, back[last]?.value === null ? last : last + 1);
}

/** From the first on. */
function versionsAt(log: DecidedLog, key: string, state: number): readonly ReadVersion[] {
  const all: ReadVersion[] = [];
  for (const { revision: mod, value } of log.versionsOf(key)) {
    if (mod > state) break;
    all.push(versionAfter(all.at(-1), { revision: mod, value }, key));
  }
  return all;
}

function versionAfter(
  before: ReadVersion | undefined,
  { revision: mod, value }: Version,
  key: string,
): ReadVersion {
  if (value === null) return { key, value, create: 0, mod, version: 0 };
  const isNew = before === undefined || before.value === null;
  return isNew
    ? { key, value, create: mod, mod, version: 1 }
    : { key, value, create: before.create, mod, version: before.version + 1 };
}

function same(told: readonly ReadVersion[], expected: readonly ReadVersion[]): boolean {
  return JSON.stringify(told) === JSON.stringify(expected);
}
