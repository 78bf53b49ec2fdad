/**
 * The content of a data directory, for a tool that reads it while no server runs: it makes the same checks as a start, and writes
 * nothing.
 */
import type { DurableState } from "../omnipaxos/index.ts";
import type { Disk, Logger } from "../machine/ports/index.ts";
import type { SnapshotName } from "../protocol/messages/index.ts";
import {
  type Identity,
  LOG_DIRECTORY,
  logOwnerOf,
  readIdentity,
  SNAPSHOT_DIRECTORY,
} from "./data-directory.ts";
import { LogEnd } from "./log-end.ts";
import { checkPeerMemory, logEndIn } from "./peer-memory.ts";
import { recoverLog } from "./recovery.ts";
import { SnapshotStore } from "./snapshot-store.ts";

export interface SeenDirectory {
  readonly identity: Identity;
  /** False: its node is to take the place of a lost disk, and may not vote yet. */
  readonly joined: boolean;
  readonly logBytes: number;
  readonly segments: number;
  /** Undefined: no log was written. */
  readonly log: DurableState<Uint8Array, SnapshotName> | undefined;
  /** Which the log begins with. Null: with nothing. `chunks` throws StorageError where it is damaged. */
  readonly snapshot: { readonly name: SnapshotName; readonly chunks: Iterable<Uint8Array> } | null;
}

/** @throws StorageError as a start of the server would */
export function lookIntoDirectory(disk: Disk, logger: Logger): SeenDirectory {
  const looking = readOnly(disk);
  const { identity, joined, logBegun } = readIdentity(looking);
  const { incarnation, members } = identity;
  const memory = checkPeerMemory({ disk: looking, owner: incarnation, members: members.length });
  const known = {
    owner: logOwnerOf(identity),
    mustExist: logBegun,
    mark: LogEnd.read(looking, LOG_DIRECTORY),
    reached: logEndIn(memory),
  };
  const log = recoverLog(looking, LOG_DIRECTORY, known, logger);
  const name = log.state?.snapshot?.value ?? null;
  const snapshots = SnapshotStore.open(looking, SNAPSHOT_DIRECTORY, logger);
  if (name !== null && !snapshots.has(name)) {
    throw snapshots.unusable(
      "SNAPSHOT_DAMAGED",
      name,
      "the log begins with it, and it is not here",
    );
  }
  return {
    identity,
    joined,
    log: log.state,
    logBytes: log.segments.reduce((sum, { bytes }) => sum + bytes, 0),
    segments: log.segments.length,
    snapshot: name === null ? null : { name, chunks: snapshots.chunks(name) },
  };
}

/** Ignores the writes by which a start only makes data durable once more, or tidies up. */
function readOnly(disk: Disk): Disk {
  const nothing = (): void => {};
  const never = (): never => {
    throw new Error("whoever only looks writes nothing");
  };
  return {
    list: (directory) => disk.list(directory),
    exists: (path) => disk.exists(path),
    size: (path) => disk.size(path),
    read: (path, position, length) => disk.read(path, position, length),
    makeDirectory: nothing,
    writeNow: nothing,
    remove: nothing,
    syncDirectory: nothing,
    replace: never,
    open: never,
    rename: never,
  };
}
