/**
 * A directory of backups that are made on a schedule.
 *
 * Invariants:
 *   FOLDER-1. A file has a name of a backup only once it is whole, checked and on the disk.
 *   FOLDER-2. The schedule removes only backups of this cluster that a schedule has made here: the name says so, and the beginning of the
 *       file says the same. Backups that an operator put here by hand stay, whichever cluster they are of.
 *   FOLDER-3. One process at a time makes and removes files here.
 *   FOLDER-4. The schedule removes neither the backup that it just made nor, for its sake, one of another log: a cluster begun anew, or
 *       another one of the same id, may hold nothing of what that backup holds.
 *   FOLDER-5. The backup that holds least goes first, whatever a clock said when it was made.
 *   FOLDER-6. While a process makes backups here, the path leads to the directory that it has opened: nobody would find a backup on the
 *       disk under a mount point.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { StorageError } from "../../base/index.ts";
import { DataLock, fileIdentity, syncDirectory } from "../../machine/host/index.ts";
import {
  BACKUP_START_BYTES,
  BackupError,
  type BackupHeader,
  startOfBackup,
} from "../../storage/backup/index.ts";

/** Beside the backups, so that the directory itself stays as open to others as its owner wants it. */
const LOCK = ".lock";
const NAME = /^([\w.-]{1,64})-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.backup$/;

export interface NamedBackup {
  readonly name: string;
  readonly clusterId: string;
  /** Milliseconds since 1970, whole seconds, by the clock of the machine that made it. */
  readonly takenMs: number;
}

export interface KeptBackup extends NamedBackup {
  /** Of the log that its state comes from. Null: nothing had happened in it, or it does not say. */
  readonly origin: number | null;
  readonly appliedIdx: number;
  readonly revision: number;
}

export interface Pruned {
  readonly removed: number;
  /** Null: nothing has happened in the cluster yet, and nothing was removed. */
  readonly origin: number | null;
  /** Of the same cluster's id and of another log: they stay. */
  readonly others: readonly KeptBackup[];
}

/** Where the backup with this header goes. */
export function backupName({ clusterId, takenAt }: Pick<BackupHeader, "clusterId" | "takenAt">) {
  return `${clusterId}-${takenAt.slice(0, 19).replaceAll(/[-:]/g, "")}Z.backup`;
}

/** Null: no schedule makes such names. */
export function parseBackupName(name: string): NamedBackup | null {
  const [, clusterId, year, month, day, hour, minute, second] = NAME.exec(name) ?? [];
  if (clusterId === undefined) return null;
  const takenMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(takenMs) ? null : { name, clusterId, takenMs };
}

export class BackupFolder {
  readonly path: string;
  readonly #lock: DataLock;
  readonly #identity: string;
  readonly #takenBy: () => StorageError | null;

  /**
   * A missing directory is not made: the name is wrong, or a disk is not mounted, and the operator would not notice.
   * @throws StorageError LOCKED when another process makes backups here; DIRECTORY_UNUSABLE when there is no directory
   */
  static async open(path: string): Promise<BackupFolder> {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (found?.isDirectory() !== true) {
      const text =
        found === undefined
          ? `there is no directory ${path}: correct the name, mount what is to be there, or create it first`
          : `${path} is no directory: --keep puts backups into one, name it or create it first`;
      throw new StorageError("DIRECTORY_UNUSABLE", text);
    }
    try {
      let takenBy: StorageError | null = null;
      const lock = await DataLock.acquire(join(path, LOCK), {
        onHad: () => removeUnfinished(path),
        onTaken: (error) => (takenBy = error),
      });
      return new BackupFolder(path, lock, fileIdentity(found), () => takenBy);
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "LOCKED") throw error;
      const [who = ""] = error.message.split(":");
      throw new StorageError("LOCKED", `another omnikv backup makes files in ${path} (${who})`);
    }
  }

  private constructor(
    path: string,
    lock: DataLock,
    identity: string,
    takenBy: () => StorageError | null,
  ) {
    this.#takenBy = takenBy;
    this.path = path;
    this.#lock = lock;
    this.#identity = identity;
  }

  /** FOLDER-6. @throws StorageError DIRECTORY_UNUSABLE when there is another directory, or none; LOCKED when another process has it now */
  mustBeThere(): void {
    const taken = this.#takenBy();
    if (taken !== null) throw taken;
    const found = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    if (found?.isDirectory() === true && fileIdentity(found) === this.#identity) return;
    const what = found === undefined ? "is gone" : "is not the directory that this began with";
    throw new StorageError(
      "DIRECTORY_UNUSABLE",
      `${this.path} ${what}: its disk may have been unmounted, or it was renamed. Put it back, or start this anew for what is there now`,
    );
  }

  /** Those that a schedule has made here, the newest first. @param clusterId of this cluster */
  kept(clusterId: string): readonly KeptBackup[] {
    return names(this.path, "")
      .flatMap((name) => this.#ours(name) ?? [])
      .filter((backup) => backup.clusterId === clusterId)
      .sort((a, b) => b.takenMs - a.takenMs);
  }

  /**
   * Removes all but `keep` of the log that one of them is of.
   * @param made its name: the one that was just made, which is one of those that stay
   */
  prune(made: string, keep: number): Pruned {
    const own = this.#ours(made);
    if (own === null) return { removed: 0, origin: null, others: [] };
    const { clusterId, origin } = own;
    const all = this.kept(clusterId).filter(({ name }) => name !== made);
    const others = all.filter((backup) => backup.origin !== origin);
    if (origin === null) return { removed: 0, origin, others };
    const old = all
      .filter((backup) => backup.origin === origin)
      .sort(byContent)
      .slice(keep - 1);
    for (const { name } of old) rmSync(join(this.path, name));
    if (old.length > 0) syncDirectory(this.path);
    return { removed: old.length, origin, others };
  }

  close(): void {
    this.#lock.release();
  }

  /** FOLDER-2. */
  #ours(name: string): KeptBackup | null {
    try {
      const { header, origin } = startOfBackup(startOf(join(this.path, name)));
      const named = parseBackupName(name);
      if (named === null || backupName(header) !== name) return null;
      const { appliedIdx, revision } = header;
      return { ...named, origin, appliedIdx, revision };
    } catch (error) {
      // A directory, a link, or no backup. Any other reason why it cannot be read is a reason to stop.
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (error instanceof BackupError || code === "ELOOP" || code === "EISDIR") return null;
      throw error;
    }
  }
}

/** By FOLDER-3 no other process writes them. They may be what has filled the disk, so that the lock itself has no room. */
function removeUnfinished(path: string): void {
  for (const name of names(path, ".tmp")) rmSync(join(path, `${name}.tmp`), { force: true });
}

/** Names of backups of which there is a file in this directory with this behind its name. */
function names(path: string, suffix: string): readonly string[] {
  return readdirSync(path)
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, file.length - suffix.length))
    .filter((name) => parseBackupName(name) !== null);
}

/** FOLDER-5: the backup that holds most is the first; of those that hold the same the one made last. */
function byContent(a: KeptBackup, b: KeptBackup): number {
  return b.appliedIdx - a.appliedIdx || b.revision - a.revision || b.takenMs - a.takenMs;
}

function startOf(path: string): Uint8Array {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) throw new BackupError("it is no file");
    const start = Buffer.alloc(BACKUP_START_BYTES);
    return start.subarray(0, readSync(descriptor, start, 0, start.length, 0));
  } finally {
    closeSync(descriptor);
  }
}
