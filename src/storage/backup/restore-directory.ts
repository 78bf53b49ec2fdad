/**
 * Makes the data directory of one node of a new cluster: a log that begins behind the snapshot of the restored state, as
 * every other node's does. The ballots are those of a node that has voted for nothing, so the nodes elect a leader as those
 * of a fresh cluster do.
 *
 * No server may open the disk yet: a half made directory looks like that of an empty node.
 */
import { KvError } from "../../base/index.ts";
import type { FrozenState } from "../../store/index.ts";
import {
  type Clock,
  type Disk,
  DiskFullError,
  type Random,
  silentLogger,
} from "../../machine/ports/index.ts";
import {
  LOG_DIRECTORY,
  LogStorage,
  openDataDirectory,
  SNAPSHOT_DIRECTORY,
  SnapshotStore,
} from "../index.ts";
import type { SnapshotName } from "../../protocol/messages/index.ts";

/** So many bytes of the snapshot are written at a time. */
const PIECE_BYTES = 256 * 1024;
/** The node that starts from it uses its own segment size. */
const SEGMENT_BYTES = 1024 * 1024;

export interface RestoreOwner {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly members: readonly number[];
  readonly random: Random;
  readonly clock: Clock;
  /** Told from time to time how much of the snapshot is written. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Resolves when everything is durable and closed.
 * @param disk empty
 * @throws StorageError; KvError DISK_FULL
 */
export async function restoreDirectory(
  disk: Disk,
  state: FrozenState,
  owner: RestoreOwner,
): Promise<void> {
  try {
    await make(disk, state, owner);
  } catch (error) {
    if (!(error instanceof DiskFullError)) throw error;
    throw new KvError("DISK_FULL", `${error.message}; nothing was restored`);
  }
}

async function make(disk: Disk, state: FrozenState, owner: RestoreOwner): Promise<void> {
  let failed: (error: Error) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    failed = reject;
  });
  // Each `race` below reports the failure; this keeps Node.js from taking it for an unhandled one.
  failure.catch(() => {});
  const logger = silentLogger;
  // The identity comes first: a snapshot without one looks like the remains of a node's directory.
  const directory = openDataDirectory(disk, { ...owner, logger, onFailure: failed });
  const snapshot = await Promise.race([failure, writeSnapshot(disk, state, owner)]);
  const log = await Promise.race([
    failure,
    new Promise<LogStorage>((resolve) => {
      const { storage } = LogStorage.open(
        disk,
        LOG_DIRECTORY,
        { segmentBytes: SEGMENT_BYTES, owner: directory.logOwner, random: owner.random },
        {
          onDurable: () => {
            directory.beginLog();
            resolve(storage);
          },
          onFailure: failed,
          onRoom: (_, lack) => {
            if (lack !== null) failed(lack);
          },
        },
        logger,
        owner.clock,
      );
      const { idx } = snapshot;
      storage.stage([
        {
          seq: 1,
          writes: [
            { kind: "compact", idx, snapshot: { kind: "complete", idx, value: snapshot } },
            { kind: "decided", decidedIdx: idx },
          ],
        },
      ]);
      storage.flush();
    }),
  ]);
  await Promise.race([failure, new Promise<void>((resolve) => log.close(resolve))]);
  await new Promise<void>((resolve, reject) =>
    directory.close((error) => (error === null ? resolve() : reject(error))),
  );
}

function writeSnapshot(
  disk: Disk,
  state: FrozenState,
  { clock, onProgress }: RestoreOwner,
): Promise<SnapshotName> {
  const snapshots = SnapshotStore.open(disk, SNAPSHOT_DIRECTORY, silentLogger);
  const pieces = state.encodeSnapshot(PIECE_BYTES);
  return new Promise((resolve, reject) => {
    snapshots.write(
      state.appliedIdx,
      pieces,
      (error, name) => {
        if (name !== undefined) resolve(name);
        else reject(error ?? new Error("the snapshot was not written"));
      },
      (goOn, bytes) => {
        onProgress?.(bytes);
        // Not from within the previous write's callback: a large state has many pieces, and each would nest deeper.
        clock.endOfTurn(goOn);
      },
    );
  });
}
