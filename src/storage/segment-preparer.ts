/** Keeps the next log segment ready: filled with zeros, synced and named, off the hot path. */
import type { Clock } from "../ports/clock.ts";
import { DiskFullError, type Disk, type DiskFile } from "../ports/disk.ts";
import { segmentName } from "./segment-format.ts";

export interface PreparedSegment {
  readonly number: number;
  readonly file: DiskFile;
}

const ZEROS = Buffer.alloc(1024 * 1024);
/** Between two attempts to find room on a full disk. */
const RETRY_MS = 500;

export class SegmentPreparer {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #clock: Clock;
  readonly #events: {
    onReady(): void;
    onRoom(hasRoom: boolean): void;
    onFailure(error: Error): void;
  };
  #ready: PreparedSegment | null = null;
  #preparing = false;
  #closed = false;

  constructor(
    disk: Disk,
    directory: string,
    segmentBytes: number,
    clock: Clock,
    events: { onReady(): void; onRoom(hasRoom: boolean): void; onFailure(error: Error): void },
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#clock = clock;
    this.#events = events;
  }

  /** Begins to prepare segment `number` unless one is ready or under way. */
  prepare(number: number): void {
    if (this.#ready !== null || this.#preparing || this.#closed) return;
    this.#preparing = true;
    this.#attempt(number, false);
  }

  take(): PreparedSegment | null {
    const ready = this.#ready;
    this.#ready = null;
    return ready;
  }

  close(): void {
    this.#closed = true;
    this.#ready?.file.close(() => {});
    this.#ready = null;
  }

  #attempt(number: number, wasFull: boolean): void {
    if (this.#closed) return;
    const path = `${this.#directory}/${segmentName(number)}`;
    let file: DiskFile;
    try {
      file = this.#disk.open(path);
    } catch (error) {
      return this.#failed(error as Error, number, wasFull, null);
    }
    this.#fill(file, 0, (error) => {
      if (error !== null) return this.#failed(error, number, wasFull, file);
      try {
        this.#disk.syncDirectory(this.#directory);
      } catch (syncError) {
        return this.#events.onFailure(syncError as Error);
      }
      this.#preparing = false;
      if (this.#closed) return file.close(() => {});
      this.#ready = { number, file };
      if (wasFull) this.#events.onRoom(true);
      this.#events.onReady();
    });
  }

  #fill(file: DiskFile, position: number, done: (error: Error | null) => void): void {
    if (position >= this.#segmentBytes) return file.sync(done);
    const zeros = ZEROS.subarray(0, Math.min(ZEROS.length, this.#segmentBytes - position));
    file.write(position, zeros, (error) => {
      if (error !== null) done(error);
      else this.#fill(file, position + zeros.length, done);
    });
  }

  #failed(error: Error, number: number, wasFull: boolean, file: DiskFile | null): void {
    file?.close(() => {});
    if (!(error instanceof DiskFullError)) return this.#events.onFailure(error);
    // Nothing of it is needed: give back what was taken, others may need it.
    this.#disk.remove(`${this.#directory}/${segmentName(number)}`);
    if (!wasFull) this.#events.onRoom(false);
    this.#clock.after(RETRY_MS, () => this.#attempt(number, true));
  }
}
