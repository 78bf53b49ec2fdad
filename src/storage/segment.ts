import { assert } from "../base/assert.ts";
import { StorageError } from "./storage-error.ts";
import type { Disk } from "../ports/disk.ts";
import { ByteCursor, MalformedError } from "./byte-cursor.ts";
import {
  claimedFrameBytes,
  FILE_HEADER_BYTES,
  fileVersion,
  findFrame,
  LOG_FORMAT_VERSION,
  mendFileHeader,
  readFrame,
  type Frame,
} from "./frame.ts";
import type { LogScalars, LogWrite } from "./log-scalars.ts";
import { readRecord, UnknownRecordError, type LogRecord, type SegmentStart } from "./record.ts";

/** A segment that has been read. */
export interface Segment {
  readonly path: string;
  readonly segment: number;
  /** The scalars where it begins. */
  readonly start: LogScalars;
  readonly previousEnd: number;
  readonly previousCrc: number;
  readonly groups: readonly (readonly LogWrite[])[];
  /** Behind the last batch; a seal does not count. */
  readonly end: number;
  /** Of the last batch. */
  readonly lastCrc: number;
  readonly lastFrame: { readonly position: number; readonly bytes: Uint8Array };
  /** Number of the file in which the log goes on; null: not sealed. */
  readonly sealedTo: number | null;
  /** The lowest index an append of this segment begins at. */
  readonly lowestAppend: number;
  /** Something that is no frame stands behind the end, and looks like one that was cut off. */
  readonly torn: boolean;
}

/** Where a segment must end because the next one says so; null: it is the newest. */
export type ExpectedEnd = { readonly end: number; readonly crc: number } | null;

export const WAY_OUT =
  'If the other nodes are up and hold the data: move this node\'s data directory away, run "all forget NODE" with this ' +
  "node's number in the management prompt, and start it again; it takes everything from the others. " +
  "Otherwise restore the directory from a copy";

export function damaged(path: string, position: number, what: string): StorageError {
  return new StorageError(
    "LOG_DAMAGED",
    `the log is damaged: ${what} (${path}, byte ${position}). ${WAY_OUT}`,
  );
}

export function unknownFormat(path: string, what: string): StorageError {
  return new StorageError(
    "UNKNOWN_FORMAT",
    `${path} has ${what}: another version of omnikv wrote it. Start that version, or a newer one`,
  );
}

/**
 * Reads a whole segment and checks every byte of it that was durable.
 * @throws StorageError
 */
export function readSegment(
  disk: Disk,
  path: string,
  number: number,
  expected: ExpectedEnd,
): Segment {
  const bytes = disk.read(path, 0, disk.size(path));
  if (readFrame(bytes, FILE_HEADER_BYTES)?.segment === number) mendFileHeader(bytes);
  checkFileHeader(path, bytes);
  const groups: (readonly LogWrite[])[] = [];
  let start: SegmentStart | null = null;
  let sealedTo: number | null = null;
  let end = FILE_HEADER_BYTES;
  let lastStart = 0;
  let lastCrc = 0;
  let at = end;
  const stop = expected?.end ?? bytes.length;
  while (sealedTo === null && at < stop) {
    const frame = nextFrame(bytes, at, number, lastCrc);
    if (frame === null) break;
    for (const record of recordsOf(path, bytes, frame)) {
      if (record.kind === "start") start = record;
      else if (record.kind === "group") groups.push(record.writes);
      else sealedTo = record.nextFile;
    }
    if (sealedTo === null) {
      // The file header is written together with the first frame.
      lastStart = at === FILE_HEADER_BYTES ? 0 : at;
      end = frame.bodyEnd;
      lastCrc = frame.crc;
    }
    at = frame.bodyEnd;
  }
  if (expected !== null && (end !== expected.end || lastCrc !== expected.crc)) {
    throw damaged(path, at, "bytes that were durable cannot be read back");
  }
  if (expected === null && sealedTo === null) checkTail(path, bytes, at, number);
  if (start === null) throw damaged(path, FILE_HEADER_BYTES, "a segment has no beginning");
  return {
    path,
    segment: number,
    start: start.scalars,
    previousEnd: start.previousEnd,
    previousCrc: start.previousCrc,
    groups,
    end,
    lastCrc,
    lastFrame: { position: lastStart, bytes: bytes.subarray(lastStart, end) },
    sealedTo,
    lowestAppend: lowestAppend(groups),
    torn: expected === null && sealedTo === null && looksTorn(bytes, at, number),
  };
}

function checkFileHeader(path: string, bytes: Uint8Array): void {
  const version = fileVersion(bytes);
  const isWhole =
    version !== null && bytes.subarray(12, FILE_HEADER_BYTES).every((byte) => byte === 0);
  if (!isWhole) throw damaged(path, 0, "the first bytes of a segment are not its own");
  if (version !== LOG_FORMAT_VERSION) throw unknownFormat(path, `log format ${version}`);
}

function nextFrame(bytes: Uint8Array, at: number, number: number, lastCrc: number): Frame | null {
  const frame = readFrame(bytes, at);
  if (frame === null || frame.segment !== number) return null;
  return frame.previousCrc === lastCrc ? frame : null;
}

/** F2: nothing valid may stand behind the end. */
function checkTail(path: string, bytes: Uint8Array, end: number, number: number): void {
  const later = findFrame(bytes, end, number);
  if (later === null) return;
  const what = `bytes that were durable cannot be read back; whole records follow at byte ${later}`;
  throw damaged(path, end, what);
}

function looksTorn(bytes: Uint8Array, end: number, number: number): boolean {
  const claimed = claimedFrameBytes(bytes, end);
  if (claimed === null) return end < bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.getUint32(end + 8, true) === number && view.getUint32(end + 12, true) === end;
}

function recordsOf(path: string, bytes: Uint8Array, frame: Frame): LogRecord[] {
  const cursor = new ByteCursor(bytes, frame.bodyStart, frame.bodyEnd);
  const records: LogRecord[] = [];
  try {
    for (let record = readRecord(cursor); record !== null; record = readRecord(cursor)) {
      records.push(record);
    }
  } catch (error) {
    if (error instanceof UnknownRecordError) throw unknownFormat(path, `a ${error.message}`);
    if (error instanceof MalformedError) throw damaged(path, frame.bodyStart, error.message);
    throw error;
  }
  assert(records.length > 0, "a frame holds a record");
  return records;
}

function lowestAppend(groups: readonly (readonly LogWrite[])[]): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (const writes of groups) {
    for (const write of writes) {
      if (write.kind === "append") lowest = Math.min(lowest, write.fromIdx);
    }
  }
  return lowest;
}
