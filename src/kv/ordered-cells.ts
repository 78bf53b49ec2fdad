/**
 * The keys. Owns the ordered tree, the point index beside it, and the hash of their content.
 *
 * Why two structures: at a million keys a lookup in the tree costs two to three times one in a Map, and most commands
 * touch keys that exist. So a cell is found through the Map and changed in place; the tree is touched only when a key
 * comes or goes, or for the first change of a cell since the last clone (ADR 0004 has the numbers).
 *
 * Invariants:
 *   C1. Index and tree hold the same cells under the same keys.
 *   C2. A cell whose generation is below the current one belongs to a clone as well: it is replaced, never changed.
 *   C3. contentHash is the sum of the hashes of all cells, so that equal content gives equal hashes whatever the way there.
 */
import BTreeModule from "sorted-btree";
import { hashByteString, mix32, mixNumber, type ByteString } from "./byte-string.ts";

// A CommonJS module with a default export: Node hands over the module, bundlers and test runners the class in it.
const BTree = typeof BTreeModule === "function" ? BTreeModule : BTreeModule.default;
type Tree = InstanceType<typeof BTree<ByteString, Cell>>;

/** A value and its history in brief. Read only, and valid until the state changes. */
export interface StoredValue {
  readonly value: ByteString;
  /** Store revision at which the key came to be. */
  readonly createRevision: number;
  /** Store revision of the last change. */
  readonly modRevision: number;
  /** 1 when created, one more with each change. */
  readonly version: number;
}

export interface KeyValue extends StoredValue {
  readonly key: ByteString;
}

class Cell implements StoredValue {
  value: ByteString;
  readonly createRevision: number;
  modRevision: number;
  version: number;
  /** Of key, value and revisions: what this cell adds to the content hash. */
  hash = 0;
  readonly generation: number;

  constructor(
    value: ByteString,
    createRevision: number,
    modRevision: number,
    version: number,
    generation: number,
  ) {
    this.value = value;
    this.createRevision = createRevision;
    this.modRevision = modRevision;
    this.version = version;
    this.generation = generation;
  }
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

/** The unsharded index would stop the node for 100 ms and more while it grows, and ends at 2^24 keys. */
const SHARDS = 256;
/** Wide nodes: fewer levels cost less than the longer shifts on insert. */
const TREE_NODE_KEYS = 64;

const compareKeys = (a: ByteString, b: ByteString): number => (a < b ? -1 : a > b ? 1 : 0);

export class OrderedCells {
  readonly #tree: Tree;
  readonly #index: readonly Map<ByteString, Cell>[];
  #generation = 0;
  #contentHash = 0;

  constructor() {
    this.#tree = new BTree<ByteString, Cell>(undefined, compareKeys, TREE_NODE_KEYS);
    this.#index = Array.from({ length: SHARDS }, () => new Map<ByteString, Cell>());
  }

  get size(): number {
    return this.#tree.size;
  }

  get contentHash(): number {
    return this.#contentHash;
  }

  get(key: ByteString): StoredValue | undefined {
    return this.#shard(hashByteString(key)).get(key);
  }

  /**
   * A cell as it stood elsewhere, or the next version of it.
   * @param valueHash hash of the value's bytes by hashBytes
   */
  put(key: ByteString, value: ByteString, valueHash: number, revision: number): void {
    const keyHash = hashByteString(key);
    const shard = this.#shard(keyHash);
    const old = shard.get(key);
    if (old === undefined) {
      const cell = new Cell(value, revision, revision, 1, this.#generation);
      this.#insert(shard, key, keyHash, valueHash, cell);
      return;
    }
    this.#contentHash = (this.#contentHash - old.hash) | 0;
    let cell = old;
    if (old.generation !== this.#generation) {
      cell = new Cell(value, old.createRevision, revision, old.version, this.#generation);
      shard.set(key, cell);
      this.#tree.set(key, cell);
    }
    cell.value = value;
    cell.modRevision = revision;
    cell.version += 1;
    cell.hash = cellHash(keyHash, valueHash, cell);
    this.#contentHash = (this.#contentHash + cell.hash) | 0;
  }

  /** For decoding a snapshot. @returns false when the key is there already */
  restore(key: ByteString, stored: StoredValue, valueHash: number): boolean {
    const keyHash = hashByteString(key);
    const shard = this.#shard(keyHash);
    if (shard.has(key)) return false;
    const { value, createRevision, modRevision, version } = stored;
    const cell = new Cell(value, createRevision, modRevision, version, this.#generation);
    this.#insert(shard, key, keyHash, valueHash, cell);
    return true;
  }

  /** @returns whether there was such a key */
  delete(key: ByteString): boolean {
    const shard = this.#shard(hashByteString(key));
    const old = shard.get(key);
    if (old === undefined) return false;
    shard.delete(key);
    this.#tree.delete(key);
    this.#contentHash = (this.#contentHash - old.hash) | 0;
    return true;
  }

  range(query: RangeQuery): KeyValue[] {
    return rangeOf(this.#tree, query);
  }

  /** The content as it is now, whatever happens here later. Takes constant time. */
  clone(): FrozenCells {
    this.#generation += 1;
    return new FrozenCells(this.#tree.clone(), this.#contentHash);
  }

  #insert(
    shard: Map<ByteString, Cell>,
    key: ByteString,
    keyHash: number,
    valueHash: number,
    cell: Cell,
  ): void {
    cell.hash = cellHash(keyHash, valueHash, cell);
    this.#contentHash = (this.#contentHash + cell.hash) | 0;
    shard.set(key, cell);
    this.#tree.set(key, cell);
  }

  #shard(keyHash: number): Map<ByteString, Cell> {
    return this.#index[keyHash & (SHARDS - 1)] as Map<ByteString, Cell>;
  }
}

/** A clone: ordered, and without point index. */
export class FrozenCells {
  readonly #tree: Tree;
  readonly contentHash: number;

  constructor(tree: Tree, contentHash: number) {
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

  /** In order of keys. The pair is the same array each time. */
  entries(): IterableIterator<[ByteString, StoredValue]> {
    return this.#tree.entries(undefined, []);
  }
}

function cellHash(keyHash: number, valueHash: number, cell: StoredValue): number {
  const revisions = mixNumber(mixNumber(cell.version, cell.createRevision), cell.modRevision);
  return mix32(mix32(keyHash, valueHash), revisions);
}

function rangeOf(tree: Tree, query: RangeQuery): KeyValue[] {
  const { start, end, limit } = query;
  const found: KeyValue[] = [];
  if (limit <= 0) return found;
  const pairs =
    query.reverse === true ? tree.entriesReversed(end, [], true) : tree.entries(start, []);
  for (const [key, cell] of pairs) {
    const outside =
      query.reverse === true ? start !== undefined && key < start : end !== undefined && key >= end;
    if (outside) break;
    const { value, createRevision, modRevision, version } = cell;
    found.push({ key, value, createRevision, modRevision, version });
    if (found.length >= limit) break;
  }
  return found;
}
