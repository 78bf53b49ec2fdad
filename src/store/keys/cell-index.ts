/**
 * Finds cells by key. A table of buckets of eight places each, in shards that grow one by one, so that growing never takes
 * long; a cell whose bucket is full goes aside into a Map.
 *
 * Why not Maps alone: filling them takes most of the time in which a snapshot is loaded, and finding a key that was just
 * read from a frame costs more than in here (ADR 0004 has the numbers). No client can compute the hash (place-hash): else one
 * client's keys could all fall into one shard, which would grow for longer than a turn may take.
 *
 * Invariants:
 *   CELLINDEX-1. A cell stands in a bucket of its hash, or aside in its shard. Its place in `hashes` holds its hash.
 *   CELLINDEX-2. Of one key there is at most one cell.
 */
import type { ByteString } from "../../base/index.ts";
import type { Cell } from "../history/cell.ts";
import type { KeySource } from "../entries/key-source.ts";

/** A power of two. The lowest bits of a hash choose the shard, those above them the bucket. */
export const INDEX_SHARDS = 256;
const SHARD_BITS = 8;
const BUCKET_CELLS = 8;
const BUCKET_BITS = 3;
const BUCKETS_MIN = 2;
/** Cells to a bucket, on average, above which a shard grows: then a few in a hundred are aside. */
const CELLS_PER_BUCKET_MAX = 5;

export class CellIndex {
  readonly #shards: readonly Shard[] = Array.from({ length: INDEX_SHARDS }, () => new Shard());

  get(key: ByteString, placeHash: number): Cell | undefined {
    return this.#shard(placeHash).get(key, placeHash);
  }

  /** As `get`, for a key that is no string yet. */
  find(source: KeySource, placeHash: number): Cell | undefined {
    return this.#shard(placeHash).find(source, placeHash);
  }

  /** Its key is not in here yet. */
  add(cell: Cell, placeHash: number): void {
    this.#shard(placeHash).add(cell, placeHash);
  }

  /** Takes the place of `old`, which has the same key. */
  replace(old: Cell, cell: Cell, placeHash: number): void {
    this.#shard(placeHash).replace(old, cell, placeHash);
  }

  delete(cell: Cell, placeHash: number): void {
    this.#shard(placeHash).delete(cell, placeHash);
  }

  /** Up to so many cells, from all over: which ones says nothing about their keys. */
  *sample(count: number): Generator<Cell, void, undefined> {
    const each = Math.ceil(count / INDEX_SHARDS);
    for (const shard of this.#shards) yield* shard.sample(each);
  }

  /** Makes room in one shard for its part of so many cells in all. */
  reserve(shard: number, cells: number): void {
    this.#shards[shard]?.reserve(Math.ceil(cells / INDEX_SHARDS));
  }

  #shard(placeHash: number): Shard {
    return this.#shards[placeHash & (INDEX_SHARDS - 1)] as Shard;
  }
}

/** A cell does not know its place: that would be 8 bytes more for each, and a bucket's cells have theirs in `hashes`. */
interface Aside {
  readonly cell: Cell;
  readonly placeHash: number;
}

class Shard {
  #hashes = new Int32Array(BUCKETS_MIN * BUCKET_CELLS);
  #cells: (Cell | undefined)[] = emptyPlaces(BUCKETS_MIN * BUCKET_CELLS);
  #bucketMask = BUCKETS_MIN - 1;
  #aside: Map<ByteString, Aside> | null = null;
  #size = 0;

  get(key: ByteString, placeHash: number): Cell | undefined {
    const hashes = this.#hashes;
    const start = this.#bucket(placeHash);
    for (let place = start; place < start + BUCKET_CELLS; place++) {
      if (hashes[place] !== placeHash) continue;
      const cell = this.#cells[place];
      if (cell !== undefined && cell.key === key) return cell;
    }
    return this.#aside === null ? undefined : this.#aside.get(key)?.cell;
  }

  find(source: KeySource, placeHash: number): Cell | undefined {
    const hashes = this.#hashes;
    const start = this.#bucket(placeHash);
    for (let place = start; place < start + BUCKET_CELLS; place++) {
      if (hashes[place] !== placeHash) continue;
      const cell = this.#cells[place];
      if (cell !== undefined && source.isKey(cell.key)) return cell;
    }
    return this.#aside === null ? undefined : this.#aside.get(source.key())?.cell;
  }

  add(cell: Cell, placeHash: number): void {
    this.#size += 1;
    if (this.#size > (this.#bucketMask + 1) * CELLS_PER_BUCKET_MAX) {
      this.#resize(2 * (this.#bucketMask + 1));
    }
    this.#put(cell, placeHash);
  }

  replace(old: Cell, cell: Cell, placeHash: number): void {
    const place = this.#placeOf(old, placeHash);
    if (place === null) this.#aside?.set(cell.key, { cell, placeHash });
    else this.#cells[place] = cell;
  }

  delete(cell: Cell, placeHash: number): void {
    this.#size -= 1;
    const place = this.#placeOf(cell, placeHash);
    if (place === null) this.#aside?.delete(cell.key);
    else this.#cells[place] = undefined;
  }

  reserve(cells: number): void {
    let buckets = this.#bucketMask + 1;
    // A shard's share is not exactly that of the others.
    while (buckets * CELLS_PER_BUCKET_MAX < cells * 1.1) buckets *= 2;
    if (buckets > this.#bucketMask + 1) this.#resize(buckets);
  }

  /** The first ones: a hash that nobody can compute has put them there. */
  sample(count: number): Iterable<Cell> {
    return firstOf(this.#cells, count);
  }

  #bucket(placeHash: number): number {
    return ((placeHash >>> SHARD_BITS) & this.#bucketMask) << BUCKET_BITS;
  }

  #put(cell: Cell, placeHash: number): void {
    const cells = this.#cells;
    const start = this.#bucket(placeHash);
    for (let place = start; place < start + BUCKET_CELLS; place++) {
      if (cells[place] !== undefined) continue;
      cells[place] = cell;
      this.#hashes[place] = placeHash;
      return;
    }
    this.#aside ??= new Map();
    this.#aside.set(cell.key, { cell, placeHash });
  }

  #placeOf(cell: Cell, placeHash: number): number | null {
    const start = this.#bucket(placeHash);
    for (let place = start; place < start + BUCKET_CELLS; place++) {
      if (this.#cells[place] === cell) return place;
    }
    return null;
  }

  #resize(buckets: number): void {
    const cells = this.#cells;
    const hashes = this.#hashes;
    const aside = this.#aside;
    this.#hashes = new Int32Array(buckets * BUCKET_CELLS);
    this.#cells = emptyPlaces(buckets * BUCKET_CELLS);
    this.#bucketMask = buckets - 1;
    this.#aside = null;
    for (let place = 0; place < cells.length; place++) {
      const cell = cells[place];
      if (cell !== undefined) this.#put(cell, hashes[place] ?? 0);
    }
    if (aside === null) return;
    for (const { cell, placeHash } of aside.values()) this.#put(cell, placeHash);
  }
}

/** Up to so many, and no look at what comes after them: there may be millions of places. */
export function* firstOf<T>(places: Iterable<T | undefined>, count: number): Generator<T> {
  let left = count;
  for (const each of places) {
    if (each === undefined) continue;
    yield each;
    left -= 1;
    if (left === 0) return;
  }
}

function emptyPlaces(length: number): (Cell | undefined)[] {
  const places: (Cell | undefined)[] = [];
  places.length = length;
  return places.fill(undefined);
}
