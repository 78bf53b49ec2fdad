/**
 * What a transaction would do to the cells. The plan is complete before the state changes, so no transaction is ever done in part.
 * A function of the cells' newest state alone.
 *
 * Invariants:
 *   PLAN-1. All comparisons are of the cells as they are; operations see the cells with the changes planned so far.
 *   PLAN-2. At most TXN_KEYS_MAX keys are looked at. Cells of keys that were deleted do not count: which of them a node still has
 *       is no function of the log (kv-state, STATE-9).
 *   PLAN-3. Each key is in `changes` once at most: txn-check lets nothing else pass.
 */
import {
  type ByteString,
  firstFrom,
  hashOfBytes,
  LEASE_KEYS_MAX,
  TXN_KEYS_MAX,
  unreachable,
} from "../../base/index.ts";
import { StringKey } from "../entries/string-key.ts";
import type { StoredValue } from "../history/cell.ts";
import type { Visit } from "../keys/keys-in-order.ts";
import type { Leases } from "../keys/leases.ts";
import { growthBy, type OrderedCells } from "../keys/ordered-cells.ts";
import { BOUND_KEY_BYTES, KEY_OVERHEAD_BYTES } from "../history/state-size.ts";
import { isIn } from "../txn/txn-check.ts";
import { encodeResults, type Found, type TxnResult } from "./txn-results.ts";
import {
  TXN_REFUSAL,
  type Compare,
  type DeleteOp,
  type GetOp,
  type PutOp,
  type Relation,
  type Txn,
  type TxnOp,
  type TxnRefusal,
  type Where,
} from "../txn/txn.ts";

export interface TxnPlan {
  /** Which list was taken. */
  readonly succeeded: boolean;
  /** Null: the key goes. In the order in which they are made. */
  readonly changes: ReadonlyMap<ByteString, StoredValue | null>;
  /** By how much they change what keys and values are taken to cost. */
  readonly growth: number;
  /** As of encodeResults. */
  readonly results: Uint8Array;
}

/** Which list a transaction takes, and those that are nested in that list, in order. */
interface Decision {
  readonly succeeded: boolean;
  readonly nested: readonly Decision[];
}

export type PlannedCells = Pick<OrderedCells, "get" | "order"> & {
  readonly leases: Pick<Leases, "has" | "keysOf">;
};

/** @param revision that its changes will have */
export function planTxn(cells: PlannedCells, txn: Txn, revision: number): TxnPlan | TxnRefusal {
  const planner = new Planner(cells, revision);
  const decision = planner.decide(txn);
  const results = planner.carryOut(txn, decision);
  if (planner.refusal !== null) return planner.refusal;
  const encoded = encodeResults(results);
  if (encoded === null) return TXN_REFUSAL.tooMuchFound;
  const { changes, growth } = planner;
  return { succeeded: decision.succeeded, changes, growth, results: encoded };
}

/** @param revision that they get */
export function makeChanges(
  cells: Pick<OrderedCells, "put" | "delete">,
  changes: TxnPlan["changes"],
  revision: number,
): void {
  for (const [key, change] of changes) {
    const source = new StringKey(key);
    if (change === null) cells.delete(source, revision);
    else {
      const { value, lease } = change;
      cells.put(source, value, hashOfBytes(value), revision, Infinity, lease);
    }
  }
}

class Planner {
  readonly #cells: PlannedCells;
  readonly #revision: number;
  readonly changes = new Map<ByteString, StoredValue | null>();
  growth = 0;
  /** Once it is set, the results of the other operations do not matter. */
  refusal: TxnRefusal | null = null;
  #looked = 0;
  /** Those put that were not there, in order. */
  readonly #created: ByteString[] = [];
  readonly #leases: Pick<Leases, "has" | "keysOf">;
  /** Keys that are newly bound, by lease. */
  readonly #added = new Map<number, number>();

  constructor(cells: PlannedCells, revision: number) {
    this.#cells = cells;
    this.#leases = cells.leases;
    this.#revision = revision;
  }

  decide(txn: Txn): Decision {
    const succeeded = txn.compare.every((compare) => this.#holds(compare));
    const nested: Decision[] = [];
    for (const op of succeeded ? txn.success : txn.failure) {
      if (op.op === "txn") nested.push(this.decide(op.txn));
    }
    return { succeeded, nested };
  }

  carryOut(txn: Txn, { succeeded, nested }: Decision): TxnResult[] {
    const results: TxnResult[] = [];
    let next = 0;
    for (const op of succeeded ? txn.success : txn.failure) {
      if (this.refusal !== null) break;
      const decision = op.op === "txn" ? nested[next++] : undefined;
      results.push(this.#result(op, decision));
    }
    return results;
  }

  #result(op: TxnOp, decision: Decision | undefined): TxnResult {
    switch (op.op) {
      case "put":
        return this.#put(op);
      case "delete":
        return this.#delete(op);
      case "get":
        return this.#get(op);
      case "txn": {
        const { succeeded } = decision ?? { succeeded: false };
        const results = decision === undefined ? [] : this.carryOut(op.txn, decision);
        return { op: "txn", succeeded, results };
      }
      default:
        return unreachable(op, "operation of a transaction");
    }
  }

  #holds(compare: Compare): boolean {
    const { where, is, target, to } = compare;
    if (target === "count") {
      let count = 0;
      this.#there(where, () => {
        count += 1;
        return true;
      });
      return stands(count, is, to);
    }
    let isNone = true;
    let allHold = true;
    this.#there(where, (_, stored) => {
      const holds =
        target === "value" ? stands(stored.value, is, to) : stands(stored[target] ?? 0, is, to);
      isNone = false;
      allHold &&= holds;
      return holds;
    });
    if (!isNone) return allHold;
    return target !== "value" && stands(0, is, to);
  }

  #put({ key, value, previous, lease = 0 }: PutOp): TxnResult {
    const old = this.#lookAt(key);
    const bound = this.#leaseOf(lease, old);
    if ((value === null || lease === null) && old === undefined) {
      this.refusal ??= TXN_REFUSAL.nothingToKeep;
      return { op: "put", previous: null };
    }
    const put = value ?? old?.value;
    if (put === undefined) return { op: "put", previous: null };
    this.growth += growthBy(old, key.length, put.length);
    this.growth += BOUND_KEY_BYTES * ((bound === 0 ? 0 : 1) - (old?.lease ? 1 : 0));
    if (old === undefined) this.#created.splice(firstFrom(this.#created, key), 0, key);
    this.changes.set(key, {
      value: put,
      createRevision: old?.createRevision ?? this.#revision,
      modRevision: this.#revision,
      version: 1 + (old?.version ?? 0),
      lease: bound,
    });
    return { op: "put", previous: previous && old !== undefined ? foundAt(key, old) : null };
  }

  /** @returns the lease that the key is bound to then; an id of no lease, or of a full one, refuses the transaction */
  #leaseOf(wanted: number | null, old: StoredValue | undefined): number {
    const had = old?.lease ?? 0;
    if (wanted === null || wanted === 0) return wanted ?? had;
    if (!this.#leases.has(wanted)) this.refusal ??= TXN_REFUSAL.noSuchLease;
    if (wanted === had) return wanted;
    const added = 1 + (this.#added.get(wanted) ?? 0);
    this.#added.set(wanted, added);
    if (this.#leases.keysOf(wanted) + added > LEASE_KEYS_MAX) {
      this.refusal ??= TXN_REFUSAL.tooManyKeysOfLease;
    }
    return wanted;
  }

  #delete({ where, previous }: DeleteOp): TxnResult {
    let count = 0;
    const deleted: Found[] = [];
    // What was put before is in no range that is deleted (PLAN-3).
    this.#there(where, (key, stored) => {
      if (this.changes.has(key)) return true;
      count += 1;
      this.growth -= KEY_OVERHEAD_BYTES + key.length + stored.value.length;
      if (stored.lease) this.growth -= BOUND_KEY_BYTES;
      this.changes.set(key, null);
      if (previous) deleted.push(foundAt(key, stored));
      return true;
    });
    return { op: "delete", count, previous: deleted };
  }

  #get({ where, limit, keysOnly, countOnly }: GetOp): TxnResult {
    const found: Found[] = [];
    let count = 0;
    let more = false;
    this.#merged(where, (key, stored) => {
      more = limit > 0 && count === limit;
      if (more) return false;
      count += 1;
      if (!countOnly) found.push(foundAt(key, stored));
      return true;
    });
    return { op: "get", count, more, keysOnly, found };
  }

  /** The keys as they are with the changes planned so far, in order. */
  #merged(where: Where, visitor: Visit<StoredValue>): void {
    const created = this.#created;
    let next = firstFrom(created, "key" in where ? where.key : where.start);
    let goesOn = true;
    this.#there(where, (key, stored) => {
      for (; goesOn; next++) {
        const other = created[next];
        if (other === undefined || other > key || !isIn(other, where)) break;
        goesOn = this.#changed(other, visitor);
      }
      const change = this.changes.get(key);
      if (goesOn && change !== null) goesOn = visitor(key, change ?? stored);
      return goesOn;
    });
    for (; goesOn; next++) {
      const other = created[next];
      if (other === undefined || !isIn(other, where)) return;
      goesOn = this.#changed(other, visitor);
    }
  }

  #changed(key: ByteString, visitor: Visit<StoredValue>): boolean {
    const change = this.changes.get(key);
    return change == null || !this.#counts() || visitor(key, change);
  }

  /** The keys that there are in the cells, in order, until there are too many of them (PLAN-2). */
  #there(where: Where, visitor: Visit<StoredValue>): void {
    if ("key" in where) {
      const stored = this.#lookAt(where.key);
      if (stored !== undefined) visitor(where.key, stored);
      return;
    }
    const each: Visit = (key, newest) => this.#counts() && visitor(key, newest);
    this.#cells.order.visit(where.start, where.end, each);
  }

  #lookAt(key: ByteString): StoredValue | undefined {
    return this.#counts() ? this.#cells.get(key) : undefined;
  }

  /** @returns whether one more key may be looked at */
  #counts(): boolean {
    if (this.#looked === TXN_KEYS_MAX) this.refusal ??= TXN_REFUSAL.tooManyKeys;
    else this.#looked += 1;
    return this.refusal === null;
  }
}

function stands<T extends number | string>(held: T, is: Relation, to: T): boolean {
  switch (is) {
    case "=":
      return held === to;
    case "!=":
      return held !== to;
    case "<":
      return held < to;
    case ">":
      return held > to;
    default:
      return unreachable(is, "relation");
  }
}

/** A copy: the cell goes on to change. */
function foundAt(
  key: ByteString,
  { value, createRevision, modRevision, version }: StoredValue,
): Found {
  return { key, value, createRevision, modRevision, version };
}
