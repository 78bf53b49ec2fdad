/**
 * Where the log ends, kept beside it: without it, damage to the last batches looks like a write that a crash cut off.
 *
 * Invariants:
 *   END-1. The mark never stands behind what is durable: it is moved only after a batch was reported durable.
 *   END-2. A batch is noted, which costs no sync, within NOTE_MS, and at once when none was noted for so long; the mark is kept once a
 *       second. So the death of the process leaves it within the last NOTE_MS, a loss of power within the last second.
 */
import type { CancelTimer, Clock, Disk, DiskCallback } from "../machine/ports/index.ts";
import { damaged } from "./log-errors.ts";
import { SlotFile } from "./slot-file.ts";

/** A page each: a torn write damages one slot and no other. */
const SLOT_BYTES = 4096;
/** u32 owner · u32 1: clean · u32 segment · u32 position · u32 crc */
const PAYLOAD_BYTES = 20;
const KEEP_MS = 1000;
/**
 * Milliseconds between two notes, at least. A note takes 3 µs alone, and 60 on average among the log's own writes, as both change
 * inodes of one journal: one for each batch took 5 % of the puts.
 */
const NOTE_MS = 20;

/** A place in the log behind a batch that was durable. */
export interface LogPosition {
  /** 0: before the first batch. */
  readonly segment: number;
  readonly position: number;
  /** The checksum of the batch. */
  readonly crc: number;
}

export interface EndMark extends LogPosition {
  /** Crc of the id of the data directory. */
  readonly owner: number;
  /** The node stopped in good order: the log goes not one batch further. */
  readonly clean: boolean;
}

export const LOG_START: LogPosition = { segment: 0, position: 0, crc: 0 };

export class LogEnd {
  readonly #slots: SlotFile;
  readonly #clock: Clock;
  readonly #owner: number;
  readonly #onError: (error: Error) => void;
  readonly #payload = new Uint8Array(PAYLOAD_BYTES);
  readonly #view = new DataView(this.#payload.buffer);
  #cancelKeep: CancelTimer | null = null;
  #cancelNote: CancelTimer | null = null;
  #notedMs = Number.NEGATIVE_INFINITY;
  /** The mark has moved since it was noted. */
  #hasMoved = false;
  #isStopped = false;

  /** Makes the mark of a log that is to be begun, or whose end is not known yet. @throws DiskFullError */
  static create(disk: Disk, directory: string, owner: number): void {
    const payload = new Uint8Array(PAYLOAD_BYTES);
    fill(new DataView(payload.buffer), owner, LOG_START, false);
    SlotFile.create(disk, logEndPath(directory), SLOT_BYTES, payload);
  }

  /** @returns null when there is no mark @throws StorageError LOG_DAMAGED */
  static read(disk: Disk, directory: string): EndMark | null {
    const path = logEndPath(directory);
    if (!disk.exists(path)) return null;
    const bytes = SlotFile.read(disk, path, SLOT_BYTES, (what) =>
      damaged(path, 0, `the mark of its end: ${what}`),
    );
    if (bytes.length !== PAYLOAD_BYTES) throw damaged(path, 0, "the mark of its end is no place");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return {
      owner: view.getUint32(0, true),
      clean: view.getUint32(4, true) === 1,
      segment: view.getUint32(8, true),
      position: view.getUint32(12, true),
      crc: view.getUint32(16, true),
    };
  }

  /**
   * Opens the mark and moves it, durably, to where the log was found to end; it is made when it is missing.
   * @param onError called when the mark cannot be written, or not be made durable
   */
  static open(
    disk: Disk,
    directory: string,
    owner: number,
    found: LogPosition,
    clock: Clock,
    onError: (error: Error) => void,
  ): LogEnd {
    const path = logEndPath(directory);
    if (!disk.exists(path)) LogEnd.create(disk, directory, owner);
    const slots = SlotFile.open(disk, path, SLOT_BYTES, (what) =>
      damaged(path, 0, `the mark of its end: ${what}`),
    );
    const end = new LogEnd(slots, owner, clock, onError);
    fill(end.#view, owner, found, false);
    slots.keepNow(end.#payload);
    return end;
  }

  private constructor(
    slots: SlotFile,
    owner: number,
    clock: Clock,
    onError: (error: Error) => void,
  ) {
    this.#slots = slots;
    this.#owner = owner;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Moves the mark: END-1, END-2. `onError` is called when it cannot be written. */
  move(end: LogPosition): void {
    if (this.#isStopped) return;
    fill(this.#view, this.#owner, end, false);
    this.#hasMoved = true;
    const sinceMs = this.#clock.now() - this.#notedMs;
    if (sinceMs >= NOTE_MS) this.#noteNow();
    else this.#cancelNote ??= this.#clock.after(NOTE_MS - sinceMs, () => this.#noteNow());
    this.#cancelKeep ??= this.#clock.after(KEEP_MS, () => {
      this.#cancelKeep = null;
      this.#slots.keep(this.#payload, (failure) => {
        if (failure !== null) this.#onError(failure);
      });
    });
  }

  /**
   * The log has failed, or ends here: what was durable is noted, if that can still be done, and the mark is moved no more. A disk that
   * has just failed is the most likely one to damage what it took last.
   */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimers();
    // The error that counts has been told.
    if (this.#hasMoved) this.#note();
  }

  /** @param clean where the log ends, when the node stops in good order; null: leave the mark as it is */
  close(clean: LogPosition | null, done: DiskCallback): void {
    this.stop();
    if (clean !== null) {
      fill(this.#view, this.#owner, clean, true);
      this.#slots.keep(this.#payload, () => {});
    }
    this.#slots.close(done);
  }

  #noteNow(): void {
    this.#cancelNote?.();
    this.#cancelNote = null;
    this.#notedMs = this.#clock.now();
    const error = this.#note();
    if (error !== null) this.#onError(error);
  }

  #note(): Error | null {
    this.#hasMoved = false;
    return this.#slots.note(this.#payload);
  }

  #cancelTimers(): void {
    this.#cancelKeep?.();
    this.#cancelNote?.();
    this.#cancelKeep = null;
    this.#cancelNote = null;
  }
}

function fill(view: DataView, owner: number, end: LogPosition, clean: boolean): void {
  view.setUint32(0, owner, true);
  view.setUint32(4, clean ? 1 : 0, true);
  view.setUint32(8, end.segment, true);
  view.setUint32(12, end.position, true);
  view.setUint32(16, end.crc, true);
}

/** Where the mark is. */
export function logEndPath(directory: string): string {
  return `${directory}/end`;
}
