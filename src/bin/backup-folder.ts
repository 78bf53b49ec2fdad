/**
 * A directory of backups that are made on a schedule.
 *
 * Invariants:
 *   FOLDER-1. A file has a name of a backup only once it is whole, checked and on the disk.
 *   FOLDER-2. Nothing is removed but what a schedule has made here of this cluster: the name says so, and the beginning of the file
 *       says the same. What was put here by hand, of whatever cluster, stays.
 *   FOLDER-3. One process at a time makes and removes files here.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { StorageError } from "../base/index.ts";
import { DataLock, makeDirectoryNow, syncDirectory } from "../machine/host/index.ts";
import { BackupError, type BackupHeader, HEADER_BYTES, headerOf } from "../storage/backup/index.ts";

/** Beside the backups, so that the directory itself stays as open to others as its owner wants it. */
const LOCK = ".lock";
const NAME = /^([\w.-]{1,64})-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.backup$/;

export interface KeptBackup {
  readonly name: string;
  readonly clusterId: string;
  /** Milliseconds since 1970, whole seconds. */
  readonly takenMs: number;
}

/** Where the backup with this header goes. */
export function backupName({ clusterId, takenAt }: Pick<BackupHeader, "clusterId" | "takenAt">) {
  return `${clusterId}-${takenAt.slice(0, 19).replaceAll(/[-:]/g, "")}Z.backup`;
}

/** Null: no schedule makes such names. */
export function parseBackupName(name: string): KeptBackup | null {
  const [, clusterId, year, month, day, hour, minute, second] = NAME.exec(name) ?? [];
  if (clusterId === undefined) return null;
  const takenMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(takenMs) ? null : { name, clusterId, takenMs };
}

export class BackupFolder {
  readonly path: string;
  readonly #lock: DataLock;

  /** Makes the directory when it is missing. @throws StorageError LOCKED when another process makes backups here */
  static async open(path: string): Promise<BackupFolder> {
    makeDirectoryNow(path);
    try {
      return new BackupFolder(path, await DataLock.acquire(join(path, LOCK)));
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "LOCKED") throw error;
      const [who = ""] = error.message.split(":");
      throw new StorageError("LOCKED", `another omnikv backup makes files in ${path} (${who})`);
    }
  }

  private constructor(path: string, lock: DataLock) {
    this.path = path;
    this.#lock = lock;
    // By FOLDER-3 nobody is writing them.
    for (const name of this.#names(".tmp")) rmSync(join(path, `${name}.tmp`), { force: true });
  }

  /** Those that a schedule has made here, the newest first. @param clusterId of this cluster */
  kept(clusterId: string): readonly KeptBackup[] {
    return this.#names("")
      .flatMap((name) => this.#ours(name) ?? [])
      .filter((backup) => backup.clusterId === clusterId)
      .sort((a, b) => b.takenMs - a.takenMs);
  }

  /** Removes all but the newest `keep`. @returns how many there were */
  prune(clusterId: string, keep: number): number {
    const old = this.kept(clusterId).slice(keep);
    for (const { name } of old) rmSync(join(this.path, name));
    if (old.length > 0) syncDirectory(this.path);
    return old.length;
  }

  close(): void {
    this.#lock.release();
  }

  /** Names of backups of which there is a file with this behind its name. */
  #names(suffix: string): readonly string[] {
    return readdirSync(this.path)
      .filter((file) => file.endsWith(suffix))
      .map((file) => file.slice(0, file.length - suffix.length))
      .filter((name) => parseBackupName(name) !== null);
  }

  /** FOLDER-2. */
  #ours(name: string): KeptBackup | null {
    try {
      const header = headerOf(startOf(join(this.path, name)));
      return backupName(header) === name ? parseBackupName(name) : null;
    } catch (error) {
      // A directory, a link, or no backup. What cannot be read for another reason is a reason to stop.
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (error instanceof BackupError || code === "ELOOP" || code === "EISDIR") return null;
      throw error;
    }
  }
}

function startOf(path: string): Uint8Array {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) throw new BackupError("it is no file");
    const start = Buffer.alloc(HEADER_BYTES);
    return start.subarray(0, readSync(descriptor, start, 0, start.length, 0));
  } finally {
    closeSync(descriptor);
  }
}
