import { failure, OK, unreachable } from "../errors.ts";
import type { CompactionResult } from "../errors.ts";
import type { CompactionMessage, CompleteSnapshot } from "../messages.ts";
import type { PaxosState } from "./state.ts";
import { foldTo } from "./sync.ts";

/**
 * COMPACT-1. Only decided entries are compacted, and never the stop-sign.
 * COMPACT-2. A trim leaves nothing in the place of entries, so every node must have decided them, durably: a follower is
 *     synced from its decided index, also after a restart (S6, deviations.md).
 * COMPACT-3. Trims and snapshots do not mix: the snapshot policy allows one kind of compaction.
 */

/** Leader only; null: as far as possible. */
export function trim<T, S>(state: PaxosState<T, S>, idx: number | null): CompactionResult {
  const { config, store, leading, outbox } = state;
  if (config.snapshots.kind !== "off") return wrongPolicy(state);
  if (!state.leads()) return failure({ kind: "notCurrentLeader", leader: state.leaderPid });
  const minDecidedIdx = leading.minDurableDecidedIdx();
  if (idx !== null && idx > minDecidedIdx) {
    return failure({ kind: "notAllDecided", minDecidedIdx });
  }
  const upTo = idx ?? minDecidedIdx;
  const result = trimLocally(state, upTo);
  if (!result.ok) return result;
  for (const peer of config.peers) {
    outbox.send(
      peer,
      { type: "compaction", compaction: { kind: "trim", idx: upTo } },
      store.logSeq,
    );
  }
  return OK;
}

function trimLocally<T, S>(state: PaxosState<T, S>, idx: number): CompactionResult {
  const { store } = state;
  if (idx > store.decidedIdx) {
    return failure({ kind: "undecidedIndex", decidedIdx: store.decidedIdx });
  }
  const upTo = Math.min(idx, store.decidedEnd);
  if (upTo <= store.compactedIdx) {
    return failure({ kind: "trimmedIndex", compactedIdx: store.compactedIdx });
  }
  store.compact(upTo, null);
  return OK;
}

/** Folds the log below idx (null: all that is decided) into the snapshot; policy `fold` only. */
export function snapshot<T, S>(
  state: PaxosState<T, S>,
  idx: number | null,
  localOnly: boolean,
): CompactionResult {
  const { config, outbox } = state;
  const result = snapshotLocally(state, idx);
  if (!result.ok || localOnly) return result;
  for (const peer of config.peers) {
    outbox.send(peer, { type: "compaction", compaction: { kind: "snapshot", idx } }, 0);
  }
  return result;
}

function snapshotLocally<T, S>(state: PaxosState<T, S>, idx: number | null): CompactionResult {
  const { config, store } = state;
  if (config.snapshots.kind !== "fold") return wrongPolicy(state);
  if (idx !== null && idx > store.decidedIdx) {
    return failure({ kind: "undecidedIndex", decidedIdx: store.decidedIdx });
  }
  const upTo = Math.min(idx ?? store.decidedIdx, store.decidedEnd);
  // Nothing left to fold here is no failure: the others may still have to.
  if (upTo > store.compactedIdx) store.compact(upTo, foldTo(store, config.snapshots, upTo));
  return OK;
}

/** Takes over a snapshot of the application's and forgets the log below compactIdx; policy `host` only. */
export function compact<T, S>(
  state: PaxosState<T, S>,
  compactIdx: number,
  made: CompleteSnapshot<S>,
): CompactionResult {
  const { config, store } = state;
  if (config.snapshots.kind !== "host") return wrongPolicy(state);
  if (made.idx > store.decidedEnd) {
    return failure({ kind: "undecidedIndex", decidedIdx: store.decidedEnd });
  }
  if (compactIdx < store.compactedIdx) {
    return failure({ kind: "trimmedIndex", compactedIdx: store.compactedIdx });
  }
  const minIdx = Math.max(compactIdx, store.snapshot?.idx ?? 0);
  if (made.idx < minIdx) {
    return failure({ kind: "snapshotIndex", snapshotIdx: made.idx, minIdx });
  }
  store.compact(compactIdx, made);
  return OK;
}

/** A request from another node, which applies only as far as this node has decided; otherwise it is dropped. */
export function handleCompaction<T, S>(state: PaxosState<T, S>, message: CompactionMessage): void {
  const { compaction } = message;
  switch (compaction.kind) {
    case "trim":
      if (state.config.snapshots.kind === "off") trimLocally(state, compaction.idx);
      break;
    case "snapshot":
      if (state.config.snapshots.kind === "fold") snapshotLocally(state, compaction.idx);
      break;
    default:
      unreachable(compaction, "compaction");
  }
}

function wrongPolicy<T, S>(state: PaxosState<T, S>): CompactionResult {
  return failure({ kind: "snapshotPolicy", policy: state.config.snapshots.kind });
}
