/**
 * Records: what the body of a frame holds, one after the other. docs/storage.md has the layout byte by byte.
 *
 * Invariant: one write group is one record, and a record never crosses frames, so a group is there wholly or not at all.
 */
import { assert, unreachable } from "../base/assert.ts";
import type { Ballot, ClusterConfig, StopSign } from "../omnipaxos/index.ts";
import type { ByteCursor } from "./byte-cursor.ts";
import { MalformedError } from "./byte-cursor.ts";
import type { ByteSink } from "./byte-sink.ts";
import type { LogScalars, LogWrite } from "./log-scalars.ts";
import type { SnapshotName } from "../wire/host-message.ts";

/** The first record of a segment: where the one before ended, and the scalars at that point. */
export interface SegmentStart {
  readonly kind: "start";
  /** Crc of the id of the data directory the log belongs to; null: written before logs had owners. */
  readonly owner: number | null;
  readonly previousEnd: number;
  readonly previousCrc: number;
  readonly scalars: LogScalars;
}

export type LogRecord =
  | SegmentStart
  | { readonly kind: "group"; readonly writes: readonly LogWrite[] }
  /** The last record of a segment: the log goes on in the file with this number. */
  | { readonly kind: "seal"; readonly nextFile: number };

const RECORD = { padding: 0, ownerlessStart: 1, group: 2, seal: 3, start: 4 } as const;
const WRITE = {
  promise: 1,
  acceptedRound: 2,
  append: 3,
  decided: 4,
  stopSign: 5,
  compact: 6,
} as const;

/** Written by a version that knows more kinds of records than this one. */
export class UnknownRecordError extends Error {
  override readonly name = "UnknownRecordError";
}

export function writeStart(
  sink: ByteSink,
  start: Omit<SegmentStart, "kind"> & { readonly owner: number },
): void {
  const { scalars } = start;
  sink.u8(RECORD.start);
  sink.u32(start.owner);
  sink.varint(start.previousEnd);
  sink.u32(start.previousCrc);
  writeBallot(sink, scalars.promise);
  writeBallot(sink, scalars.acceptedRound);
  sink.varint(scalars.decidedIdx);
  sink.varint(scalars.compactedIdx);
  sink.varint(scalars.endIdx);
  writeOptional(sink, scalars.snapshot, writeRef);
  writeOptional(sink, scalars.stopSign, writeStopSign);
}

export function writeSeal(sink: ByteSink, nextFile: number): void {
  sink.u8(RECORD.seal);
  sink.varint(nextFile);
}

export function writeGroup(sink: ByteSink, writes: readonly LogWrite[]): void {
  sink.u8(RECORD.group);
  sink.varint(writes.length);
  for (const write of writes) writeWrite(sink, write);
}

function writeWrite(sink: ByteSink, write: LogWrite): void {
  sink.u8(WRITE[write.kind]);
  switch (write.kind) {
    case "promise":
      writeBallot(sink, write.promise);
      break;
    case "acceptedRound":
      writeBallot(sink, write.acceptedRound);
      break;
    case "append":
      sink.varint(write.fromIdx);
      sink.varint(write.entries.length);
      for (const entry of write.entries) sink.sized(entry);
      break;
    case "decided":
      sink.varint(write.decidedIdx);
      break;
    case "stopSign":
      writeOptional(sink, write.stopSign, writeStopSign);
      break;
    case "compact":
      assert(
        write.snapshot === null || write.snapshot.idx === write.snapshot.value.idx,
        "a snapshot's reference names its index",
      );
      sink.varint(write.idx);
      writeOptional(sink, write.snapshot?.value ?? null, writeRef);
      break;
    default:
      unreachable(write, "write");
  }
}

/** Whether the first record of a segment, of which this is the first byte, says whose the log is. */
export function namesOwner(firstByte: number | undefined): boolean {
  return firstByte !== RECORD.ownerlessStart;
}

/**
 * The next record; null when only padding is left.
 * @throws UnknownRecordError, MalformedError
 */
export function readRecord(cursor: ByteCursor): LogRecord | null {
  if (cursor.atEnd) return null;
  const kind = cursor.u8();
  switch (kind) {
    case RECORD.padding:
      return null;
    case RECORD.ownerlessStart:
      return readStart(cursor, null);
    case RECORD.start:
      return readStart(cursor, cursor.u32());
    case RECORD.group:
      return { kind: "group", writes: readMany(cursor, readWrite) };
    case RECORD.seal:
      return { kind: "seal", nextFile: cursor.varint() };
    default:
      throw new UnknownRecordError(`record of kind ${kind}`);
  }
}

function readStart(cursor: ByteCursor, owner: number | null): SegmentStart {
  return {
    kind: "start",
    owner,
    previousEnd: cursor.varint(),
    previousCrc: cursor.u32(),
    scalars: {
      promise: readBallot(cursor),
      acceptedRound: readBallot(cursor),
      decidedIdx: cursor.varint(),
      compactedIdx: cursor.varint(),
      endIdx: cursor.varint(),
      snapshot: readOptional(cursor, readRef),
      stopSign: readOptional(cursor, readStopSign),
    },
  };
}

function readWrite(cursor: ByteCursor): LogWrite {
  const kind = cursor.u8();
  switch (kind) {
    case WRITE.promise:
      return { kind: "promise", promise: readBallot(cursor) };
    case WRITE.acceptedRound:
      return { kind: "acceptedRound", acceptedRound: readBallot(cursor) };
    case WRITE.append:
      return { kind: "append", fromIdx: cursor.varint(), entries: readMany(cursor, readEntry) };
    case WRITE.decided:
      return { kind: "decided", decidedIdx: cursor.varint() };
    case WRITE.stopSign:
      return { kind: "stopSign", stopSign: readOptional(cursor, readStopSign) };
    case WRITE.compact: {
      const idx = cursor.varint();
      const ref = readOptional(cursor, readRef);
      const snapshot =
        ref === null ? null : ({ kind: "complete", idx: ref.idx, value: ref } as const);
      return { kind: "compact", idx, snapshot };
    }
    default:
      throw new UnknownRecordError(`write of kind ${kind}`);
  }
}

function writeBallot(sink: ByteSink, ballot: Ballot): void {
  sink.varint(ballot.configId);
  sink.varint(ballot.n);
  sink.varint(ballot.priority);
  sink.varint(ballot.pid);
}

function readBallot(cursor: ByteCursor): Ballot {
  return {
    configId: cursor.varint(),
    n: cursor.varint(),
    priority: cursor.varint(),
    pid: cursor.varint(),
  };
}

function writeRef(sink: ByteSink, ref: SnapshotName): void {
  sink.varint(ref.idx);
  sink.varint(ref.bytes);
  sink.u32(ref.crc);
}

function readRef(cursor: ByteCursor): SnapshotName {
  return { idx: cursor.varint(), bytes: cursor.varint(), crc: cursor.u32() };
}

function writeStopSign(sink: ByteSink, stopSign: StopSign): void {
  const { configurationId, nodes, flexibleQuorum } = stopSign.nextConfig;
  sink.varint(configurationId);
  sink.varint(nodes.length);
  for (const node of nodes) sink.varint(node);
  writeOptional(sink, flexibleQuorum ?? null, (to, { read, write }) => {
    to.varint(read);
    to.varint(write);
  });
  writeOptional(sink, stopSign.metadata, (to, metadata) => to.sized(metadata));
}

function readStopSign(cursor: ByteCursor): StopSign {
  const configurationId = cursor.varint();
  const nodes = readMany(cursor, readNumber);
  const flexibleQuorum = readOptional(cursor, (from) => ({
    read: from.varint(),
    write: from.varint(),
  }));
  const nextConfig: ClusterConfig =
    flexibleQuorum === null
      ? { configurationId, nodes }
      : { configurationId, nodes, flexibleQuorum };
  // A copy: a view would keep the whole segment in memory for as long as the node runs.
  const metadata = readOptional(cursor, (from) => from.sized().slice());
  return { nextConfig, metadata };
}

function readEntry(cursor: ByteCursor): Uint8Array {
  return cursor.sized();
}

function readNumber(cursor: ByteCursor): number {
  return cursor.varint();
}

function readMany<R>(cursor: ByteCursor, read: (cursor: ByteCursor) => R): R[] {
  const count = cursor.varint();
  const many: R[] = [];
  for (let i = 0; i < count; i++) many.push(read(cursor));
  return many;
}

function writeOptional<V>(
  sink: ByteSink,
  value: V | null,
  write: (sink: ByteSink, value: V) => void,
): void {
  sink.u8(value === null ? 0 : 1);
  if (value !== null) write(sink, value);
}

function readOptional<R>(cursor: ByteCursor, read: (cursor: ByteCursor) => R): R | null {
  const flag = cursor.u8();
  if (flag > 1) throw new MalformedError("neither there nor missing");
  return flag === 0 ? null : read(cursor);
}
