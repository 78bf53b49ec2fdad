/**
 * The layout of a log segment.
 *
 *     segment := header · record* · zeros
 *     header  := "OMNIKVWL" · u32 format version · u32 segment number
 *     record  := u32 crc32c of all that follows · u32 body length · u32 segment number · u32 ordinal · body
 *
 * A record is one batch: what one sync made durable. Records are written one after the other, each only when the one
 * before is durable; so a record that is not whole can only be the last, unless the disk has damaged it. Segment number
 * and ordinal keep bytes of another place or time from passing for a record.
 */
import { crc32c } from "@node-rs/crc32";

export const SEGMENT_MAGIC = Buffer.from("OMNIKVWL", "latin1");
export const FORMAT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 16;
export const RECORD_HEADER_BYTES = 16;

export function segmentName(number: number): string {
  return `${String(number).padStart(10, "0")}.log`;
}

/** The number in a segment's name; null for other files. */
export function segmentNumber(name: string): number | null {
  const match = /^(\d{10})\.log$/.exec(name);
  return match === null ? null : Number(match[1]);
}

export function writeSegmentHeader(bytes: Buffer, number: number): void {
  SEGMENT_MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.writeUInt32LE(number, 12);
}

/** Fills in the header of a record whose body is in place. */
export function sealRecord(record: Buffer, segment: number, ordinal: number): void {
  record.writeUInt32LE(record.length - RECORD_HEADER_BYTES, 4);
  record.writeUInt32LE(segment, 8);
  record.writeUInt32LE(ordinal, 12);
  record.writeUInt32LE(crc32c(record.subarray(4)), 0);
}

/** The record at `offset` if a whole one stands there, as its body. */
export function recordAt(
  bytes: Buffer,
  offset: number,
  segment: number,
  ordinal: number,
): Buffer | null {
  if (offset + RECORD_HEADER_BYTES > bytes.length) return null;
  if (bytes.readUInt32LE(offset + 8) !== segment) return null;
  if (bytes.readUInt32LE(offset + 12) !== ordinal) return null;
  const end = offset + RECORD_HEADER_BYTES + bytes.readUInt32LE(offset + 4);
  if (end > bytes.length) return null;
  if (crc32c(bytes.subarray(offset + 4, end)) !== bytes.readUInt32LE(offset)) return null;
  return bytes.subarray(offset + RECORD_HEADER_BYTES, end);
}

/** Where a whole record later than `ordinal` begins, after `offset`; null when there is none. */
export function laterRecord(
  bytes: Buffer,
  offset: number,
  segment: number,
  ordinal: number,
): number | null {
  // The segment number in the header is what to look for; the checksum decides.
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(segment);
  for (let at = bytes.indexOf(mark, offset); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    const start = at - 8;
    if (start < offset || at + 8 > bytes.length) continue;
    const found = bytes.readUInt32LE(at + 4);
    if (found > ordinal && recordAt(bytes, start, segment, found) !== null) return start;
  }
  return null;
}
