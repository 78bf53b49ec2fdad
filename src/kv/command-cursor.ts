import { assert } from "../base/assert.ts";
import { ByteReader } from "./byte-reader.ts";
import type { ByteString } from "./byte-string.ts";
import { OP, SESSION_NONCE_BYTES } from "./command.ts";
import { readHeader, type Origin } from "./entry.ts";

/**
 * Walks through the commands of an entry without making an object for each, nor strings that nobody asks for. The fields
 * describe the current command; those that it does not have keep old content. Damage is an InvariantError: entries are checked before they are proposed.
 */
export class CommandCursor {
  readonly #reader = new ByteReader();
  #left = 0;

  origin: Origin = { node: 0, nonce: 0, batch: 0 };
  /** Position of the current group in the entry; -1 before the first. */
  groupIndex = -1;
  session = 0;
  floor = 0;
  sequence = 0;
  op = 0;
  expectedRevision = 0;
  /** Where the current command stands in the bytes. */
  start = 0;
  #keyStart = 0;
  #keyEnd = 0;
  #expectedStart = 0;
  #expectedEnd = 0;
  #valueStart = 0;
  #valueEnd = 0;

  reset(entry: Uint8Array): void {
    this.#reader.reset(entry);
    this.origin = readHeader(this.#reader);
    this.#left = 0;
    this.groupIndex = -1;
    this.#check();
  }

  /** To walk through one group that is in no entry yet. */
  resetToGroup(group: Uint8Array): void {
    this.#reader.reset(group);
    this.#left = 0;
    this.groupIndex = -1;
  }

  /** Lets go of the entry. */
  release(): void {
    this.#reader.release();
  }

  /** @returns false after the last command */
  next(): boolean {
    const reader = this.#reader;
    while (this.#left === 0) {
      if (reader.isAtEnd) return false;
      this.session = reader.varint();
      this.floor = reader.varint();
      this.#left = reader.varint();
      this.groupIndex += 1;
      this.#check();
    }
    this.#left -= 1;
    this.start = reader.offset;
    this.sequence = reader.varint();
    this.op = reader.u8();
    this.#readFields();
    this.#check();
    return true;
  }

  /** Where the current command ends. */
  get end(): number {
    return this.#reader.offset;
  }

  key(): ByteString {
    return this.#reader.byteStringAt(this.#keyStart, this.#keyEnd);
  }

  value(): ByteString {
    return this.#reader.byteStringAt(this.#valueStart, this.#valueEnd);
  }

  valueHash(): number {
    return this.#reader.hashAt(this.#valueStart, this.#valueEnd);
  }

  /** The nonce of openSession. */
  nonce(): ByteString {
    return this.value();
  }

  expectedValue(): ByteString {
    return this.#reader.byteStringAt(this.#expectedStart, this.#expectedEnd);
  }

  get expectedLength(): number {
    return this.#expectedEnd - this.#expectedStart;
  }

  #readFields(): void {
    const reader = this.#reader;
    switch (this.op) {
      case OP.write:
      case OP.casAbsent:
        this.#readKey(reader.varint());
        this.#readValue(reader.varint());
        return;
      case OP.delete:
        this.#readKey(reader.varint());
        return;
      case OP.casValue: {
        this.#readKey(reader.varint());
        const length = reader.varint();
        this.#expectedStart = reader.skip(length);
        this.#expectedEnd = this.#expectedStart + length;
        this.#readValue(reader.varint());
        return;
      }
      case OP.casRevision:
        this.#readKey(reader.varint());
        this.expectedRevision = reader.varint();
        this.#readValue(reader.varint());
        return;
      case OP.openSession:
        this.#readValue(SESSION_NONCE_BYTES);
        return;
      case OP.closeSession:
      case OP.noop:
        return;
      default:
        reader.fail(`a known command instead of ${this.op}`);
    }
  }

  #readKey(length: number): void {
    this.#keyStart = this.#reader.skip(length);
    this.#keyEnd = this.#keyStart + length;
  }

  #readValue(length: number): void {
    this.#valueStart = this.#reader.skip(length);
    this.#valueEnd = this.#valueStart + length;
  }

  #check(): void {
    assert(!this.#reader.failed, "damaged entry");
  }
}
