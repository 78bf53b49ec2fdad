/**
 * What each key was before each change: one record for each revision that is kept, in order of revisions. The key's cell
 * names the revision of its last change; the record of that revision says what was there before, and at which revision that
 * came to be, and so on back (versions.ts). So an overwrite appends one record and makes no object. A transaction may change
 * several keys at its revision: all but the first of them have their records aside, by key.
 *
 * Invariants:
 *   V1. Every revision in (oldest, last] has a record, and one for each key that was changed at it. Reads at any revision from `oldest` on find what they need there.
 *   V2. `oldest` only grows, and follows from the changes and the calls of `compactTo` and `bound` alone. When what it leaves
 *       behind is let go of (`release`) nobody can tell.
 *   V3. A chunk that a clone holds too (its generation is below the current one) loses nothing: it is copied first. Appending
 *       to it is no change: a clone looks at no record beyond its own last one.
 *   V4. bytes and hash are sums over the records in (oldest, last]: each record has the sum up to it, so that to leave records
 *       behind takes no look at each of them.
 */
import { assert, InvariantError } from "../base/assert.ts";
import { EMPTY_BYTES, mix32, mixNumber, type ByteString } from "../base/byte-string.ts";
import { HISTORY_RECORD_BYTES, KEY_OVERHEAD_BYTES } from "./state-size.ts";

/** A power of two. */
const CHUNK_RECORDS = 256;
/** Columns of `numbers`. */
const CREATE = 0;
const MOD = 1;
/** 0: there was nothing. Negative: the change was a deletion. */
const VERSION = 2;
const BYTES = 3;
const COLUMNS = 4;
/** What was before the creation of a key. Part of the hash. */
const ABSENT_MARK = 0x6162_7365;

class Chunk {
  keys: (ByteString | undefined)[];
  values: (ByteString | undefined)[];
  /** Never change once they are written. */
  readonly numbers: Float64Array;
  readonly hashes: Int32Array;
  /** Records of revisions that have one already, by place. Null: there are none, as nearly always. */
  aside: Map<number, Map<ByteString, Aside>> | null;
  readonly generation: number;

  constructor(generation: number, from?: Chunk) {
    this.generation = generation;
    this.keys = (from?.keys ?? EMPTY_COLUMN).slice();
    this.values = (from?.values ?? EMPTY_COLUMN).slice();
    this.numbers = from?.numbers ?? new Float64Array(COLUMNS * CHUNK_RECORDS);
    this.hashes = from?.hashes ?? new Int32Array(CHUNK_RECORDS);
    // What is under a place was all put there at one revision, before any clone: it never changes.
    this.aside = from?.aside ? new Map(from.aside) : null;
  }
}

/** To be copied, which is cheaper than to make one. */
const EMPTY_COLUMN: readonly undefined[] = Array.from({ length: CHUNK_RECORDS }, () => undefined);

/** What a key was before a change, as its cell has it. Version 0: it was not there; the hash is of the key then. */
export interface Before {
  readonly key: ByteString;
  readonly value: ByteString;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly keyHash: number;
  /** Of key, value and revisions. */
  readonly hash: number;
}

interface Aside {
  readonly before: Before;
  readonly isDeletion: boolean;
}

/** What reads need of it, live or frozen. */
export interface HistoryView {
  /** V1. */
  readonly oldest: number;
  readonly last: number;
  /** Of what this key was before its change at this revision, which is in (oldest, last]. */
  versionBefore(revision: number, key: ByteString): number;
  modBefore(revision: number, key: ByteString): number;
  createBefore(revision: number, key: ByteString): number;
  valueBefore(revision: number, key: ByteString): ByteString;
  /** Keys that were changed at this revision, which is in (oldest, last], in no order that nodes would agree on. */
  keysAt(revision: number): readonly ByteString[];
}

export class History implements HistoryView {
  /** Of chunk number #first and those after it. */
  #chunks: Chunk[] = [];
  #first: number;
  #released: number;
  #oldest: number;
  #last: number;
  /** Sums up to `oldest` and up to `last`. */
  #oldestBytes = 0;
  #lastBytes = 0;
  #oldestHash = 0;
  #lastHash = 0;
  #generation = 0;

  /** Without records: it begins at this revision. */
  constructor(revision = 0) {
    this.#oldest = revision;
    this.#last = revision;
    this.#released = revision;
    this.#first = chunkOf(revision + 1);
  }

  get oldest(): number {
    return this.#oldest;
  }

  get last(): number {
    return this.#last;
  }

  /** What its records are taken to cost: V4. */
  get bytes(): number {
    return this.#lastBytes - this.#oldestBytes;
  }

  /** V4. Equal for equal records, whatever was before `oldest`. */
  get hash(): number {
    return (this.#lastHash - this.#oldestHash) | 0;
  }

  /**
   * @param revision the next one, or the last one for another key
   * @param before not yet changed
   * @param isDeletion the key goes
   */
  append(revision: number, before: Before, isDeletion: boolean): void {
    const { key, value, version } = before;
    const at = revision & (CHUNK_RECORDS - 1);
    const row = COLUMNS * at;
    this.#lastBytes += costOf(key, value, isDeletion);
    this.#lastHash = (this.#lastHash + recordHash(revision, before)) | 0;
    if (revision === this.#last) {
      const chunk = this.#chunk(revision);
      putAside(chunk, at, before, isDeletion);
      chunk.numbers[row + BYTES] = this.#lastBytes;
      chunk.hashes[at] = this.#lastHash;
      return;
    }
    assert(revision === this.#last + 1, `revision ${revision} follows ${this.#last}`);
    const chunk = this.#chunkToAppendTo(revision);
    chunk.keys[at] = key;
    chunk.values[at] = value;
    const { numbers } = chunk;
    numbers[row + CREATE] = before.createRevision;
    numbers[row + MOD] = before.modRevision;
    numbers[row + VERSION] = isDeletion ? -version : version;
    numbers[row + BYTES] = this.#lastBytes;
    chunk.hashes[at] = this.#lastHash;
    this.#last = revision;
  }

  /** Reads from this revision on go on to work, those below do not (V2). */
  compactTo(revision: number): void {
    assert(revision <= this.#last, `compacted to ${revision}, which is yet to come`);
    if (revision <= this.#oldest) return;
    const chunk = this.#chunk(revision);
    const at = revision & (CHUNK_RECORDS - 1);
    this.#oldestBytes = chunk.numbers[COLUMNS * at + BYTES] ?? 0;
    this.#oldestHash = chunk.hashes[at] ?? 0;
    this.#oldest = revision;
  }

  /** Compacts as far as it takes for no more than so many records, of so many bytes, to be left. */
  bound(records: number, bytes: number): void {
    if (this.#last - this.#oldest > records) this.compactTo(this.#last - records);
    if (this.bytes > bytes) this.compactTo(this.#lowestWithin(bytes));
  }

  /**
   * Lets go of records that `oldest` has left behind.
   * @param records as many as may be looked at, and the rest of one revision
   * @param deleted told of a deletion of this key at this revision that is kept no longer
   * @returns whether something is left for another time
   */
  release(records: number, deleted: (key: ByteString, revision: number) => void): boolean {
    let left = records;
    while (this.#released < this.#oldest && left > 0) {
      const revision = this.#released + 1;
      const chunk = this.#chunk(revision);
      const at = revision & (CHUNK_RECORDS - 1);
      const aside = chunk.aside?.get(at);
      left -= 1 + (aside?.size ?? 0);
      for (const [other, { isDeletion }] of aside ?? []) if (isDeletion) deleted(other, revision);
      const key = chunk.keys[at];
      if (key !== undefined && (chunk.numbers[COLUMNS * at + VERSION] ?? 0) < 0) {
        deleted(key, revision);
      }
      if (at === CHUNK_RECORDS - 1) {
        this.#chunks.shift();
        this.#first += 1;
      } else if (chunkOf(revision) === chunkOf(this.#oldest)) {
        this.#clear(chunk, at);
      }
      this.#released = revision;
    }
    return this.#released < this.#oldest;
  }

  versionBefore(revision: number, key: ByteString): number {
    const aside = this.#aside(revision, key);
    return aside === undefined ? Math.abs(this.#number(revision, VERSION)) : aside.version;
  }

  modBefore(revision: number, key: ByteString): number {
    return this.#aside(revision, key)?.modRevision ?? this.#number(revision, MOD);
  }

  createBefore(revision: number, key: ByteString): number {
    return this.#aside(revision, key)?.createRevision ?? this.#number(revision, CREATE);
  }

  valueBefore(revision: number, key: ByteString): ByteString {
    const chunk = this.#chunk(revision);
    const at = revision & (CHUNK_RECORDS - 1);
    return this.#aside(revision, key)?.value ?? chunk.values[at] ?? EMPTY_BYTES;
  }

  keysAt(revision: number): readonly ByteString[] {
    const chunk = this.#chunk(revision);
    const at = revision & (CHUNK_RECORDS - 1);
    const key = chunk.keys[at];
    assert(key !== undefined, `revision ${revision} has its record`);
    const aside = chunk.aside?.get(at);
    return aside === undefined ? [key] : [key, ...aside.keys()];
  }

  /** As it is now, whatever happens here later. Takes time by the chunks, of which there are a few hundred. */
  clone(): HistoryView {
    const clone = new History(this.#oldest);
    clone.#chunks = this.#chunks.slice();
    clone.#first = this.#first;
    clone.#last = this.#last;
    clone.#released = this.#released;
    clone.#oldestBytes = this.#oldestBytes;
    clone.#lastBytes = this.#lastBytes;
    clone.#oldestHash = this.#oldestHash;
    clone.#lastHash = this.#lastHash;
    this.#generation += 1;
    return clone;
  }

  /** A history whose records in (oldest, last] come in any order: to be filled and then summed. */
  static toBeFilled(oldest: number, last: number): History {
    const history = new History(oldest);
    history.#last = last;
    const chunks = last > oldest ? chunkOf(last) - history.#first + 1 : 0;
    history.#chunks = Array.from({ length: chunks }, () => new Chunk(0));
    return history;
  }

  /**
   * @param before of another key than all that were filled at this revision
   * @returns whether it is the first one of its revision; null when that is not in (oldest, last]
   */
  fill(revision: number, before: Before, isDeletion: boolean): boolean | null {
    if (revision <= this.#oldest || revision > this.#last) return null;
    const chunk = this.#chunk(revision);
    const at = revision & (CHUNK_RECORDS - 1);
    const { key, value, version } = before;
    if (chunk.keys[at] !== undefined) {
      putAside(chunk, at, before, isDeletion);
      return false;
    }
    chunk.keys[at] = key;
    chunk.values[at] = value;
    const { numbers } = chunk;
    const row = COLUMNS * at;
    numbers[row + CREATE] = before.createRevision;
    numbers[row + MOD] = before.modRevision;
    numbers[row + VERSION] = isDeletion ? -version : version;
    numbers[row + BYTES] = costOf(key, value, isDeletion);
    chunk.hashes[at] = recordHash(revision, before);
    return true;
  }

  /**
   * Makes the sums (V4) of a history that was filled, of one chunk more with each call.
   * @param chunk 0 at first, then one more each time
   * @returns false when there was no such chunk
   */
  sum(chunk: number): boolean {
    const summed = this.#chunks[chunk];
    if (summed === undefined) return false;
    const start = (this.#first + chunk) * CHUNK_RECORDS;
    for (let at = 0; at < CHUNK_RECORDS; at++) {
      const revision = start + at;
      if (revision <= this.#oldest || revision > this.#last) continue;
      this.#lastBytes += summed.numbers[COLUMNS * at + BYTES] ?? 0;
      this.#lastHash = (this.#lastHash + (summed.hashes[at] ?? 0)) | 0;
      for (const { before, isDeletion } of summed.aside?.get(at)?.values() ?? []) {
        this.#lastBytes += costOf(before.key, before.value, isDeletion);
        this.#lastHash = (this.#lastHash + recordHash(revision, before)) | 0;
      }
      summed.numbers[COLUMNS * at + BYTES] = this.#lastBytes;
      summed.hashes[at] = this.#lastHash;
    }
    return true;
  }

  /** The lowest revision such that what comes after it costs no more. Usually it is one of the next. */
  #lowestWithin(bytes: number): number {
    let low = this.#oldest + 1;
    let step = 1;
    while (low + step <= this.#last && this.#bytesAfter(low + step - 1) > bytes) {
      low += step;
      step *= 2;
    }
    let high = Math.min(this.#last, low + step - 1);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#bytesAfter(middle) <= bytes) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #bytesAfter(revision: number): number {
    return this.#lastBytes - this.#number(revision, BYTES);
  }

  #chunkToAppendTo(revision: number): Chunk {
    const number = chunkOf(revision);
    if (this.#chunks.length === 0) this.#first = number;
    const chunk = this.#chunks[number - this.#first];
    if (chunk !== undefined) return chunk;
    const added = new Chunk(this.#generation);
    this.#chunks.push(added);
    return added;
  }

  /** V3. */
  #clear(chunk: Chunk, at: number): void {
    let own = chunk;
    if (chunk.generation < this.#generation) {
      own = new Chunk(this.#generation, chunk);
      this.#chunks[this.#chunks.indexOf(chunk)] = own;
    }
    own.keys[at] = undefined;
    own.values[at] = undefined;
    own.aside?.delete(at);
  }

  /** What this key was before its change, when its record is not the first one of the revision. */
  #aside(revision: number, key: ByteString): Before | undefined {
    const { aside } = this.#chunk(revision);
    return aside?.get(revision & (CHUNK_RECORDS - 1))?.get(key)?.before;
  }

  #number(revision: number, column: number): number {
    const at = COLUMNS * (revision & (CHUNK_RECORDS - 1)) + column;
    return this.#chunk(revision).numbers[at] ?? 0;
  }

  #chunk(revision: number): Chunk {
    const chunk = this.#chunks[chunkOf(revision) - this.#first];
    // The text is made when it is needed: this runs for every version that is looked at.
    if (chunk === undefined) throw new InvariantError(`revision ${revision} is not kept`);
    return chunk;
  }
}

/** A copy of what was before: the key's cell goes on to change. */
function putAside(chunk: Chunk, at: number, before: Before, isDeletion: boolean): void {
  const { key, value, createRevision, modRevision, version, keyHash, hash } = before;
  const copy = { key, value, createRevision, modRevision, version, keyHash, hash };
  chunk.aside ??= new Map();
  const records = chunk.aside.get(at) ?? new Map<ByteString, Aside>();
  chunk.aside.set(at, records.set(key, { before: copy, isDeletion }));
}

function chunkOf(revision: number): number {
  return Math.floor(revision / CHUNK_RECORDS);
}

/** V4. That a key was deleted at revisions that are not kept any more is not told apart from that it never was. */
function recordHash(revision: number, { version, keyHash, hash }: Before): number {
  return mixNumber(version === 0 ? mix32(keyHash, ABSENT_MARK) : hash, revision);
}

/** While a deletion is kept, so is its key's cell. */
function costOf(key: ByteString, value: ByteString, isDeletion: boolean): number {
  const cell = isDeletion ? KEY_OVERHEAD_BYTES : 0;
  return HISTORY_RECORD_BYTES + key.length + value.length + cell;
}
