/** Called once, never from within the call that took it. */
export type DiskCallback = (error: Error | null) => void;

/** An open file. Positions are bytes. Calls on one file are carried out in order. */
export interface DiskFile {
  /** Until a `sync` that began later has called back without error, a crash may keep all, part or none of these bytes. */
  write(position: number, bytes: Uint8Array, done: DiskCallback): void;
  /** Makes everything durable that was written before this call. After an error it is unknown what is durable: never retry. */
  sync(done: DiskCallback): void;
  /** write, then sync of at least these bytes, in one trip where the platform can. */
  writeDurably(position: number, bytes: Uint8Array, done: DiskCallback): void;
  /**
   * Written when it returns, ahead of calls that still wait, and not synced: it survives the death of the process, and
   * perhaps not a loss of power. For a few bytes: it blocks the caller for a system call of some microseconds.
   * @returns why it could not be written
   */
  note(position: number, bytes: Uint8Array): Error | null;
  truncate(length: number, done: DiskCallback): void;
  close(done: DiskCallback): void;
}

/**
 * One directory tree, exclusively ours. A call that fails gives a StorageError that names the file and the way out, or a
 * DiskFullError: no room now. Paths are relative, with "/". The synchronous calls are for start-up and rare
 * maintenance; their changes to a directory are durable only after syncDirectory.
 *
 * @throws StorageError DIRECTORY_UNUSABLE, DISK_FAILED; DiskFullError
 */
export interface Disk {
  /** File names in the directory, sorted; empty when it does not exist. */
  list(directory: string): readonly string[];
  /** False only when it is certainly not there: a path that cannot be looked at is an error. */
  exists(path: string): boolean;
  size(path: string): number;
  /** @param length bytes from position; fewer are returned at the end of the file */
  read(path: string, position: number, length: number): Uint8Array;
  makeDirectory(path: string): void;
  /** Durable when it returns. The file exists. Blocks, so it is for start-up only. */
  writeNow(path: string, position: number, bytes: Uint8Array): void;
  /**
   * Gives the file this content, all or nothing, creating it when it is missing; durable, with its name, when it
   * returns. For small files that change rarely: it blocks. @throws DiskFullError
   */
  replace(path: string, bytes: Uint8Array): void;
  /** Creates the file when it is missing. @throws DiskFullError */
  open(path: string): DiskFile;
  /** Takes the place of `to` when that exists. */
  rename(from: string, to: string): void;
  /** Removes a file; harmless when it is missing. */
  remove(path: string): void;
  syncDirectory(path: string): void;
}

/**
 * The disk has no room: the bytes were not (fully) written. Writing the same bytes to the same place again is
 * sound, unlike repeating a sync that failed.
 */
export class DiskFullError extends Error {
  override readonly name: string = "DiskFullError";
}

/** Not the disk but the system's table of open files has no room. The same holds: nothing was done, and a later try may succeed. */
export class TooManyFilesError extends DiskFullError {
  override readonly name = "TooManyFilesError";
}
