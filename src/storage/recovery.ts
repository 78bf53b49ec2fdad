/**
 * Finds the log in a directory of segment files. It only reads, with one exception: it writes the last batch again where it
 * stands, because the process that wrote it may have died before its sync, or of its sync, and a loss of power must not take
 * what this node reports from here on.
 *
 * Invariants:
 *   RECOVERY-1. The newest segment with a valid first frame is the end of the log: a first frame is written only when
 *       everything before it is durable.
 *   RECOVERY-2. Segments are numbered without gaps. An older one is read only as far back as entries are needed that stand
 *       there; what is below may be gone, or half overwritten, because it is being recycled.
 */
import { StorageError } from "./storage-error.ts";
import type { DurableState } from "../omnipaxos/index.ts";
import type { Disk, Logger } from "../machine/ports/index.ts";
import {
  claimedFrameBytes,
  FILE_HEADER_BYTES,
  FRAME_HEADER_BYTES,
  fileVersion,
  findFrame,
  isKnownVersion,
  readFrame,
} from "./frame.ts";
import { INITIAL_SCALARS, type LogScalars } from "./log-scalars.ts";
import { Replay, ReplayError } from "./replay.ts";
import { LOG_START, type EndMark, type LogPosition } from "./log-end.ts";
import { damaged, doubled, foreignLog, unknownFormat } from "./log-errors.ts";
import { readSegment, type LogExpectation, type Segment } from "./segment.ts";
import type { SnapshotName } from "../protocol/messages/index.ts";

/** What the writer must know of a segment that is part of the log. */
export interface KnownSegment {
  readonly path: string;
  readonly segment: number;
  /** End of the log where it begins. */
  readonly startIdx: number;
  readonly lowestAppend: number;
  readonly bytes: number;
}

export interface RecoveredLog {
  /** Undefined: nothing was ever written. */
  readonly state: DurableState<Uint8Array, SnapshotName> | undefined;
  readonly scalars: LogScalars;
  /** Oldest first. */
  readonly segments: readonly KnownSegment[];
  /** Where to go on; null: in a new segment. */
  readonly tail: {
    readonly position: number;
    readonly crc: number;
    readonly salt: number;
    readonly sealed: boolean;
  } | null;
  /** The file a sealed tail names: the log must go on in it, and until then it must not be removed. */
  readonly next: string | null;
  /** Files that are not part of the log, and may be used for new segments. */
  readonly free: readonly string[];
  /** No file has this number or a higher one. */
  readonly nextFile: number;
}

export function segmentFileName(file: number): string {
  return `${String(file).padStart(8, "0")}.log`;
}

interface FoundLog extends RecoveredLog {
  readonly last: Segment | null;
}

/** What is known of a log before it is read. */
interface KnownOfLog {
  /** Crc of the id of the data directory. */
  readonly owner: number;
  /** Finding nothing is damage. */
  readonly mustExist: boolean;
  /** Null: there is none. */
  readonly mark: EndMark | null;
  /** The log was durable up to here, by a note outside the log's directory, which somebody may replace as a whole. */
  readonly reached: LogPosition;
}

/** @throws StorageError */
export function recoverLog(
  disk: Disk,
  directory: string,
  { owner, mustExist, mark, reached }: KnownOfLog,
  logger: Logger,
): RecoveredLog {
  // The process before may have died between making a file and making its name durable.
  disk.syncDirectory(directory);
  if (mark !== null && mark.owner !== owner) throw foreignLog(`${directory}/end`);
  const marks = [
    { ...(mark ?? LOG_START), suspicion: FOREIGN },
    {
      ...reached,
      suspicion: '"memory" knows of it: an older log, or that of a copy, may have been put back',
    },
  ];
  const log = readLog(disk, directory, { owner, marks });
  const { last } = log;
  if (mark !== null) checkEnd(directory, last, mark);
  if (last === null && mustExist) {
    throw damaged(directory, 0, "this node has written a log, and nothing of it is here");
  }
  if (mark === null && (mustExist || (last !== null && last.owner !== null))) {
    throw damaged(`${directory}/end`, 0, "the mark of its end is missing");
  }
  const lost = missingBefore(last, reached);
  if (lost !== null) {
    const what = `${lost}, as "memory" says: an older log may have been put back`;
    throw damaged(last?.path ?? directory, endOf(last).position, what);
  }
  if (last !== null) {
    disk.writeNow(last.path, last.lastFrame.position, last.lastFrame.bytes);
    if (last.torn) {
      logger.warn(
        "the last write before the stop was cut off; nobody was told of it, and it is dropped",
        {
          file: last.path,
          position: last.end,
        },
      );
    }
  }
  return log;
}

/** Of the log, when the mark of its end is not in it. */
export const FOREIGN = "this may be the log of another node";

/** Everything that was durable when the mark was made must be there. */
function checkEnd(directory: string, last: Segment | null, mark: EndMark): void {
  const found = endOf(last);
  const missing = missingBefore(last, mark);
  if (missing !== null) throw damaged(last?.path ?? directory, found.position, missing);
  if (mark.clean && (found.segment !== mark.segment || found.position !== mark.position)) {
    const what =
      `the node stopped at byte ${mark.position} of segment ${mark.segment}, and the log goes on to byte ` +
      `${found.position} of segment ${found.segment}; ${FOREIGN}`;
    throw damaged(last?.path ?? directory, found.position, what);
  }
}

function endOf(last: Segment | null): LogPosition {
  return last === null
    ? LOG_START
    : { segment: last.segment, position: last.end, crc: last.lastCrc };
}

/** Null: the log reaches as far as it did. */
function missingBefore(last: Segment | null, reached: LogPosition): string | null {
  const found = endOf(last);
  const isThere =
    found.segment > reached.segment ||
    (found.segment === reached.segment && found.position >= reached.position);
  if (isThere) return null;
  const ends =
    last === null
      ? "nothing of it is here"
      : `the log ends at byte ${found.position} of segment ${found.segment}`;
  return `${ends}; byte ${reached.position} of segment ${reached.segment} had been durable`;
}

/** @throws StorageError */
export function readLog(disk: Disk, directory: string, expectation: LogExpectation): FoundLog {
  const names = disk.list(directory).filter((name) => /^\d{8,}\.log$/.test(name));
  const paths = names.map((name) => `${directory}/${name}`);
  const nextFile = Math.max(0, ...names.map((name) => Number.parseInt(name, 10))) + 1;
  checkFree(disk, `${directory}/${segmentFileName(nextFile)}`);
  const byNumber = new Map<number, string>();
  for (const path of paths) {
    const number = segmentNumber(disk, path);
    if (number === null) continue;
    const other = byNumber.get(number);
    if (other !== undefined) throw doubled(other, path, number);
    byNumber.set(number, path);
  }
  const newest = Math.max(0, ...byNumber.keys());
  checkHeadless(disk, paths, new Set(byNumber.values()), newest);
  if (newest === 0) {
    const scalars = INITIAL_SCALARS;
    const state = undefined;
    return {
      state,
      scalars,
      segments: [],
      tail: null,
      next: null,
      free: paths,
      nextFile,
      last: null,
    };
  }
  const segments = readNeeded(disk, directory, byNumber, newest, expectation);
  const state = replay(segments);
  const last = segments.at(-1);
  if (last === undefined) throw damaged(directory, 0, "no segment can be read");
  const next = last.sealedTo === null ? null : `${directory}/${segmentFileName(last.sealedTo)}`;
  const inUse = new Set([next, ...segments.map((segment) => segment.path)]);
  return {
    state: state.result,
    scalars: state.scalars,
    segments: segments.map(({ path, segment, start, lowestAppend, end }) => ({
      path,
      segment,
      startIdx: start.endIdx,
      lowestAppend,
      bytes: end,
    })),
    tail: {
      position: last.end,
      crc: last.lastCrc,
      salt: last.salt,
      sealed: last.sealedTo !== null,
    },
    next,
    free: paths.filter((path) => !inUse.has(path)),
    nextFile,
    last,
  };
}

/** The next segment goes to this file, and no file of the log is there: so no other file may be. */
function checkFree(disk: Disk, path: string): void {
  if (!disk.exists(path)) return;
  const text =
    `${path} is no file, and one of the log has to be there: move away what is there. If it is a link to the file, put the ` +
    `file itself there`;
  throw new StorageError("DIRECTORY_UNUSABLE", text);
}

/** The number of the segment the file begins with; null when it does not begin with a valid frame. */
function segmentNumber(disk: Disk, path: string): number | null {
  const head = disk.read(path, 0, FILE_HEADER_BYTES + FRAME_HEADER_BYTES);
  const version = fileVersion(head);
  // A torn header may hold the name without the version.
  if (version !== null && version !== 0 && !isKnownVersion(version)) {
    throw unknownFormat(path, `log format ${version}`);
  }
  const frameBytes = claimedFrameBytes(head, FILE_HEADER_BYTES);
  if (frameBytes === null) return null;
  const size = disk.size(path);
  if (FILE_HEADER_BYTES + frameBytes > size) return null;
  const first = readFrame(disk.read(path, 0, FILE_HEADER_BYTES + frameBytes), FILE_HEADER_BYTES);
  return first?.segment ?? null;
}

/** A file whose first frame is not valid must not hold later ones that would have come after the end of the log. */
function checkHeadless(
  disk: Disk,
  paths: readonly string[],
  withHead: ReadonlySet<string>,
  newest: number,
): void {
  for (const path of paths) {
    if (withHead.has(path)) continue;
    const found = findFrame(disk.read(path, 0, disk.size(path)), FILE_HEADER_BYTES, newest + 1);
    if (found === null) continue;
    const what = `the beginning of a segment cannot be read back; whole records follow at byte ${found}`;
    throw damaged(path, FILE_HEADER_BYTES, what);
  }
}

/** The newest segment and the older ones that hold entries still needed, oldest first. */
function readNeeded(
  disk: Disk,
  directory: string,
  byNumber: ReadonlyMap<number, string>,
  newest: number,
  expectation: LogExpectation,
): Segment[] {
  const segments: Segment[] = [];
  let compactedIdx = 0;
  let lowestAppend = Number.POSITIVE_INFINITY;
  for (let number = newest; ; number--) {
    const path = byNumber.get(number);
    const next = segments[0];
    if (path === undefined) throw missing(directory, number, next);
    const expected = next === undefined ? null : { end: next.previousEnd, crc: next.previousCrc };
    const segment = readSegment(disk, path, number, expected, expectation);
    if (next === undefined) {
      checkSealed(disk, directory, segment);
      compactedIdx = finalCompactedIdx(segment);
    }
    segments.unshift(segment);
    lowestAppend = Math.min(lowestAppend, segment.lowestAppend);
    if (Math.min(segment.start.endIdx, lowestAppend) <= compactedIdx) return segments;
  }
}

/** The file in which a sealed log goes on was there before the seal was written. */
function checkSealed(disk: Disk, directory: string, { path, end, sealedTo }: Segment): void {
  if (sealedTo === null) return;
  const next = `${directory}/${segmentFileName(sealedTo)}`;
  if (!disk.exists(next)) throw damaged(path, end, `the log goes on in ${next}, which is missing`);
}

function missing(directory: string, number: number, next: Segment | undefined): StorageError {
  const where = next === undefined ? directory : next.path;
  return damaged(
    where,
    FILE_HEADER_BYTES,
    `segment ${number}, which holds entries that are still needed, is missing or its first bytes are`,
  );
}

function finalCompactedIdx({ start, groups }: Segment): number {
  let { compactedIdx } = start;
  for (const writes of groups) {
    for (const write of writes) if (write.kind === "compact") compactedIdx = write.idx;
  }
  return compactedIdx;
}

function replay(segments: readonly Segment[]): {
  result: DurableState<Uint8Array, SnapshotName>;
  scalars: LogScalars;
} {
  const first = segments[0];
  if (first === undefined) throw new ReplayError("there are no segments");
  const sum = new Replay(first.start);
  let path = first.path;
  try {
    for (const segment of segments) {
      path = segment.path;
      for (const writes of segment.groups) for (const write of writes) sum.apply(write);
    }
    return { result: sum.result(), scalars: sum.scalars };
  } catch (error) {
    if (error instanceof ReplayError) throw damaged(path, 0, error.message);
    throw error;
  }
}
