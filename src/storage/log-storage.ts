/**
 * The node's log on disk: group commit into preallocated segments.
 *
 * Invariants:
 *   L1. One batch is one record is one durable write; at most one is under way, and what is staged meanwhile is the next.
 *       So a group is reported durable only when it and all before it are.
 *   L2. A failed write or sync is never repeated: the failure is reported once and nothing is written any more. The one
 *       exception is a full disk, where the platform says that the write did not happen.
 *   L3. Each segment begins with all scalars, so that it can be read without those before it, whose entries are compacted.
 *   L4. A segment is deleted only after the compaction that makes it superfluous is durable, oldest first.
 */
import { assert } from "../base/assert.ts";
import type { DurableState, WriteGroup, WriteSeq } from "../omnipaxos/index.ts";
import type { Clock } from "../ports/clock.ts";
import { DiskFullError, type Disk, type DiskFile } from "../ports/disk.ts";
import type { Logger } from "../ports/logger.ts";
import type { SnapshotName } from "../wire/host-message.ts";
import { applyToScalars, checkpointItems, type Scalars } from "./log-image.ts";
import { recoverLog, type RecoveredLog, type SegmentInfo } from "./log-recovery.ts";
import {
  RECORD_HEADER_BYTES,
  sealRecord,
  SEGMENT_HEADER_BYTES,
  segmentName,
  writeSegmentHeader,
} from "./segment-format.ts";
import { SegmentPreparer } from "./segment-preparer.ts";
import { RecordBuffer } from "./write-codec.ts";

export interface LogStorageOptions {
  readonly segmentBytes: number;
}

export interface LogStorageEvents {
  /** All groups up to `seq` are durable. */
  onDurable(seq: WriteSeq): void;
  /** At most once: nothing is written any more, and the process must end. */
  onFailure(error: Error): void;
  /** Whether the disk has room for another segment. */
  onRoom(hasRoom: boolean): void;
}

export interface LogStats {
  readonly logBytes: number;
  readonly segments: number;
  readonly syncs: number;
  readonly lastSyncMs: number | null;
}

interface Batch {
  buffer: RecordBuffer;
  /** As they were before this batch. */
  readonly before: Scalars;
  seq: WriteSeq;
  entriesEnd: number;
  compactedIdx: number;
}

const FULL_RETRY_MS = 500;
const RESERVED_BYTES = SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES;

export class LogStorage {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #options: LogStorageOptions;
  readonly #events: LogStorageEvents;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #preparer: SegmentPreparer;
  readonly #scalars: Scalars;
  readonly #segments: SegmentInfo[];
  readonly #spare: RecordBuffer[] = [];
  #file: DiskFile | null = null;
  #position: number;
  #ordinal: number;
  #filling: Batch | null = null;
  #writing: Batch | null = null;
  #hasRoom = true;
  #failed = false;
  #closed: (() => void) | null = null;
  #syncs = 0;
  #lastSyncMs: number | null = null;

  /**
   * Recovers, synchronously.
   * @throws StorageError when the log is damaged or of another version
   */
  static open(
    disk: Disk,
    directory: string,
    options: LogStorageOptions,
    events: LogStorageEvents,
    logger: Logger,
    clock: Clock,
  ): {
    readonly storage: LogStorage;
    readonly recovered: DurableState<Uint8Array, SnapshotName> | undefined;
  } {
    disk.makeDirectory(directory);
    const log = recoverLog(disk, directory);
    const storage = new LogStorage(disk, directory, options, events, logger, clock, log);
    return { storage, recovered: log.state };
  }

  private constructor(
    disk: Disk,
    directory: string,
    options: LogStorageOptions,
    events: LogStorageEvents,
    logger: Logger,
    clock: Clock,
    log: RecoveredLog,
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#options = options;
    this.#events = events;
    this.#logger = logger;
    this.#clock = clock;
    this.#scalars = log.scalars;
    this.#segments = log.segments;
    this.#position = log.end;
    this.#ordinal = log.ordinal;
    this.#preparer = new SegmentPreparer(disk, directory, options.segmentBytes, clock, {
      onReady: () => this.#write(),
      onRoom: (hasRoom) => this.#onRoom(hasRoom),
      onFailure: (error) => this.#fail(error),
    });
    for (const number of log.unused) disk.remove(`${directory}/${segmentName(number)}`);
    const current = log.segments.at(-1);
    if (current !== undefined) {
      this.#file = disk.open(`${directory}/${segmentName(current.number)}`);
      if (log.tornBytes > 0) this.#repair(this.#file, log.end, log.tornBytes);
    }
    this.#preparer.prepare((current?.number ?? 0) + 1);
  }

  get hasRoom(): boolean {
    return this.#hasRoom;
  }

  get stats(): LogStats {
    const full = Math.max(0, this.#segments.length - 1) * this.#options.segmentBytes;
    return {
      logBytes: full + this.#position,
      segments: this.#segments.length,
      syncs: this.#syncs,
      lastSyncMs: this.#lastSyncMs,
    };
  }

  /** Adds groups to the batch that is written next. The groups' bytes are copied. */
  stage(groups: readonly WriteGroup<Uint8Array, SnapshotName>[]): void {
    if (this.#failed || this.#closed !== null) return;
    const batch = (this.#filling ??= {
      buffer: this.#spare.pop() ?? new RecordBuffer(RESERVED_BYTES),
      before: { ...this.#scalars },
      seq: 0,
      entriesEnd: 0,
      compactedIdx: 0,
    });
    for (const group of groups) {
      batch.seq = group.seq;
      for (const write of group.writes) {
        batch.buffer.put(write);
        applyToScalars(this.#scalars, write);
        if (write.kind === "append") {
          batch.entriesEnd = Math.max(batch.entriesEnd, write.fromIdx + write.entries.length);
        }
      }
    }
    batch.compactedIdx = this.#scalars.compactedIdx;
  }

  /** Writes what is staged, now or when the write under way is done. */
  flush(): void {
    this.#write();
  }

  /** Writes what is staged, then closes the files. */
  close(done: () => void): void {
    assert(this.#closed === null, "closed once");
    this.#closed = done;
    this.#preparer.close();
    this.#write();
  }

  #write(): void {
    if (this.#writing !== null || this.#failed) return;
    const batch = this.#filling;
    if (batch === null) {
      if (this.#closed !== null) this.#finishClose(this.#closed);
      return;
    }
    const fits =
      this.#file !== null &&
      this.#position + RECORD_HEADER_BYTES + batch.buffer.bodyLength <= this.#options.segmentBytes;
    if (!fits && !this.#rotate(batch)) return;
    this.#filling = null;
    this.#writing = batch;
    // Room for a segment's header is reserved in front of the record's; it is used by `rotate` only.
    const first = this.#ordinal === 0;
    const bytes = batch.buffer.view().subarray(first ? 0 : SEGMENT_HEADER_BYTES);
    const segment = this.#segments.at(-1);
    assert(segment !== undefined && this.#file !== null, "a batch is written to a segment");
    sealRecord(bytes.subarray(first ? SEGMENT_HEADER_BYTES : 0), segment.number, this.#ordinal);
    if (first) writeSegmentHeader(bytes, segment.number);
    this.#writeDurably(this.#file, bytes, batch, segment);
  }

  #writeDurably(file: DiskFile, bytes: Buffer, batch: Batch, segment: SegmentInfo): void {
    const startedMs = this.#clock.now();
    file.writeDurably(this.#position, bytes, (error) => {
      if (this.#failed) return;
      if (error instanceof DiskFullError) {
        this.#onRoom(false);
        this.#clock.after(FULL_RETRY_MS, () => this.#writeDurably(file, bytes, batch, segment));
        return;
      }
      if (error !== null) return this.#fail(error);
      this.#lastSyncMs = this.#clock.now() - startedMs;
      this.#syncs += 1;
      this.#position += bytes.length;
      this.#ordinal += 1;
      segment.entriesEnd = Math.max(segment.entriesEnd, batch.entriesEnd);
      this.#writing = null;
      batch.buffer.clear();
      if (this.#spare.length < 2) this.#spare.push(batch.buffer);
      this.#deleteBelow(batch.compactedIdx);
      this.#events.onDurable(batch.seq);
      this.#write();
    });
  }

  /** Goes on in the next segment (L3). @returns false when it is not ready: it calls back */
  #rotate(batch: Batch): boolean {
    const prepared = this.#preparer.take();
    if (prepared === null) {
      // On close the preparer is gone, and what is staged was never promised to anybody.
      if (this.#closed !== null) this.#finishClose(this.#closed);
      else this.#preparer.prepare((this.#segments.at(-1)?.number ?? 0) + 1);
      return false;
    }
    this.#file?.close((error) => {
      if (error !== null) this.#fail(error);
    });
    this.#file = prepared.file;
    this.#segments.push({ number: prepared.number, entriesEnd: 0 });
    this.#position = 0;
    this.#ordinal = 0;
    const record = this.#spare.pop() ?? new RecordBuffer(RESERVED_BYTES);
    for (const item of checkpointItems(batch.before)) record.put(item);
    record.append(batch.buffer);
    batch.buffer.clear();
    this.#spare.push(batch.buffer);
    batch.buffer = record;
    this.#preparer.prepare(prepared.number + 1);
    return true;
  }

  #deleteBelow(compactedIdx: number): void {
    while (this.#segments.length > 1 && (this.#segments[0]?.entriesEnd ?? 0) <= compactedIdx) {
      const segment = this.#segments.shift();
      if (segment === undefined) return;
      this.#disk.remove(`${this.#directory}/${segmentName(segment.number)}`);
      this.#logger.debug("log segment deleted", { segment: segment.number, compactedIdx });
    }
  }

  /** The batch was never completed, so never acknowledged: it is wiped out before anything is written after it. */
  #repair(file: DiskFile, offset: number, bytes: number): void {
    this.#logger.warn("the log ends in a batch that was never completed; it is removed", {
      segment: segmentName(this.#segments.at(-1)?.number ?? 0),
      offset,
      bytes,
    });
    const onDone = (error: Error | null): void => {
      if (error !== null) this.#fail(error);
    };
    file.write(offset, Buffer.alloc(bytes), onDone);
    file.sync(onDone);
  }

  #onRoom(hasRoom: boolean): void {
    if (this.#hasRoom === hasRoom) return;
    this.#hasRoom = hasRoom;
    this.#events.onRoom(hasRoom);
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#preparer.close();
    const text = `the log cannot be written (${error.message}); what is not acknowledged may be lost`;
    this.#events.onFailure(new Error(text, { cause: error }));
  }

  #finishClose(done: () => void): void {
    const file = this.#file;
    this.#file = null;
    if (file === null) this.#clock.after(0, done);
    else file.close(() => done());
  }
}
