import type { Ballot } from "../ballot.ts";
import type { SnapshotPolicy } from "../config.ts";
import { assert, unreachable } from "../errors.ts";
import type { CompleteSnapshot, LogSync, Snapshot } from "../messages.ts";
import type { Store } from "../store.ts";

/**
 * Bringing one log in line with another.
 *
 * SYNC-1. A LogSync never counts the stop-sign in syncIdx (S1, deviations.md).
 * SYNC-2. Applying one never lowers the decided index (S3) and never removes a decided entry.
 * SYNC-3. A delta is merged onto exactly its base, folded from entries that were decided before the sync (S2).
 * SYNC-4. A sync that does not fit is refused as a whole: a late one may have been made for an earlier promise. Whether it
 *     may be believed at all is judged before (judge.ts).
 */

/** Where a log ends once the sync is applied; counts the stop-sign. */
export function endOfSync<T, S>({ syncIdx, suffix, stopSign }: LogSync<T, S>): number {
  return syncIdx + suffix.length + (stopSign === null ? 0 : 1);
}

/**
 * Without snapshots only a peer that has decided all that is forgotten here can be brought up to date. Every node has
 * (S6), so a peer that seems not to have sent its message before the trim, and the message came late.
 */
export function canServe<T, S>(
  store: Store<T, S>,
  policy: SnapshotPolicy<T, S>,
  otherDecidedIdx: number,
): boolean {
  return policy.kind !== "off" || otherDecidedIdx >= store.compactedIdx;
}

/** What a log that shares [0, commonPrefix) with this one, and has decided otherDecidedIdx, needs to equal this one. */
export function createLogSync<T, S>(
  store: Store<T, S>,
  policy: SnapshotPolicy<T, S>,
  commonPrefix: number,
  otherDecidedIdx: number,
): LogSync<T, S> {
  const { log, stopSign } = store;
  const prefix = Math.min(commonPrefix, log.end);
  const snapshot = snapshotFor(store, policy, prefix, otherDecidedIdx);
  const syncIdx = snapshot?.idx ?? prefix;
  assert(
    syncIdx >= log.base,
    `a log trimmed at ${log.base} cannot serve a peer at ${syncIdx} (S6)`,
  );
  return { snapshot, syncIdx, suffix: log.slice(syncIdx, log.end), stopSign };
}

function snapshotFor<T, S>(
  store: Store<T, S>,
  policy: SnapshotPolicy<T, S>,
  prefix: number,
  otherDecidedIdx: number,
): Snapshot<S> | null {
  const { compactedIdx, decidedEnd, log } = store;
  switch (policy.kind) {
    case "off":
      return null;
    case "host":
      return prefix < compactedIdx ? store.snapshot : null;
    case "fold": {
      if (decidedEnd <= prefix) return null;
      // At the compacted index itself a delta would do; the reference sends all of it, and so do we.
      if (otherDecidedIdx <= compactedIdx) return foldTo(store, policy, decidedEnd);
      const value = policy.create(log.slice(otherDecidedIdx, decidedEnd));
      return { kind: "delta", baseIdx: otherDecidedIdx, idx: decidedEnd, value };
    }
    default:
      return unreachable(policy, "snapshot policy");
  }
}

/** The stored snapshot with the entries up to idx folded in. idx lies in [compactedIdx, decidedEnd]. */
export function foldTo<T, S>(
  store: Store<T, S>,
  policy: Extract<SnapshotPolicy<T, S>, { kind: "fold" }>,
  idx: number,
): CompleteSnapshot<S> {
  const { snapshot, log } = store;
  if (snapshot !== null && snapshot.idx >= idx) return snapshot;
  const from = snapshot?.idx ?? 0;
  const delta = policy.create(log.slice(from, idx));
  const value = snapshot === null ? delta : policy.merge(snapshot.value, delta);
  return { kind: "complete", idx, value };
}

/** How a sync is applied: what is installed, and from where the suffix takes the log's place. */
interface SyncPlan<T, S> {
  readonly sync: LogSync<T, S>;
  readonly snapshot: CompleteSnapshot<S> | null;
  readonly from: number;
}

/** Null when the sync does not fit this log (SYNC-4). */
export function planLogSync<T, S>(
  store: Store<T, S>,
  policy: SnapshotPolicy<T, S>,
  sync: LogSync<T, S>,
): SyncPlan<T, S> | null {
  const snapshot = usableSnapshot(store, policy, sync.snapshot);
  if (snapshot === "unusable") return null;
  const end = sync.syncIdx + sync.suffix.length;
  const base = Math.max(store.compactedIdx, snapshot?.idx ?? 0);
  const from = Math.max(sync.syncIdx, base);
  const reach = Math.max(store.log.end, snapshot?.idx ?? 0);
  if (from > reach || end < from || endOfSync(sync) < store.decidedIdx) return null;
  return { sync, snapshot, from };
}

/**
 * Makes this log the sender's as of round `n`: accepted round, snapshot, cut, suffix, stop-sign and decided index, all
 * within the open write group.
 */
export function applyLogSync<T, S>(
  store: Store<T, S>,
  n: Ballot,
  decidedIdx: number,
  { sync, snapshot, from }: SyncPlan<T, S>,
): void {
  store.setAcceptedRound(n);
  if (snapshot !== null) store.install(snapshot);
  store.replaceSuffix(from, sync.suffix.slice(from - sync.syncIdx));
  store.setStopSign(sync.stopSign);
  store.decide(decidedIdx);
}

/** The snapshot to install; null when there is none or this log already holds what it stands for. */
function usableSnapshot<T, S>(
  store: Store<T, S>,
  policy: SnapshotPolicy<T, S>,
  snapshot: Snapshot<S> | null,
): CompleteSnapshot<S> | null | "unusable" {
  if (snapshot === null || snapshot.idx <= store.decidedEnd) return null;
  if (snapshot.kind === "complete") return snapshot;
  if (policy.kind !== "fold" || snapshot.baseIdx !== store.decidedEnd) return "unusable";
  const base = snapshot.baseIdx === 0 ? null : foldTo(store, policy, snapshot.baseIdx);
  const value = base === null ? snapshot.value : policy.merge(base.value, snapshot.value);
  return { kind: "complete", idx: snapshot.idx, value };
}
