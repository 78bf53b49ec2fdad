import { assert, ByteReader, CLIENT_FRAME_BYTES_MAX } from "../../base/index.ts";
import { commandCount, validateGroup, type GroupWriter } from "../../store/commands/index.ts";
import { DecodeError } from "../codec/index.ts";
import { FRAME } from "./client-layout.ts";
import { type ReadsHeader, readsFrame, readReadsHeader } from "./reads-header.ts";
import { readWanted, skipWanted, type Wanted } from "./read-kinds.ts";
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

export type ReadsFrame = Extract<ClientFrame, { kind: "reads" }>;

/** What is visited of each read: its number, what it asks for, and as what kind. */
export type ReadVisitor<T> = (request: number, wanted: Wanted, kind: number) => T;

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

/** @returns what may be a group: a view of it, not checked; null: the frame is another one */
export function uncheckedGroup(frame: Uint8Array): Uint8Array | null {
  return frame[0] === FRAME.writes && frame.length <= CLIENT_FRAME_BYTES_MAX
    ? frame.subarray(1)
    : null;
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

/** Where the rest of a (checked) frame of reads begins. The frame stays as it is: to copy the rest at each go would be most of the work. */
export interface ReadsPlace {
  readonly offset: number;
  /** So many reads are left, one at least. */
  readonly left: number;
}

/**
 * Visits the reads of a frame.
 * @param from only those from there on, of a checked frame
 * @throws DecodeError, possibly after some visits; not for a frame that decodeClientFrame has passed
 */
export function forEachRead(frame: Uint8Array, visit: ReadVisitor<void>, from?: ReadsPlace): void {
  // A reader of its own: the visitor may decode other frames meanwhile.
  if (from === undefined) return void visitReads(new ByteReader(), frame, visit);
  takeReads(
    frame,
    (...read) => {
      visit(...read);
      return true;
    },
    from,
  );
}

/**
 * Visits the numbers of the reads of a (checked) frame, and makes nothing of their keys.
 * @param from only those from there on
 */
export function forEachReadNumber(
  frame: Uint8Array,
  visit: (request: number) => void,
  from?: ReadsPlace,
): void {
  const reader = new ByteReader().reset(frame);
  const count = from?.left ?? readReadsHeader(reader).count;
  if (from !== undefined) reader.skip(from.offset);
  for (let i = 0; i < count; i++) {
    const request = reader.varint();
    skipWanted(reader, reader.u8());
    visit(request);
  }
}

/**
 * Visits the reads of a (checked) frame as long as the visitor wants another one.
 * @param visit whether it has taken this one
 * @param from only those from there on
 * @returns where those begin that were not taken; null: all were
 */
export function takeReads(
  frame: Uint8Array,
  visit: ReadVisitor<boolean>,
  from?: ReadsPlace,
): ReadsPlace | null {
  const reader = new ByteReader().reset(frame);
  const count = from?.left ?? readReadsHeader(reader).count;
  if (from !== undefined) reader.skip(from.offset);
  for (let i = 0; i < count; i++) {
    const offset = reader.offset;
    const request = reader.varint();
    const kind = reader.u8();
    const wanted = readWanted(reader, kind);
    assert(!reader.failed, "a frame is checked when it comes in");
    if (!visit(request, wanted, kind)) return { offset, left: count - i };
  }
  return null;
}

/** Cuts a frame of reads that is not checked into frames of about so many bytes, one at a time, which are checked. */
export class ReadsPieces {
  readonly #frame: Uint8Array;
  readonly #bytesEach: number;
  readonly #header: ReadsHeader;
  #offset: number;
  #left: number;

  /**
   * See cutReads.
   * @throws DecodeError
   */
  constructor(frame: Uint8Array, bytesEach: number) {
    const reader = new ByteReader().reset(frame);
    this.#header = readReadsHeader(reader);
    if (reader.failed) throw new DecodeError(`reads: ${reader.problem}`);
    this.#frame = frame;
    this.#bytesEach = bytesEach;
    this.#offset = reader.offset;
    this.#left = this.#header.count;
  }

  get isAtEnd(): boolean {
    return this.#left === 0;
  }

  /**
   * One read at least. Not to be called at the end.
   * @throws DecodeError
   */
  next(): { readonly bytes: Uint8Array; readonly frame: ReadsFrame } {
    const reader = new ByteReader().reset(this.#frame);
    reader.skip(this.#offset);
    const start = this.#offset;
    let count = 0;
    while (count < this.#left && !reader.failed && reader.offset - start < this.#bytesEach) {
      reader.varint();
      skipWanted(reader, reader.u8());
      count += 1;
    }
    if (count === this.#left && !reader.isAtEnd) reader.fail("the end of the frame");
    if (reader.failed) throw new DecodeError(`reads: ${reader.problem}`);
    this.#offset = reader.offset;
    this.#left -= count;
    const { local, minIdx, atLeast } = this.#header;
    return {
      bytes: readsFrame({ ...this.#header, count }, this.#frame.subarray(start, reader.offset)),
      frame: { kind: "reads", local, minIdx, atLeast, count },
    };
  }
}

/**
 * @param bytesEach frames with no more are not worth it
 * @returns null: the frame is another one, or too short, or too long for any
 * @throws DecodeError
 */
export function cutReads(frame: Uint8Array, bytesEach: number): ReadsPieces | null {
  const isWorthIt = frame.length > bytesEach && frame.length <= CLIENT_FRAME_BYTES_MAX;
  return frame[0] === FRAME.reads && isWorthIt ? new ReadsPieces(frame, bytesEach) : null;
}

function visitReads(
  reader: ByteReader,
  frame: Uint8Array,
  visit: ReadVisitor<void> | null,
): ReadsFrame {
  const { local, minIdx, atLeast, count } = readReadsHeader(reader.reset(frame));
  for (let i = 0; i < count && !reader.failed; i++) {
    const request = reader.varint();
    const kind = reader.u8();
    if (visit === null) skipWanted(reader, kind);
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
