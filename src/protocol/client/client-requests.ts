import { assert, ByteReader, CLIENT_FRAME_BYTES_MAX } from "../../base/index.ts";
import { commandCount, validateGroup, type GroupWriter } from "../../store/commands/index.ts";
import { DecodeError } from "../codec/index.ts";
import { FRAME } from "./client-layout.ts";
import { readsFrame, readReadsHeader } from "./reads-header.ts";
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

/**
 * Visits the reads of a frame.
 * @throws DecodeError, possibly after some visits; not for a frame that decodeClientFrame has passed
 */
export function forEachRead(frame: Uint8Array, visit: ReadVisitor<void>): void {
  // A reader of its own: the visitor may decode other frames meanwhile.
  visitReads(new ByteReader(), frame, visit);
}

/** Visits the numbers of the reads of a (checked) frame, and makes nothing of their keys. */
export function forEachReadNumber(frame: Uint8Array, visit: (request: number) => void): void {
  const reader = new ByteReader().reset(frame);
  const { count } = readReadsHeader(reader);
  for (let i = 0; i < count; i++) {
    const request = reader.varint();
    skipWanted(reader, reader.u8());
    visit(request);
  }
}

/**
 * Visits the reads of a (checked) frame as long as the visitor wants another one.
 * @param visit whether it has taken this one
 * @returns a frame of those that were not taken; null: all were
 */
export function takeReads(frame: Uint8Array, visit: ReadVisitor<boolean>): Uint8Array | null {
  const reader = new ByteReader().reset(frame);
  const header = readReadsHeader(reader);
  for (let i = 0; i < header.count; i++) {
    const start = reader.offset;
    const request = reader.varint();
    const kind = reader.u8();
    const wanted = readWanted(reader, kind);
    assert(!reader.failed, "a frame is checked when it comes in");
    if (visit(request, wanted, kind)) continue;
    // What it had to wait for is there already, index and revision.
    const rest = { ...header, minIdx: 0, atLeast: 0, count: header.count - i };
    return readsFrame(rest, frame.subarray(start));
  }
  return null;
}

function visitReads(
  reader: ByteReader,
  frame: Uint8Array,
  visit: ReadVisitor<void> | null,
): Extract<ClientFrame, { kind: "reads" }> {
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
