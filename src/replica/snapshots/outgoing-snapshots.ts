/**
 * The snapshots that peers are fetching from this node. While a snapshot travels the log grows, and the peer will need the log
 * from the snapshot on: if this node cut it meanwhile, the peer would begin again with a newer snapshot, perhaps for ever.
 */
import type { NodeId } from "../../omnipaxos/index.ts";
import type { SnapshotName } from "../../protocol/messages/index.ts";

interface Fetch {
  readonly snapshot: SnapshotName;
  readonly askedTick: number;
}

export class OutgoingSnapshots {
  readonly #fetches = new Map<NodeId, Fetch>();
  readonly #expireTicks: number;
  #tick = 0;

  /** @param expireTicks how long after its last request a peer counts as still fetching */
  constructor(expireTicks: number) {
    this.#expireTicks = expireTicks;
  }

  tick(): void {
    this.#tick += 1;
    for (const [peer, { askedTick }] of this.#fetches) {
      if (this.#tick - askedTick >= this.#expireTicks) this.#fetches.delete(peer);
    }
  }

  requested(peer: NodeId, snapshot: SnapshotName): void {
    this.#fetches.set(peer, { snapshot, askedTick: this.#tick });
  }

  get snapshots(): readonly SnapshotName[] {
    return [...this.#fetches.values()].map(({ snapshot }) => snapshot);
  }

  /** From where on the log will be asked for; null: nothing is being fetched. */
  get lowestIdx(): number | null {
    const indexes = this.snapshots.map(({ idx }) => idx);
    return indexes.length === 0 ? null : Math.min(...indexes);
  }
}
