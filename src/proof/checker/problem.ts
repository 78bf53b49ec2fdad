/** From operations to what the search takes. */
import type { Machine } from "./model.ts";
import type { Operation } from "./operation.ts";
import type { SearchProblem } from "./search.ts";

/** Why operations were not judged. */
export interface LeftOut {
  /** Certainly had no effect. */
  readonly failed: number;
  /** Reads without an answer: they constrain nothing. */
  readonly unanswered: number;
  /** Reads that were not asked to be linearizable. */
  readonly local: number;
}

export interface Judged {
  /** In the order of their calls. */
  readonly operations: readonly Operation[];
  readonly leftOut: LeftOut;
}

export function selectOperations(operations: readonly Operation[], withLocal: boolean): Judged {
  const leftOut = { failed: 0, unanswered: 0, local: 0 };
  const kept: Operation[] = [];
  let isSorted = true;
  let lastCall = Number.NEGATIVE_INFINITY;
  for (const operation of operations) {
    const { outcome, request, consistency, call } = operation;
    if (outcome === "fail") leftOut.failed += 1;
    else if (outcome === "unknown" && request.kind === "read") leftOut.unanswered += 1;
    else if (!withLocal && consistency === "local") leftOut.local += 1;
    else {
      kept.push(operation);
      isSorted &&= call >= lastCall;
      lastCall = call;
    }
  }
  if (!isSorted) kept.sort((a, b) => a.call - b.call || a.id - b.id);
  return { operations: kept, leftOut };
}

export interface ProblemOptions {
  /** Null: real time orders all operations. Else it orders those of equal names only. */
  readonly trackName: ((operation: Operation) => string) | null;
  readonly useRevisions: boolean;
}

/** @param operations in the order of their calls */
export function createProblem(
  machine: Machine,
  operations: readonly Operation[],
  { trackName, useRevisions }: ProblemOptions,
): SearchProblem {
  const count = operations.length;
  const calls = new Float64Array(count);
  const ends = new Float64Array(count);
  const trackOf = new Int32Array(count);
  const tracks = new Map<string, number>();
  operations.forEach((operation, position) => {
    calls[position] = operation.call;
    ends[position] = operation.outcome === "ok" ? operation.end : Number.POSITIVE_INFINITY;
    if (trackName === null) return;
    const name = trackName(operation);
    const track = tracks.get(name) ?? tracks.size;
    if (track === tracks.size) tracks.set(name, track);
    trackOf[position] = track;
  });
  return {
    machine,
    calls,
    ends,
    trackOf,
    trackCount: Math.max(1, tracks.size),
    chain: useRevisions ? chainOf(operations) : null,
  };
}

/** Writes of known revision in the order of their revisions. */
function chainOf(operations: readonly Operation[]): Int32Array | null {
  const positions: number[] = [];
  operations.forEach((operation, position) => {
    if (takesRevision(operation)) positions.push(position);
  });
  if (positions.length === 0) return null;
  const revision = (position: number): number => operations[position]?.revision ?? 0;
  positions.sort((a, b) => revision(a) - revision(b) || a - b);
  const chain = new Int32Array(operations.length).fill(-1);
  positions.forEach((position, link) => (chain[position] = link));
  return chain;
}

/** Whether the revision in the answer is that of the operation itself. */
export function takesRevision({ outcome, revision, answer }: Operation): boolean {
  if (outcome !== "ok" || revision === null || answer === null) return false;
  switch (answer.kind) {
    case "value":
      return false;
    case "done":
      return true;
    case "deleted":
      return answer.existed === true;
    case "cas":
      return answer.swapped;
    default:
      return false;
  }
}
