/** Takes snapshots while the node serves, streams them to followers that fell behind, and keeps the snapshots that peers send. */
import { SNAPSHOT_CHUNK_BYTES } from "../../base/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import {
  type CancelTimer,
  type Clock,
  DiskFullError,
  type Logger,
} from "../../machine/ports/index.ts";
import type { DueSnapshot, ReceivedPiece, Replica, WantedPiece } from "../../replica/index.ts";
import { SnapshotGivenUp, SnapshotReceiver, type SnapshotStore } from "../../storage/index.ts";
import type { ReplicaMessage, SnapshotName } from "../../protocol/messages/index.ts";

/**
 * From one piece to the next. To make one takes some milliseconds: without a pause a large state took nearly all of the
 * node's turns for seconds, and wrote to the disk as fast as it goes (docs/notes/speed.md). Only a snapshot
 * that the log outruns goes on without a pause.
 */
const PAUSE_MS = 10;

export interface SnapshotJobsOptions {
  readonly replica: Replica;
  readonly snapshots: SnapshotStore;
  /** Snapshots that a restart could find in the log. */
  readonly named: () => readonly SnapshotName[];
  /** The snapshot being read into a state. */
  readonly loading: () => SnapshotName | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: (to: NodeId, message: ReplicaMessage) => void;
  readonly wake: () => void;
}

export class SnapshotJobs {
  readonly #options: SnapshotJobsOptions;
  readonly #receiver: SnapshotReceiver;
  /** Why the last snapshot was not written, as the log said it; null: it was written. */
  #trouble: string | null = null;
  /** Of the snapshot being written. */
  #cancelPause: CancelTimer = () => {};

  constructor(options: SnapshotJobsOptions) {
    this.#options = options;
    const { replica, snapshots, logger, wake } = options;
    this.#receiver = new SnapshotReceiver(snapshots, logger, {
      onKept: (name, bytes) => {
        replica.snapshots.piecesKept(name, bytes);
        wake();
      },
      onWhole: (name) => {
        replica.snapshots.kept(name);
        wake();
      },
      onFailed: (name, error) => replica.snapshots.notKept(name, error instanceof DiskFullError),
    });
  }

  /** The lack of room that keeps the node from keeping a peer's snapshot; null: there is none. */
  get receiveLack(): DiskFullError | null {
    return this.#receiver.lack;
  }

  /** Starts writing a snapshot. The state is a copy-on-write clone, so the node goes on. */
  write({ idx, state }: DueSnapshot): void {
    const { replica, snapshots, clock, logger, wake } = this.#options;
    const chunks = unlessMemoryRunsOut(replica, state.encodeSnapshot(SNAPSHOT_CHUNK_BYTES));
    const done = (error: Error | null, name?: SnapshotName): void => {
      if (error !== null || name === undefined) {
        this.#failed(idx, error);
        replica.snapshots.end(null);
        return;
      }
      if (this.#trouble !== null) logger.info("snapshots are written again", { idx: name.idx });
      this.#trouble = null;
      logger.debug("snapshot taken", { idx: name.idx, bytes: name.bytes });
      replica.snapshots.end(name);
      this.retain();
      wake();
    };
    snapshots.write(idx, chunks, done, (goOn, writtenBytes) => {
      if (replica.snapshots.isLate(writtenBytes)) goOn();
      else this.#cancelPause = clock.after(PAUSE_MS, goOn);
    });
  }

  /**
   * Gives up what is being written and received; the replica hears no more of it.
   * @param done when no file of theirs is open. Nothing is written or received after that
   */
  stop(done: () => void): void {
    this.#cancelPause();
    this.#receiver.stop();
    this.#options.snapshots.stop(done);
  }

  /** Each attempt would say the same of another file: the log says it again only when the trouble is another one. */
  #failed(idx: number, error: Error | null): void {
    const trouble = error instanceof DiskFullError ? error.name : (error?.message ?? "unknown");
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    const text =
      "a snapshot could not be written; the log is kept, and the next one will be tried in its time";
    this.#options.logger.error(text, { idx, reason: error?.message });
  }

  /** One piece at a time, as the follower asks: it sets the pace, and nothing piles up here. */
  serve({ to, snapshot, offset }: WantedPiece): void {
    const { snapshots, send } = this.#options;
    let bytes: Uint8Array | null;
    try {
      bytes = snapshots.readRaw(snapshot, offset, SNAPSHOT_CHUNK_BYTES);
    } catch (error) {
      // No file can be opened now: the follower asks again.
      if (error instanceof DiskFullError) return;
      throw error;
    }
    if (bytes === null) send(to, { type: "snapshotGone", snapshot });
    else send(to, { type: "snapshotChunk", snapshot, offset, bytes });
  }

  receive({ snapshot, offset, bytes }: ReceivedPiece): void {
    this.#receiver.receive(snapshot, offset, bytes);
  }

  /**
   * To be called when the replica has taken another snapshot over. Keeps the snapshots that the core holds, that are being loaded or
   * fetched, and that a restart could find: on a slow disk the log may still name older ones.
   */
  retain(): void {
    const { replica, snapshots, named, loading } = this.#options;
    const stored = replica.core.storedSnapshot;
    if (stored === null) return;
    const needed = [stored.value, ...named(), loading(), ...replica.snapshots.fetched];
    replica.snapshots.removed(snapshots.retain(needed.filter((name) => name !== null)));
  }
}

/** While a snapshot is under way, overwritten values stay in memory as well: better no snapshot than a process that ends. */
function* unlessMemoryRunsOut(
  replica: Replica,
  chunks: Iterable<Uint8Array>,
): Generator<Uint8Array, void, undefined> {
  for (const chunk of chunks) {
    if (replica.space.isCritical) throw new SnapshotGivenUp("memory ran out while it was written");
    yield chunk;
  }
}
