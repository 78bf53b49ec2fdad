/**
 * Whether a snapshot may take the place of what this node has decided: its history must hold that. An older copy of a disk,
 * and whoever followed it, has another history, whose entries may be gone by the time a node comes back that knows better.
 */
import { ByteReader } from "../../base/index.ts";
import {
  partingIdx,
  readSnapshotHeader,
  roundOpenedBy,
  SNAPSHOT_HEADER_BYTES_MAX,
  SnapshotError,
  withRound,
  type KvState,
  type Rounds,
} from "../../store/index.ts";
import type { OmniPaxos } from "../../omnipaxos/index.ts";
import type { SnapshotName } from "../../protocol/messages/index.ts";
import type { SnapshotSink } from "./catch-up.ts";

/**
 * @param state what is applied so far
 * @returns the lowest index at which the snapshot's history parts from what is decided here; null: at none, as far as can be
 *   told. One that is damaged is found out when it is loaded.
 */
export function snapshotPartsAt(
  core: OmniPaxos<Uint8Array, SnapshotName>,
  state: KvState,
  sink: Pick<SnapshotSink, "readRaw">,
  snapshot: SnapshotName,
): number | null {
  const other = roundsOf(sink, snapshot);
  const own = decidedRounds(core, state, sink);
  return own === null || other === null ? null : partingIdx(own, core.decidedIdx, other);
}

function decidedRounds(
  core: OmniPaxos<Uint8Array, SnapshotName>,
  state: KvState,
  sink: Pick<SnapshotSink, "readRaw">,
): Rounds | null {
  const stored = core.storedSnapshot;
  const isBehind = stored !== null && stored.idx > state.appliedIdx;
  let rounds = isBehind ? roundsOf(sink, stored.value) : state.rounds;
  if (rounds === null) return null;
  for (let idx = isBehind ? stored.idx : state.appliedIdx; idx < core.decidedIdx; idx += 1) {
    const entry = core.entryAt(idx);
    const opened = entry === undefined ? null : roundOpenedBy(entry);
    if (opened !== null) rounds = withRound(rounds, { ...opened, idx });
  }
  return rounds;
}

function roundsOf(sink: Pick<SnapshotSink, "readRaw">, snapshot: SnapshotName): Rounds | null {
  const bytes = sink.readRaw(snapshot, 0, Math.min(SNAPSHOT_HEADER_BYTES_MAX, snapshot.bytes));
  if (bytes === null) return null;
  try {
    return readSnapshotHeader(new ByteReader().reset(bytes))?.state.rounds ?? null;
  } catch (error) {
    if (error instanceof SnapshotError) return null;
    throw error;
  }
}
