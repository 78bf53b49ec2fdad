import { assert } from "../base/assert.ts";

const INITIAL_BYTES = 64 * 1024;

/** Collects bytes in one growing buffer. Integers are little-endian; varints carry seven bits a byte, lowest first. */
export class ByteSink {
  #bytes: Uint8Array;
  #view: DataView;
  #length: number;
  readonly #reserved: number;

  /** @param reserved bytes left free in front, to be filled in later */
  constructor(reserved: number) {
    this.#bytes = new Uint8Array(INITIAL_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
    this.#reserved = reserved;
    this.#length = reserved;
  }

  /** The reserved bytes included. */
  get length(): number {
    return this.#length;
  }

  /** Memory held. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** A view of what was written, valid until the next change. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = this.#reserved;
  }

  u8(value: number): void {
    this.#ensure(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.#ensure(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** Overwrites four bytes. */
  u32At(position: number, value: number): void {
    assert(position + 4 <= this.#length, "only what was written can be overwritten");
    this.#view.setUint32(position, value, true);
  }

  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `not a number for the log: ${value}`);
    this.#ensure(8);
    let rest = value;
    while (rest > 0x7fffffff) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Length first. */
  sized(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Zeros up to a multiple of `unit`. */
  pad(unit: number): void {
    const end = Math.ceil(this.#length / unit) * unit;
    this.#ensure(end - this.#length);
    this.#bytes.fill(0, this.#length, end);
    this.#length = end;
  }

  #ensure(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
