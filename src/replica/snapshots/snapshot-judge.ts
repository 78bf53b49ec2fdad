/**
 * Whether a snapshot may take the place of what this node has decided: its history must hold that. A node on an older copy of its
 * disk, and the nodes that followed it, have another history. Its entries may be gone when a node comes back that knows better.
 */
import {
  partingIdx,
  roundOpenedBy,
  withRound,
  type KvState,
  type Rounds,
} from "../../store/index.ts";
import type { OmniPaxos } from "../../omnipaxos/index.ts";
import type { SnapshotName } from "../../protocol/messages/index.ts";
import type { StoredSnapshots } from "./stored-snapshots.ts";

type DecidedLog = Pick<
  OmniPaxos<Uint8Array, SnapshotName>,
  "storedSnapshot" | "decidedIdx" | "entryAt"
>;

/**
 * @param state what is applied so far
 * @returns the lowest index at which the snapshot's history parts from what is decided here; null: at none, as far as can be
 *   told. One that is damaged is found out when it is loaded.
 */
export function snapshotPartsAt(
  core: DecidedLog,
  state: KvState,
  stored: Pick<StoredSnapshots, "roundsOf">,
  snapshot: SnapshotName,
): number | null {
  const other = stored.roundsOf(snapshot);
  const own = decidedRounds(core, state, stored);
  if (own === null || other === null) return null;
  // A sync that was asked for before this node decided so much may bring a shorter snapshot. The entries behind it are compared themselves.
  return partingIdx(own, Math.min(core.decidedIdx, snapshot.idx), other);
}

function decidedRounds(
  core: DecidedLog,
  state: KvState,
  stored: Pick<StoredSnapshots, "roundsOf">,
): Rounds | null {
  const snapshot = core.storedSnapshot;
  const isBehind = snapshot !== null && snapshot.idx > state.appliedIdx;
  let rounds = isBehind ? stored.roundsOf(snapshot.value) : state.rounds;
  if (rounds === null) return null;
  for (let idx = isBehind ? snapshot.idx : state.appliedIdx; idx < core.decidedIdx; idx += 1) {
    const entry = core.entryAt(idx);
    const opened = entry === undefined ? null : roundOpenedBy(entry);
    if (opened !== null) rounds = withRound(rounds, { ...opened, idx });
  }
  return rounds;
}
