import {
  assert,
  ByteReader,
  type ByteString,
  mix32,
  mixNumber,
  SESSION_NONCE_BYTES,
} from "../../base/index.ts";
import {
  BODY_BIT,
  COMPACT_BIT,
  EXPECTED_BIT,
  FIELD_BITS,
  HISTORY_BYTES_BIT,
  HISTORY_REVISIONS_BIT,
  KEY_BIT,
  LEASE_BIT,
  NONCE_BIT,
  NUMBERS_BIT,
  QUOTA_BIT,
  REVISION_BIT,
  SINCE,
  TTL_BIT,
  TXN_BIT,
  VALUE_BIT,
  type CommandAtHand,
} from "../operations/index.ts";
import { readHeader } from "./entry.ts";
import type { KeySource } from "./key-source.ts";
import { placeHashOfBytes, type PlaceSeed } from "./place-hash.ts";
import type { RoundName } from "./rounds.ts";

const CONDITION_BITS = EXPECTED_BIT | REVISION_BIT;

/** Longer keys are compared faster as strings. */
const BYTEWISE_MAX = 64;

/**
 * Walks through the commands of an entry without making an object for each, nor strings that the caller does not ask for. The
 * fields describe the current command. Without a value, a body or a list it has the `valueLength` 0; its other fields that it does not
 * have keep what an earlier command had. Damage is an InvariantError: entries are checked before they are proposed.
 */
export class CommandCursor implements KeySource, CommandAtHand {
  readonly #reader = new ByteReader();
  #left = 0;

  /** The version of the entry. */
  version = 0;
  /** That the entry opens; null: none. */
  round: RoundName | null = null;
  /** Position of the current group in the entry; -1 before the first. */
  groupIndex = -1;
  session = 0;
  floor = 0;
  sequence = 0;
  op = 0;
  expectedRevision = 0;
  /** A field of setQuota. */
  quotaBytes = 0;
  /** A field of setHistory; 0: the default. */
  historyRevisions = 0;
  historyBytes = 0;
  /** A field of compact. */
  compactRevision = 0;
  /** A field of leaseGrant. */
  ttlMs = 0;
  /** A field of leaseGrant and leaseRevoke. */
  lease = 0;
  /** Where the command begins, in the bytes given. */
  recordStart = 0;
  /** Bits of those that the current command has. */
  #fields = 0;
  #keyStart = 0;
  #keyEnd = 0;
  #expectedStart = 0;
  #expectedEnd = 0;
  #valueStart = 0;
  #valueEnd = 0;
  #valueHash: number | null = null;

  reset(entry: Uint8Array): void {
    this.#reader.reset(entry);
    const { version, round } = readHeader(this.#reader);
    this.version = version;
    this.round = round;
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

  /** Releases the entry. */
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
    this.#valueHash = null;
    this.recordStart = reader.offset;
    this.sequence = reader.varint();
    this.op = reader.u8();
    this.#readFields();
    this.#check();
    return true;
  }

  /** Where the command ends. */
  get recordEnd(): number {
    return this.#reader.offset;
  }

  /** Of the value, or of what stands in its place: a nonce, a transaction, a body, a list of numbers. 0: the command has none. */
  get valueLength(): number {
    return this.#valueEnd - this.#valueStart;
  }

  key(): ByteString {
    return this.#reader.byteStringAt(this.#keyStart, this.#keyEnd);
  }

  get keyLength(): number {
    return this.#keyEnd - this.#keyStart;
  }

  isKey(other: ByteString): boolean {
    const length = this.#keyEnd - this.#keyStart;
    if (other.length !== length) return false;
    if (length > BYTEWISE_MAX) return other === this.key();
    const { view } = this.#reader;
    const start = this.#keyStart;
    for (let i = 0; i < length; i++) {
      if (view.getUint8(start + i) !== other.charCodeAt(i)) return false;
    }
    return true;
  }

  keyPlace(seed: PlaceSeed): number {
    return placeHashOfBytes(this.#reader.view, this.#keyStart, this.#keyEnd, seed);
  }

  value(): ByteString {
    return this.#reader.byteStringAt(this.#valueStart, this.#valueEnd);
  }

  valueHash(): number {
    this.#valueHash ??= this.#reader.hashAt(this.#valueStart, this.#valueEnd);
    return this.#valueHash;
  }

  /**
   * 29 bits over the code and the fields of a command whose answer is remembered: of one on a key, a transaction, a lease that is granted
   * or revoked. The sequence number is not in it. Never NO_COMMAND_HASH.
   */
  commandHash(): number {
    const reader = this.#reader;
    const fields = this.#fields;
    let hash = mix32(0x51ed270b, this.op);
    if ((fields & KEY_BIT) !== 0) hash = mix32(hash, reader.hashAt(this.#keyStart, this.#keyEnd));
    if ((fields & EXPECTED_BIT) !== 0) {
      hash = mix32(hash, reader.hashAt(this.#expectedStart, this.#expectedEnd));
    }
    if ((fields & REVISION_BIT) !== 0) hash = mixNumber(hash, this.expectedRevision);
    if ((fields & (VALUE_BIT | TXN_BIT)) !== 0) hash = mix32(hash, this.valueHash());
    if ((fields & (TTL_BIT | LEASE_BIT)) !== 0) {
      hash = mixNumber(mixNumber(hash, this.ttlMs), this.lease);
    }
    return hash >>> 3 || 1;
  }

  /** The body of a transaction: a view. */
  txn(): Uint8Array {
    return this.#reader.bytesAt(this.#valueStart, this.#valueEnd);
  }

  /** Of a change of users and roles, or of an actor: a view. */
  body(): Uint8Array {
    return this.#reader.bytesAt(this.#valueStart, this.#valueEnd);
  }

  /** The list of numbers: a view. */
  numbers(): Uint8Array {
    return this.#reader.bytesAt(this.#valueStart, this.#valueEnd);
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

  /** In the order of FIELDS. A command on a key has none from the nonce on. What few commands have is asked for together. */
  #readFields(): void {
    const reader = this.#reader;
    const fields = FIELD_BITS[this.op] ?? 0;
    this.#fields = fields;
    this.#valueEnd = this.#valueStart;
    if ((fields & KEY_BIT) !== 0) this.#readKey(reader.varint());
    if ((fields & CONDITION_BITS) !== 0) this.#readCondition(fields);
    if ((fields & VALUE_BIT) !== 0) this.#readValue(reader.varint());
    if ((fields & KEY_BIT) === 0) this.#readControl(fields);
  }

  #readCondition(fields: number): void {
    const reader = this.#reader;
    if ((fields & EXPECTED_BIT) !== 0) {
      const length = reader.varint();
      this.#expectedStart = reader.skip(length);
      this.#expectedEnd = this.#expectedStart + length;
    }
    if ((fields & REVISION_BIT) !== 0) this.expectedRevision = reader.varint();
  }

  /** Reads a command that is not about a key. */
  #readControl(fields: number): void {
    const reader = this.#reader;
    if ((fields & NONCE_BIT) !== 0) this.#readValue(SESSION_NONCE_BYTES);
    if (fields >= QUOTA_BIT) this.#readRare(fields);
    if (SINCE[this.op] === 0) reader.fail(`a known command instead of ${this.op}`);
  }

  /** Settings, transactions, leases, users and roles: not on the path of commands on keys. */
  #readRare(fields: number): void {
    const reader = this.#reader;
    if ((fields & QUOTA_BIT) !== 0) this.quotaBytes = reader.varint();
    if ((fields & HISTORY_REVISIONS_BIT) !== 0) this.historyRevisions = reader.varint();
    if ((fields & HISTORY_BYTES_BIT) !== 0) this.historyBytes = reader.varint();
    if ((fields & COMPACT_BIT) !== 0) this.compactRevision = reader.varint();
    if ((fields & (TXN_BIT | BODY_BIT)) !== 0) this.#readValue(reader.varint());
    if (fields < TTL_BIT) return;
    this.ttlMs = (fields & TTL_BIT) === 0 ? 0 : reader.varint();
    if ((fields & LEASE_BIT) !== 0) this.lease = reader.varint();
    if ((fields & NUMBERS_BIT) !== 0) this.#readValue(reader.varint());
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
