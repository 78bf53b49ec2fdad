/**
 * How much of the store clients may have transactions look at. A comparison with a range, a range and a deletion of one take a
 * few bytes of a frame and look at thousands of keys, on every node: a frame of 256 KiB would hold up all nodes for seconds. So
 * would a frame of operations on one key each that has a long value. A command refused before it is proposed has had no effect,
 * and its client may ask again (rebuilds.ts says more).
 */
import { type ByteString, TXN_KEYS_MAX, TXN_RESULT_BYTES_MAX } from "../../base/index.ts";
import { decodeTxn, type CellsView, type Txn, type TxnOp, type Where } from "../../store/index.ts";
import type { Route } from "../requests/route.ts";
import { WorkShares } from "../requests/work-shares.ts";

/** Cells of all clients of this node: some 5 ms of its time, and as much of each node's when they are carried out. */
const AT_ONCE_CELLS = 32 * 1024;
/** At 10 ms a tick 200,000 a second: some hundredths of each node's time. */
const CELLS_PER_TICK = 2 * 1024;
/** No transaction looks at many more: it is refused beyond TXN_KEYS_MAX, and only what was deleted of late adds to that. */
const RANGE_CELLS_MAX = 2 * TXN_KEYS_MAX;
/** To compare so many bytes of a value is as much work as to look at a key: 16 µs for 64 KiB. */
const COMPARED_BYTES = 1024;
/** To delete a key is so many times the work of looking at it. */
export const DELETED_FOR_LOOKED = 4;
/**
 * A command that looks at no more cells is always let through: a client can renew a lease and release a lock, even when it owes
 * work.
 */
const FREE_CELLS = 8;
/** To look and then refuse costs this part of the work: the other nodes do not carry it out. */
const REFUSED_PART = 1 / 2;
/**
 * In bytes that might have been written instead: four times as much as a page's look at a cell (answer-reads.ts), as all nodes
 * look at it, and this one twice. So a connection that rests for it (WorkPace) rests until about all that it owes is paid.
 */
const CELL_WORK_BYTES = 384;

/**
 * Comparisons and operations that a transaction has without being charged for them: it carries about as many bytes as writes would, and a
 * KiB of them is no more work than a KiB of short writes (measured 0.2 to 0.7 ms, and 0.4 to 0.6 ms).
 */
const FREE_PARTS = 16;
/** The work of one more on one key, which is looked up, carried out and answered on its own. */
const SINGLE_CELLS = 2;
/** The same of a range, beside the keys in it: there may be none. */
const RANGE_CELLS = 4;
/** Of the values that one transaction copies: a few of the usual size are no more work than all that belongs to a transaction. */
const FREE_BYTES = 8 * 1024;
/**
 * What is free in each transaction is not free in thousands of them: 4,096 that keep a value of 8 KiB are a frame of 50 KB, and a quarter of
 * a second of every node's time. So it has shares of its own, in bytes, at the pace of what is not free.
 */
const FREE_AT_ONCE_BYTES = 4 * 1024 * 1024;
const FREE_BYTES_PER_TICK = 128 * 1024;
/** A transaction that copies no more is let through however many there are. */
const SMALL_BYTES = 512;
/** To copy, tell and perhaps keep so many bytes of a value is as much work as to look at a key: 0.37 ms for 100 of 2 kB. */
const COPIED_BYTES = 64;
/** No transaction that copies more is carried out. */
const COPIED_CELLS_MAX = TXN_RESULT_BYTES_MAX / COPIED_BYTES;
/** So that a transaction with more of it, and ranges beside it, is let in when no client owes anything. */
const PARTS_CELLS_MAX = AT_ONCE_CELLS / 2;

/** The client that asks: it has its share, and rests for the work it had. */
export type Asker = Pick<Route, "id" | "load">;

export class TxnWork {
  readonly #cells: () => CellsView;
  readonly #shares = new WorkShares(AT_ONCE_CELLS, CELLS_PER_TICK);
  readonly #freeCopies = new WorkShares(FREE_AT_ONCE_BYTES, FREE_BYTES_PER_TICK);

  readonly #lengthOf: (key: ByteString) => number;

  /**
   * @param cells of the newest state: about what they will be when the transaction is carried out
   * @param lengthOf the value that a key has, or will have by then
   */
  constructor(
    cells: () => CellsView,
    lengthOf = (key: ByteString): number => cells().get(key)?.value.length ?? 0,
  ) {
    this.#cells = cells;
    this.#lengthOf = lengthOf;
  }

  /**
   * The look that this takes counts even when the transaction is refused: else many refusals would be as much work unpaid.
   * @param body (checked) of a transaction
   * @returns whether it may be proposed, which is counted then
   */
  take(asker: Asker, body: Uint8Array, tick: number): boolean {
    const txn = decodeTxn(body);
    if (typeof txn === "string") return true;
    const parts = [...partsOf(txn)];
    const ranges = parts.filter(isOfRange);
    const copied: Copied = { bytes: -FREE_BYTES };
    const ofParts = this.#partsWork(parts, copied);
    if (ranges.length === 0 && ofParts === 0) return this.#mayCopy(asker, copied, tick);
    const room = this.#shares.room(asker.id, tick);
    const most = Math.max(room, FREE_CELLS);
    const cells = this.#cells();
    // A transaction that deletes as many keys as it may is more work than the most: it is let in when no client owes anything.
    const isAll = room === AT_ONCE_CELLS;
    let looked = ofParts;
    let work = ofParts;
    for (const range of ranges) {
      const { weight } = range;
      if (isAll ? looked > room : work > most) break;
      const affordable = isAll ? room - looked : Math.floor((most - work) / weight);
      const count = cellsIn(cells, range, Math.min(affordable + 1, RANGE_CELLS_MAX), copied);
      looked += count;
      work += weight * count;
    }
    if (looked <= AT_ONCE_CELLS) work = Math.min(work, AT_ONCE_CELLS);
    const may = this.#decide(asker, work, Math.min(work, room), room);
    return may && this.#mayCopy(asker, copied, tick);
  }

  /** Of what is free in one transaction (FREE_AT_ONCE_BYTES). It is counted then. */
  #mayCopy(asker: Asker, copied: Copied, tick: number): boolean {
    const bytes = FREE_BYTES + copied.bytes;
    if (bytes <= SMALL_BYTES) return true;
    const may = bytes <= this.#freeCopies.room(asker.id, tick);
    if (may) this.#freeCopies.take(asker.id, bytes);
    else this.#freeCopies.refuse(asker.id, 0);
    return may;
  }

  /** The work of its parts beyond those that are free, and of the values of single keys, in cells. */
  #partsWork(parts: readonly Part[], copied: Copied): number {
    let free = FREE_PARTS;
    let cells = 0;
    for (const { where, copies } of parts) {
      const isSingle = "key" in where;
      if (free > 0) free -= 1;
      else cells += isSingle ? SINGLE_CELLS : RANGE_CELLS;
      if (isSingle && copies > 0) {
        copied.bytes += this.#lengthOf(where.key);
      }
    }
    return Math.min(cells + takeCopied(copied), PARTS_CELLS_MAX);
  }

  /** @returns whether a command of so much work may be proposed; its work is counted then */
  takeCells(asker: Asker, cells: number, tick: number): boolean {
    return this.#decide(asker, cells, 0, this.#shares.room(asker.id, tick));
  }

  /** @param looked of that work, if it is too much */
  #decide(asker: Asker, work: number, looked: number, room: number): boolean {
    if (work <= FREE_CELLS) return true;
    const may = work <= room;
    const charged = may ? work : Math.floor(looked * REFUSED_PART);
    if (may) this.#shares.take(asker.id, charged);
    else this.#shares.refuse(asker.id, charged);
    asker.load.workBytes += CELL_WORK_BYTES * charged;
    return may;
  }
}

/** A comparison or an operation, by what it looks at. */
interface Part {
  readonly where: Where;
  /** How many times the work of a look a key of a range is. */
  readonly weight: number;
  /** Of each value of a range that it is compared with, at most. */
  readonly comparedBytes: number;
  /** Of so many keys, the first ones, the values that there are go into the answer, or into new versions. */
  readonly copies: number;
}

/** The bytes of values that a transaction copies, as far as they are not counted yet; below zero: so many more are free. */
interface Copied {
  bytes: number;
}

type WeighedRange = Part & { readonly where: Extract<Where, { readonly start: unknown }> };

/** Of both branches: nobody knows yet which one will be taken. */
function* partsOf(txn: Txn): Generator<Part> {
  for (const { where, ...what } of txn.compare) {
    const comparedBytes = what.target === "value" ? what.to.length : 0;
    yield { where, weight: 1, comparedBytes, copies: 0 };
  }
  for (const op of [...txn.success, ...txn.failure]) {
    if (op.op === "txn") {
      yield* partsOf(op.txn);
      continue;
    }
    const where = op.op === "put" ? { key: op.key } : op.where;
    const weight = op.op === "delete" ? DELETED_FOR_LOOKED : 1;
    const most = op.op === "get" && op.limit > 0 ? op.limit : Infinity;
    yield { where, weight, comparedBytes: 0, copies: copiesValue(op) ? most : 0 };
  }
}

function isOfRange(part: Part): part is WeighedRange {
  return "start" in part.where;
}

function copiesValue(op: Exclude<TxnOp, { readonly op: "txn" }>): boolean {
  if (op.op === "get") return !op.keysOnly && !op.countOnly;
  return op.previous || (op.op === "put" && op.value === null);
}

/** @param max more are not counted */
function cellsIn(
  cells: CellsView,
  { where: { start, end }, comparedBytes, copies }: WeighedRange,
  max: number,
  copied: Copied,
): number {
  let count = 0;
  let left = copies;
  if (max > 0) {
    cells.order.visit(start, end, (_, { value }) => {
      count += 1 + Math.floor(Math.min(value.length, comparedBytes) / COMPARED_BYTES);
      if (left-- > 0) copied.bytes += value.length;
      return count + copiedCells(copied) < max;
    });
  }
  return Math.min(count + takeCopied(copied), max);
}

function copiedCells({ bytes }: Copied): number {
  return Math.min(Math.max(0, Math.floor(bytes / COPIED_BYTES)), COPIED_CELLS_MAX);
}

/** Counts what was copied since it was counted last. */
function takeCopied(copied: Copied): number {
  const cells = copiedCells(copied);
  copied.bytes = Math.min(copied.bytes, 0);
  return cells;
}
