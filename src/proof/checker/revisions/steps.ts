/**
 * What transactions do, step by step: those within another one are decided together with it, on the state before it, and then all
 * steps are carried out in the order in which they stand.
 */
import type { StoreState } from "./state.ts";
import {
  describeCondition,
  type OpResult,
  type StoreOp,
  type StoreTxn,
  type TxnAnswer,
} from "./store-history.ts";

/** A step with none within it. */
export type Leaf = Exclude<StoreOp, { readonly kind: "txn" }>;

export interface Step {
  readonly op: Leaf;
  /** Undefined: nothing was told of it. */
  readonly told: OpResult | undefined;
}

/**
 * @param answer null: it was not told, so the state has to tell which halves are carried out
 * @param wrong is called where the state says another half than the answer
 * @returns null: it depends on what is not known
 */
export function planOf(
  state: StoreState,
  txn: StoreTxn,
  answer: TxnAnswer | null,
  wrong: (what: string) => void = () => {},
): readonly Step[] | null {
  const half = state.decide(txn.conditions);
  const succeeded = answer?.succeeded ?? half;
  if (succeeded === null) return null;
  if (half !== null && half !== succeeded) {
    const which = txn.conditions.map(describeCondition).join(" and ");
    wrong(`its conditions ${half ? "hold" : "do not hold"}: ${which}`);
  }
  const steps: Step[] = [];
  const ops = succeeded ? txn.success : txn.failure;
  for (const [i, op] of ops.entries()) {
    const told = answer?.results[i];
    if (op.kind !== "txn") steps.push({ op, told });
    else {
      const inner = planOf(state, op, told?.inner ?? null, wrong);
      if (inner === null) return null;
      steps.push(...inner);
    }
  }
  return steps;
}

/** All steps that may be carried out, whichever halves are. */
export function leavesOf(ops: readonly StoreOp[]): Leaf[] {
  return ops.flatMap((op) => (op.kind === "txn" ? leavesOf([...op.success, ...op.failure]) : [op]));
}

/** That may be changed. */
export function keysOf({ success, failure }: StoreTxn): string[] {
  return leavesOf([...success, ...failure]).flatMap((op) => (op.kind === "range" ? [] : [op.key]));
}

/** All that was told, of inner transactions too. */
export function resultsIn(answer: TxnAnswer | null): OpResult[] {
  const results = answer?.results ?? [];
  return results.flatMap((result) => [result, ...resultsIn(result.inner ?? null)]);
}

/** Whether it changed something, by what was told. */
export function tellsOfChange({ success, failure }: StoreTxn, answer: TxnAnswer): boolean {
  return (answer.succeeded ? success : failure).some((op, i) => {
    const told = answer.results[i];
    switch (op.kind) {
      case "range":
        return false;
      case "delete":
        return (told?.deleted ?? 0) > 0;
      case "txn":
        return told?.inner !== undefined && tellsOfChange(op, told.inner);
      default:
        return true;
    }
  });
}

/** Whether it does, as far as is known: a delete of what is not there does not. */
export function changesSomething(state: StoreState, op: Leaf): boolean {
  if (op.kind === "delete") return state.get(op.key) !== null;
  return op.kind !== "range";
}

/** Whether the steps explain what others saw of a revision. */
export function covers(
  ops: readonly Leaf[],
  evidence: ReadonlyMap<string, string | null>,
): boolean {
  return [...evidence].every(([key, value]) =>
    ops.some((op) => {
      if (op.kind === "range" || op.key !== key) return false;
      if (value === null) return op.kind === "delete";
      return op.kind === "change" || (op.kind === "put" && op.value === value);
    }),
  );
}
