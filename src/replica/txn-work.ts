/**
 * How much of the store clients may have transactions look at. A comparison with a range, a range and a deletion of one take a
 * few bytes of a frame and look at thousands of keys, on every node: a frame of 256 KiB would hold all of them up for
 * seconds. What is refused before it is proposed has had no effect, and its client may ask again (rebuilds.ts says more).
 */
import { decodeTxn, type CellsView, type Txn, type TxnOp, type Where } from "../kv/index.ts";
import { Allowance } from "./allowance.ts";

/** Cells of all clients of this node: some 5 ms of each node's time. */
const AT_ONCE_CELLS = 64 * 1024;
/** At 10 ms a tick 400,000 a second: some hundredths of each node's time. */
const CELLS_PER_TICK = 4 * 1024;
/** To delete a key is so many times the work of looking at it. */
const DELETED_FOR_LOOKED = 4;

export class TxnWork {
  readonly #cells: () => CellsView;
  readonly #allowance = new Allowance(AT_ONCE_CELLS, CELLS_PER_TICK, 0);

  /** @param cells of the newest state: about what they will be when the transaction is carried out */
  constructor(cells: () => CellsView) {
    this.#cells = cells;
  }

  /** @param body (checked) of a transaction. @returns whether it may be proposed, which is counted then */
  take(body: Uint8Array, tick: number): boolean {
    const txn = decodeTxn(body);
    if (typeof txn === "string") return true;
    const left = this.#allowance.left(tick);
    const cells = this.#cells();
    let work = 0;
    for (const { where, weight } of rangesIn(txn)) {
      work += weight * cellsIn(cells, where, Math.floor((left - work) / weight) + 1);
      if (work > left) return false;
    }
    this.#allowance.take(work);
    return true;
  }
}

interface WeighedRange {
  readonly where: Extract<Where, { readonly start: unknown }>;
  readonly weight: number;
}

/** Of both branches: which one is taken is not known yet. */
function* rangesIn(txn: Txn): Generator<WeighedRange> {
  for (const { where } of txn.compare) if ("start" in where) yield { where, weight: 1 };
  for (const op of [...txn.success, ...txn.failure]) yield* rangesOf(op);
}

function* rangesOf(op: TxnOp): Generator<WeighedRange> {
  if (op.op === "txn") yield* rangesIn(op.txn);
  else if (op.op !== "put" && "start" in op.where) {
    yield { where: op.where, weight: op.op === "delete" ? DELETED_FOR_LOOKED : 1 };
  }
}

/** Deleted ones that the history still has included, as they are passed over one by one. @param max more are not counted */
function cellsIn(cells: CellsView, { start, end }: WeighedRange["where"], max: number): number {
  let count = 0;
  const walk = cells.walk(start, end, false)[Symbol.iterator]();
  while (count < max && walk.next().done !== true) count += 1;
  return count;
}
