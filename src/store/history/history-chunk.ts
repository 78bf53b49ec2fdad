/**
 * Records of a history, one after the other, as a snapshot has them:
 *
 *     record := u8 step (1: of the next revision, 0: of the same one as the record before) · varint length · key
 *               · varint mod revision before · varint 2 * version before + (1: the change was a deletion)
 *               · varint create revision before · varint length · value before
 *
 * They are bytes because most of them are never read again: the engine need not keep an object for each, nor move it about,
 * and a snapshot takes them as they are. A long value is not copied among them but held as it is, and its place is
 * empty: a transaction may delete 32 MB at once, and to find memory for a copy takes longer than a turn may.
 */
import {
  assert,
  ByteReader,
  type ByteString,
  bytesOf,
  ByteWriter,
  EMPTY_BYTES,
  firstFrom,
  InvariantError,
} from "../../base/index.ts";
import type { StoredValue } from "./cell.ts";

/** Revisions in one chunk, at most. */
const PLACES = 512;
/** Bytes of records after which no more revisions are added. */
const CHUNK_BYTES = 64 * 1024;
/** A value of so many bytes, or more, is held. */
const HELD_BYTES = 2 * 1024;
/** Bytes of held values after which no more revisions are added: a chunk is let go of as a whole. */
const CHUNK_HELD_BYTES = 256 * 1024;

/**
 * Records of one revision that a search passes over one by one. Beyond them it puts all of that revision in the order of their keys,
 * as a transaction may change 10,000 keys, and each of them is asked for. Nearly all revisions have one record.
 */
const SCANNED_MAX = 16;

/** The step of a record; in a snapshot `end` stands behind the last one. */
export const STEP = { same: 0, next: 1, end: 2 } as const;

interface Deletion {
  readonly revision: number;
  readonly key: ByteString;
}

const reader = new ByteReader();

export class HistoryChunk {
  /** Its first revision. */
  readonly first: number;
  readonly #records: ByteWriter;
  /** In the order of their records; and behind which byte of `#records` each belongs. */
  readonly #held: ByteString[] = [];
  readonly #heldAt: number[] = [];
  #heldBytes = 0;
  /** By place, which is revision - first: where its records end, and the sums up to it (History, HISTORY-4). */
  readonly #ends = new Uint32Array(PLACES);
  readonly #bytesUpTo = new Float64Array(PLACES);
  readonly #hashUpTo = new Int32Array(PLACES);
  #places = 0;
  /**
   * By place: where the records of a revision with many of them begin, in the order of their keys. Made when it is first needed
   * (SCANNED_MAX). What a record is taken to cost has room for these four bytes.
   */
  #inOrder: Map<number, Uint32Array> | null = null;
  /** In order of revisions. */
  readonly deletions: Deletion[] = [];

  /** @param before the one that became full before; null: this is the first */
  constructor(first: number, before: HistoryChunk | null) {
    this.first = first;
    // A state with a few changes, or with long values, must not cost as much memory as one with many short changes.
    const bytes = before === null ? 0 : Math.min(before.#records.length, CHUNK_BYTES);
    this.#records = new ByteWriter(bytes < 1024 ? 1024 : bytes + 4096, Infinity);
  }

  /** Revisions in it. */
  get places(): number {
    return this.#places;
  }

  get isFull(): boolean {
    return (
      this.#places === PLACES ||
      this.#records.length >= CHUNK_BYTES ||
      this.#heldBytes >= CHUNK_HELD_BYTES
    );
  }

  /**
   * @param revision the last one in here, or the next
   * @param before of a key that has no record at this revision yet
   * @param modBefore its mod revision, as far as the history knows of it
   */
  append(
    revision: number,
    key: ByteString,
    before: StoredValue,
    modBefore: number,
    isDeletion: boolean,
  ): void {
    const place = revision - this.first;
    const isNext = place === this.#places;
    assert(isNext || place === this.#places - 1, `revision ${revision} in its turn`);
    if (isNext) this.#places += 1;
    else this.#inOrder?.delete(place);
    const out = this.#records;
    out.u8(isNext ? STEP.next : STEP.same);
    out.sizedByteString(key);
    out.varint(modBefore);
    out.varint(2 * before.version + (isDeletion ? 1 : 0));
    out.varint(before.createRevision);
    if (before.value.length < HELD_BYTES) out.sizedByteString(before.value);
    else {
      out.varint(before.value.length);
      this.#hold(before.value);
    }
    this.#ends[place] = out.length;
    if (isDeletion) this.deletions.push({ revision, key });
  }

  /** The sums up to this revision, whose records are all there or may get more. */
  setSums(revision: number, bytes: number, hash: number): void {
    this.#bytesUpTo[revision - this.first] = bytes;
    this.#hashUpTo[revision - this.first] = hash;
  }

  bytesUpTo(revision: number): number {
    return this.#bytesUpTo[revision - this.first] ?? 0;
  }

  hashUpTo(revision: number): number {
    return this.#hashUpTo[revision - this.first] ?? 0;
  }

  /** The records of (after, last], as they are, a part at a time, each valid until the next one is appended. */
  *records(after: number, last: number): Generator<Uint8Array, void, undefined> {
    let start = this.#end(after - this.first);
    const end = this.#end(last - this.first);
    // What belongs behind the byte at `start` is of the record before it.
    for (let i = firstFrom(this.#heldAt, start + 1); (this.#heldAt[i] ?? Infinity) <= end; i++) {
      const at = this.#heldAt[i] ?? end;
      yield this.#records.peek().subarray(start, at);
      yield bytesOf(this.#held[i] ?? EMPTY_BYTES);
      start = at;
    }
    if (start < end) yield this.#records.peek().subarray(start, end);
  }

  modBefore(revision: number, key: ByteString): number {
    const found = this.#find(revision, key);
    const mod = found.varint();
    found.release();
    return mod;
  }

  versionBefore(revision: number, key: ByteString): number {
    const found = this.#find(revision, key);
    found.varint();
    const version = Math.floor(found.varint() / 2);
    found.release();
    return version;
  }

  before(revision: number, key: ByteString): StoredValue {
    const found = this.#find(revision, key);
    const modRevision = found.varint();
    const version = Math.floor(found.varint() / 2);
    const createRevision = found.varint();
    const length = found.varint();
    const { offset } = found;
    const value = length < HELD_BYTES ? found.byteString(length) : this.#heldBehind(offset);
    found.release();
    return { value, createRevision, modRevision, version };
  }

  /** Keys that have a record at this revision. */
  keysAt(revision: number): readonly ByteString[] {
    const place = revision - this.first;
    const keys: ByteString[] = [];
    reader.reset(this.#records.peek(), this.#end(place - 1), this.#end(place));
    while (!reader.isAtEnd) {
      reader.u8();
      keys.push(reader.byteString(reader.varint()));
      skipBefore();
    }
    reader.release();
    return keys;
  }

  #hold(value: ByteString): void {
    this.#held.push(value);
    this.#heldAt.push(this.#records.length);
    this.#heldBytes += value.length;
  }

  #heldBehind(offset: number): ByteString {
    const value = this.#held[firstFrom(this.#heldAt, offset)];
    assert(value !== undefined, "a long value is held");
    return value;
  }

  #end(place: number): number {
    return place < 0 ? 0 : (this.#ends[Math.min(place, this.#places - 1)] ?? 0);
  }

  /** Behind the key in the record that this key has at this revision. */
  #find(revision: number, key: ByteString): ByteReader {
    const place = revision - this.first;
    reader.reset(this.#records.peek(), this.#end(place - 1), this.#end(place));
    const isFound = this.#inOrder?.has(place) ? this.#search(place, key) : this.#scan(place, key);
    if (isFound) return reader;
    reader.release();
    throw new InvariantError(`the key has no record at revision ${revision}`);
  }

  #scan(place: number, key: ByteString): boolean {
    for (let passed = 0; !reader.isAtEnd; passed++) {
      if (passed === SCANNED_MAX) return this.#search(place, key);
      reader.u8();
      const length = reader.varint();
      const start = reader.skip(length);
      if (length === key.length && reader.isAt(start, key)) return true;
      skipBefore();
    }
    return false;
  }

  #search(place: number, key: ByteString): boolean {
    const starts = this.#startsInOrder(place);
    const bytes = this.#records.peek();
    const end = this.#end(place);
    let low = 0;
    let high = starts.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      reader.reset(bytes, (starts[middle] ?? end) + 1, end);
      const length = reader.varint();
      const order = reader.orderAt(reader.skip(length), length, key);
      if (order === 0) return true;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return false;
  }

  #startsInOrder(place: number): Uint32Array {
    const made = this.#inOrder?.get(place);
    if (made !== undefined) return made;
    const found: { readonly key: ByteString; readonly start: number }[] = [];
    reader.reset(this.#records.peek(), this.#end(place - 1), this.#end(place));
    while (!reader.isAtEnd) {
      const start = reader.offset;
      reader.u8();
      found.push({ key: reader.byteString(reader.varint()), start });
      skipBefore();
    }
    found.sort((a, b) => (a.key < b.key ? -1 : 1));
    const starts = Uint32Array.from(found, ({ start }) => start);
    (this.#inOrder ??= new Map()).set(place, starts);
    return starts;
  }
}

/** What stands behind the key in a record. */
function skipBefore(): void {
  reader.varint();
  reader.varint();
  reader.varint();
  const length = reader.varint();
  if (length < HELD_BYTES) reader.skip(length);
}
