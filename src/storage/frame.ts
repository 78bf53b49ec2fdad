/**
 * Frames: what one write to a segment carries. docs/storage.md has the layout byte by byte.
 *
 * Invariants:
 *   FRAME-1. A frame is valid at one place only: its checksum covers the number of its segment and its position in it. So
 *       recovery can never take the old content of a recycled file, or the remains of an unfinished write, for part of the log.
 *   FRAME-2. A frame is written only when the one before it is durable. So if a valid frame stands anywhere behind bytes
 *       that are not one, those bytes were durable once and are damaged; if none does, they may be the write a crash cut
 *       off.
 *       Nor can a client write one: values stand in the log as they are, but the checksum begins with the salt of the file, which
 *       is drawn for each segment and told to nobody, so that what looks like a frame in a value is one with a chance of 2^-32.
 *   FRAME-3. Frames name the checksum of their predecessor, so that one that the disk lost or kept from earlier is noticed.
 */
import { crc32c } from "@node-rs/crc32";
import type { ByteWriter } from "../base/index.ts";

export const LOG_FORMAT_VERSION = 4;
/** This program reads and continues segments of these versions, but begins none: their salt is 0, which everybody can guess. */
export const UNSALTED_FORMAT_VERSION = 3;
/** Nor do these name their owner. */
export const OWNERLESS_FORMAT_VERSION = 2;
/** magic (8) · u32 version · u32 salt */
export const FILE_HEADER_BYTES = 16;
const SALT_OFFSET = 12;
/** u32 crc · u32 body bytes · u32 segment · u32 position · u32 previous crc · u32 groups */
export const FRAME_HEADER_BYTES = 24;
const FRAME_ALIGNMENT = 8;

// Headers are read with a DataView, as they are looked at out of order, and at every eighth byte of a segment.
const MAGIC = Uint8Array.from("OMNIKVWL", (letter) => letter.charCodeAt(0));

/** Where a frame goes. */
export interface FramePlace {
  /** Of the file. */
  readonly salt: number;
  readonly segment: number;
  readonly position: number;
  readonly previousCrc: number;
  /** Write groups in it; for people who look at a file. */
  readonly groups: number;
}

export interface Frame {
  readonly crc: number;
  readonly segment: number;
  readonly previousCrc: number;
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/** Fills in the header in front of the body: FRAME_HEADER_BYTES zeros from `start`, then the body. */
export function finishFrame(out: ByteWriter, start: number, place: FramePlace): number {
  out.zeros(-out.length & (FRAME_ALIGNMENT - 1));
  out.u32leAt(start + 4, out.length - start - FRAME_HEADER_BYTES);
  out.u32leAt(start + 8, place.segment);
  out.u32leAt(start + 12, place.position);
  out.u32leAt(start + 16, place.previousCrc);
  out.u32leAt(start + 20, place.groups);
  const crc = crc32c(out.peek().subarray(start + 4), place.salt);
  out.u32leAt(start, crc);
  return crc;
}

/** @param salt not 0 */
export function writeFileHeader(out: ByteWriter, salt: number): void {
  out.bytes(MAGIC);
  out.u32le(LOG_FORMAT_VERSION);
  out.u32le(salt);
}

/** @param bytes a segment file, or its beginning */
export function saltOf(bytes: Uint8Array): number {
  if (bytes.length < FILE_HEADER_BYTES) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(SALT_OFFSET, true);
}

/** The version a file says it has; null when it does not begin like one of ours. */
export function fileVersion(bytes: Uint8Array): number | null {
  if (bytes.length < FILE_HEADER_BYTES) return null;
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.getUint32(8, true);
}

/**
 * Puts a header right of which a crash kept only a part: where bytes are missing there are zeros. Besides the salt, without which
 * no frame is valid, the header says nothing that the frames do not vouch for themselves, so it may be repaired when a
 * valid frame follows; anything else in its place is damage, and stays.
 * @param version as the first frame has it
 */
export function mendFileHeader(bytes: Uint8Array, version: number): void {
  if (bytes.length < FILE_HEADER_BYTES) return;
  const whole = new Uint8Array(FILE_HEADER_BYTES);
  whole.set(MAGIC);
  const view = new DataView(whole.buffer);
  view.setUint32(8, version, true);
  view.setUint32(SALT_OFFSET, saltOf(bytes), true);
  const isTorn = whole.every((byte, i) => bytes[i] === byte || bytes[i] === 0);
  if (isTorn) bytes.set(whole);
}

export function isKnownVersion(version: number): boolean {
  return version >= OWNERLESS_FORMAT_VERSION && version <= LOG_FORMAT_VERSION;
}

/** How many bytes a frame at `position` would take by its header, which may be anything; null: no room for a header. */
export function claimedFrameBytes(bytes: Uint8Array, position: number): number | null {
  if (position + FRAME_HEADER_BYTES > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return FRAME_HEADER_BYTES + view.getUint32(position + 4, true);
}

/**
 * The frame at this position, or null when there is no valid one.
 * @param bytes a segment file from its beginning, as far as it is needed
 */
export function readFrame(bytes: Uint8Array, position: number): Frame | null {
  if (position + FRAME_HEADER_BYTES > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(position + 12, true) !== position) return null;
  const bodyBytes = view.getUint32(position + 4, true);
  const bodyStart = position + FRAME_HEADER_BYTES;
  const bodyEnd = bodyStart + bodyBytes;
  if (bodyBytes === 0 || bodyBytes % FRAME_ALIGNMENT !== 0 || bodyEnd > bytes.length) return null;
  const crc = view.getUint32(position, true);
  if (crc32c(bytes.subarray(position + 4, bodyEnd), saltOf(bytes)) !== crc) return null;
  return {
    crc,
    segment: view.getUint32(position + 8, true),
    previousCrc: view.getUint32(position + 16, true),
    bodyStart,
    bodyEnd,
  };
}

/** The first valid frame at or after `from` that belongs to a segment numbered `segmentMin` or higher; null: none. */
export function findFrame(bytes: Uint8Array, from: number, segmentMin: number): number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const first = Math.ceil(from / FRAME_ALIGNMENT) * FRAME_ALIGNMENT;
  for (let at = first; at + FRAME_HEADER_BYTES <= bytes.length; at += FRAME_ALIGNMENT) {
    // The cheap test first: this runs over whole segments at every start.
    if (view.getUint32(at + 12, true) !== at) continue;
    const frame = readFrame(bytes, at);
    if (frame !== null && frame.segment >= segmentMin) return at;
  }
  return null;
}
