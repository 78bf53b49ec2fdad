import { sameBytes } from "../base/index.ts";
import { openingEntry, type KvState } from "../store/index.ts";
import { OmniPaxos, type Ballot, type DurableState } from "../omnipaxos/index.ts";
import type { SnapshotName } from "../protocol/messages/index.ts";
import type { StoredSnapshots } from "./snapshots/stored-snapshots.ts";
import type { ReplicaOptions } from "./turn/replica-options.ts";
import { snapshotPartsAt } from "./snapshots/snapshot-judge.ts";

/**
 * Makes the core of a log of entries: how it compares them, how an entry marks the beginning of a round, and what a peer's
 * snapshot must hold before the core believes it.
 * @param state what is applied so far
 */
export function replicaCore(
  options: ReplicaOptions["core"],
  recovered: DurableState<Uint8Array, SnapshotName> | undefined,
  state: () => KvState,
  stored: StoredSnapshots,
): OmniPaxos<Uint8Array, SnapshotName> {
  const openRound = (entry: Uint8Array, { n, pid }: Ballot): Uint8Array | null =>
    openingEntry(entry, { n, pid, salt: options.incarnation });
  const partsAt = (snapshot: SnapshotName): number | null =>
    snapshotPartsAt(core, state(), stored, snapshot);
  const snapshots = { kind: "host" as const, partsAt };
  const config = { ...options, sameEntry: sameBytes, openRound, snapshots };
  const core = new OmniPaxos(config, recovered);
  return core;
}
