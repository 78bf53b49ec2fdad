import { assert } from "../../base/index.ts";
import type { CompleteSnapshot, OmniPaxos } from "../../omnipaxos/index.ts";
import type { SnapshotName } from "../../protocol/messages/index.ts";
import type { CompactionSchedule } from "./compaction.ts";
import type { OutgoingSnapshots } from "./outgoing-snapshots.ts";

/** @param snapshot durable: the log below it may go, but for what others may want of it soon */
export function compactLog(
  core: OmniPaxos<Uint8Array, SnapshotName>,
  schedule: CompactionSchedule,
  outgoing: OutgoingSnapshots,
  snapshot: SnapshotName,
): void {
  if (snapshot.idx <= (core.storedSnapshot?.idx ?? 0)) return;
  const cut = schedule.cut(
    snapshot.idx,
    core.compactedIdx,
    outgoing.lowestIdx,
    (idx) => core.entryAt(idx)?.length ?? 0,
  );
  const complete: CompleteSnapshot<SnapshotName> = {
    kind: "complete",
    idx: snapshot.idx,
    value: snapshot,
  };
  const result = core.compact(cut, complete);
  assert(result.ok, `compaction to ${cut} with a snapshot at ${snapshot.idx} was refused`);
}
