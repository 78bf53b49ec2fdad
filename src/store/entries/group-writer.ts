import {
  assert,
  ByteWriter,
  CLIENT_FRAME_BYTES_MAX,
  FRAME_COMMANDS_MAX,
  KvError,
} from "../../base/index.ts";
import {
  BODY_BIT,
  COMPACT_BIT,
  EXPECTED_BIT,
  FIELD_BITS,
  HISTORY_BYTES_BIT,
  HISTORY_REVISIONS_BIT,
  FIELDS,
  KEY_BIT,
  LEASE_BIT,
  NONCE_BIT,
  NUMBERS_BIT,
  OP,
  QUOTA_BIT,
  REVISION_BIT,
  TTL_BIT,
  TXN_BIT,
  VALUE_BIT,
  type Command,
  type FieldContent,
  type FieldName,
  type NumberField,
  type SizedField,
} from "../operations/index.ts";
import { NO_SESSION } from "./command.ts";

const USUAL_BITS = KEY_BIT | EXPECTED_BIT | REVISION_BIT | VALUE_BIT;

/** Room in front of the records for session, floor, count and a prefix byte. */
const HEADER_BYTES_MAX = 32;
/** What a record takes beside key and values, at most. */
const RECORD_OVERHEAD_BYTES = 32;

/** The fields of any command: those that its operation has are there. */
type Contents = Pick<Command, "kind"> & { readonly [F in FieldName]?: FieldContent<F> };

/** @throws KvError KEY_TOO_LARGE, or BAD_REQUEST for an empty key */
export function checkKey(key: Uint8Array): void {
  checkSized(FIELDS.key, key);
}

/** @throws KvError KEY_TOO_LARGE, VALUE_TOO_LARGE, or BAD_REQUEST for another field that is out of bounds */
export function checkCommand(command: Command): void {
  const { key, expected, revision, value }: Contents = command;
  if (key !== undefined) checkSized(FIELDS.key, key);
  if (expected !== undefined) checkSized(FIELDS.expected, expected);
  if (revision !== undefined) checkNumber(FIELDS.revision, revision);
  if (value !== undefined) checkSized(FIELDS.value, value);
  if (hasRare(command)) checkRare(command);
}

/** Whether it has fields that no write of a single key has: to ask every command for each of them would be slow. */
function hasRare({ kind }: Command): boolean {
  return ((FIELD_BITS[OP[kind]] ?? 0) & ~USUAL_BITS) !== 0;
}

function checkRare(command: Contents): void {
  const { nonce, txn, body, quotaBytes, historyRevisions, historyBytes, compactRevision } = command;
  const { ttl, lease, numbers } = command;
  if (nonce !== undefined) {
    assert(nonce.length === FIELDS.nonce.bytes, `a nonce has ${FIELDS.nonce.bytes} bytes`);
  }
  if (txn !== undefined) checkSized(FIELDS.txn, txn);
  if (body !== undefined) checkSized(FIELDS.body, body);
  if (quotaBytes !== undefined) checkNumber(FIELDS.quotaBytes, quotaBytes);
  if (historyRevisions !== undefined) checkNumber(FIELDS.historyRevisions, historyRevisions);
  if (historyBytes !== undefined) checkNumber(FIELDS.historyBytes, historyBytes);
  if (compactRevision !== undefined) checkNumber(FIELDS.compactRevision, compactRevision);
  if (ttl !== undefined) checkNumber(FIELDS.ttl, ttl);
  if (lease !== undefined) checkNumber(FIELDS.lease, lease);
  if (numbers !== undefined) checkSized(FIELDS.numbers, numbers);
}

/** Bytes of key and values together, or of a transaction. */
export function contentBytesOf(command: Command): number {
  const { key, expected, value, txn, numbers }: Contents = command;
  if (txn !== undefined) return txn.length;
  if (numbers !== undefined) return numbers.length;
  return (key?.length ?? 0) + (expected?.length ?? 0) + (value?.length ?? 0);
}

export function tooLong({ noun, tooLong, maxBytes }: SizedField, length: number): KvError {
  return new KvError(tooLong, `${noun} of ${length} bytes, the limit is ${maxBytes}`);
}

function checkSized(field: SizedField, { length }: Uint8Array): void {
  if (length > field.maxBytes) throw tooLong(field, length);
  if (length < field.minBytes) {
    throw new KvError("BAD_REQUEST", `a ${field.noun} has at least one byte`);
  }
}

function checkNumber({ noun, min, max }: NumberField, value: number): void {
  const most = max ?? Number.MAX_SAFE_INTEGER;
  if (Number.isSafeInteger(value) && value >= min && value <= most) return;
  const least = min === 1 ? "a positive integer" : `an integer of ${min} or more`;
  const expected = max === undefined ? least : `an integer from ${min} to ${max}`;
  throw new KvError("BAD_REQUEST", `${noun}: expected ${expected}, got ${value}`);
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

  /**
   * Appends a command.
   * @throws KvError KEY_TOO_LARGE, VALUE_TOO_LARGE or BAD_REQUEST for a field that is out of bounds: nothing was appended
   */
  add(sequence: number, command: Command): void {
    checkCommand(command);
    assert(Number.isSafeInteger(sequence) && sequence >= 0, "sequence numbers are integers");
    assert(this.#count < FRAME_COMMANDS_MAX, "a group holds so many commands only");
    const { key, expected, revision, value }: Contents = command;
    const code = OP[command.kind];
    const out = this.#records;
    out.varint(sequence);
    out.u8(code);
    // In the order of FIELDS.
    let fields = 0;
    if (key !== undefined) {
      out.sized(key);
      fields |= KEY_BIT;
    }
    if (expected !== undefined) {
      out.sized(expected);
      fields |= EXPECTED_BIT;
    }
    if (revision !== undefined) {
      out.varint(revision);
      fields |= REVISION_BIT;
    }
    if (value !== undefined) {
      out.sized(value);
      fields |= VALUE_BIT;
    }
    if (hasRare(command)) fields |= this.#addRare(command);
    assert(fields === FIELD_BITS[code], `a command ${command.kind} has the fields of the table`);
    this.#count += 1;
  }

  /** @returns bits of the fields there were */
  #addRare(command: Contents): number {
    const { nonce, txn, body, ttl, lease, numbers } = command;
    let fields = 0;
    if (nonce !== undefined) {
      this.#records.bytes(nonce);
      fields |= NONCE_BIT;
    }
    const { quotaBytes, historyRevisions, historyBytes, compactRevision } = command;
    fields |= this.#addNumber(quotaBytes, QUOTA_BIT);
    fields |= this.#addNumber(historyRevisions, HISTORY_REVISIONS_BIT);
    fields |= this.#addNumber(historyBytes, HISTORY_BYTES_BIT);
    fields |= this.#addNumber(compactRevision, COMPACT_BIT);
    if (txn !== undefined) {
      this.#records.sized(txn);
      fields |= TXN_BIT;
    }
    fields |= this.#addNumber(ttl, TTL_BIT);
    fields |= this.#addNumber(lease, LEASE_BIT);
    if (numbers !== undefined) {
      this.#records.sized(numbers);
      fields |= NUMBERS_BIT;
    }
    if (body !== undefined) {
      this.#records.sized(body);
      fields |= BODY_BIT;
    }
    return fields;
  }

  #addNumber(content: number | undefined, bit: number): number {
    if (content === undefined) return 0;
    this.#records.varint(content);
    return bit;
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
}
