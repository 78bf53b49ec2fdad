/**
 * Byte strings as the state holds them: a JavaScript string with one character (0 to 255) per byte.
 *
 * Why not Uint8Array: comparing such strings compares bytes, so they order a tree natively; the engine stores them in
 * one byte a character; and a small Uint8Array costs three times the memory and four times the time to make (ADR 0004).
 */
declare const byteStringBrand: unique symbol;
export type ByteString = string & { readonly [byteStringBrand]: true };

export const EMPTY_BYTES = "" as ByteString;

/** Bytes in either form: long ones that nobody compares are better off outside of the heap. */
export type AnyBytes = ByteString | Uint8Array;

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A copy: nothing of `bytes` is held. */
export function byteStringOf(bytes: Uint8Array): ByteString {
  return bufferOver(bytes).toString("latin1") as ByteString;
}

/** Shorter bytes are made in memory that many of them share, and copied from there: that is faster than memory of their own. */
const OWN_MEMORY_BYTES = 4 * 1024;

export function bytesOf(text: ByteString): Uint8Array {
  if (text.length < OWN_MEMORY_BYTES) return new Uint8Array(Buffer.from(text, "latin1"));
  const made = Buffer.allocUnsafeSlow(text.length);
  made.write(text, "latin1");
  return new Uint8Array(made.buffer);
}

/** The UTF-8 bytes of a text. */
export function byteStringOfText(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1") as ByteString;
}

/** Bytes that are not UTF-8 come out as U+FFFD. */
export function textOf(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** 32 well-mixed bits of two times 32. */
export function mix32(a: number, b: number): number {
  let h = Math.imul(a ^ (b >>> 15) ^ b, 0x2c1b3c6d);
  h ^= h >>> 13;
  h = Math.imul(h + a, 0x297a2d39);
  return h ^ (h >>> 16);
}

/** As mix32, for an integer up to 2^53. */
export function mixNumber(a: number, value: number): number {
  return mix32(mix32(a, value | 0), (value / 0x1_0000_0000) | 0);
}

/** Not for use against an adversary. */
export function hashByteString(text: ByteString): number {
  let h = 0x3c6ef372 ^ text.length;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix32(h, text.length);
}

/** As hashBytes, of bytes that stand nowhere yet. */
export function hashOfBytes(text: ByteString): number {
  return hashOfArray(Buffer.from(text, "latin1"));
}

/** As hashBytes, of all of these. */
export function hashOfArray(bytes: Uint8Array): number {
  return hashBytes(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
}

/** 32 bits over view[start, end), four bytes at a time: it runs over every value that is written. */
export function hashBytes(view: DataView, start: number, end: number): number {
  let h = 0x3c6ef372 ^ (end - start);
  let i = start;
  for (; i + 4 <= end; i += 4) {
    h = Math.imul(h ^ view.getInt32(i, true), 0x2c1b3c6d);
    h = (h << 13) | (h >>> 19);
  }
  for (; i < end; i++) h = Math.imul(h ^ view.getUint8(i), 0x01000193);
  return mix32(h, end - start);
}
