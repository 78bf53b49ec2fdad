import { assert, ByteReader } from "../base/index.ts";
import type { Disk } from "../machine/ports/index.ts";
import {
  claimedFrameBytes,
  FILE_HEADER_BYTES,
  fileVersion,
  findFrame,
  isKnownVersion,
  LOG_FORMAT_VERSION,
  mendFileHeader,
  OWNERLESS_FORMAT_VERSION,
  readFrame,
  saltOf,
  type Frame,
  UNSALTED_FORMAT_VERSION,
} from "./frame.ts";
import type { LogPosition } from "./log-end.ts";
import { damaged, foreignLog, unknownFormat } from "./log-errors.ts";
import type { LogScalars, LogWrite } from "./log-scalars.ts";
import {
  MalformedError,
  namesOwner,
  readRecord,
  UnknownRecordError,
  type LogRecord,
  type SegmentStart,
} from "./record.ts";

/** A segment that has been read. */
export interface Segment {
  readonly path: string;
  readonly segment: number;
  /** What its checksums begin with. */
  readonly salt: number;
  /** Null: written before logs had owners. */
  readonly owner: number | null;
  /** The scalars where it begins. */
  readonly start: LogScalars;
  readonly previousEnd: number;
  readonly previousCrc: number;
  readonly groups: readonly (readonly LogWrite[])[];
  /** Behind the last batch; a seal does not count. */
  readonly end: number;
  /** The checksum of the last batch. */
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
type ExpectedEnd = { readonly end: number; readonly crc: number } | null;

/** What is known of the log a segment is part of. */
export interface LogExpectation {
  /** Crc of the id of the data directory. */
  readonly owner: number;
  /** Batches of the log ended there. */
  readonly marks: readonly KnownEnd[];
}

/** A place in the log behind a batch that was durable, as something beside the segments says. */
export interface KnownEnd extends LogPosition {
  /** What to think when that batch is not there. */
  readonly suspicion: string;
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
  { owner, marks }: LogExpectation,
): Segment {
  const bytes = disk.read(path, 0, disk.size(path));
  const first = readFrame(bytes, FILE_HEADER_BYTES);
  if (first?.segment === number) mendFileHeader(bytes, versionOf(bytes, first));
  checkFileHeader(path, bytes);
  const groups: (readonly LogWrite[])[] = [];
  let start: SegmentStart | null = null;
  let sealedTo: number | null = null;
  let end = FILE_HEADER_BYTES;
  let lastStart = 0;
  let lastCrc = 0;
  let at = end;
  const unseen = new Set(marks.filter(({ segment }) => segment === number));
  const stop = expected?.end ?? bytes.length;
  while (sealedTo === null && at < stop) {
    const frame = nextFrame(bytes, at, number, lastCrc);
    if (frame === null) break;
    for (const record of recordsOf(path, bytes, frame)) {
      if (record.kind === "start") start = checkedStart(path, bytes, record, owner);
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
    for (const mark of unseen) {
      if (end === mark.position && lastCrc === mark.crc) unseen.delete(mark);
    }
  }
  for (const { position, suspicion } of unseen) {
    // Where the newest segment ends before, something is missing: whoever reads the log says what.
    if (end < position && expected === null) continue;
    throw damaged(path, position, `a batch that was durable is not where it was; ${suspicion}`);
  }
  if (expected !== null && (end !== expected.end || lastCrc !== expected.crc)) {
    throw damaged(path, at, "bytes that were durable cannot be read back");
  }
  if (expected === null && sealedTo === null) checkTail(path, bytes, at, number);
  if (start === null) throw damaged(path, FILE_HEADER_BYTES, "a segment has no beginning");
  return {
    path,
    segment: number,
    salt: saltOf(bytes),
    owner: start.owner,
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
  if (version === null) throw damaged(path, 0, "the first bytes of a segment are not its own");
  if (!isKnownVersion(version)) throw unknownFormat(path, `log format ${version}`);
  if ((version === LOG_FORMAT_VERSION) !== (saltOf(bytes) !== 0)) {
    throw damaged(path, 0, "the first bytes of a segment are not its own");
  }
}

/** By the salt and the first record: that is what the versions differ in. */
function versionOf(bytes: Uint8Array, { bodyStart }: Frame): number {
  if (saltOf(bytes) !== 0) return LOG_FORMAT_VERSION;
  return namesOwner(bytes[bodyStart]) ? UNSALTED_FORMAT_VERSION : OWNERLESS_FORMAT_VERSION;
}

function checkedStart(
  path: string,
  bytes: Uint8Array,
  start: SegmentStart,
  owner: number,
): SegmentStart {
  if ((start.owner === null) !== (fileVersion(bytes) === OWNERLESS_FORMAT_VERSION)) {
    throw damaged(path, 0, "the first bytes of a segment are not its own");
  }
  if (start.owner !== null && start.owner !== owner) throw foreignLog(path);
  return start;
}

function nextFrame(bytes: Uint8Array, at: number, number: number, lastCrc: number): Frame | null {
  const frame = readFrame(bytes, at);
  if (frame === null || frame.segment !== number) return null;
  return frame.previousCrc === lastCrc ? frame : null;
}

/** FRAME-2: nothing valid may stand behind the end. */
function checkTail(path: string, bytes: Uint8Array, end: number, number: number): void {
  const later = findFrame(bytes, end, number);
  if (later === null) return;
  const what = `bytes that were durable cannot be read back; whole records follow at byte ${later}`;
  throw damaged(path, end, what);
}

/** What was never used is zeros, and what was used before is no frame of this segment; neither was cut off. */
function looksTorn(bytes: Uint8Array, end: number, number: number): boolean {
  const claimed = claimedFrameBytes(bytes, end);
  if (claimed === null) return bytes.subarray(end).some((byte) => byte !== 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.getUint32(end + 8, true) === number && view.getUint32(end + 12, true) === end;
}

function recordsOf(path: string, bytes: Uint8Array, frame: Frame): LogRecord[] {
  const reader = new ByteReader().reset(bytes, frame.bodyStart, frame.bodyEnd);
  const records: LogRecord[] = [];
  try {
    for (let record = readRecord(reader); record !== null; record = readRecord(reader)) {
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
