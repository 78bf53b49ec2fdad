import { assert } from "./assert.ts";
import type { AnyBytes, ByteString } from "./byte-string.ts";

/** Up to this length a loop beats the call into the engine. */
const LOOP_BYTES_MAX = 24;
/** The same, where otherwise a view would have to be made first. */
const POOLED_LOOP_BYTES_MAX = 48;

/** Appends numbers and byte strings to a buffer that grows as needed and is used again and again. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;
  readonly #keepBytesMax: number;

  /** @param keepBytesMax a buffer that has grown beyond this is let go by `clear` */
  constructor(initialBytes = 256, keepBytesMax = 256 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
    this.#keepBytesMax = keepBytesMax;
  }

  get length(): number {
    return this.#length;
  }

  /** Memory held. */
  get capacity(): number {
    return this.#buffer.length;
  }

  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > this.#keepBytesMax) {
      this.#buffer = Buffer.allocUnsafeSlow(this.#keepBytesMax);
    }
  }

  /** A copy of [start, length), the caller's to keep. */
  copy(start = 0, end = this.#length): Uint8Array {
    const bytes = new Uint8Array(end - start);
    bytes.set(this.#buffer.subarray(start, end));
    return bytes;
  }

  /** A copy of all, the caller's to keep; small ones share memory. */
  pooledCopy(): Uint8Array {
    const length = this.#length;
    if (length > POOLED_LOOP_BYTES_MAX) return Buffer.from(this.peek());
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) bytes[i] = this.#buffer[i] ?? 0;
    return bytes;
  }

  /** What was written, valid until the next call of any other method. */
  peek(): Uint8Array {
    // Half the price of a part of a Buffer, which is a Buffer again.
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset, this.#length);
  }

  /** Forgets the first `length` bytes. */
  dropFirst(length: number): void {
    this.#buffer.copyWithin(0, length, this.#length);
    this.#length -= length;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** Big-endian. */
  u32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32BE(value >>> 0, this.#length);
  }

  /** Little-endian. */
  u32le(value: number): void {
    this.#reserve(4);
    this.#length += 4;
    this.u32leAt(this.#length - 4, value);
  }

  /** Overwrites four bytes. */
  u32leAt(position: number, value: number): void {
    assert(position + 4 <= this.#length, "only what was written can be overwritten");
    const buffer = this.#buffer;
    buffer[position] = value;
    buffer[position + 1] = value >>> 8;
    buffer[position + 2] = value >>> 16;
    buffer[position + 3] = value >>> 24;
  }

  /** An integer below 2^53 in 8 bytes, big-endian. */
  u53(value: number): void {
    this.u32(Math.floor(value / 0x1_0000_0000));
    this.u32(value);
  }

  varint(value: number): void {
    this.#reserve(8);
    // Apart from larger ones, for which the engine would have to use fractions in the loop.
    let rest = value < 0x8000_0000 ? value | 0 : this.#largeVarint(value);
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  /** The lowest digits. @returns what is left, below 2^31 */
  #largeVarint(value: number): number {
    let rest = value;
    while (rest >= 0x8000_0000) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    return rest | 0;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Length, then the bytes. */
  sized(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  /** As many zeros: a few, as there are to fill up with or to keep room for what is filled in later. */
  zeros(count: number): void {
    this.#reserve(count);
    const end = this.#length + count;
    for (let i = this.#length; i < end; i++) this.#buffer[i] = 0;
    this.#length = end;
  }

  byteString(text: ByteString): void {
    const length = text.length;
    this.#reserve(length);
    if (length <= LOOP_BYTES_MAX) {
      for (let i = 0; i < length; i++) this.#buffer[this.#length + i] = text.charCodeAt(i);
    } else {
      this.#buffer.write(text, this.#length, length, "latin1");
    }
    this.#length += length;
  }

  /** Length, then the bytes. */
  sizedByteString(text: ByteString): void {
    this.varint(text.length);
    this.byteString(text);
  }

  /** The same, of bytes in either form. */
  sizedAny(bytes: AnyBytes): void {
    if (typeof bytes === "string") this.sizedByteString(bytes);
    else this.sized(bytes);
  }

  /** Length in bytes, then UTF-8. */
  sizedText(text: string): void {
    const length = Buffer.byteLength(text, "utf8");
    this.varint(length);
    this.#reserve(length);
    this.#buffer.write(text, this.#length, length, "utf8");
    this.#length += length;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}

/** Bytes that `varint` takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
