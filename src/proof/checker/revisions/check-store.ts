/** The verdict on a history of a store with revisions: its transactions, and what its watches saw. */
import { replay, type StoreAnomaly } from "./check-revisions.ts";
import { checkWatches } from "./check-watches.ts";
import type { StoreHistory } from "./store-history.ts";

/** The verdict on a history of a store with revisions, and how much of the history it rests on. */
export interface StoreResult {
  readonly property: "strict serializability by revisions";
  readonly verdict: "ok" | "violation";
  readonly operations: number;
  readonly watches: number;
  readonly events: number;
  readonly leftOut: {
    /** Without an answer, and no revision must be theirs. */
    readonly unseen: number;
    /** Revisions that one of several unanswered operations has taken, or somebody outside of the history. */
    readonly unsure: number;
  };
  readonly anomalies: readonly StoreAnomaly[];
  readonly elapsedMs: number;
}

/**
 * Judges a history of a store whose answers tell revisions.
 *
 * @param now a clock in milliseconds
 */
export function checkStore(
  history: StoreHistory,
  { now }: { now?: () => number } = {},
): StoreResult {
  const startedMs = now?.() ?? 0;
  const replayed = replay(history);
  const anomalies = [...replayed.anomalies, ...checkWatches(history, replayed)];
  return {
    property: "strict serializability by revisions",
    verdict: anomalies.length === 0 ? "ok" : "violation",
    operations: replayed.operations,
    watches: history.watches.length,
    events: history.watches.reduce(
      (sum, { responses }) => sum + responses.reduce((all, { events }) => all + events.length, 0),
      0,
    ),
    leftOut: replayed.leftOut,
    anomalies,
    elapsedMs: (now?.() ?? 0) - startedMs,
  };
}
