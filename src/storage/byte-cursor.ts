/** The bytes do not say what they should although their checksum is right: a bug, or another version's. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

/** Reads what ByteSink wrote. Byte strings are views of the given bytes. */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.#offset >= this.#end;
  }

  /** @throws MalformedError at the end, as all the others */
  u8(): number {
    if (this.#offset >= this.#end) throw new MalformedError("bytes are missing");
    return this.#bytes[this.#offset++] ?? 0;
  }

  u32(): number {
    const low = this.u8() | (this.u8() << 8) | (this.u8() << 16);
    return low + this.u8() * 2 ** 24;
  }

  varint(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let scale = 128; scale <= 2 ** 49; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
    }
    throw new MalformedError("a number is out of range");
  }

  raw(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#end) throw new MalformedError("bytes are missing");
    const bytes = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }

  sized(): Uint8Array {
    return this.raw(this.varint());
  }
}
