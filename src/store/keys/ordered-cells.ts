/**
 * The keys. Owns their order, the point index beside it, the hash of their content, and their history.
 *
 * Why two structures: at a million keys a lookup in a tree costs several times one in the index, and most commands
 * touch keys that exist. So a cell is found through the index and changed in place; a tree is touched only when a key
 * comes or goes, or for the first change of a cell since the last clone (ADR 0004 has the numbers).
 *
 * Invariants:
 *   CELLS-1. Index and order hold the same cells under the same keys.
 *   CELLS-2. A cell whose generation is below the current one belongs to a clone as well: it is replaced, never changed.
 *   CELLS-3. contentHash is the sum of the hashes of all cells, so that equal content gives equal hashes by any way there.
 *   CELLS-4. bytes is the sum of what the present keys count for, and size is their number.
 *   CELLS-5. A deleted key has a cell of version 0 until the history drops its deletion; for a read of the newest state the key
 *       does not exist.
 */
import { type ByteString, EMPTY_BYTES, hashByteString, LEASE_KEYS_MAX } from "../../base/index.ts";
import { Cell, LeasedCell, type StoredValue } from "../history/cell.ts";
import { CellIndex } from "./cell-index.ts";
import { costOf, FrozenCells, rangeOf, type KeyValue, type RangeQuery } from "./frozen-cells.ts";
import { History, type HistoryView } from "../history/history.ts";
import type { KeySource } from "../entries/key-source.ts";
import { KeysInOrder, type OrderView } from "./keys-in-order.ts";
import { KEY_OVERHEAD_BYTES } from "../history/state-size.ts";
import { Leases } from "./leases.ts";
import { FIXED_SEED, placeHash, type PlaceSeed } from "../entries/place-hash.ts";
import type { KeyVersion } from "../history/versions.ts";

export class OrderedCells {
  readonly #order: KeysInOrder;
  readonly #index: CellIndex;
  readonly #seed: PlaceSeed;
  readonly #history: History;
  readonly #leases: Leases;
  #generation = 0;
  #size: number;
  #contentHash: number;
  #bytes: number;

  /**
   * Takes over what is handed in, all of it of generation 0 (CELLS-1).
   * @param seed of the places in the index
   * @param bytes what the keys are taken to cost
   */
  constructor(
    seed = FIXED_SEED,
    order = new KeysInOrder(),
    index = new CellIndex(),
    history = new History(),
    size = 0,
    contentHash = 0,
    bytes = 0,
    leases = new Leases(),
  ) {
    this.#leases = leases;
    this.#bytes = bytes;
    this.#seed = seed;
    this.#order = order;
    this.#index = index;
    this.#history = history;
    this.#size = size;
    this.#contentHash = contentHash;
  }

  /** CELLS-4. */
  get size(): number {
    return this.#size;
  }

  get contentHash(): number {
    return this.#contentHash;
  }

  /** CELLS-4. */
  get bytes(): number {
    return this.#bytes;
  }

  get history(): HistoryView & Pick<History, "bytes" | "hash"> {
    return this.#history;
  }

  /** A caller that ends a lease must delete its keys here first. */
  get leases(): Leases {
    return this.#leases;
  }

  /** Up to so many, from all over. */
  *sample(count: number): Generator<KeyValue, void, undefined> {
    for (const cell of this.#index.sample(count)) if (cell.version > 0) yield cell;
  }

  get(key: ByteString): StoredValue | undefined {
    return thereOnly(this.#index.get(key, placeHash(key, this.#seed)));
  }

  /** As `get`, also what a key is that was deleted (CELLS-5). */
  newest(key: ByteString): KeyVersion | undefined {
    return this.#index.get(key, placeHash(key, this.#seed));
  }

  /** As `get`, for a key that is no string yet. */
  find(source: KeySource): StoredValue | undefined {
    return thereOnly(this.#index.find(source, source.keyPlace(this.#seed)));
  }

  /**
   * A new cell, or the next version of the one there is.
   * @param valueHash hash of the value's bytes by hashBytes
   * @param revision one more than that of the change before
   * @param room bytes by which all of it may grow
   * @param lease that the key is bound to from now on, with room for one more; 0: to none
   * @returns false when it would grow by more: nothing has changed
   */
  put(
    source: KeySource,
    value: ByteString,
    valueHash: number,
    revision: number,
    room = Infinity,
    lease = 0,
  ): boolean {
    const place = source.keyPlace(this.#seed);
    const old = this.#index.find(source, place);
    const isNew = old === undefined || old.version === 0;
    const growth = isNew
      ? KEY_OVERHEAD_BYTES + source.keyLength + value.length
      : value.length - old.valueLength;
    if (growth > 0 && growth > room) return false;
    this.#bytes += growth;
    let cell = old === undefined ? this.#add(source.key(), place) : this.#own(old, place);
    this.#history.append(revision, cell, false);
    if (lease !== cell.lease) cell = this.#bind(cell, place, lease);
    if (isNew) this.#order.came(cell, old !== undefined);
    this.#contentHash = (this.#contentHash - cell.hash) | 0;
    if (isNew) {
      this.#size += 1;
      cell.createRevision = revision;
    }
    cell.value = value;
    cell.valueLength = value.length;
    cell.modRevision = revision;
    cell.version += 1;
    this.#contentHash = (this.#contentHash + cell.rehash(valueHash)) | 0;
    return true;
  }

  /**
   * @param revision one more than that of the change before
   * @returns whether there was such a key; if not, nothing has changed
   */
  delete(source: KeySource, revision: number): boolean {
    const place = source.keyPlace(this.#seed);
    const old = this.#index.find(source, place);
    if (old === undefined || old.version === 0) return false;
    const cell = this.#own(old, place);
    this.#history.append(revision, cell, true);
    if (cell.lease !== 0) this.#bind(cell, place, 0);
    this.#contentHash = (this.#contentHash - cell.hash) | 0;
    this.#bytes -= costOf(cell);
    this.#size -= 1;
    cell.value = EMPTY_BYTES;
    cell.valueLength = 0;
    cell.createRevision = 0;
    cell.modRevision = revision;
    cell.version = 0;
    cell.hash = 0;
    this.#order.went(cell);
    return true;
  }

  /** Reads at this revision and later ones still work, those below do not. */
  compactTo(revision: number): void {
    this.#history.compactTo(revision);
  }

  /** @returns the revision to compact to, so that no more than so many changes, of so many bytes, are kept */
  oldestWithin(changes: number, bytes: number): number {
    return this.#history.oldestWithin(changes, bytes);
  }

  /**
   * Frees compacted history. No reader can tell.
   * @param most deletions and chunks
   * @returns whether some is left for another call
   */
  release(most: number): boolean {
    return this.#history.release(most, this.#deletionReleased);
  }

  range(query: RangeQuery): KeyValue[] {
    return rangeOf(this.#order, query);
  }

  /** Valid until the next change. */
  get order(): OrderView {
    return this.#order;
  }

  /** A copy of the content that later changes do not affect. Takes almost constant time. */
  clone(): FrozenCells {
    this.#generation += 1;
    return new FrozenCells(this.#order.clone(), this.#history.clone(), {
      size: this.#size,
      contentHash: this.#contentHash,
      keptHistoryHash: this.#history.hash,
      leases: this.#leases.clone(),
    });
  }

  /** For a key that has no cell; the caller puts it into the order. */
  #add(key: ByteString, place: number): Cell {
    const cell = new Cell(key, hashByteString(key), EMPTY_BYTES, 0, 0, 0, this.#generation);
    this.#index.add(cell, place);
    return cell;
  }

  /**
   * This cell, or if a clone holds it too one of the current generation that takes its place (CELLS-2). One that was deleted is owned
   * only to come again: it leaves its place in the order anyway.
   */
  #own(old: Cell, place: number): Cell {
    if (old.generation === this.#generation) return old;
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
    cell.hash = old.hash;
    const own = old.lease === 0 ? cell : leasedCopy(cell, old.lease);
    this.#index.replace(old, own, place);
    if (version > 0) this.#order.replace(own);
    return own;
  }

  /** LEASES-1. @param cell of the current generation. @returns the one that has taken its place, or itself */
  #bind(cell: Cell, place: number, lease: number): Cell {
    if (cell.lease !== 0) this.#leases.unbind(cell.lease, cell.key, cell.keyHash);
    if (lease !== 0) this.#leases.bind(lease, cell.key, cell.keyHash);
    if (cell instanceof LeasedCell) {
      cell.boundTo = lease;
      return cell;
    }
    const leased = leasedCopy(cell, lease);
    this.#index.replace(cell, leased, place);
    if (cell.version > 0) this.#order.replace(leased);
    return leased;
  }

  /** A key is bound that was when the snapshot was made. @returns false when it cannot be */
  bindAgain(key: ByteString, lease: number): boolean {
    const place = placeHash(key, this.#seed);
    const cell = this.#index.get(key, place);
    if (cell === undefined || cell.version === 0 || cell.lease !== 0) return false;
    if (!this.#leases.has(lease) || this.#leases.keysOf(lease) >= LEASE_KEYS_MAX) return false;
    this.#bind(cell, place, lease);
    return true;
  }

  /** CELLS-5. A key that has come again since has a later revision. */
  readonly #deletionReleased = (key: ByteString, revision: number): void => {
    const place = placeHash(key, this.#seed);
    const cell = this.#index.get(key, place);
    if (cell === undefined || cell.version > 0 || cell.modRevision !== revision) return;
    this.#index.delete(cell, place);
    this.#order.forget(key);
  };
}

/** What reads need of the cells. */
export type CellsView = Pick<OrderedCells, "get" | "newest" | "order" | "history">;

function leasedCopy(cell: Cell, lease: number): LeasedCell {
  const { key, keyHash, value, createRevision, modRevision, version, generation, hash } = cell;
  const copy = new LeasedCell(
    key,
    keyHash,
    value,
    createRevision,
    modRevision,
    version,
    generation,
  );
  copy.hash = hash;
  copy.boundTo = lease;
  return copy;
}

function thereOnly(cell: Cell | undefined): Cell | undefined {
  return cell === undefined || cell.version === 0 ? undefined : cell;
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
