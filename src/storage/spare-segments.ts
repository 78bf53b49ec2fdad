/**
 * Keeps a file ready for the next segment: filled with zeros and synced beforehand, so that a batch written into it
 * changes no metadata and its sync is short. Files that left the log are used again, which needs no zeros at all.
 *
 * Invariant: a file that was handed out has a durable name.
 */
import {
  type CancelTimer,
  type Clock,
  type Disk,
  type DiskFile,
  DiskFullError,
} from "../machine/ports/index.ts";
import { segmentFileName } from "./recovery.ts";

/** Zeros are written in steps of so many bytes, so that syncs of the log do not wait long behind one. */
const ZERO_STEP_BYTES = 1024 * 1024;
const ZEROS = new Uint8Array(ZERO_STEP_BYTES);
/** More files than that are not kept for later. */
const SPARES_MAX = 2;
/** A full disk is tried again after so many milliseconds. */
export const ROOM_RETRY_MS = 500;

interface SpareHooks {
  /** A file can be taken. */
  onReady(): void;
  /** There is, or is again, or is no room for the next segment. */
  onRoom(): void;
  onFailure(error: Error): void;
}

export interface SpareFile {
  readonly path: string;
  readonly number: number;
}

export class SpareSegments {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #clock: Clock;
  readonly #hooks: SpareHooks;
  readonly #ready: string[] = [];
  #nextFile: number;
  #preparing = false;
  #wanted = false;
  #stopped = false;
  #lack: DiskFullError | null = null;
  #cancelRetry: CancelTimer = () => {};

  /**
   * Sorts the files that were found.
   * @param found free: files that may be used, those that do not fit are removed; next: the one to use first, as it is
   */
  static open(
    disk: Disk,
    directory: string,
    segmentBytes: number,
    clock: Clock,
    hooks: SpareHooks,
    found: {
      readonly next: string | null;
      readonly free: readonly string[];
      readonly nextFile: number;
    },
  ): SpareSegments {
    const { next, free, nextFile } = found;
    const spares = new SpareSegments(disk, directory, segmentBytes, clock, hooks, nextFile);
    if (next !== null) spares.#ready.push(next);
    for (const path of free) spares.recycle(path);
    return spares;
  }

  private constructor(
    disk: Disk,
    directory: string,
    segmentBytes: number,
    clock: Clock,
    hooks: SpareHooks,
    nextFile: number,
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#clock = clock;
    this.#hooks = hooks;
    this.#nextFile = nextFile;
  }

  /** Set while the last attempt to prepare a file failed for want of room. */
  get lack(): DiskFullError | null {
    return this.#lack;
  }

  /** Begins to prepare a file unless one is ready. */
  prepare(): void {
    if (this.#ready.length > 0 || this.#preparing || this.#stopped) return;
    this.#preparing = true;
    const path = `${this.#directory}/${segmentFileName(this.#nextFile)}`;
    this.#nextFile += 1;
    try {
      const file = this.#disk.open(path);
      this.#disk.syncDirectory(this.#directory);
      this.#fill(path, file, 0);
    } catch (error) {
      // The caller may not be ready for news yet.
      this.#clock.endOfTurn(() => {
        if (error instanceof DiskFullError) this.#noRoom(path, error);
        else this.#hooks.onFailure(error instanceof Error ? error : new Error(String(error)));
      });
    }
  }

  /** The file for the next segment; null when none is ready: `onReady` will tell. */
  take(): SpareFile | null {
    const path = this.#ready.shift();
    if (path === undefined) {
      // A half prepared file must do: it grows as it is written.
      this.#wanted = true;
      this.prepare();
      return null;
    }
    this.#wanted = false;
    this.prepare();
    return { path, number: Number.parseInt(path.slice(this.#directory.length + 1), 10) };
  }

  /** Takes back what `take` gave: it could not be used after all. */
  giveBack({ path }: SpareFile): void {
    this.#ready.unshift(path);
  }

  /** Takes back a file that is not part of the log any more. */
  recycle(path: string): void {
    if (this.#ready.length >= SPARES_MAX || this.#disk.size(path) !== this.#segmentBytes) {
      this.#disk.remove(path);
      return;
    }
    this.#ready.push(path);
    this.#setLack(null);
    if (this.#wanted) this.#hooks.onReady();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetry();
  }

  #fill(path: string, file: DiskFile, position: number): void {
    const length = Math.min(ZERO_STEP_BYTES, this.#segmentBytes - position);
    file.writeDurably(position, ZEROS.subarray(0, length), (error) => {
      if (this.#stopped) {
        file.close(() => {});
      } else if (error instanceof DiskFullError) {
        file.close(() => this.#noRoom(path, error));
      } else if (error !== null) {
        this.#hooks.onFailure(error);
      } else if (position + length < this.#segmentBytes && !this.#wanted) {
        this.#fill(path, file, position + length);
      } else {
        file.close(() => this.#prepared(path));
      }
    });
  }

  #prepared(path: string): void {
    this.#preparing = false;
    this.#ready.push(path);
    this.#setLack(null);
    this.#hooks.onReady();
  }

  #noRoom(path: string, lack: DiskFullError): void {
    this.#disk.remove(path);
    this.#preparing = false;
    if (this.#stopped) return;
    this.#setLack(this.#ready.length > 0 ? null : lack);
    this.#cancelRetry = this.#clock.after(ROOM_RETRY_MS, () => this.prepare());
  }

  /** Reports a lack once: the kind of it may change from one attempt to the next. */
  #setLack(lack: DiskFullError | null): void {
    const isNews = (this.#lack === null) !== (lack === null);
    this.#lack = lack;
    if (isNews) this.#hooks.onRoom();
  }
}
