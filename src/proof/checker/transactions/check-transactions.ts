/**
 * Strict serializability from answers alone: is there one order of all transactions, as real time has it, that explains what each saw?
 *
 * A finding that no order explains shows a violation: mostly a cycle of dependencies. The verdict is "ok" only for an order that was
 * found and carried out. "unknown" stands in between: a limit was reached.
 */
import { anomaly, cycleAnomaly, type Anomaly } from "./anomaly.ts";
import { findDependencies } from "./dependencies.ts";
import { findOrder } from "./order-search.ts";
import type { TransactionHistory } from "./transaction.ts";

/** The verdict on a history of transactions, and what it rests on. */
export interface TransactionsResult {
  readonly property: "strict serializability";
  readonly kind: TransactionHistory["kind"];
  readonly verdict: "ok" | "violation" | "unknown";
  /** Why it is unknown. */
  readonly reason: "steps" | "time" | null;
  /** Those that were judged. */
  readonly transactions: number;
  readonly leftOut: {
    /** Certainly had no effect. */
    readonly failed: number;
    /** Transactions of unknown outcome whose writes no other one saw: they may never have happened. */
    readonly unseen: number;
  };
  readonly anomalies: readonly Anomaly[];
  /** Ids of transactions, in an order that explains all answers. Empty unless ok. */
  readonly order: readonly number[];
  readonly elapsedMs: number;
}

/** How long and how far `checkTransactions` may search. */
export interface TransactionsOptions {
  /** A clock in milliseconds. Needed for a time limit. */
  readonly now?: () => number;
  /** Default: none. */
  readonly timeLimitMs?: number;
  /** Bound on the search. @default 2,000,000 */
  readonly stepLimit?: number;
}

const STEPS_MAX = 2_000_000;

/**
 * Whether one order of all transactions explains what each saw, in which each comes behind all that had ended before it began.
 * Takes time that grows little more than in proportion where dependencies settle the order, and stops at its limits where they do not.
 */
export function checkTransactions(
  history: TransactionHistory,
  { now, timeLimitMs = Infinity, stepLimit = STEPS_MAX }: TransactionsOptions = {},
): TransactionsResult {
  const startedMs = now?.() ?? 0;
  const dependencies = findDependencies(history);
  const { transactions, graph } = dependencies;
  const failed = history.transactions.filter(({ outcome }) => outcome === "fail").length;
  const result = {
    property: "strict serializability",
    kind: history.kind,
    reason: null,
    transactions: transactions.length,
    leftOut: { failed, unseen: history.transactions.length - transactions.length - failed },
    order: [],
  } as const;
  const elapsed = (): number => (now?.() ?? 0) - startedMs;
  const wrong = (anomalies: readonly Anomaly[]): TransactionsResult => ({
    ...result,
    verdict: "violation",
    anomalies,
    elapsedMs: elapsed(),
  });
  const cycle = graph.cycle();
  const anomalies = [
    ...dependencies.anomalies,
    ...(cycle === null ? [] : [cycleAnomaly(cycle, transactions, history.kind)]),
  ];
  if (anomalies.length > 0) return wrong(anomalies);
  const limits = { stepLimit, now, deadlineMs: startedMs + timeLimitMs };
  const { verdict, reason, order } = findOrder(dependencies, history.kind, limits);
  if (verdict === "violation") {
    const placed = new Set(order);
    const stuck = transactions
      .filter(({ outcome }, at) => outcome === "ok" && !placed.has(at))
      .toSorted((a, b) => a.end - b.end)
      .slice(0, 1);
    const what = `no order explains all answers; after the longest that does for ${order.length} this one does not fit`;
    return wrong([anomaly("no-order", history.kind, stuck, what)]);
  }
  return {
    ...result,
    verdict,
    reason,
    anomalies: [],
    order: verdict === "ok" ? order.flatMap((at) => transactions[at]?.id ?? []) : [],
    elapsedMs: elapsed(),
  };
}
