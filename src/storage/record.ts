/**
 * Records: what the body of a frame holds, one after the other. docs/storage.md has the layout byte by byte.
 *
 * Invariant: one write group is one record, and a record never crosses frames, so a group is there wholly or not at all.
 */
import { assert, type ByteReader, type ByteWriter } from "../base/index.ts";
import type { CompleteSnapshot } from "../omnipaxos/index.ts";
import {
  ANY_BALLOT,
  byteStrings,
  type Kind,
  mapped,
  optional,
  type Source,
  type Structure,
  structure,
  UINT32,
} from "../protocol/codec/index.ts";
import type { SnapshotName } from "../protocol/messages/index.ts";
import { ANY_STOP_SIGN, SNAPSHOT_NAME } from "../protocol/peer/index.ts";
import type { LogScalars, LogWrite } from "./log-scalars.ts";

/** The first record of a segment: where the one before ended, and the scalars at that point. */
export interface SegmentStart {
  readonly kind: "start";
  /** Crc of the id of the data directory the log belongs to; null: written before logs had owners. */
  readonly owner: number | null;
  readonly previousEnd: number;
  readonly previousCrc: number;
  readonly scalars: LogScalars;
}

interface Group {
  readonly kind: "group";
  readonly writes: readonly LogWrite[];
}

/** The last record of a segment: the log goes on in the file with this number. */
interface Seal {
  readonly kind: "seal";
  readonly nextFile: number;
}

export type LogRecord = SegmentStart | Group | Seal;

/** The bytes are malformed although their checksum is right: a bug, or written by another version. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

/** One kind of records, or of writes. */
interface Row<T> {
  readonly code: number;
  readonly fields: Structure<T>;
}
type Rows<T extends { readonly kind: string }> = {
  readonly [K in T["kind"]]: Row<Extract<T, { readonly kind: K }>>;
};

const STOP_SIGN = optional(ANY_STOP_SIGN);
const SNAPSHOT = optional(SNAPSHOT_NAME);
const ENTRIES = byteStrings();

/** The log has the name alone. */
const COMPLETE_SNAPSHOT = optional(
  mapped<CompleteSnapshot<SnapshotName>, SnapshotName>(
    SNAPSHOT_NAME,
    ({ idx, value }) => {
      assert(idx === value.idx, "a snapshot's reference names its index");
      return value;
    },
    (value) => ({ kind: "complete", idx: value.idx, value }),
  ),
);

const SCALARS: Kind<LogScalars> = structure((f) => ({
  promise: f.take(ANY_BALLOT),
  acceptedRound: f.take(ANY_BALLOT),
  decidedIdx: f.varint(),
  compactedIdx: f.varint(),
  endIdx: f.varint(),
  snapshot: f.take(SNAPSHOT),
  stopSign: f.take(STOP_SIGN),
}));

/** Codes are part of the format, here as below: none is given a second meaning. */
const WRITES: Rows<LogWrite> = {
  promise: {
    code: 1,
    fields: structure((f) => ({ kind: "promise", promise: f.take(ANY_BALLOT) })),
  },
  acceptedRound: {
    code: 2,
    fields: structure((f) => ({ kind: "acceptedRound", acceptedRound: f.take(ANY_BALLOT) })),
  },
  append: {
    code: 3,
    fields: structure((f) => ({
      kind: "append",
      fromIdx: f.varint(),
      entries: f.take(ENTRIES),
    })),
  },
  decided: { code: 4, fields: structure((f) => ({ kind: "decided", decidedIdx: f.varint() })) },
  stopSign: {
    code: 5,
    fields: structure((f) => ({ kind: "stopSign", stopSign: f.take(STOP_SIGN) })),
  },
  compact: {
    code: 6,
    fields: structure((f) => ({
      kind: "compact",
      idx: f.varint(),
      snapshot: f.take(COMPLETE_SNAPSHOT),
    })),
  },
};
const writesByCode = byCode<LogWrite>(WRITES);

const PADDING = 0;
const OWNERLESS_START = 1;
const GROUP = 2;
const SEAL: Row<Seal> = {
  code: 3,
  fields: structure((f) => ({ kind: "seal", nextFile: f.varint() })),
};
const START: Row<SegmentStart> = {
  code: 4,
  fields: structure((f) => startOf(f, f.take(UINT32))),
};

function startOf(f: Source, owner: number | null): SegmentStart {
  return {
    kind: "start",
    owner,
    previousEnd: f.varint(),
    previousCrc: f.take(UINT32),
    scalars: f.take(SCALARS),
  };
}

function byCode<T extends { readonly kind: string }>(rows: Rows<T>): ReadonlyMap<number, Row<T>> {
  return new Map(Object.values<Row<T>>(rows).map((row) => [row.code, row]));
}

/** Written by a version that knows more kinds of records than this one. */
export class UnknownRecordError extends Error {
  override readonly name = "UnknownRecordError";
}

export function writeStart(
  out: ByteWriter,
  start: Omit<SegmentStart, "kind"> & { readonly owner: number },
): void {
  out.u8(START.code);
  START.fields.write(out, { kind: "start", ...start });
}

export function writeSeal(out: ByteWriter, nextFile: number): void {
  out.u8(SEAL.code);
  SEAL.fields.write(out, { kind: "seal", nextFile });
}

export function writeGroup(out: ByteWriter, writes: readonly LogWrite[]): void {
  out.u8(GROUP);
  out.varint(writes.length);
  for (const write of writes) {
    const { code, fields }: Row<LogWrite> = WRITES[write.kind];
    out.u8(code);
    fields.write(out, write);
  }
}

/** Whether the first record of a segment, of which this is the first byte, names the owner of the log. */
export function namesOwner(firstByte: number | undefined): boolean {
  return firstByte !== OWNERLESS_START;
}

/**
 * The next record; null when only padding is left.
 * @throws UnknownRecordError, MalformedError
 */
export function readRecord(from: ByteReader): LogRecord | null {
  if (from.isAtEnd) return null;
  const code = from.u8();
  if (code === PADDING) return null;
  const record = readOf(code, from);
  if (from.failed) throw new MalformedError(from.problem);
  return record;
}

function readOf(code: number, from: ByteReader): LogRecord {
  switch (code) {
    case OWNERLESS_START:
      return startOf(from, null);
    case START.code:
      return START.fields.read(from);
    case GROUP:
      return { kind: "group", writes: readWrites(from) };
    case SEAL.code:
      return SEAL.fields.read(from);
    default:
      throw new UnknownRecordError(`record of kind ${code}`);
  }
}

function readWrites(from: ByteReader): LogWrite[] {
  const count = from.varint();
  const writes: LogWrite[] = [];
  while (writes.length < count) {
    const code = from.u8();
    if (from.failed) break;
    const row = writesByCode.get(code);
    if (row === undefined) throw new UnknownRecordError(`write of kind ${code}`);
    writes.push(row.fields.read(from));
  }
  return writes;
}
