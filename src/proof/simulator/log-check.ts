/**
 * Checks the answers to clients against the decided log. The log gives every write its place (its revision), so that one pass
 * tells whether every answer fits: sharper than a search for just any order, and it covers local reads too.
 *
 * Invariants:
 *   LOGCHECK-1. An acknowledged write is in the log, once, at the revision it was told; a refused one is not.
 *   LOGCHECK-2. An operation answered before another was asked comes first: positions never go back in real time (linearizability).
 *   LOGCHECK-3. A local read may be old, but never older than what its client has seen answered before it asked.
 */
import { assert, unreachable } from "../../base/index.ts";
import type { DecidedLog } from "./decided-log.ts";
import {
  adds,
  describeOperation,
  newestPart,
  type ClientOperation,
  type OperationRecord,
} from "./history.ts";

/** Positions at which an answer is true: after so many changes, from..to. */
interface Window {
  readonly from: number;
  readonly to: number;
  /** A change: it has a position of its own. */
  readonly isChange: boolean;
}

/** @throws InvariantError that names the operation that does not fit */
export function checkAgainstLog(operations: readonly OperationRecord[], log: DecidedLog): void {
  checkEffects(operations, log);
  const sight = { all: 0, clients: new Map<number, number>() };
  const calls = operations.map((operation) => ({ at: operation.call, operation, ends: false }));
  const ends = operations.map((operation) => ({ at: operation.end, operation, ends: true }));
  const lows = new Map<OperationRecord, number>();
  for (const { operation, ends: isEnd } of [...calls, ...ends].sort((a, b) => a.at - b.at)) {
    const local = operation.operation.kind === "read" && operation.operation.local;
    const own = sight.clients.get(operation.client) ?? 0;
    if (!isEnd) {
      lows.set(operation, local ? own : Math.max(sight.all, own));
      continue;
    }
    const window = windowOf(operation, lows.get(operation) ?? 0, log);
    if (window === null) continue;
    const position = Math.max(window.from, lows.get(operation) ?? 0);
    sight.clients.set(operation.client, Math.max(own, position));
    if (!local) sight.all = Math.max(sight.all, position);
  }
}

/** The window in which the answer is true and that is not too early; null when it tells nothing. */
function windowOf(operation: OperationRecord, low: number, log: DecidedLog): Window | null {
  const windows = windowsOf(operation, log);
  if (windows === null) return null;
  const fits = windows.find(({ to, isChange }) => (isChange ? to > low : to >= low));
  assert(
    fits !== undefined,
    windows.length === 0
      ? `client ${operation.client}: never true: ${describeOperation(operation)}`
      : `client ${operation.client}: true up to revision ${windows.at(-1)?.to}, but revision ${low} was seen before it ` +
          `was asked: ${describeOperation(operation)}`,
  );
  return fits;
}

/** Every stretch of revisions in which the answer is true, in order. */
function windowsOf({ operation, outcome }: OperationRecord, log: DecidedLog): Window[] | null {
  const versions = log.versionsOf(operation.key);
  const stretches = [{ revision: 0, value: null }, ...versions].map((version, i) => ({
    ...version,
    from: version.revision,
    to: (versions[i]?.revision ?? log.revision + 1) - 1,
    isChange: false,
  }));
  switch (outcome.kind) {
    case "unknown":
    case "refused":
      return null;
    case "written":
    case "deleted":
      return [{ from: outcome.revision, to: outcome.revision, isChange: true }];
    case "missing":
    case "notFound":
      return stretches.filter(({ value }) => value === null);
    case "found":
      return stretches.filter(
        ({ value, revision }) => value === outcome.value && revision === outcome.revision,
      );
    case "casFailed":
      return stretches.filter(({ value, revision }) =>
        value === null
          ? outcome.revision === 0
          : revision === outcome.revision && value === (outcome.actual ?? value),
      );
    default:
      return unreachable(outcome, "outcome");
  }
}

function checkEffects(operations: readonly OperationRecord[], log: DecidedLog): void {
  const times = new Map<string, number>();
  for (const { value } of log.changes) {
    if (value === null) continue;
    const written = newestPart(value);
    times.set(written, (times.get(written) ?? 0) + 1);
  }
  for (const operation of operations) {
    const asked = operation.operation;
    const { outcome } = operation;
    if (asked.kind === "read") continue;
    const what = `client ${operation.client}: ${describeOperation(operation)}`;
    const value = "value" in asked ? asked.value : null;
    // Values are unique, so the log tells how often a write took effect.
    const effects = value === null ? null : (times.get(value) ?? 0);
    assert((effects ?? 0) <= 1, `took effect ${effects} times: ${what}`);
    if (outcome.kind === "written" || outcome.kind === "deleted") {
      const change = log.changes[outcome.revision - 1];
      assert(
        change?.key === asked.key && leads(asked, change.value),
        `revision ${outcome.revision} is another change: ${what}`,
      );
    } else if (outcome.kind !== "unknown") {
      assert((effects ?? 0) === 0, `took effect nevertheless: ${what}`);
    }
  }
}

/** Whether the operation may have left this value; null: no key. */
function leads(asked: ClientOperation, value: string | null): boolean {
  const own = "value" in asked ? asked.value : null;
  return value !== null && adds(asked.kind) ? newestPart(value) === own : value === own;
}
