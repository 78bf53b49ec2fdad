import { KvError } from "../base/errors.ts";
import {
  CLIENT_FRAME_BYTES_MAX,
  FRAME_COMMANDS_MAX,
  KEY_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "../base/limits.ts";
import { assert } from "../base/assert.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import { QUOTA_BYTES_MIN } from "./state-size.ts";
import { NO_SESSION, OP, SESSION_NONCE_BYTES, type Op } from "./command.ts";

/** Room in front of the records for session, floor, count and a prefix byte. */
const HEADER_BYTES_MAX = 32;
/** What a record takes beside key and values, at most. */
const RECORD_OVERHEAD_BYTES = 32;

/** @throws KvError KEY_TOO_LARGE, or BAD_REQUEST for an empty key */
export function checkKey(key: Uint8Array): void {
  if (key.length > KEY_BYTES_MAX) throw keyTooLarge(key.length);
  if (key.length === 0) throw new KvError("BAD_REQUEST", "a key has at least one byte");
}

/** @throws KvError VALUE_TOO_LARGE */
export function checkValue(value: Uint8Array): void {
  if (value.length > VALUE_BYTES_MAX) throw valueTooLarge(value.length);
}

export function keyTooLarge(length: number): KvError {
  return new KvError("KEY_TOO_LARGE", `key of ${length} bytes, the limit is ${KEY_BYTES_MAX}`);
}

export function valueTooLarge(length: number): KvError {
  return new KvError(
    "VALUE_TOO_LARGE",
    `value of ${length} bytes, the limit is ${VALUE_BYTES_MAX}`,
  );
}

/**
 * Packs the commands of one session into one group, and is used again for the next. Appending checks key and value
 * (KvError, nothing appended); whether another command fits is asked with `fits`.
 */
export class GroupWriter {
  readonly #records = new ByteWriter(1024);
  readonly #header = new ByteWriter(HEADER_BYTES_MAX);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @param contentBytes length of key and values together */
  fits(contentBytes: number): boolean {
    return (
      this.#count < FRAME_COMMANDS_MAX &&
      this.#records.length + contentBytes + RECORD_OVERHEAD_BYTES + HEADER_BYTES_MAX <=
        CLIENT_FRAME_BYTES_MAX
    );
  }

  write(sequence: number, key: Uint8Array, value: Uint8Array): void {
    checkKey(key);
    checkValue(value);
    this.#begin(sequence, OP.write);
    this.#records.sized(key);
    this.#records.sized(value);
  }

  delete(sequence: number, key: Uint8Array): void {
    checkKey(key);
    this.#begin(sequence, OP.delete);
    this.#records.sized(key);
  }

  casValue(sequence: number, key: Uint8Array, expected: Uint8Array, value: Uint8Array): void {
    checkKey(key);
    checkValue(expected);
    checkValue(value);
    this.#begin(sequence, OP.casValue);
    this.#records.sized(key);
    this.#records.sized(expected);
    this.#records.sized(value);
  }

  /** Writes only when the key does not exist. */
  casAbsent(sequence: number, key: Uint8Array, value: Uint8Array): void {
    checkKey(key);
    checkValue(value);
    this.#begin(sequence, OP.casAbsent);
    this.#records.sized(key);
    this.#records.sized(value);
  }

  /** Writes only when the key was last changed at `revision` (1 or more). */
  casRevision(sequence: number, key: Uint8Array, revision: number, value: Uint8Array): void {
    checkKey(key);
    checkValue(value);
    if (!Number.isSafeInteger(revision) || revision < 1) {
      throw new KvError("BAD_REQUEST", `a revision is a positive integer, got ${revision}`);
    }
    this.#begin(sequence, OP.casRevision);
    this.#records.sized(key);
    this.#records.varint(revision);
    this.#records.sized(value);
  }

  /** For a group without session. @param nonce 16 random bytes; the same for each attempt to open this session */
  openSession(sequence: number, nonce: Uint8Array): void {
    assert(nonce.length === SESSION_NONCE_BYTES, "a session nonce has 16 bytes");
    this.#begin(sequence, OP.openSession);
    this.#records.bytes(nonce);
  }

  closeSession(sequence: number): void {
    this.#begin(sequence, OP.closeSession);
  }

  /** Changes nothing; its answer proves that all that was decided before it has been applied. */
  noop(sequence: number): void {
    this.#begin(sequence, OP.noop);
  }

  /** For a group without session, made by a node. @param bytes QUOTA_BYTES_MIN or more */
  setQuota(sequence: number, bytes: number): void {
    assert(Number.isSafeInteger(bytes) && bytes >= QUOTA_BYTES_MIN, "a quota is that large");
    this.#begin(sequence, OP.setQuota);
    this.#records.varint(bytes);
  }

  /**
   * The group, and the writer is empty again.
   * @param session NO_SESSION for openSession and noop
   * @param floor all lower sequence numbers have been answered
   * @param prefix a byte to put in front, so that a frame needs no copy
   */
  take(session: number, floor: number, prefix?: number): Uint8Array {
    assert(this.#count > 0, "a group has at least one command");
    assert(Number.isSafeInteger(session) && session >= 0, "a session is a number of the cluster's");
    assert(Number.isSafeInteger(floor) && floor >= 0, "a floor is a sequence number");
    const header = this.#header;
    header.clear();
    if (prefix !== undefined) header.u8(prefix);
    header.varint(session);
    header.varint(session === NO_SESSION ? 0 : floor);
    header.varint(this.#count);
    const group = new Uint8Array(header.length + this.#records.length);
    group.set(header.peek());
    group.set(this.#records.peek(), header.length);
    this.clear();
    return group;
  }

  clear(): void {
    this.#records.clear();
    this.#count = 0;
  }

  #begin(sequence: number, op: Op): void {
    assert(Number.isSafeInteger(sequence) && sequence >= 0, "sequence numbers are integers");
    assert(this.#count < FRAME_COMMANDS_MAX, "a group holds so many commands only");
    this.#records.varint(sequence);
    this.#records.u8(op);
    this.#count += 1;
  }
}
