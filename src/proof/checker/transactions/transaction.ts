/**
 * Transactions of several operations on keys of their own, as Jepsen's list-append and register workloads record them: what clients
 * asked and saw, and when. There are no revisions: the order follows from the answers alone.
 */
import type { Outcome } from "../operation.ts";

/** One read or write of a transaction. */
export type MicroOp =
  /** Undefined: it was not told. Of lists always a list, which may be empty; of registers null for nothing. */
  | { readonly kind: "read"; readonly key: string; readonly seen: Seen | undefined }
  /** Appends to a list, or sets a register, as the history's kind says. */
  | { readonly kind: "write"; readonly key: string; readonly value: string };

/** What a read saw: a list with its elements in order, or the value of a register; null: nothing. */
export type Seen = readonly string[] | string | null;

/** What one client asked for at once, and what it was told. */
export interface Transaction {
  /** Position in the history, from 0. */
  readonly id: number;
  readonly process: string;
  readonly outcome: Outcome;
  readonly ops: readonly MicroOp[];
  /** Position of the event in the file. */
  readonly call: number;
  /** Infinity: the outcome is not known. */
  readonly end: number;
  /** The line of the call in its file, from 1. */
  readonly line: number;
}

/** All transactions of a run, over keys that are all lists or all registers. */
export interface TransactionHistory {
  readonly kind: "lists" | "registers";
  readonly transactions: readonly Transaction[];
}

const SHOWN_MAX = 6;

/** "T4 (client 1, line 9): read "x" [1 2], append "y" 3". */
export function describeTransaction(
  { id, process, line, ops }: Transaction,
  kind: TransactionHistory["kind"],
): string {
  const shown = ops.slice(0, SHOWN_MAX).map((op) => describeMicro(op, kind));
  if (ops.length > SHOWN_MAX) shown.push(`and ${ops.length - SHOWN_MAX} more`);
  return `T${id} (client ${process}, line ${line}): ${shown.join(", ")}`;
}

function describeMicro(op: MicroOp, kind: TransactionHistory["kind"]): string {
  const key = JSON.stringify(op.key);
  if (op.kind === "write") {
    return kind === "lists" ? `append to ${key} ${op.value}` : `write ${key} = ${op.value}`;
  }
  return `read ${key} ${describeSeen(op.seen)}`;
}

export function describeSeen(seen: Seen | undefined): string {
  if (seen === undefined) return "?";
  if (seen === null) return "nothing";
  if (typeof seen === "string") return seen;
  const last = seen.slice(-SHOWN_MAX).join(" ");
  return seen.length > SHOWN_MAX ? `[… ${last}] (${seen.length} elements)` : `[${last}]`;
}
