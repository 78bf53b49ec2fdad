/**
 * The keys. Owns the ordered tree, the point index beside it, and the hash of their content.
 *
 * Why two structures: at a million keys a lookup in the tree costs several times one in the index, and most commands
 * touch keys that exist. So a cell is found through the index and changed in place; the tree is touched only when a key
 * comes or goes, or for the first change of a cell since the last clone (ADR 0004 has the numbers).
 *
 * Invariants:
 *   C1. Index and tree hold the same cells under the same keys.
 *   C2. A cell whose generation is below the current one belongs to a clone as well: it is replaced, never changed.
 *   C3. contentHash is the sum of the hashes of all cells, so that equal content gives equal hashes whatever the way there.
 *   C4. bytes is the sum of what all cells are taken to cost.
 */
import { hashByteString, type ByteString } from "../base/byte-string.ts";
import { Cell, type StoredValue } from "./cell.ts";
import { CellIndex } from "./cell-index.ts";
import { emptyTree, type CellTree } from "./cell-tree.ts";
import type { KeySource } from "./key-source.ts";
import { KEY_OVERHEAD_BYTES } from "./state-size.ts";
import { FIXED_SEED, placeHash, type PlaceSeed } from "./place-hash.ts";

export interface KeyValue extends StoredValue {
  readonly key: ByteString;
}

export interface RangeQuery {
  /** First key wanted. Default: the very first. */
  readonly start?: ByteString;
  /** First key not wanted any more. Default: none. */
  readonly end?: ByteString;
  readonly limit: number;
  /** From the end of the range downwards. */
  readonly reverse?: boolean;
}

export class OrderedCells {
  readonly #tree: CellTree;
  readonly #index: CellIndex;
  readonly #seed: PlaceSeed;
  #generation = 0;
  #contentHash: number;
  #bytes: number;

  /**
   * Takes over both structures, which hold the same cells of generation 0 (C1).
   * @param seed of the places in the index
   * @param bytes what they are taken to cost
   */
  constructor(
    seed = FIXED_SEED,
    tree = emptyTree(),
    index = new CellIndex(),
    contentHash = 0,
    bytes = 0,
  ) {
    this.#bytes = bytes;
    this.#seed = seed;
    this.#tree = tree;
    this.#index = index;
    this.#contentHash = contentHash;
  }

  get size(): number {
    return this.#tree.size;
  }

  get contentHash(): number {
    return this.#contentHash;
  }

  /** C4. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Up to so many, from all over. */
  sample(count: number): Iterable<KeyValue> {
    return this.#index.sample(count);
  }

  get(key: ByteString): StoredValue | undefined {
    return this.#index.get(key, placeHash(key, this.#seed));
  }

  /** As `get`, for a key that is no string yet. */
  find(source: KeySource): StoredValue | undefined {
    return this.#index.find(source, source.keyPlace(this.#seed));
  }

  /**
   * A new cell, or the next version of the one there is.
   * @param valueHash hash of the value's bytes by hashBytes
   * @param room bytes by which all of it may grow
   * @returns false when it would grow by more: nothing has changed
   */
  put(
    source: KeySource,
    value: ByteString,
    valueHash: number,
    revision: number,
    room = Infinity,
  ): boolean {
    const place = source.keyPlace(this.#seed);
    const old = this.#index.find(source, place);
    const growth =
      old === undefined
        ? KEY_OVERHEAD_BYTES + source.keyLength + value.length
        : value.length - old.valueLength;
    if (growth > 0 && growth > room) return false;
    this.#bytes += growth;
    if (old === undefined) {
      const key = source.key();
      const keyHash = hashByteString(key);
      const cell = new Cell(key, keyHash, value, revision, revision, 1, this.#generation);
      this.#contentHash = (this.#contentHash + cell.rehash(valueHash)) | 0;
      this.#index.add(cell, place);
      this.#tree.set(key, cell);
      return true;
    }
    this.#contentHash = (this.#contentHash - old.hash) | 0;
    const cell = old.generation === this.#generation ? old : this.#renew(old, place);
    cell.value = value;
    cell.valueLength = value.length;
    cell.modRevision = revision;
    cell.version += 1;
    this.#contentHash = (this.#contentHash + cell.rehash(valueHash)) | 0;
    return true;
  }

  /** @returns whether there was such a key */
  delete(source: KeySource): boolean {
    const place = source.keyPlace(this.#seed);
    const old = this.#index.find(source, place);
    if (old === undefined) return false;
    this.#index.delete(old, place);
    this.#tree.delete(old.key);
    this.#contentHash = (this.#contentHash - old.hash) | 0;
    this.#bytes -= costOf(old);
    return true;
  }

  range(query: RangeQuery): KeyValue[] {
    return rangeOf(this.#tree, query);
  }

  walk(
    start: ByteString,
    end: ByteString | null,
    reverse: boolean,
  ): Iterable<[ByteString, StoredValue]> {
    return walk(this.#tree, start, end ?? undefined, reverse);
  }

  /** The content as it is now, whatever happens here later. Takes constant time. */
  clone(): FrozenCells {
    this.#generation += 1;
    return new FrozenCells(this.#tree.clone(), this.#contentHash);
  }

  /** A cell that a clone holds too makes way for one of the current generation (C2). */
  #renew(old: Cell, place: number): Cell {
    const { key, keyHash, value, createRevision, modRevision, version } = old;
    const cell = new Cell(
      key,
      keyHash,
      value,
      createRevision,
      modRevision,
      version,
      this.#generation,
    );
    this.#index.replace(old, cell, place);
    this.#tree.set(key, cell);
    return cell;
  }
}

/** A clone: ordered, and without point index. */
export class FrozenCells {
  readonly #tree: CellTree;
  readonly contentHash: number;

  constructor(tree: CellTree, contentHash: number) {
    this.#tree = tree;
    this.contentHash = contentHash;
  }

  get size(): number {
    return this.#tree.size;
  }

  get(key: ByteString): StoredValue | undefined {
    return this.#tree.get(key);
  }

  range(query: RangeQuery): KeyValue[] {
    return rangeOf(this.#tree, query);
  }

  walk(
    start: ByteString,
    end: ByteString | null,
    reverse: boolean,
  ): Iterable<[ByteString, StoredValue]> {
    return walk(this.#tree, start, end ?? undefined, reverse);
  }

  /** In order of keys. The pair is the same array each time. */
  entries(): IterableIterator<[ByteString, StoredValue]> {
    return this.#tree.entries(undefined, []);
  }
}

/** C4. */
export function costOf({ key, value }: { key: ByteString; value: ByteString }): number {
  return KEY_OVERHEAD_BYTES + key.length + value.length;
}

/** By how much a value of this length under the key changes what all cost. */
export function growthBy(
  old: StoredValue | undefined,
  keyLength: number,
  valueLength: number,
): number {
  if (old === undefined) return KEY_OVERHEAD_BYTES + keyLength + valueLength;
  return valueLength - old.value.length;
}

function* walk(
  tree: CellTree,
  start: ByteString | undefined,
  end: ByteString | undefined,
  reverse: boolean,
): Generator<[ByteString, StoredValue]> {
  const pairs = reverse ? tree.entriesReversed(end, [], true) : tree.entries(start, []);
  for (const pair of pairs) {
    const [key] = pair;
    const isOutside = reverse
      ? start !== undefined && key < start
      : end !== undefined && key >= end;
    if (isOutside) return;
    yield pair;
  }
}

function rangeOf(tree: CellTree, query: RangeQuery): KeyValue[] {
  const { start, end, limit, reverse = false } = query;
  const found: KeyValue[] = [];
  if (limit <= 0) return found;
  for (const [key, cell] of walk(tree, start, end, reverse)) {
    const { value, createRevision, modRevision, version } = cell;
    found.push({ key, value, createRevision, modRevision, version });
    if (found.length >= limit) break;
  }
  return found;
}
