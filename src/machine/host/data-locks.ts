/**
 * Data that two directories share, so that the lock of the one keeps nobody from the other: a part of the directory that is a link to
 * another place or a mount, and files that were copied with links.
 */
import { lstatSync, readdirSync, realpathSync, statSync, type Stats } from "node:fs";
import { join } from "node:path";
import { DataLock, type DataLockOptions, linked } from "./data-lock.ts";
import { diskError } from "./disk-error.ts";

/** Locks of a data directory and of the parts of it that are elsewhere. */
export class DataLocks {
  /** As of the directory's DataLock. */
  readonly identity: string;
  readonly #locks: readonly DataLock[];

  private constructor(first: DataLock, others: readonly DataLock[]) {
    this.identity = first.identity;
    this.#locks = [first, ...others];
  }

  /**
   * As `DataLock.acquire`.
   * @param parts directories in it, which need not be there yet
   * @throws StorageError LOCKED, also when another directory shares files with this one; DIRECTORY_UNUSABLE, DISK_FAILED; DiskFullError
   */
  static async acquire(
    directory: string,
    parts: readonly string[],
    options: DataLockOptions = {},
  ): Promise<DataLocks> {
    const locks: DataLock[] = [];
    try {
      const first = await DataLock.acquire(directory, options);
      locks.push(first);
      for (const part of parts) {
        const path = join(directory, part);
        if (isElsewhere(directory, path)) {
          locks.push(await DataLock.acquire(realpathSync(path), options));
        }
      }
      for (const folder of ["", ...parts]) checkFiles(join(directory, folder));
      return new DataLocks(first, locks.slice(1));
    } catch (error) {
      for (const lock of locks.toReversed()) lock.release();
      throw diskError(error, "read", directory);
    }
  }

  /** Another process may use the directory from now on. */
  release(): void {
    for (const lock of this.#locks.toReversed()) lock.release();
  }
}

/** Another directory may have it, too: it is a link, or another disk is mounted there. */
function isElsewhere(directory: string, path: string): boolean {
  const found = lookAt(path);
  if (found === null || statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    return false;
  return found.isSymbolicLink() || found.dev !== statSync(directory).dev;
}

/** @throws StorageError LOCKED */
function checkFiles(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  for (const name of readdirSync(folder)) {
    // The word is made by linking (data-lock.ts), and is nobody's data.
    if (name.startsWith("lock")) continue;
    const path = join(folder, name);
    const found = lookAt(path);
    if (found?.isFile() === true && found.nlink > 1) {
      throw linked(path);
    }
  }
}

function lookAt(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}
