/** Reads the segments back after a start, and tells a batch that was never completed from damage. */
import type { DurableState } from "../omnipaxos/index.ts";
import type { Disk } from "../ports/disk.ts";
import type { SnapshotName } from "../wire/host-message.ts";
import { applyToScalars, newScalars, type Scalars } from "./log-image.ts";
import {
  FORMAT_VERSION,
  laterRecord,
  RECORD_HEADER_BYTES,
  recordAt,
  SEGMENT_HEADER_BYTES,
  SEGMENT_MAGIC,
  segmentName,
  segmentNumber,
} from "./segment-format.ts";
import { StorageError } from "./storage-error.ts";
import { BodyError, readBody, type RecordItem } from "./write-codec.ts";

export interface SegmentInfo {
  readonly number: number;
  /** One past the highest index of an entry that was ever written to it. */
  entriesEnd: number;
}

export interface RecoveredLog {
  readonly scalars: Scalars;
  /** Undefined: nothing was ever written. */
  readonly state: DurableState<Uint8Array, SnapshotName> | undefined;
  /** With records, ascending. The last is the one to go on with. */
  readonly segments: SegmentInfo[];
  /** Where the next record of the last segment goes, and its ordinal. */
  readonly end: number;
  readonly ordinal: number;
  /** Bytes at `end` of a batch that was never completed. */
  readonly tornBytes: number;
  /** Prepared segments that were never used. */
  readonly unused: readonly number[];
}

const OUT =
  "Restore this node's data directory from a backup of this node, or, when all other nodes are up and level, move it " +
  'away, run "all forget <this node>" in the management prompt and start the node again';

/** @throws StorageError */
export function recoverLog(disk: Disk, directory: string): RecoveredLog {
  const numbers = disk
    .list(directory)
    .map(segmentNumber)
    .filter((number) => number !== null);
  const scalars = newScalars();
  const log = new EntryLog();
  const segments: SegmentInfo[] = [];
  const unused: number[] = [];
  let last = { end: SEGMENT_HEADER_BYTES, ordinal: 0, tornBytes: 0, path: "" };
  for (const number of numbers) {
    const path = `${directory}/${segmentName(number)}`;
    const bytes = Buffer.from(disk.read(path, 0, disk.size(path)));
    checkHeader(path, bytes, number);
    const first = recordAt(bytes, SEGMENT_HEADER_BYTES, number, 0);
    if (first === null && laterRecord(bytes, SEGMENT_HEADER_BYTES, number, 0) === null) {
      // Prepared and never used, or its first batch was never completed.
      unused.push(number);
      continue;
    }
    const previous = segments.at(-1);
    if (last.tornBytes > 0) throw damaged(last.path, last.end, "a record is damaged");
    if (unused.length > 0) throw missing(directory, unused[0] ?? 0);
    if (previous !== undefined && number !== previous.number + 1) {
      throw missing(directory, previous.number + 1);
    }
    const info: SegmentInfo = { number, entriesEnd: 0 };
    segments.push(info);
    last = { ...readSegment(path, bytes, info, scalars, log), path };
  }
  if (segments.length === 0) {
    return { scalars, state: undefined, segments, end: 0, ordinal: 0, tornBytes: 0, unused };
  }
  const entries = log.slice(scalars.compactedIdx, scalars.logEnd);
  if (entries === null) throw missing(directory, (segments[0]?.number ?? 1) - 1);
  const { logEnd, ...rest } = scalars;
  const state = { ...rest, entries };
  checkState(directory, scalars);
  return { scalars: { ...rest, logEnd }, state, segments, unused, ...last };
}

function checkHeader(path: string, bytes: Buffer, number: number): void {
  const header = bytes.subarray(0, SEGMENT_HEADER_BYTES);
  // Prepared and never used, or torn when first used.
  if (header.length < SEGMENT_HEADER_BYTES || header.every((byte) => byte === 0)) return;
  if (!header.subarray(0, 8).equals(SEGMENT_MAGIC)) {
    throw new StorageError("LOG_DAMAGED", `${path}: offset 0: this is no log segment. ${OUT}`);
  }
  const version = header.readUInt32LE(8);
  if (version !== FORMAT_VERSION) {
    throw new StorageError(
      "UNKNOWN_FORMAT",
      `${path}: written in format ${version}, this program reads format ${FORMAT_VERSION}; use the version of ` +
        `omnikv that wrote it`,
    );
  }
  if (header.readUInt32LE(12) !== number) {
    throw damaged(path, 12, `the segment says that it is number ${header.readUInt32LE(12)}`);
  }
}

function readSegment(
  path: string,
  bytes: Buffer,
  info: SegmentInfo,
  scalars: Scalars,
  log: EntryLog,
): { end: number; ordinal: number; tornBytes: number } {
  let offset = SEGMENT_HEADER_BYTES;
  let ordinal = 0;
  for (;;) {
    const body = recordAt(bytes, offset, info.number, ordinal);
    if (body === null) break;
    try {
      for (const item of readBody(body)) {
        applyToScalars(scalars, item);
        log.apply(item);
        if (item.kind !== "append") continue;
        info.entriesEnd = Math.max(info.entriesEnd, item.fromIdx + item.entries.length);
      }
    } catch (error) {
      if (!(error instanceof BodyError)) throw error;
      throw damaged(path, offset, error.message);
    }
    offset += RECORD_HEADER_BYTES + body.length;
    ordinal += 1;
  }
  const later = laterRecord(bytes, offset, info.number, ordinal);
  if (later !== null) {
    throw damaged(path, offset, `a record is damaged, and a whole one follows at ${later}`);
  }
  let tail = bytes.length;
  while (tail > offset && bytes[tail - 1] === 0) tail -= 1;
  return { end: offset, ordinal, tornBytes: tail - offset };
}

/** Relations that every durable prefix of the writes keeps: a breach is damage that the checksums did not see. */
function checkState(directory: string, scalars: Scalars): void {
  const { compactedIdx, decidedIdx, logEnd, snapshot, stopSign } = scalars;
  const end = logEnd + (stopSign === null ? 0 : 1);
  if (decidedIdx <= end && compactedIdx <= decidedIdx && (snapshot?.idx ?? 0) <= decidedIdx) return;
  throw damaged(
    directory,
    0,
    `the log contradicts itself (${compactedIdx}, ${decidedIdx}, ${end})`,
  );
}

function damaged(path: string, offset: number, what: string): StorageError {
  return new StorageError("LOG_DAMAGED", `${path}: offset ${offset}: ${what}. ${OUT}`);
}

function missing(directory: string, number: number): StorageError {
  const path = `${directory}/${segmentName(number)}`;
  return new StorageError(
    "LOG_DAMAGED",
    `${path}: offset 0: the segment is missing or empty. ${OUT}`,
  );
}

/** Entries by index, holes where segments were deleted. */
class EntryLog {
  readonly #entries: (Uint8Array | undefined)[] = [];
  /** Index of the first element. */
  #base = -1;

  apply(item: RecordItem): void {
    if (item.kind === "append") {
      if (this.#base < 0) this.#base = item.fromIdx;
      if (item.fromIdx < this.#base) {
        this.#entries.length = 0;
        this.#base = item.fromIdx;
      }
      this.#entries.length = item.fromIdx - this.#base;
      for (const entry of item.entries) this.#entries.push(entry);
    } else if (item.kind === "compact" && this.#base >= 0) {
      const drop = Math.min(item.idx - this.#base, this.#entries.length);
      if (drop <= 0) return;
      this.#entries.splice(0, drop);
      this.#base = item.idx;
    }
  }

  /** [from, to), or null when some of it is not there. */
  slice(from: number, to: number): Uint8Array[] | null {
    const slice: Uint8Array[] = [];
    for (let idx = from; idx < to; idx++) {
      const entry = this.#entries[idx - this.#base];
      if (entry === undefined) return null;
      slice.push(entry);
    }
    return slice;
  }
}
