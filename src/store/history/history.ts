/**
 * What each key was before each change: one record for each revision that is kept, in order of revisions. The key's cell
 * names the revision of its last change; the record of that revision says what was there before, and at which revision that
 * came to be, and so on back (versions.ts). So an overwrite appends one record and makes no object. A transaction may change
 * several keys at its revision, which has as many records then.
 *
 * Invariants:
 *   HISTORY-1. Every revision in (oldest, last] has a record of each key that was changed at it. Reads at any revision from
 *       `oldest` on find what they need there.
 *   HISTORY-2. `oldest` only grows, and follows from the changes and the calls of `compactTo` alone. No reader can tell when
 *       `release` frees the records that it leaves behind.
 *   HISTORY-3. Chunks are only appended to, and let go of as a whole: so a clone shares them. It looks at no record beyond
 *       its own last one.
 *   HISTORY-4. bytes and hash are sums over the records in (oldest, last]: each revision has the sums up to it, so that compaction
 *       need not look at each record that it leaves behind.
 *   HISTORY-5. For a key that did not exist a record says when it was deleted, unless that was at `oldest` or before: it is chance
 *       whether a node still knows that.
 */
import { assert, type ByteString, InvariantError, mix32, mixNumber } from "../../base/index.ts";
import type { StoredValue } from "./cell.ts";
import { HistoryChunk } from "./history-chunk.ts";
import { HISTORY_RECORD_BYTES, KEY_OVERHEAD_BYTES } from "./state-size.ts";

/** What was before the creation of a key. Part of the hash. */
const ABSENT_MARK = 0x6162_7365;

/** What a key was before a change, as its cell has it. Version 0: it was not there; the hash is of the key then. */
export interface Before extends StoredValue {
  readonly key: ByteString;
  readonly keyHash: number;
  /** A hash over key, value and revisions. */
  readonly hash: number;
}

/** What reads need of it, live or frozen. */
export interface HistoryView {
  /** HISTORY-1. */
  readonly oldest: number;
  readonly last: number;
  /** Of what this key was before its change at this revision, which is in (oldest, last]. */
  modBefore(revision: number, key: ByteString): number;
  /** 0: it was not there. */
  versionBefore(revision: number, key: ByteString): number;
  /** All of it. Version 0: it was not there. */
  before(revision: number, key: ByteString): StoredValue;
  /** Keys that were changed at this revision, which is in (oldest, last], in no order that nodes would agree on. */
  keysAt(revision: number): readonly ByteString[];
  /** All records as a snapshot has them, a part at a time, each valid until the next change. */
  records(): Iterable<Uint8Array>;
}

export class History implements HistoryView {
  /** In order of revisions. */
  #chunks: HistoryChunk[] = [];
  #oldest: number;
  #last: number;
  /** Sums up to `oldest` and up to `last`. */
  #oldestBytes = 0;
  #lastBytes = 0;
  #oldestHash = 0;
  #lastHash = 0;
  /** Deletions of the first chunk that were let go of. */
  #deletionsReleased = 0;

  /** Without records: it begins at this revision. */
  constructor(revision = 0) {
    this.#oldest = revision;
    this.#last = revision;
  }

  get oldest(): number {
    return this.#oldest;
  }

  get last(): number {
    return this.#last;
  }

  /** What its records are taken to cost: HISTORY-4. */
  get bytes(): number {
    return this.#lastBytes - this.#oldestBytes;
  }

  /** HISTORY-4. Equal for equal records: what was before `oldest` does not count. */
  get hash(): number {
    return (this.#lastHash - this.#oldestHash) | 0;
  }

  /**
   * @param revision the next one, or the last one for another key
   * @param before not yet changed
   * @param isDeletion the key goes
   * @param modBefore the revision of the change before, as the record is to say it. Default: as HISTORY-5 has it now. A record
   *     that comes from a snapshot keeps what it said when it was made, so that all nodes have the same bytes
   */
  append(
    revision: number,
    before: Before,
    isDeletion: boolean,
    modBefore: number = this.#knownMod(before),
  ): void {
    const { key } = before;
    const chunk = this.#chunkToAppendTo(revision);
    this.#last = revision;
    chunk.append(revision, key, before, modBefore, isDeletion);
    this.#lastBytes += costOf(key, before.value, isDeletion);
    this.#lastHash = (this.#lastHash + recordHash(revision, before)) | 0;
    chunk.setSums(revision, this.#lastBytes, this.#lastHash);
  }

  /** HISTORY-5. */
  #knownMod({ version, modRevision }: Before): number {
    return version > 0 || modRevision > this.#oldest ? modRevision : 0;
  }

  /** Reads at this revision and later ones still work, those below do not (HISTORY-2). */
  compactTo(revision: number): void {
    assert(revision <= this.#last, `compacted to ${revision}, which is yet to come`);
    if (revision <= this.#oldest) return;
    const chunk = this.#chunk(revision);
    this.#oldestBytes = chunk.bytesUpTo(revision);
    this.#oldestHash = chunk.hashUpTo(revision);
    this.#oldest = revision;
  }

  /** @returns the revision to compact to, so that no more than so many records, of so many bytes, are left */
  oldestWithin(records: number, bytes: number): number {
    const oldest = Math.max(this.#oldest, this.#last - records);
    const kept = oldest === this.#oldest ? this.bytes : this.#bytesAfter(oldest);
    return kept > bytes ? this.#lowestWithin(bytes, oldest) : oldest;
  }

  /**
   * Frees records that `oldest` has left behind.
   * @param most deletions and chunks that this call may free
   * @param deleted called when the history drops the deletion of this key at this revision
   * @returns whether some are left for another call
   */
  release(most: number, deleted: (key: ByteString, revision: number) => void): boolean {
    let left = most;
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return false;
      const deletion = chunk.deletions[this.#deletionsReleased];
      const isBehind = chunk.first + chunk.places - 1 <= this.#oldest;
      const isDeletionBehind = deletion !== undefined && deletion.revision <= this.#oldest;
      if (!isBehind && !isDeletionBehind) return false;
      if (left === 0) return true;
      left -= 1;
      if (isDeletionBehind) {
        this.#deletionsReleased += 1;
        deleted(deletion.key, deletion.revision);
      } else {
        this.#chunks.shift();
        this.#deletionsReleased = 0;
      }
    }
  }

  modBefore(revision: number, key: ByteString): number {
    return this.#chunk(revision).modBefore(revision, key);
  }

  versionBefore(revision: number, key: ByteString): number {
    return this.#chunk(revision).versionBefore(revision, key);
  }

  before(revision: number, key: ByteString): StoredValue {
    return this.#chunk(revision).before(revision, key);
  }

  *records(): Generator<Uint8Array, void, undefined> {
    for (const chunk of this.#chunks) yield* chunk.records(this.#oldest, this.#last);
  }

  keysAt(revision: number): readonly ByteString[] {
    return this.#chunk(revision).keysAt(revision);
  }

  /** A copy that later changes do not affect. Takes time by the chunks, of which there are a few hundred. */
  clone(): HistoryView {
    const clone = new History(this.#oldest);
    clone.#chunks = this.#chunks.slice();
    clone.#last = this.#last;
    clone.#oldestBytes = this.#oldestBytes;
    clone.#lastBytes = this.#lastBytes;
    clone.#oldestHash = this.#oldestHash;
    clone.#lastHash = this.#lastHash;
    return clone;
  }

  /** The lowest revision such that what comes after it costs no more. Usually it is one of the next. */
  #lowestWithin(bytes: number, oldest: number): number {
    let low = oldest + 1;
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
    return this.#lastBytes - this.#chunk(revision).bytesUpTo(revision);
  }

  #chunkToAppendTo(revision: number): HistoryChunk {
    const last = this.#chunks.at(-1);
    if (revision === this.#last && last !== undefined) return last;
    assert(revision === this.#last + 1, "revisions follow each other");
    if (last !== undefined && !last.isFull) return last;
    const added = new HistoryChunk(revision, last ?? null);
    this.#chunks.push(added);
    return added;
  }

  #chunk(revision: number): HistoryChunk {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#chunks[middle]?.first ?? Infinity) <= revision) low = middle;
      else high = middle - 1;
    }
    const chunk = this.#chunks[low];
    const isThere = chunk !== undefined && this.#oldest < revision && revision <= this.#last;
    // The text is made when it is needed: this runs for every version that is looked at.
    if (!isThere) throw new InvariantError(`revision ${revision} is not kept`);
    return chunk;
  }
}

/** HISTORY-4. A key deleted at a revision that is not kept any more hashes like a key that never existed. */
function recordHash(revision: number, { version, keyHash, hash }: Before): number {
  return mixNumber(version === 0 ? mix32(keyHash, ABSENT_MARK) : hash, revision);
}

/** While a deletion is kept, so is its key's cell. */
function costOf(key: ByteString, value: ByteString, isDeletion: boolean): number {
  const cell = isDeletion ? KEY_OVERHEAD_BYTES : 0;
  return HISTORY_RECORD_BYTES + key.length + value.length + cell;
}
