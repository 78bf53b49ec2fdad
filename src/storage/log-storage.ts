/**
 * The log on disk: write groups in, durable in order, one write at a time. docs/storage.md has the formats.
 *
 * Invariants:
 *   LOG-1. At most one batch is under way. Everything staged meanwhile goes with the next one (group commit).
 *   LOG-2. `onDurable(seq)` is called only when every group up to seq is durable; in order.
 *   LOG-3. After a failed write or sync nothing is written any more, and `onFailure` is called once. A full disk is no
 *       failure: the same bytes are written again to the same place when there is room (the port allows that).
 *   LOG-4. A segment leaves the log only when the compaction that makes it unnecessary is durable, and no write to it is under
 *       way.
 *   LOG-5. The log's end is noted when the messages that waited for the batch have left: at the end of the turn, so that no message
 *       waits for the note.
 */
import { assert, LATENCY_BUCKETS, latencyBucket, systemCode } from "../base/index.ts";
import { StorageError } from "./storage-error.ts";
import type { DurableState, WriteGroup, WriteSeq } from "../omnipaxos/index.ts";
import {
  type CancelTimer,
  type Clock,
  type Disk,
  type DiskFile,
  DiskFullError,
  type Logger,
  type Random,
} from "../machine/ports/index.ts";
import { Batch, SEAL_BYTES_MAX, sealFrame } from "./batch.ts";
import { LiveBytes } from "./live-bytes.ts";
import { LOG_START, LogEnd, type LogPosition } from "./log-end.ts";
import { FOREIGN, readLog, recoverLog, type RecoveredLog } from "./recovery.ts";
import { SegmentList, type ListedSegment } from "./segment-list.ts";
import type { SnapshotName } from "../protocol/messages/index.ts";
import { ROOM_RETRY_MS, SpareSegments, type SpareFile } from "./spare-segments.ts";

interface LogStorageOptions {
  /** Size of a segment file. A batch that does not fit one makes its segment larger. */
  readonly segmentBytes: number;
  /** The owner of the log: the crc of the id of the data directory. */
  readonly owner: number;
  /** The log was written to before: a directory without any log is damaged. Default: false. */
  readonly mustExist?: boolean;
  /** Salts the segments: see FRAME-2. */
  readonly random: Random;
  /** The log was durable up to here, by a note kept elsewhere: a log that ends before is damaged. Default: there is no note. */
  readonly reached?: LogPosition;
}

interface LogStorageHooks {
  /** Every group up to and including this one is durable. */
  onDurable(seq: WriteSeq): void;
  /** Nothing more will become durable: the process must stop. Called at most once. */
  onFailure(error: Error): void;
  /**
   * False: the disk is full; what is staged from now on may have to wait, so do not propose. True: it has room again.
   * @param lack what is lacking; null: nothing
   */
  onRoom(hasRoom: boolean, lack: DiskFullError | null): void;
}

interface LogStats {
  /** Bytes of the log, without what is preallocated. */
  readonly logBytes: number;
  readonly segments: number;
  /** Batches made durable in this run. */
  readonly syncs: number;
  /** How long the last one took; null: none yet. */
  readonly lastSyncMs: number | null;
  /** How many took how long, by latencyBucket; a copy. */
  readonly syncLatency: readonly number[];
  /** How long all of them took together. */
  readonly syncMs: number;
}

/** A file of the log. */
export interface LogFile {
  readonly path: string;
  /** Durable in it. */
  readonly bytes: number;
  /** It is written to. */
  readonly isOpen: boolean;
}

/** A batch is not made larger than this, but for a single group that is. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** Buffers larger than this are not kept for the next batch. */
const BUFFER_KEPT_BYTES_MAX = 8 * 1024 * 1024;
/** As much may wait for a full disk; beyond it the node stops rather than run out of memory. */
const STAGED_BYTES_MAX = 256 * 1024 * 1024;
/** The log is written anew when it has so many segments, and is so many times larger than the entries in it. */
const WASTE_SEGMENTS_MIN = 8;
const WASTE_FACTOR = 4;

interface Attempt {
  readonly batch: Batch;
  readonly segment: ListedSegment;
  readonly file: DiskFile;
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly crc: number;
  /** The lowest index of an append in these bytes. */
  readonly lowestAppend: number;
}

/** What there is of the log on disk. */
interface Opened {
  readonly segments: SegmentList;
  readonly durableEnd: LogPosition;
  readonly end: LogEnd;
  readonly spares: SpareSegments;
}

export class LogStorage {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #segmentBytes: number;
  readonly #batchBytesMax: number;
  readonly #hooks: LogStorageHooks;
  readonly #logger: Logger;
  readonly #owner: number;
  readonly #random: Random;
  readonly #spares: SpareSegments;
  readonly #end: LogEnd;
  readonly #segments: SegmentList;
  readonly #live = new LiveBytes();
  /** Full batches, oldest first; #filling comes after them. */
  readonly #full: Batch[] = [];
  #filling: Batch;
  #idle: Batch | null = null;
  #attempt: Attempt | null = null;
  #flushWanted = false;
  /** What the last attempt to write lacked; null: nothing. */
  #attemptLack: DiskFullError | null = null;
  #reportedRoom = true;
  #cancelRetry: CancelTimer = () => {};
  #failed = false;
  #ended = false;
  #onClosed: (() => void) | null = null;
  /** Behind the last durable batch. */
  #durableEnd: LogPosition;
  #noteIsDue = false;
  #durableSnapshot: SnapshotName | null;
  /** The compacted index that is durable. */
  #compactedIdx: number;
  #stagedSeq: WriteSeq = 0;
  #fullBytes = 0;
  #syncs = 0;
  #lastSyncMs: number | null = null;
  readonly #syncLatency: number[] = Array.from({ length: LATENCY_BUCKETS }, () => 0);
  #syncMs = 0;

  private constructor(
    disk: Disk,
    directory: string,
    options: LogStorageOptions,
    hooks: LogStorageHooks,
    logger: Logger,
    clock: Clock,
    log: RecoveredLog,
    { segments, durableEnd, end, spares }: Opened,
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#clock = clock;
    this.#segmentBytes = options.segmentBytes;
    this.#owner = options.owner;
    this.#random = options.random;
    this.#batchBytesMax = Math.min(BATCH_BYTES_MAX, options.segmentBytes / 4);
    this.#hooks = hooks;
    this.#logger = logger;
    this.#filling = new Batch(log.scalars, this.#live);
    this.#durableSnapshot = log.scalars.snapshot;
    this.#compactedIdx = log.scalars.compactedIdx;
    if (log.state !== undefined) this.#live.append(this.#compactedIdx, log.state.entries);
    this.#segments = segments;
    this.#durableEnd = durableEnd;
    this.#end = end;
    this.#spares = spares;
  }

  /**
   * Recovers what is on disk, synchronously, and begins to prepare a segment.
   * @param directory created when it is missing
   * @returns recovered: undefined when nothing was ever made durable
   * @throws StorageError LOG_DAMAGED, UNKNOWN_FORMAT
   */
  static open(
    disk: Disk,
    directory: string,
    options: LogStorageOptions,
    hooks: LogStorageHooks,
    logger: Logger,
    clock: Clock,
  ): {
    readonly storage: LogStorage;
    readonly recovered: DurableState<Uint8Array, SnapshotName> | undefined;
  } {
    disk.makeDirectory(directory);
    const { owner, mustExist = false, reached = LOG_START } = options;
    const mark = LogEnd.read(disk, directory);
    const log = recoverLog(disk, directory, { owner, mustExist, mark, reached }, logger);
    const segments = new SegmentList(log.segments);
    const durableEnd = openNewest(disk, segments, log);
    const fail = (error: Error): void => storage.#fail(error);
    const end = LogEnd.open(disk, directory, owner, durableEnd, clock, fail);
    const spareHooks = {
      onReady: () => storage.#pump(),
      onRoom: () => {
        storage.#reportRoom();
        storage.#closeIfIdle();
      },
      onFailure: fail,
    };
    const { segmentBytes } = options;
    const spares = SpareSegments.open(disk, directory, segmentBytes, clock, spareHooks, log);
    const opened = { segments, durableEnd, end, spares };
    // The disk calls back later, when there is a storage.
    const storage: LogStorage = new LogStorage(
      disk,
      directory,
      options,
      hooks,
      logger,
      clock,
      log,
      opened,
    );
    spares.prepare();
    return { storage, recovered: log.state };
  }

  /** False while the disk is full. */
  get hasRoom(): boolean {
    return this.lack === null;
  }

  /** Why the log cannot be written now; null: it can. */
  get lack(): DiskFullError | null {
    return this.#attemptLack ?? this.#spares.lack;
  }

  /** The snapshot that a restart would find in the log, if nothing were under way. */
  get durableSnapshot(): SnapshotName | null {
    return this.#durableSnapshot;
  }

  /**
   * The snapshots that a restart could find in the log, now or once the staged groups are written: their files must stay. A batch
   * that is under way counts as much as a durable one: when power is lost, all of it may be on the disk already.
   */
  get namedSnapshots(): readonly SnapshotName[] {
    const underWay = this.#attempt === null ? [] : [this.#attempt.batch];
    const batches = [...underWay, ...this.#full, this.#filling];
    const named = [this.#durableSnapshot, ...batches.map(({ after }) => after.snapshot)];
    return named.filter((name) => name !== null);
  }

  /** Behind the last batch that is durable. */
  get durableEnd(): LogPosition {
    return this.#durableEnd;
  }

  /** What a start would need of each segment. */
  get files(): readonly LogFile[] {
    const attempt = this.#attempt;
    return this.#segments.durable.map((segment) => ({
      path: segment.path,
      bytes: attempt?.segment === segment ? attempt.position : segment.bytes,
      isOpen: segment.file !== null,
    }));
  }

  get stats(): LogStats {
    return {
      logBytes: this.#segments.bytes,
      segments: this.#segments.length,
      syncs: this.#syncs,
      lastSyncMs: this.#lastSyncMs,
      syncLatency: [...this.#syncLatency],
      syncMs: this.#syncMs,
    };
  }

  /**
   * Takes groups over, in order; their bytes are copied. Nothing is written before `flush`.
   * @returns false when they hold nothing but decided indexes, which may wait for the next group that matters
   */
  stage(groups: readonly WriteGroup<Uint8Array, SnapshotName>[]): boolean {
    if (this.#failed) return false;
    let urgent = false;
    for (const group of groups) {
      assert(group.seq > this.#stagedSeq, "write groups are staged in order");
      this.#stagedSeq = group.seq;
      if (this.#filling.length >= this.#batchBytesMax) this.#setAside();
      this.#filling.add(group);
      urgent ||= group.writes.some((write) => write.kind !== "decided");
    }
    if (this.#fullBytes > STAGED_BYTES_MAX && !this.hasRoom) {
      const megabytes = Math.round(this.#fullBytes / (1024 * 1024));
      const text =
        `the disk has been full for so long that ${megabytes} MiB wait to be written, and no more of it is kept in memory. ` +
        `Make room where the data directory is, then start this node again`;
      this.#fail(new StorageError("DISK_FULL", text));
    }
    return urgent;
  }

  /** Makes what is staged durable: now, or with the next batch when one is under way. */
  flush(): void {
    this.#flushWanted = true;
    this.#pump();
  }

  /** Makes what is staged durable if the disk lets it, closes the files and calls back. Nothing may be staged after it. */
  close(done: () => void): void {
    this.#onClosed = done;
    this.flush();
    this.#closeIfIdle();
  }

  #setAside(): void {
    this.#full.push(this.#filling);
    this.#fullBytes += this.#filling.length;
    this.#filling = new Batch(this.#filling.after, this.#live);
  }

  #pump(): void {
    if (this.#attempt !== null || this.#failed || !this.#flushWanted) return;
    const batch = this.#full[0] ?? this.#filling;
    if (batch.isEmpty) {
      this.#flushWanted = false;
      return;
    }
    const last = this.#segments.newest;
    const fits =
      last !== undefined &&
      !last.sealed &&
      last.bytes + batch.length + SEAL_BYTES_MAX <= this.#segmentBytes;
    if (fits) this.#append(batch, last);
    else this.#beginSegment(batch, last);
  }

  #append(batch: Batch, segment: ListedSegment): void {
    assert(segment.file !== null, "the newest segment is open");
    this.#unqueue(batch);
    const position = segment.bytes;
    const { bytes, crc } = batch.finish(segment);
    segment.bytes += bytes.length;
    segment.crc = crc;
    const { lowestAppend } = batch;
    this.#write({ batch, segment, file: segment.file, position, bytes, crc, lowestAppend });
  }

  #beginSegment(batch: Batch, last: ListedSegment | undefined): void {
    const spare = this.#spares.take();
    if (spare === null) return;
    const file = this.#openSpare(spare);
    if (file === null) return;
    const carried = this.#carried();
    this.#unqueue(batch);
    const number = (last?.segment ?? 0) + 1;
    // Not 0, which is that of files without one.
    const salt = Math.max(1, this.#random.uint32());
    const { bytes, crc } = batch.finishFirst(
      this.#owner,
      salt,
      number,
      last?.bytes ?? 0,
      last?.crc ?? 0,
      carried,
    );
    if (last !== undefined && last.file !== null) this.#seal(last, last.file, spare.number);
    const segment: ListedSegment = {
      path: spare.path,
      segment: number,
      startIdx: Number.POSITIVE_INFINITY,
      lowestAppend: Number.POSITIVE_INFINITY,
      bytes: bytes.length,
      crc,
      salt,
      sealed: false,
      file,
    };
    this.#segments.push(segment);
    const lowestAppend = carried === null ? batch.lowestAppend : batch.before.compactedIdx;
    this.#write({ batch, segment, file, position: 0, bytes, crc, lowestAppend });
  }

  /** Null: it could not be opened; when that may change it is tried again. */
  #openSpare(spare: SpareFile): DiskFile | null {
    try {
      return this.#disk.open(spare.path);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#spares.giveBack(spare);
      if (error instanceof DiskFullError) this.#waitForRoom(error, () => this.#pump());
      else this.#fail(error);
      return null;
    }
  }

  /**
   * Promises, decided indexes and overwritten entries can pile up while compaction stands still, in segments that cannot
   * go because of a few entries in an old one. Then those entries are written once more at the head of the new segment.
   * Reading them back stops the node for some tenths of a second, once in many segments of such waste.
   */
  #carried(): readonly Uint8Array[] | null {
    const { length, bytes } = this.#segments;
    if (length < WASTE_SEGMENTS_MIN || bytes < WASTE_FACTOR * this.#live.bytes) return null;
    // No write is under way, so the disk holds all groups but those of the batch for which the new segment is made.
    const entries = this.#readEntries();
    if (entries === null) return null;
    this.#logger.info("the log is mostly waste and is written anew", { segments: length, bytes });
    return entries;
  }

  /** Null: no file can be opened now; the next segment is another opportunity. */
  #readEntries(): readonly Uint8Array[] | null {
    try {
      return this.#readBack().state?.entries ?? [];
    } catch (error) {
      if (error instanceof DiskFullError) return null;
      throw error;
    }
  }

  #readBack(): ReturnType<typeof readLog> {
    const marks = [{ ...this.#durableEnd, suspicion: FOREIGN }];
    return readLog(this.#disk, this.#directory, { owner: this.#owner, marks });
  }

  /** Recovery needs seals for one thing only: to notice that somebody took the newest file away. */
  #seal(segment: ListedSegment, file: DiskFile, nextFile: number): void {
    segment.sealed = true;
    const frame = sealFrame(segment, nextFile);
    file.writeDurably(segment.bytes, frame, (error) => {
      if (error !== null && !(error instanceof DiskFullError)) this.#fail(error);
      file.close(() => {
        segment.file = null;
        this.#dropSegments();
        this.#closeIfIdle();
      });
    });
  }

  /** The batch leaves the queue; the next one begins with what it leaves behind. */
  #unqueue(batch: Batch): void {
    if (batch === this.#filling) {
      this.#filling = this.#idle ?? new Batch(batch.after, this.#live);
      this.#idle = null;
      this.#filling.reset(batch.after);
      this.#flushWanted = false;
    } else {
      this.#full.shift();
      this.#fullBytes -= batch.length;
    }
  }

  #write(attempt: Attempt): void {
    this.#attempt = attempt;
    const begunMs = this.#clock.now();
    attempt.file.writeDurably(attempt.position, attempt.bytes, (error) => {
      if (this.#failed) return;
      if (error === null) {
        this.#synced(this.#clock.now() - begunMs);
        this.#durable(attempt);
      } else if (error instanceof DiskFullError) {
        this.#waitForRoom(error, () => this.#write(attempt));
      } else {
        this.#fail(error);
      }
    });
  }

  #synced(ms: number): void {
    const bucket = latencyBucket(ms);
    this.#lastSyncMs = ms;
    this.#syncs += 1;
    this.#syncLatency[bucket] = (this.#syncLatency[bucket] ?? 0) + 1;
    this.#syncMs += ms;
  }

  #waitForRoom(lack: DiskFullError, retry: () => void): void {
    this.#attemptLack = lack;
    this.#reportRoom();
    this.#cancelRetry();
    this.#cancelRetry = this.#clock.after(ROOM_RETRY_MS, retry);
    this.#closeIfIdle();
  }

  #durable({ batch, segment, position, bytes, crc, lowestAppend }: Attempt): void {
    this.#attempt = null;
    this.#durableEnd = { segment: segment.segment, position: position + bytes.length, crc };
    this.#attemptLack = null;
    this.#durableSnapshot = batch.after.snapshot;
    this.#compactedIdx = batch.after.compactedIdx;
    if (position === 0) segment.startIdx = batch.before.endIdx;
    segment.lowestAppend = Math.min(segment.lowestAppend, lowestAppend);
    const { lastSeq } = batch;
    if (batch.capacity <= BUFFER_KEPT_BYTES_MAX) this.#idle = batch;
    // The callback comes first: the next write may block this very thread.
    this.#hooks.onDurable(lastSeq);
    this.#noteSoon();
    this.#pump();
    this.#dropSegments();
    this.#reportRoom();
    this.#closeIfIdle();
  }

  /** LOG-5. */
  #noteSoon(): void {
    if (this.#noteIsDue) return;
    this.#noteIsDue = true;
    this.#clock.endOfTurn(() => {
      this.#noteIsDue = false;
      // The callback may have led to a write that failed, or to the end of this log.
      if (this.#failed || this.#ended) return;
      this.#end.move(this.#durableEnd);
    });
  }

  /** Nobody waits any more for what is due at the end of the turn. */
  #stopEnd(): void {
    if (this.#noteIsDue) this.#end.move(this.#durableEnd);
    this.#end.stop();
  }

  /** LOG-4. */
  #dropSegments(): void {
    try {
      for (const path of this.#segments.drop(this.#compactedIdx)) this.#spares.recycle(path);
    } catch (error) {
      // Another program has taken the file away, or the disk refuses.
      if (!(error instanceof Error) || systemCode(error) === null) throw error;
      this.#fail(error);
    }
  }

  #reportRoom(): void {
    const { hasRoom } = this;
    if (hasRoom === this.#reportedRoom || this.#failed) return;
    this.#reportedRoom = hasRoom;
    this.#hooks.onRoom(hasRoom, this.lack);
  }

  #fail(cause: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#cancelRetry();
    this.#spares.stop();
    this.#stopEnd();
    const error =
      cause instanceof StorageError
        ? cause
        : new StorageError(
            "DISK_FAILED",
            `writing the log failed (${cause.message}); what is on the disk is not known, so the node must stop. ` +
              "Check the disk, then start it again",
            { cause },
          );
    this.#hooks.onFailure(error);
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    const done = this.#onClosed;
    if (done === null) return;
    const waits = this.#attempt !== null || !this.#filling.isEmpty || this.#full.length > 0;
    if (waits && !this.#failed && this.hasRoom) return;
    // Seals under way: each ends by closing its file, which brings us back here.
    if (this.#segments.open.some((segment) => segment.sealed)) return;
    this.#onClosed = null;
    this.#cancelRetry();
    this.#spares.stop();
    const file = this.#segments.newest?.file ?? null;
    this.#ended = true;
    const clean = this.#failed || this.#attempt !== null ? null : this.#durableEnd;
    this.#stopEnd();
    const closeEnd = (): void => this.#end.close(clean, () => done());
    if (file === null) closeEnd();
    else file.close(closeEnd);
  }
}

/** The newest segment is gone on with, unless it is sealed. @returns where the log ends */
function openNewest(disk: Disk, segments: SegmentList, { tail }: RecoveredLog): LogPosition {
  const last = segments.newest;
  if (last === undefined || tail === null) return LOG_START;
  last.crc = tail.crc;
  last.salt = tail.salt;
  last.sealed = tail.sealed;
  if (!last.sealed) last.file = disk.open(last.path);
  return { segment: last.segment, position: last.bytes, crc: last.crc };
}
