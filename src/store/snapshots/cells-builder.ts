/**
 * Makes the structure of cells that come in order of their keys, as a snapshot has them: first the trees, a batch at a
 * time; then the index, when the engine has done with moving the young cells about, which makes it several times cheaper.
 * The caller sets the pace.
 */
import { type ByteString, hashByteString } from "../../base/index.ts";
import { Cell } from "../history/cell.ts";
import { CellIndex, INDEX_SHARDS } from "../keys/cell-index.ts";
import { emptyTree, treeWith, type CellTree } from "../keys/cell-tree.ts";
import { costOf } from "../keys/frozen-cells.ts";
import { History } from "../history/history.ts";
import { KeysInOrder } from "../keys/keys-in-order.ts";
import { Leases } from "../keys/leases.ts";
import { OrderedCells } from "../keys/ordered-cells.ts";
import { FIXED_SEED, placeHash, type PlaceSeed } from "../entries/place-hash.ts";

/** Cells that are put into a tree, or into the index, without a break: a fraction of a millisecond. */
const BATCH_CELLS = 1024;

class Batch {
  readonly cells: Cell[] = [];
  /** Worked out while the keys are at hand: to come back to each of them later costs several times as much. */
  readonly places = new Int32Array(BATCH_CELLS);
}

/** A tree that grows by whole batches, so that its nodes are full. */
class GrowingTree {
  #tree = emptyTree();
  #waiting: Cell[] = [];

  append(cell: Cell): void {
    this.#waiting.push(cell);
    if (this.#waiting.length === BATCH_CELLS) this.#grow();
  }

  finish(): CellTree {
    if (this.#waiting.length > 0) this.#grow();
    return this.#tree;
  }

  #grow(): void {
    this.#tree = treeWith(this.#tree, this.#waiting);
    this.#waiting = [];
  }
}

export class CellsBuilder {
  readonly #there = new GrowingTree();
  /** Of keys that were deleted. */
  readonly #gone = new GrowingTree();
  readonly #index = new CellIndex();
  #batch = new Batch();
  /** What is complete. */
  readonly #batches: Batch[] = [];
  /** Those of keys that were deleted too. */
  #cells = 0;
  #size = 0;
  #bytes = 0;
  #contentHash = 0;
  #history = new History();
  #shardsReady = 0;
  #batchesIndexed = 0;

  readonly #seed: PlaceSeed;

  /** @param seed of the places in the index */
  constructor(seed = FIXED_SEED) {
    this.#seed = seed;
  }

  get contentHash(): number {
    return this.#contentHash;
  }

  /** To be appended to by the caller, from this revision on. Without it there is none. */
  beginHistory(oldest: number): History {
    this.#history = new History(oldest);
    return this.#history;
  }

  /**
   * @param key above all before it
   * @param version 0: it was deleted
   * @param valueHash hash of the value's bytes by hashBytes
   */
  append(
    key: ByteString,
    value: ByteString,
    createRevision: number,
    modRevision: number,
    version: number,
    valueHash: number,
  ): Cell {
    const keyHash = hashByteString(key);
    const cell = new Cell(key, keyHash, value, createRevision, modRevision, version, 0);
    if (version > 0) {
      this.#contentHash = (this.#contentHash + cell.rehash(valueHash)) | 0;
      this.#size += 1;
      this.#bytes += costOf(cell);
    }
    (version > 0 ? this.#there : this.#gone).append(cell);
    const { cells, places } = this.#batch;
    this.#cells += 1;
    places[cells.length] = placeHash(key, this.#seed);
    cells.push(cell);
    if (cells.length === BATCH_CELLS) this.#endBatch();
    return cell;
  }

  /** Does a part of what is left to do when all cells are there. @returns false when nothing is left */
  step(): boolean {
    if (this.#batch.cells.length > 0) {
      this.#endBatch();
      return true;
    }
    if (this.#shardsReady < INDEX_SHARDS) {
      const shards = Math.ceil((INDEX_SHARDS * BATCH_CELLS) / Math.max(BATCH_CELLS, this.#cells));
      const end = Math.min(INDEX_SHARDS, this.#shardsReady + shards);
      for (; this.#shardsReady < end; this.#shardsReady++) {
        this.#index.reserve(this.#shardsReady, this.#cells);
      }
      return true;
    }
    const batch = this.#batches[this.#batchesIndexed];
    if (batch === undefined) return false;
    batch.cells.forEach((cell, i) => this.#index.add(cell, batch.places[i] ?? 0));
    this.#batchesIndexed += 1;
    return true;
  }

  /**
   * To be called once, when `step` has nothing left to do.
   * @param leases to which no keys are bound yet
   */
  finish(leases = new Leases()): OrderedCells {
    return new OrderedCells(
      this.#seed,
      new KeysInOrder(this.#there.finish(), this.#gone.finish()),
      this.#index,
      this.#history,
      this.#size,
      this.#contentHash,
      this.#bytes,
      leases,
    );
  }

  #endBatch(): void {
    this.#batches.push(this.#batch);
    this.#batch = new Batch();
  }
}
