/**
 * The requests of clients to a store with revisions, as etcd's robustness reports record them: transactions on several keys, ranges,
 * watches, each answered with the revision of the whole store at which it holds.
 */

/** `end` null: the key `start` alone; empty: all from `start` on. */
export interface KeyRange {
  readonly start: string;
  readonly end: string | null;
}

/** One step of a transaction. */
export type StoreOp =
  | { readonly kind: "put"; readonly key: string; readonly value: string; readonly lease: string }
  | { readonly kind: "delete"; readonly key: string }
  | { readonly kind: "range"; readonly range: KeyRange; readonly limit: number }
  /** The key has another value afterwards, which is not told: something was put behind what was there. */
  | { readonly kind: "change"; readonly key: string }
  /** Within another one. Its conditions are held against the state before the outermost. */
  | ({ readonly kind: "txn" } & StoreTxn);

/** All conditions hold: the first list is carried out, otherwise the second. */
export interface StoreTxn {
  readonly conditions: readonly Condition[];
  readonly success: readonly StoreOp[];
  readonly failure: readonly StoreOp[];
}

/** What must hold for a transaction to take its first branch. A key that is not there has revision and version 0. */
export type Condition =
  | {
      readonly key: string;
      readonly target: "modRevision" | "version";
      /** Default: "=". */
      readonly is?: Relation;
      readonly expected: number;
    }
  /** Of each key of a range (with none: of 0), or of how many there are. */
  | {
      readonly range: KeyRange;
      readonly target: "modRevision" | "version" | "count";
      readonly is: Relation;
      readonly expected: number;
    };

/** How a number is to stand to the one that is expected. */
export type Relation = "=" | "!=" | "<" | ">";

/** What a client asked for. */
export type StoreRequest =
  | ({ readonly kind: "txn" } & StoreTxn)
  /** At a past revision; 0: at that of the answer. */
  | { readonly kind: "range"; readonly range: KeyRange; readonly limit: number; at: number }
  /** Ends a lease, and with it the keys that have it. */
  | { readonly kind: "revoke"; readonly lease: string };

/** A key as an answer told it. */
export interface FoundKey {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
  /** Null: not told. */
  readonly version: number | null;
}

/** What came of one step. */
export interface OpResult {
  readonly found: readonly FoundKey[];
  /** How many keys are in the range. Null: it was not told. */
  readonly count: number | null;
  readonly deleted: number;
  /** Keys were counted only, and are not told. */
  readonly isCountOnly?: boolean;
  /** The answer of a transaction within this one. */
  readonly inner?: TxnAnswer;
}

/** Which half of a transaction was carried out, and what came of its steps. */
export interface TxnAnswer {
  readonly succeeded: boolean;
  readonly results: readonly OpResult[];
}

/** A request of a client with its answer, and when both were. Times are positions on one clock, of any unit. */
export interface StoreOperation {
  readonly process: string;
  readonly request: StoreRequest;
  /** unknown: no answer; it may have happened. */
  readonly outcome: "ok" | "unknown";
  /** The revision of the whole store that the answer names. Null: none. */
  readonly revision: number | null;
  /** Null: only that it happened is known. */
  readonly answer: TxnAnswer | null;
  readonly call: number;
  /** Infinity: unknown. */
  readonly end: number;
  /** File and line. */
  readonly source: string;
}

/** A change of a key, as a watch was told of it. */
export interface WatchEvent {
  readonly key: string;
  /** Null: deleted. */
  readonly value: string | null;
  readonly revision: number;
  /** Whether the key was not there before. */
  readonly isCreate: boolean;
  /** Null: none, or not told. */
  readonly previous: { readonly value: string; readonly modRevision: number } | null;
}

/** What a watch was told in one message. */
export interface WatchResponse {
  readonly events: readonly WatchEvent[];
  readonly isProgress: boolean;
  readonly revision: number;
}

/** All that one watch was told, in the order in which it was. */
export interface Watch {
  readonly range: KeyRange;
  /** From which; 0: from now on. */
  readonly from: number;
  readonly withPrevious: boolean;
  readonly responses: readonly WatchResponse[];
  readonly source: string;
}

/** All that is known of a run. */
export interface StoreHistory {
  readonly operations: readonly StoreOperation[];
  readonly watches: readonly Watch[];
  /** Whether it has all requests of all clients. Else a revision that none of them took may be another client's. */
  readonly isWhole: boolean;
  /** Whether other clients change keys that it does not mention: they may have taken a revision that left no trace in it. */
  readonly isShared?: boolean;
  /**
   * The revision of a store that nothing has been written to. Default: ETCD_EMPTY_REVISION. The first change takes the next
   * one.
   */
  readonly emptyRevision?: number;
}

/** What etcd begins with. */
export const ETCD_EMPTY_REVISION = 1;

export function isWithin({ start, end }: KeyRange, key: string): boolean {
  if (end === null) return key === start;
  return key >= start && (end === "" || key < end);
}

export function describeStoreOperation(operation: StoreOperation): string {
  const { source, process, request, answer, outcome, revision } = operation;
  const told =
    outcome === "unknown"
      ? "no answer"
      : answer === null
        ? `done at revision ${revision}`
        : `${answer.succeeded ? "" : "else, "}${answer.results.map(describeResult).join("; ")} at revision ${revision}`;
  return `client ${process} (${source}): ${describeRequest(request)}: ${told}`;
}

function describeRequest(request: StoreRequest): string {
  switch (request.kind) {
    case "range":
      return `range ${describeRange(request.range)}${request.at > 0 ? ` at revision ${request.at}` : ""}`;
    case "revoke":
      return `revoke lease ${request.lease}`;
    default:
      return describeTxn(request);
  }
}

function describeTxn({ conditions, success, failure }: StoreTxn): string {
  const all = conditions.map(describeCondition).join(" and ");
  const list = (ops: readonly StoreOp[]): string => ops.map(describeOp).join(", ");
  const otherwise = failure.length > 0 ? ` else ${list(failure)}` : "";
  return `${all === "" ? "" : `if ${all} then `}${list(success)}${otherwise}`;
}

export function describeCondition(condition: Condition): string {
  const { target, is = "=", expected } = condition;
  const what = "key" in condition ? JSON.stringify(condition.key) : describeRange(condition.range);
  return `${target} of ${what} ${is} ${expected}`;
}

function describeOp(op: StoreOp): string {
  if (op.kind === "range") return `range ${describeRange(op.range)}`;
  if (op.kind === "txn") return `(${describeTxn(op)})`;
  if (op.kind === "change") return `change ${JSON.stringify(op.key)}`;
  if (op.kind === "delete") return `delete ${JSON.stringify(op.key)}`;
  return `put ${JSON.stringify(op.key)} = ${op.value}`;
}

function describeRange({ start, end }: KeyRange): string {
  return end === null
    ? JSON.stringify(start)
    : `[${JSON.stringify(start)}, ${JSON.stringify(end)})`;
}

const SHOWN_MAX = 4;

function describeResult({ found, count, deleted, inner }: OpResult): string {
  if (inner !== undefined) {
    return `(${inner.succeeded ? "" : "else, "}${inner.results.map(describeResult).join("; ")})`;
  }
  if (deleted > 0) return `deleted ${deleted}`;
  if (found.length === 0) return (count ?? 0) === 0 ? "nothing" : `${count} keys`;
  const some = found
    .slice(0, SHOWN_MAX)
    .map(({ key, value, modRevision }) => `${JSON.stringify(key)} = ${value} of ${modRevision}`);
  const more = found.length > SHOWN_MAX ? [`and ${found.length - SHOWN_MAX} more`] : [];
  return [...some, ...more].join(", ");
}
