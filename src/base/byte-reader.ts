import { EMPTY_BYTES, hashBytes, type ByteString } from "./byte-string.ts";

const NOTHING = new Uint8Array(0);

/**
 * Reads numbers and byte strings from bytes that may be damaged. Never throws and never reads outside [offset, end):
 * after the first failure `failed` is true, everything reads as zero or empty, and the caller decides what that means.
 */
export class ByteReader {
  #bytes: Uint8Array = NOTHING;
  /** The same bytes as a Buffer, for what only a Buffer can do; made when first asked for. */
  #buffer: Buffer | null = null;
  #view: DataView | null = null;
  #offset = 0;
  #end = 0;
  #expected: string | null = null;
  #failedAt = 0;

  /** Starts anew on bytes[start, end). The same bytes may be given again cheaply. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): this {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#buffer = null;
      this.#view = null;
    }
    this.#offset = start;
    this.#end = end;
    this.#expected = null;
    return this;
  }

  /** Releases the bytes, so that a long-lived reader does not keep them alive. */
  release(): void {
    this.#bytes = NOTHING;
    this.#buffer = null;
    this.#view = null;
    this.#offset = 0;
    this.#end = 0;
    this.#expected = null;
  }

  get offset(): number {
    return this.#offset;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#end;
  }

  get failed(): boolean {
    return this.#expected !== null;
  }

  /** For an error message: what should have been there, and where. */
  get problem(): string {
    return `expected ${this.#expected ?? "nothing"} at byte ${this.#failedAt}`;
  }

  /** Marks the input as damaged at the current place. @returns 0 */
  fail(expected: string): 0 {
    if (this.#expected === null) {
      this.#expected = expected;
      this.#failedAt = this.#offset;
      this.#offset = this.#end;
    }
    return 0;
  }

  /** The next of what is written in this way. */
  take<T>(kind: { read(from: ByteReader): T }): T {
    return kind.read(this);
  }

  u8(): number {
    if (this.#offset >= this.#end) return this.fail("a byte");
    return this.#bytes[this.#offset++] ?? 0;
  }

  /** 4 bytes, big-endian. */
  u32(): number {
    if (this.#end - this.#offset < 4) return this.fail("4 bytes");
    const value = this.#u32At(this.#offset);
    this.#offset += 4;
    return value;
  }

  /** 4 bytes, little-endian. */
  u32le(): number {
    if (this.#end - this.#offset < 4) return this.fail("4 bytes");
    const bytes = this.#bytes;
    const at = this.#offset;
    this.#offset = at + 4;
    const low = ((bytes[at + 1] ?? 0) << 8) | (bytes[at] ?? 0);
    return (((bytes[at + 3] ?? 0) << 8) | (bytes[at + 2] ?? 0)) * 0x1_0000 + low;
  }

  /** 8 bytes, big-endian. */
  u53(): number {
    if (this.#end - this.#offset < 8) return this.fail("8 bytes");
    const high = this.#u32At(this.#offset);
    if (high >= 0x20_0000) return this.fail("an integer below 2^53");
    const value = high * 0x1_0000_0000 + this.#u32At(this.#offset + 4);
    this.#offset += 8;
    return value;
  }

  /** An integer from 0 to 2^53 - 1, in its shortest form only. */
  varint(): number {
    const first = this.#bytes[this.#offset] ?? 0x80;
    if (first < 0x80 && this.#offset < this.#end) {
      this.#offset += 1;
      return first;
    }
    return this.#longVarint();
  }

  /**
   * Reads a varint of up to four bytes, as nearly all are. Longer ones are read elsewhere, because the engine would have to use
   * fractions for them.
   */
  #longVarint(): number {
    const bytes = this.#bytes;
    const start = this.#offset;
    const end = Math.min(this.#end, start + 4);
    let value = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] ?? 0;
      value |= (byte & 0x7f) << (7 * (i - start));
      if (byte < 0x80) {
        if (byte === 0) return this.fail("an integer");
        this.#offset = i + 1;
        return value;
      }
    }
    return this.#longestVarint();
  }

  #longestVarint(): number {
    let value = 0;
    let scale = 1;
    for (let i = this.#offset; i < this.#end && i < this.#offset + 8; i++) {
      const byte = this.#bytes[i] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 || value > Number.MAX_SAFE_INTEGER) break;
        this.#offset = i + 1;
        return value;
      }
      scale *= 0x80;
    }
    return this.fail("an integer");
  }

  /** Steps over `length` bytes. @returns where they begin */
  skip(length: number): number {
    const start = this.#offset;
    if (length > this.#end - start) {
      this.fail(`${length} bytes`);
      return start;
    }
    this.#offset = start + length;
    return start;
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.skip(length);
    return this.failed ? NOTHING : this.#bytes.subarray(start, start + length);
  }

  byteString(length: number): ByteString {
    const start = this.skip(length);
    return this.failed ? EMPTY_BYTES : this.byteStringAt(start, start + length);
  }

  /** A copy of what was stepped over earlier. */
  byteStringAt(start: number, end: number): ByteString {
    return this.#asBuffer().toString("latin1", start, end) as ByteString;
  }

  /** A view of what was stepped over earlier. */
  bytesAt(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, end);
  }

  /** Whether these bytes stand there, in what was stepped over earlier. */
  isAt(start: number, text: ByteString): boolean {
    for (let i = 0; i < text.length; i++) {
      if (this.#bytes[start + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** How the bytes there, in what was stepped over earlier, compare with these: below 0, 0 when they are equal, or above 0. */
  orderAt(start: number, length: number, text: ByteString): number {
    const both = Math.min(length, text.length);
    for (let i = 0; i < both; i++) {
      const order = (this.#bytes[start + i] ?? 0) - text.charCodeAt(i);
      if (order !== 0) return order;
    }
    return length - text.length;
  }

  hashAt(start: number, end: number): number {
    return hashBytes(this.view, start, end);
  }

  /** All of the bytes. */
  get view(): DataView {
    return this.#view ?? this.#makeView();
  }

  text(length: number): string {
    const start = this.skip(length);
    return this.failed ? "" : this.#asBuffer().toString("utf8", start, start + length);
  }

  #asBuffer(): Buffer {
    return this.#buffer ?? this.#makeBuffer();
  }

  // Apart from those who use them, as to ask bytes for their buffer costs as much as to hash a key.
  #makeView(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#view = new DataView(buffer, byteOffset, byteLength);
    return this.#view;
  }

  #makeBuffer(): Buffer {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#buffer = Buffer.from(buffer, byteOffset, byteLength);
    return this.#buffer;
  }

  #u32At(offset: number): number {
    const bytes = this.#bytes;
    const high = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
    return high * 0x1_0000 + (((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0));
  }
}
