/** Findings in a history of transactions that no order can explain, in words that name the transactions and what each saw. */
import { describeTransaction, type Transaction } from "./transaction.ts";
import type { TransactionHistory } from "./transaction.ts";
import type { Step } from "./graph.ts";

/** Something that no order of the transactions explains. */
export interface Anomaly {
  /**
   * internal: it did not see what it had itself read or written. aborted-read: a value of a transaction that failed. garbage-read: a
   * value that no transaction wrote. intermediate-read: one that its writer overwrote. duplicate-elements, incompatible-order: lists
   * that no appends make.
   * cycle: each before the next, and the last before the first. no-order: none explains all answers.
   */
  readonly kind:
    | "internal"
    | "aborted-read"
    | "garbage-read"
    | "intermediate-read"
    | "duplicate-elements"
    | "incompatible-order"
    | "cycle"
    | "no-order";
  /** Ids of the transactions that show it. */
  readonly transactions: readonly number[];
  readonly text: string;
}

export function anomaly(
  kind: Exclude<Anomaly["kind"], "cycle">,
  history: TransactionHistory["kind"],
  transactions: readonly Transaction[],
  problem: string,
): Anomaly {
  const lines = transactions.map((each) => `  ${describeTransaction(each, history)}`);
  return {
    kind,
    transactions: transactions.map(({ id }) => id),
    text: [`${kind}: ${problem}`, ...lines].join("\n"),
  };
}

export function cycleAnomaly(
  steps: readonly Step[],
  transactions: readonly Transaction[],
  history: TransactionHistory["kind"],
): Anomaly {
  const onCycle = steps.flatMap(({ from }) => transactions[from] ?? []);
  const reasons = steps.map(({ from, edge }) => {
    const [before, after] = [name(transactions[from]), name(transactions[edge.to])];
    const key = JSON.stringify(edge.key);
    switch (edge.reason) {
      case "wr":
        return `  ${before} came before ${after}: ${after} read what ${before} wrote to ${key}`;
      case "ww":
        return `  ${before} came before ${after}: ${after} wrote a later version of ${key}`;
      case "rw":
        return `  ${before} came before ${after}: ${before} did not see what ${after} wrote to ${key}`;
      default:
        return `  ${before} came before ${after}: it had ended before ${after} began`;
    }
  });
  const lines = onCycle.map((each) => `  ${describeTransaction(each, history)}`);
  return {
    kind: "cycle",
    transactions: onCycle.map(({ id }) => id),
    text: [`cycle: of ${onCycle.length} transactions none can be first`, ...lines, ...reasons].join(
      "\n",
    ),
  };
}

function name(transaction: Transaction | undefined): string {
  return `T${transaction?.id ?? "?"}`;
}
