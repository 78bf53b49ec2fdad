import { ByteReader } from "../base/byte-reader.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import {
  CLIENT_FRAME_BYTES_MAX,
  FRAME_COMMANDS_MAX,
  KEY_BYTES_MAX,
  KEYS_READ_BYTES_MAX,
  KEYS_READ_MAX,
} from "../base/limits.ts";
import { assert } from "../base/assert.ts";
import {
  checkKey,
  commandCount,
  validateGroup,
  type ByteString,
  type GroupWriter,
  type KeysRequest,
  type RangeRequest,
} from "../kv/commands.ts";
import {
  FRAME,
  RANGE_FLAG,
  READ_FLAG_LOCAL,
  READ_FLAG_ORIGIN,
  READ_KIND_KEY,
  READ_KIND_KEYS,
  READ_KIND_RANGE,
} from "./client-layout.ts";
import { DecodeError } from "./decode-error.ts";

export type ClientFrame =
  /** A view of one checked group. `count`: of its commands. */
  | { readonly kind: "writes"; readonly group: Uint8Array; readonly count: number }
  /** Checked; `forEachRead` visits its keys. minIdx: the node must have applied [0, minIdx) before it answers. */
  | {
      readonly kind: "reads";
      readonly local: boolean;
      readonly minIdx: number;
      readonly count: number;
    };

/** A range as the client writes it: see RangeRequest. */
export interface RangeBytes extends Omit<RangeRequest, "start" | "end"> {
  readonly start: Uint8Array;
  readonly end: Uint8Array | null;
}

/** What a read asks for: a key, a range, or many keys of one state. */
export type Wanted = ByteString | RangeRequest | KeysRequest;

/** What is visited of each read: its number, and what it asks for. */
export type ReadVisitor<T> = (request: number, wanted: Wanted) => T;

const ALL_RANGE_FLAGS = Object.values(RANGE_FLAG).reduce((all, flag) => all | flag, 0);

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
  const count = reader.varint();
  for (let i = 0; i < count; i++) {
    const start = reader.offset;
    const request = reader.varint();
    const wanted = readWanted(reader);
    assert(!reader.failed, "a frame is checked when it comes in");
    if (!visit(request, wanted)) return restOf(frame, start, flags, count - i);
  }
  return null;
}

/** Whether a (checked) frame of reads asks for the origin of the state that answers. */
export function asksForOrigin(frame: Uint8Array): boolean {
  return ((frame[1] ?? 0) & READ_FLAG_ORIGIN) !== 0;
}

/** What it had to wait for is there already. */
function restOf(frame: Uint8Array, start: number, flags: number, count: number): Uint8Array {
  const header = new ByteWriter(16);
  header.u8(FRAME.reads);
  header.u8(flags);
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
): ClientFrame {
  reader.reset(frame);
  if (reader.u8() !== FRAME.reads) reader.fail("a frame of reads");
  const flags = reader.u8();
  if ((flags & ~(READ_FLAG_LOCAL | READ_FLAG_ORIGIN)) !== 0) reader.fail("known flags");
  const minIdx = reader.varint();
  const count = reader.varint();
  if (count < 1 || count > FRAME_COMMANDS_MAX) reader.fail(`1 to ${FRAME_COMMANDS_MAX} reads`);
  for (let i = 0; i < count && !reader.failed; i++) {
    const request = reader.varint();
    // To make strings of keys that nobody looks at would be most of the work.
    const wanted = visit === null ? checkWanted(reader) : readWanted(reader);
    if (visit !== null && wanted !== null && !reader.failed) visit(request, wanted);
  }
  if (!reader.isAtEnd) reader.fail("the end of the frame");
  const problem = reader.failed ? reader.problem : null;
  reader.release();
  if (problem !== null) throw new DecodeError(`reads: ${problem}`);
  return { kind: "reads", local: (flags & READ_FLAG_LOCAL) !== 0, minIdx, count };
}

function readWanted(reader: ByteReader): Wanted {
  switch (reader.u8()) {
    case READ_KIND_KEY:
      return reader.byteString(keyLength(reader));
    case READ_KIND_RANGE:
      return readRange(reader);
    case READ_KIND_KEYS: {
      const keys: ByteString[] = [];
      const count = keysCount(reader);
      for (let i = 0; i < count && !reader.failed; i++) {
        keys.push(reader.byteString(keyLength(reader)));
      }
      return { keys };
    }
    default:
      reader.fail("a known kind of read");
      return { keys: [] };
  }
}

/** The same, without what is read. */
function checkWanted(reader: ByteReader): null {
  switch (reader.u8()) {
    case READ_KIND_KEY:
      reader.skip(keyLength(reader));
      return null;
    case READ_KIND_RANGE:
      readRange(reader);
      return null;
    case READ_KIND_KEYS: {
      const count = keysCount(reader);
      const start = reader.offset;
      for (let i = 0; i < count && !reader.failed; i++) reader.skip(keyLength(reader));
      if (reader.offset - start > KEYS_READ_BYTES_MAX + 2 * count) {
        reader.fail(`at most ${KEYS_READ_BYTES_MAX} bytes of keys`);
      }
      return null;
    }
    default:
      reader.fail("a known kind of read");
      return null;
  }
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

function readRange(reader: ByteReader): RangeRequest {
  const flags = reader.u8();
  if ((flags & ~ALL_RANGE_FLAGS) !== 0) reader.fail("known flags of a range");
  const revision = reader.varint();
  const limit = reader.varint();
  if (limit < 1) reader.fail("a limit of 1 or more");
  const start = readBound(reader);
  return {
    start,
    end: (flags & RANGE_FLAG.hasEnd) === 0 ? null : readBound(reader),
    reverse: (flags & RANGE_FLAG.reverse) !== 0,
    keysOnly: (flags & RANGE_FLAG.keysOnly) !== 0,
    countOnly: (flags & RANGE_FLAG.countOnly) !== 0,
    limit,
    revision,
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
   * @throws KvError when the key is too large or empty
   */
  read(request: number, key: Uint8Array): void {
    checkKey(key);
    assert(this.#count < FRAME_COMMANDS_MAX, "a frame holds so many reads only");
    this.#records.varint(request);
    this.#records.u8(READ_KIND_KEY);
    this.#records.sized(key);
    this.#count += 1;
  }

  /** @param request the client's number for it */
  range(request: number, range: RangeBytes): void {
    assert(this.#count < FRAME_COMMANDS_MAX, "a frame holds so many reads only");
    const { start, end, reverse, keysOnly, countOnly, revision, limit } = range;
    const out = this.#records;
    out.varint(request);
    out.u8(READ_KIND_RANGE);
    out.u8(
      (reverse ? RANGE_FLAG.reverse : 0) |
        (keysOnly ? RANGE_FLAG.keysOnly : 0) |
        (countOnly ? RANGE_FLAG.countOnly : 0) |
        (end === null ? 0 : RANGE_FLAG.hasEnd),
    );
    out.varint(revision);
    out.varint(limit);
    out.sized(start);
    if (end !== null) out.sized(end);
    this.#count += 1;
  }

  /**
   * Many keys of one state.
   * @param request the client's number for it
   * @throws KvError when a key is too large or empty
   */
  keys(request: number, keys: readonly Uint8Array[]): void {
    assert(this.#count < FRAME_COMMANDS_MAX, "a frame holds so many reads only");
    for (const key of keys) checkKey(key);
    const out = this.#records;
    out.varint(request);
    out.u8(READ_KIND_KEYS);
    out.varint(keys.length);
    for (const key of keys) out.sized(key);
    this.#count += 1;
  }

  /**
   * The frame, and the writer is empty again.
   * @param minIdx greatest applied index seen in answers; matters for local reads
   * @param withOrigin the answers are to tell the origin of the state; only for nodes that know what that is
   */
  take(local: boolean, minIdx: number, withOrigin = false): Uint8Array {
    assert(this.#count > 0, "a frame has at least one read");
    const header = this.#header;
    header.clear();
    header.u8(FRAME.reads);
    header.u8((local ? READ_FLAG_LOCAL : 0) | (withOrigin ? READ_FLAG_ORIGIN : 0));
    header.varint(minIdx);
    header.varint(this.#count);
    const frame = new Uint8Array(header.length + this.#records.length);
    frame.set(header.peek());
    frame.set(this.#records.peek(), header.length);
    this.#records.clear();
    this.#count = 0;
    return frame;
  }
}
