import {
  assert,
  ByteReader,
  ByteWriter,
  CLIENT_FRAME_BYTES_MAX,
  FRAME_COMMANDS_MAX,
  KEY_BYTES_MAX,
  KEYS_READ_BYTES_MAX,
  KEYS_READ_MAX,
} from "../../base/index.ts";
import {
  checkKey,
  commandCount,
  RANGE_ORDERS,
  validateGroup,
  type ByteString,
  type GroupWriter,
  type HistoryRequest,
  type KeyRequest,
  type KeysRequest,
  type LeaseRequest,
  type LeasesRequest,
  type RangeRequest,
  type RangeSelection,
} from "../../store/commands/index.ts";
import {
  FRAME,
  RANGE_FLAG,
  READ_FLAG_AT_LEAST,
  READ_FLAG_LOCAL,
  READ_FLAG_ORIGIN,
  READ_KIND_HISTORY,
  READ_KIND_KEY,
  READ_KIND_KEY_AT,
  READ_KIND_KEYS,
  READ_KIND_KEYS_AT,
  READ_KIND_LEASE,
  READ_KIND_LEASES,
  READ_KIND_RANGE,
  READ_KIND_RANGE_AT,
  READ_KIND_SELECTION,
} from "./client-layout.ts";
import { DecodeError } from "../codec/index.ts";
import { WATCHES_FRAME } from "./watch-layout.ts";
import { decodeWatches, type WatchRequest } from "./watch-requests.ts";

export type ClientFrame =
  /** A view of one checked group. `count`: of its commands. */
  | { readonly kind: "writes"; readonly group: Uint8Array; readonly count: number }
  /**
   * Checked; `forEachRead` visits its keys. minIdx: the node must have applied [0, minIdx) before it answers, and with a local
   * one the revision `atLeast` too (0: any).
   */
  | {
      readonly kind: "reads";
      readonly local: boolean;
      readonly minIdx: number;
      readonly atLeast: number;
      readonly count: number;
    }
  | { readonly kind: "watches"; readonly requests: readonly WatchRequest[] };

/** A range as the client writes it: see RangeRequest. */
export interface RangeBytes extends Omit<RangeRequest, "start" | "end"> {
  readonly start: Uint8Array;
  readonly end: Uint8Array | null;
}

/** What a read asks for: a key, a range, many keys of one state, or the versions of a key. */
export type Wanted =
  | ByteString
  | KeyRequest
  | RangeRequest
  | KeysRequest
  | HistoryRequest
  | LeaseRequest
  | LeasesRequest;

/** What is visited of each read: its number, what it asks for, and as what kind. */
export type ReadVisitor<T> = (request: number, wanted: Wanted, kind: number) => T;

const ALL_RANGE_FLAGS = Object.values(RANGE_FLAG).reduce((all, flag) => all | flag, 0);

const ALL_READ_FLAGS = READ_FLAG_LOCAL | READ_FLAG_ORIGIN | READ_FLAG_AT_LEAST;

const reader = new ByteReader();

/**
 * Checks a client's frame completely, limits included: what passes is never refused later for its form.
 * @throws DecodeError
 */
export function decodeClientFrame(frame: Uint8Array): ClientFrame {
  if (frame.length > CLIENT_FRAME_BYTES_MAX) {
    throw new DecodeError(
      `frame of ${frame.length} bytes, the limit is ${CLIENT_FRAME_BYTES_MAX} bytes`,
    );
  }
  switch (frame[0]) {
    case FRAME.writes: {
      const end = validateGroup(frame, 1);
      if (typeof end !== "number") throw new DecodeError(`${end.code}: ${end.message}`);
      if (end !== frame.length) throw new DecodeError(`${frame.length - end} bytes too many`);
      return { kind: "writes", group: frame.subarray(1), count: commandCount(frame, 1) };
    }
    case FRAME.reads:
      return visitReads(reader, frame, null);
    case WATCHES_FRAME:
      return { kind: "watches", requests: decodeWatches(frame) };
    default:
      throw new DecodeError(`unknown client frame ${frame[0] ?? "without bytes"}`);
  }
}

/** The frame of a group that stands alone, as decodeClientFrame gave it. */
export function writesFrame(group: Uint8Array): Uint8Array {
  const frame = new Uint8Array(group.length + 1);
  frame[0] = FRAME.writes;
  frame.set(group, 1);
  return frame;
}

/** What the writer holds, as a frame. See GroupWriter.take. */
export function takeWritesFrame(writer: GroupWriter, session: number, floor: number): Uint8Array {
  return writer.take(session, floor, FRAME.writes);
}

/**
 * Visits the reads of a frame.
 * @throws DecodeError, possibly after some visits; not for a frame that decodeClientFrame has passed
 */
export function forEachRead(frame: Uint8Array, visit: ReadVisitor<void>): void {
  // A reader of its own: the visitor may decode other frames meanwhile.
  visitReads(new ByteReader(), frame, visit);
}

/**
 * Visits the reads of a (checked) frame as long as the visitor wants another one.
 * @param visit whether it has taken this one
 * @returns a frame of those that were not taken; null: all were
 */
export function takeReads(frame: Uint8Array, visit: ReadVisitor<boolean>): Uint8Array | null {
  const reader = new ByteReader();
  reader.reset(frame);
  reader.u8();
  const flags = reader.u8();
  reader.varint();
  if ((flags & READ_FLAG_AT_LEAST) !== 0) reader.varint();
  const count = reader.varint();
  for (let i = 0; i < count; i++) {
    const start = reader.offset;
    const request = reader.varint();
    const kind = reader.u8();
    const wanted = readWanted(reader, kind);
    assert(!reader.failed, "a frame is checked when it comes in");
    if (!visit(request, wanted, kind)) return restOf(frame, start, flags, count - i);
  }
  return null;
}

/** Whether a frame of reads may be answered from a state that others may be ahead of. */
export function asksLocally(frame: Uint8Array): boolean {
  return ((frame[1] ?? 0) & READ_FLAG_LOCAL) !== 0;
}

/** Whether a (checked) frame of reads asks for the origin of the state that answers. */
export function asksForOrigin(frame: Uint8Array): boolean {
  return ((frame[1] ?? 0) & READ_FLAG_ORIGIN) !== 0;
}

/** What it had to wait for is there already, index and revision. */
function restOf(frame: Uint8Array, start: number, flags: number, count: number): Uint8Array {
  const header = new ByteWriter(16);
  header.u8(FRAME.reads);
  header.u8(flags & ~READ_FLAG_AT_LEAST);
  header.varint(0);
  header.varint(count);
  const rest = new Uint8Array(header.length + frame.length - start);
  rest.set(header.peek());
  rest.set(frame.subarray(start), header.length);
  return rest;
}

function visitReads(
  reader: ByteReader,
  frame: Uint8Array,
  visit: ReadVisitor<void> | null,
): Extract<ClientFrame, { kind: "reads" }> {
  reader.reset(frame);
  if (reader.u8() !== FRAME.reads) reader.fail("a frame of reads");
  const flags = reader.u8();
  if ((flags & ~ALL_READ_FLAGS) !== 0) reader.fail("known flags");
  const local = (flags & READ_FLAG_LOCAL) !== 0;
  const minIdx = reader.varint();
  const atLeast = (flags & READ_FLAG_AT_LEAST) === 0 ? 0 : readRevision(reader);
  if (atLeast !== 0 && !local) reader.fail("a local read for a least revision");
  const count = reader.varint();
  if (count < 1 || count > FRAME_COMMANDS_MAX) reader.fail(`1 to ${FRAME_COMMANDS_MAX} reads`);
  for (let i = 0; i < count && !reader.failed; i++) {
    const request = reader.varint();
    const kind = reader.u8();
    // To make strings of keys that nobody looks at would be most of the work.
    if (visit === null) checkWanted(reader, kind);
    else {
      const wanted = readWanted(reader, kind);
      if (!reader.failed) visit(request, wanted, kind);
    }
  }
  if (!reader.isAtEnd) reader.fail("the end of the frame");
  const problem = reader.failed ? reader.problem : null;
  reader.release();
  if (problem !== null) throw new DecodeError(`reads: ${problem}`);
  return { kind: "reads", local, minIdx, atLeast, count };
}

function readWanted(reader: ByteReader, kind: number): Wanted {
  switch (kind) {
    case READ_KIND_KEY:
      return reader.byteString(keyLength(reader));
    case READ_KIND_KEY_AT: {
      const revision = readRevision(reader);
      return { key: reader.byteString(keyLength(reader)), revision };
    }
    case READ_KIND_RANGE:
    case READ_KIND_RANGE_AT:
      return readRange(reader, false);
    case READ_KIND_SELECTION:
      return readRange(reader, true);
    case READ_KIND_KEYS:
    case READ_KIND_KEYS_AT: {
      const revision = kind === READ_KIND_KEYS_AT ? readRevision(reader) : 0;
      const keys: ByteString[] = [];
      const count = keysCount(reader);
      for (let i = 0; i < count && !reader.failed; i++) {
        keys.push(reader.byteString(keyLength(reader)));
      }
      return { keys, revision };
    }
    case READ_KIND_HISTORY: {
      const revision = reader.varint();
      const limit = readLimit(reader);
      return { history: reader.byteString(keyLength(reader)), revision, limit };
    }
    case READ_KIND_LEASE: {
      const lease = reader.varint();
      const withKeys = reader.u8();
      if (withKeys > 1) reader.fail("0 or 1");
      return { lease, withKeys: withKeys === 1, start: readBound(reader), revision: 0 };
    }
    case READ_KIND_LEASES:
      return { leasesAfter: reader.varint(), revision: 0 };
    default:
      reader.fail("a known kind of read");
      return { keys: [], revision: 0 };
  }
}

/** The same, without what is read. */
function checkWanted(reader: ByteReader, kind: number): void {
  switch (kind) {
    case READ_KIND_KEY:
      reader.skip(keyLength(reader));
      return;
    case READ_KIND_KEYS_AT:
      readRevision(reader);
      return checkKeys(reader);
    case READ_KIND_KEYS:
      return checkKeys(reader);
    default:
      readWanted(reader, kind);
  }
}

function checkKeys(reader: ByteReader): void {
  const count = keysCount(reader);
  const start = reader.offset;
  for (let i = 0; i < count && !reader.failed; i++) reader.skip(keyLength(reader));
  if (reader.offset - start > KEYS_READ_BYTES_MAX + 2 * count) {
    reader.fail(`at most ${KEYS_READ_BYTES_MAX} bytes of keys`);
  }
}

function readRevision(reader: ByteReader): number {
  const revision = reader.varint();
  if (revision < 1) reader.fail("a revision of 1 or more");
  return revision;
}

function readLimit(reader: ByteReader): number {
  const limit = reader.varint();
  if (limit < 1) reader.fail("a limit of 1 or more");
  return limit;
}

function keyLength(reader: ByteReader): number {
  const length = reader.varint();
  if (length < 1 || length > KEY_BYTES_MAX) reader.fail(`a key of 1 to ${KEY_BYTES_MAX} bytes`);
  return reader.failed ? 0 : length;
}

function keysCount(reader: ByteReader): number {
  const count = reader.varint();
  if (count < 1 || count > KEYS_READ_MAX) reader.fail(`1 to ${KEYS_READ_MAX} keys`);
  return reader.failed ? 0 : count;
}

function readRange(reader: ByteReader, isSelection: boolean): RangeRequest {
  const flags = reader.u8();
  if ((flags & ~ALL_RANGE_FLAGS) !== 0) reader.fail("known flags of a range");
  const select = isSelection ? readSelection(reader) : undefined;
  const isCounted = (flags & RANGE_FLAG.countOnly) !== 0;
  if (isCounted && select !== undefined && select.order !== "key") {
    reader.fail("no order of what is only counted");
  }
  const revision = reader.varint();
  const limit = readLimit(reader);
  const start = readBound(reader);
  return {
    start,
    end: (flags & RANGE_FLAG.hasEnd) === 0 ? null : readBound(reader),
    reverse: (flags & RANGE_FLAG.reverse) !== 0,
    keysOnly: (flags & RANGE_FLAG.keysOnly) !== 0,
    countOnly: isCounted,
    limit,
    revision,
    ...(select === undefined ? {} : { select }),
  };
}

function readSelection(reader: ByteReader): RangeSelection {
  const order = RANGE_ORDERS[reader.u8()];
  if (order === undefined) reader.fail("a known order");
  return {
    order: order ?? "key",
    createMin: reader.varint(),
    createMax: reader.varint(),
    modMin: reader.varint(),
    modMax: reader.varint(),
  };
}

/** One byte more than a key: the first bound above the longest key. */
function readBound(reader: ByteReader): ByteString {
  const length = reader.varint();
  if (length > KEY_BYTES_MAX + 1) {
    reader.fail(`the bound of a range, at most ${KEY_BYTES_MAX + 1} bytes`);
  }
  return reader.byteString(length);
}

/** Packs reads into one frame, and is used again for the next. */
export class ReadsWriter {
  readonly #records = new ByteWriter(1024);
  readonly #header = new ByteWriter(32);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  fits(keyBytes: number): boolean {
    return (
      this.#count < FRAME_COMMANDS_MAX &&
      this.#records.length + keyBytes + 64 <= CLIENT_FRAME_BYTES_MAX
    );
  }

  /**
   * @param request the client's number for it
   * @param revision of the state that is asked; 0: the newest
   * @throws KvError when the key is too large or empty
   */
  read(request: number, key: Uint8Array, revision = 0): void {
    checkKey(key);
    this.#begin(request, revision === 0 ? READ_KIND_KEY : READ_KIND_KEY_AT);
    if (revision !== 0) this.#records.varint(revision);
    this.#records.sized(key);
  }

  /**
   * The versions of a key, newest first.
   * @param request the client's number for it
   * @param revision of the first one; 0: the newest
   * @throws KvError when the key is too large or empty
   */
  history(request: number, key: Uint8Array, revision: number, limit: number): void {
    checkKey(key);
    this.#begin(request, READ_KIND_HISTORY);
    this.#records.varint(revision);
    this.#records.varint(limit);
    this.#records.sized(key);
  }

  /**
   * A lease.
   * @param request the client's number for it
   * @param start the first of its keys that is wanted; null: none is
   */
  lease(request: number, lease: number, start: Uint8Array | null): void {
    this.#begin(request, READ_KIND_LEASE);
    this.#records.varint(lease);
    this.#records.u8(start === null ? 0 : 1);
    this.#records.sized(start ?? new Uint8Array(0));
  }

  /**
   * Leases in the order of their ids.
   * @param request the client's number for it
   * @param after only those with a greater id
   */
  leases(request: number, after: number): void {
    this.#begin(request, READ_KIND_LEASES);
    this.#records.varint(after);
  }

  /** @param request the client's number for it */
  range(request: number, range: RangeBytes): void {
    const { start, end, reverse, keysOnly, countOnly, revision, limit, select } = range;
    const out = this.#records;
    const plain = revision === 0 ? READ_KIND_RANGE : READ_KIND_RANGE_AT;
    this.#begin(request, select === undefined ? plain : READ_KIND_SELECTION);
    out.u8(
      (reverse ? RANGE_FLAG.reverse : 0) |
        (keysOnly ? RANGE_FLAG.keysOnly : 0) |
        (countOnly ? RANGE_FLAG.countOnly : 0) |
        (end === null ? 0 : RANGE_FLAG.hasEnd),
    );
    if (select !== undefined) this.#selection(select);
    out.varint(revision);
    out.varint(limit);
    out.sized(start);
    if (end !== null) out.sized(end);
  }

  /**
   * Many keys of one state.
   * @param request the client's number for it
   * @param revision of the state that is asked; 0: the newest
   * @throws KvError when a key is too large or empty
   */
  keys(request: number, keys: readonly Uint8Array[], revision = 0): void {
    for (const key of keys) checkKey(key);
    const out = this.#records;
    this.#begin(request, revision === 0 ? READ_KIND_KEYS : READ_KIND_KEYS_AT);
    if (revision !== 0) out.varint(revision);
    out.varint(keys.length);
    for (const key of keys) out.sized(key);
  }

  /**
   * The frame, and the writer is empty again.
   * @param minIdx greatest applied index seen in answers; matters for local reads
   * @param withOrigin the answers are to tell the origin of the state; only for nodes that know what that is
   * @param atLeast the revision that a local read waits for; 0: none
   */
  take(local: boolean, minIdx: number, withOrigin = false, atLeast = 0): Uint8Array {
    assert(this.#count > 0, "a frame has at least one read");
    const header = this.#header;
    header.clear();
    header.u8(FRAME.reads);
    header.u8(
      (local ? READ_FLAG_LOCAL : 0) |
        (withOrigin ? READ_FLAG_ORIGIN : 0) |
        (atLeast === 0 ? 0 : READ_FLAG_AT_LEAST),
    );
    header.varint(minIdx);
    if (atLeast !== 0) header.varint(atLeast);
    header.varint(this.#count);
    const frame = new Uint8Array(header.length + this.#records.length);
    frame.set(header.peek());
    frame.set(this.#records.peek(), header.length);
    this.#records.clear();
    this.#count = 0;
    return frame;
  }

  #selection({ order, createMin, createMax, modMin, modMax }: RangeSelection): void {
    this.#records.u8(RANGE_ORDERS.indexOf(order));
    for (const bound of [createMin, createMax, modMin, modMax]) this.#records.varint(bound);
  }

  #begin(request: number, kind: number): void {
    assert(this.#count < FRAME_COMMANDS_MAX, "a frame holds so many reads only");
    this.#records.varint(request);
    this.#records.u8(kind);
    this.#count += 1;
  }
}
