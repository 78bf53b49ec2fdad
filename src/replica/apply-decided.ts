/** Applies one turn's worth of decided entries to the state, in order (Replica, REPLICA-1). */
import { isEntryOrItsOpening, type KvState } from "../store/index.ts";
import type { OmniPaxos } from "../omnipaxos/index.ts";
import type { SnapshotName } from "../protocol/messages/index.ts";
import type { Admission } from "./trust/admission.ts";
import type { Agreement } from "./trust/agreement.ts";
import type { Applier } from "./writes/applier.ts";
import type { CompactionSchedule } from "./snapshots/compaction.ts";
import type { Batch, Proposals } from "./writes/proposals.ts";
import type { Route } from "./requests/route.ts";
import type { AppliedEntry, RequestMetrics } from "./requests/request-metrics.ts";
import type { WatchHub } from "./watches/watch-hub.ts";

/** Bytes of entries applied in one turn (or one entry): some ten milliseconds, so that heartbeats are never held back. */
const APPLY_BYTES_PER_TURN = 512 * 1024;

export interface ApplyParts {
  readonly core: OmniPaxos<Uint8Array, SnapshotName>;
  readonly applier: Applier;
  readonly proposals: Proposals<Route>;
  readonly admission: Admission;
  readonly agreement: Agreement;
  readonly schedule: CompactionSchedule;
  readonly served: RequestMetrics;
  readonly watches: WatchHub;
}

/**
 * @returns whether another turn is wanted: more is decided than was applied, or a batch made room for the next one
 * @throws KvError UNSUPPORTED_VERSION at an entry that only a later version of this program can read
 */
export function applyDecided(
  { core, applier, proposals, admission, agreement, schedule, served, watches }: ApplyParts,
  nowMs: number,
): boolean {
  let bytes = 0;
  let hasRoom = false;
  applier.beginTurn();
  while (applier.appliedIdx < core.decidedIdx) {
    if (bytes >= APPLY_BYTES_PER_TURN) return true;
    const entry = core.entryAt(applier.appliedIdx);
    // The entry is gone, with a snapshot in its place (`TurnEffects.load`), or it is the stop-sign.
    if (entry === undefined) return false;
    bytes += entry.length;
    schedule.applied(entry.length);
    const taken = ownBatch(entry, applier, proposals);
    const isChecked = taken !== undefined || admission.wasChecked(entry);
    const batch = agreement.mayServe ? taken : undefined;
    const revisionBefore = applier.state.revision;
    served.commandsApplied += applier.apply(entry, batch, isChecked);
    const { state } = applier;
    agreement.applied(state.appliedIdx, state);
    watches.applied(agreement.mayServe);
    if (taken === undefined) served.othersAtMs = nowMs;
    served.onEntry?.(appliedEntry(state, revisionBefore, batch, nowMs));
    if (batch === undefined) continue;
    hasRoom = true;
    served.answered(nowMs - batch.sinceMs, batch.groups.length);
    served.slowWrites.note(batch, state, nowMs);
  }
  return hasRoom && proposals.hasStaged;
}

function appliedEntry(
  { appliedIdx, revision }: KvState,
  revisionBefore: number,
  batch: Batch<Route> | undefined,
  nowMs: number,
): AppliedEntry {
  const own = batch && {
    frames: batch.groups.length,
    ms: nowMs - batch.sinceMs,
    waitedMs: batch.proposedMs - batch.sinceMs,
  };
  return { idx: appliedIdx - 1, revisionBefore, revision, own: own ?? null };
}

/** Takes out the batch that became this entry. An entry of a faulty peer that only claims to be this node's is like any other. */
function ownBatch(
  entry: Uint8Array,
  applier: Applier,
  proposals: Proposals<Route>,
): Batch<Route> | undefined {
  const number = applier.ownBatch(entry);
  if (number === null) return undefined;
  const own = proposals.entryOf(number);
  if (own === undefined || !isEntryOrItsOpening(entry, own)) return undefined;
  return proposals.applied(number);
}
