/**
 * Records of a history, one after the other, as a snapshot has them:
 *
 *     record := u8 step (1: of the next revision, 0: of the same one as the record before) · varint length · key
 *               · varint mod revision before · varint 2 * version before + (1: the change was a deletion)
 *               · varint create revision before · varint length · value before
 *
 * They are bytes because nobody looks at most of them again: the engine need not keep an object for each, nor move it about,
 * and a snapshot takes them as they are.
 */
import {
  assert,
  ByteReader,
  type ByteString,
  ByteWriter,
  EMPTY_BYTES,
  InvariantError,
} from "../../base/index.ts";
import type { StoredValue } from "./cell.ts";

/** Revisions in one chunk, at most. */
const PLACES = 512;
/** Bytes after which no more revisions are added. */
const CHUNK_BYTES = 64 * 1024;

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
  /** By place, which is revision - first: where its records end, and the sums up to it (History, HISTORY-4). */
  readonly #ends = new Uint32Array(PLACES);
  readonly #bytesUpTo = new Float64Array(PLACES);
  readonly #hashUpTo = new Int32Array(PLACES);
  #places = 0;
  /** In order of revisions. */
  readonly deletions: Deletion[] = [];

  constructor(first: number, isFirst: boolean) {
    this.first = first;
    // A state with a few changes is not to cost what a busy one does.
    this.#records = new ByteWriter(isFirst ? 1024 : CHUNK_BYTES + 4096, Infinity);
  }

  /** Revisions in it. */
  get places(): number {
    return this.#places;
  }

  get isFull(): boolean {
    return this.#places === PLACES || this.#records.length >= CHUNK_BYTES;
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
    const out = this.#records;
    out.u8(isNext ? STEP.next : STEP.same);
    out.sizedByteString(key);
    out.varint(modBefore);
    out.varint(2 * before.version + (isDeletion ? 1 : 0));
    out.varint(before.createRevision);
    out.sizedByteString(before.value);
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

  /** The records of (after, last], as they are: valid until the next one is appended. */
  records(after: number, last: number): Uint8Array {
    return this.#records
      .peek()
      .subarray(this.#end(after - this.first), this.#end(last - this.first));
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
    const value = version === 0 ? EMPTY_BYTES : found.byteString(found.varint());
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

  #end(place: number): number {
    return place < 0 ? 0 : (this.#ends[Math.min(place, this.#places - 1)] ?? 0);
  }

  /** Behind the key in the record that this key has at this revision. */
  #find(revision: number, key: ByteString): ByteReader {
    const place = revision - this.first;
    reader.reset(this.#records.peek(), this.#end(place - 1), this.#end(place));
    while (!reader.isAtEnd) {
      reader.u8();
      const length = reader.varint();
      const start = reader.skip(length);
      if (length === key.length && reader.isAt(start, key)) return reader;
      skipBefore();
    }
    reader.release();
    throw new InvariantError(`the key has no record at revision ${revision}`);
  }
}

/** What stands behind the key in a record. */
function skipBefore(): void {
  reader.varint();
  reader.varint();
  reader.varint();
  reader.skip(reader.varint());
}
