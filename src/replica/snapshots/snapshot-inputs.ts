/** The host's reports to its replica: snapshots that it wrote, pieces from peers that it stored, snapshot files that are gone. */
import { assert } from "../../base/index.ts";
import type { FrozenState, KvState, Rounds } from "../../store/index.ts";
import type { CompleteSnapshot, OmniPaxos } from "../../omnipaxos/index.ts";
import type { SnapshotName } from "../../protocol/messages/index.ts";
import type { CatchUp } from "./catch-up.ts";
import type { CompactionSchedule } from "./compaction.ts";
import type { OutgoingSnapshots } from "./outgoing-snapshots.ts";
import type { StoredSnapshots } from "./stored-snapshots.ts";

interface Parts {
  readonly core: OmniPaxos<Uint8Array, SnapshotName>;
  readonly stored: StoredSnapshots;
  readonly schedule: CompactionSchedule;
  readonly outgoing: OutgoingSnapshots;
  readonly catchUp: CatchUp;
}

export class SnapshotInputs {
  readonly #parts: Parts;
  /** Of the snapshot begun last. */
  #begunRounds: Rounds | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @returns what the host is to write as a snapshot: a copy that stays as it is */
  begin(state: KvState): FrozenState {
    this.#parts.schedule.begin(state.cells.history.bytes);
    this.#begunRounds = state.rounds;
    return state.clone();
  }

  /** Whether the snapshot begun, of which so much is written, is to go on without a pause. */
  isLate(writtenBytes: number): boolean {
    return this.#parts.schedule.isLate(writtenBytes);
  }

  /** The snapshot begun is durable (or, null, failed): the log below it may go, except the part that peers may want soon. */
  end(snapshot: SnapshotName | null): void {
    const { core, stored, schedule, outgoing } = this.#parts;
    schedule.end(snapshot?.bytes ?? null);
    if (snapshot === null) return;
    stored.add(snapshot, this.#begunRounds);
    const { idx } = snapshot;
    if (idx <= (core.storedSnapshot?.idx ?? 0)) return;
    const entryBytes = (at: number): number => core.entryAt(at)?.length ?? 0;
    const cut = schedule.cut(idx, core.compactedIdx, outgoing.lowestIdx, entryBytes);
    const complete: CompleteSnapshot<SnapshotName> = { kind: "complete", idx, value: snapshot };
    const result = core.compact(cut, complete);
    assert(result.ok, `compaction to ${cut} with a snapshot at ${idx} was refused`);
  }

  /** Of the pieces of this snapshot (`TurnEffects.received`) the first `bytes` bytes are durable: there is room for more. */
  piecesKept(snapshot: SnapshotName, bytes: number): void {
    this.#parts.catchUp.onKept(snapshot, bytes);
  }

  /** All pieces of this snapshot came, its checksum is right, and it is durable under its name. */
  kept(snapshot: SnapshotName): void {
    this.#parts.catchUp.onWhole(snapshot);
  }

  /**
   * The host could not keep this snapshot: its pieces are gone, and the replica asks for it again, from its first byte on.
   * @param diskIsFull or there are too many files
   */
  notKept(snapshot: SnapshotName, diskIsFull: boolean): void {
    this.#parts.catchUp.onNotKept(snapshot, diskIsFull);
  }

  /** These are not in the store any more. */
  removed(snapshots: readonly SnapshotName[]): void {
    this.#parts.stored.remove(snapshots);
  }

  /** Those that peers are fetching: their files must stay. */
  get fetched(): readonly SnapshotName[] {
    return this.#parts.outgoing.snapshots;
  }
}
