/**
 * The guarantees of each session, also for its local reads: a read sees the session's own writes
 * (read-your-writes), and never an older state than an earlier read of the session (monotonic reads).
 *
 * Which of two states of a key is older is taken from revisions where both have one, else from real time: a value that
 * only one operation wrote is older than one whose write began after that one had been answered. Where neither tells,
 * nothing is claimed. An absent key is the state at the beginning; where the history holds deletes, it may be any.
 */
import { describeOperation } from "./describe.ts";
import type { History, Operation } from "./operation.ts";
import { takesRevision } from "./problem.ts";

/** A session saw less than it had done or seen before. */
export interface SessionViolation {
  readonly guarantee: "read-your-writes" | "monotonic-reads" | "monotonic-index";
  readonly session: string;
  /** What the session did or saw before. */
  readonly earlier: Operation;
  /** The read that shows an older state. */
  readonly later: Operation;
  readonly text: string;
}

/** A state of one key: what an operation wrote or saw. */
interface Version {
  readonly operation: Operation;
  readonly revision: number | null;
  /** The only operation that wrote that value; null: none or several. */
  readonly writer: Operation | null;
  readonly isAbsent: boolean;
}

/** @returns no more than one violation for a read and guarantee */
export function checkSessionGuarantees(history: History): readonly SessionViolation[] {
  const writers = uniqueWriters(history.operations);
  const violations: SessionViolation[] = [];
  for (const operations of bySession(history.operations).values()) {
    violations.push(...checkSession(operations, writers));
  }
  return violations;
}

/** Operations in the order of their calls; what was answered before a call counts as earlier. */
function checkSession(operations: readonly Operation[], writers: Writers): SessionViolation[] {
  const violations: SessionViolation[] = [];
  const answered = operations
    .filter(({ outcome }) => outcome === "ok")
    .sort((a, b) => a.end - b.end || a.id - b.id);
  const wrote = new Map<string, Version[]>();
  const read = new Map<string, Version[]>();
  let highest: Operation | null = null;
  let next = 0;
  for (const later of operations) {
    for (; next < answered.length && (answered[next] as Operation).end < later.call; next++) {
      const earlier = answered[next] as Operation;
      const version = versionOf(earlier, writers);
      if (version !== null) keep(isRead(earlier) ? read : wrote, earlier.key, version);
      if (earlier.index !== null && earlier.index > (highest?.index ?? -1)) highest = earlier;
    }
    if (later.outcome !== "ok" || !isRead(later)) continue;
    const seen = versionOf(later, writers);
    const report = (guarantee: SessionViolation["guarantee"], earlier: Operation): void => {
      violations.push({
        guarantee,
        session: later.session,
        earlier,
        later,
        text: inWords(guarantee, earlier, later),
      });
    };
    if (highest !== null && later.index !== null && later.index < (highest.index ?? 0)) {
      report("monotonic-index", highest);
    }
    if (seen === null) continue;
    const own = wrote.get(later.key)?.find((version) => isOlder(seen, version, writers));
    if (own !== undefined) report("read-your-writes", own.operation);
    const before = read.get(later.key)?.find((version) => isOlder(seen, version, writers));
    if (before !== undefined) report("monotonic-reads", before.operation);
  }
  return violations;
}

/** Of versions with revisions the highest says it all; of others, those by the latest writers. */
function keep(versions: Map<string, Version[]>, key: string, version: Version): void {
  const list = versions.get(key) ?? [];
  versions.set(key, list);
  const { revision, writer } = version;
  const at = list.findIndex((old) => (revision === null) === (old.revision === null));
  const old = list[at];
  if (old === undefined) {
    list.push(version);
    return;
  }
  const isNewer =
    revision !== null
      ? revision > (old.revision ?? 0)
      : (writer?.call ?? Number.NEGATIVE_INFINITY) >=
        (old.writer?.call ?? Number.NEGATIVE_INFINITY);
  if (isNewer) list[at] = version;
}

interface Writers {
  /** By key and value; null: several. */
  readonly byValue: ReadonlyMap<string, Operation | null>;
  readonly deletedKeys: ReadonlySet<string>;
}

function uniqueWriters(operations: readonly Operation[]): Writers {
  const byValue = new Map<string, Operation | null>();
  const deletedKeys = new Set<string>();
  for (const operation of operations) {
    const { request, outcome, answer, key } = operation;
    if (outcome === "fail" || (answer?.kind === "cas" && !answer.swapped)) continue;
    if (request.kind === "delete") deletedKeys.add(key);
    if (request.kind !== "write" && request.kind !== "cas") continue;
    const name = JSON.stringify([key, request.value]);
    byValue.set(name, byValue.has(name) ? null : operation);
  }
  return { byValue, deletedKeys };
}

function versionOf(operation: Operation, writers: Writers): Version | null {
  const { request, answer, key, revision } = operation;
  if (answer?.kind === "value") {
    if (answer.value === null) return { operation, revision: null, writer: null, isAbsent: true };
    const writer = writers.byValue.get(JSON.stringify([key, answer.value])) ?? null;
    return { operation, revision, writer, isAbsent: false };
  }
  const isWrite = answer?.kind === "done" || (answer?.kind === "cas" && answer.swapped);
  if (isWrite && (request.kind === "write" || request.kind === "cas")) {
    const writer = writers.byValue.get(JSON.stringify([key, request.value])) ?? null;
    return { operation, revision, writer, isAbsent: false };
  }
  return takesRevision(operation) ? { operation, revision, writer: null, isAbsent: false } : null;
}

function isOlder(seen: Version, known: Version, { deletedKeys }: Writers): boolean {
  if (seen.revision !== null && known.revision !== null) return seen.revision < known.revision;
  if (seen.isAbsent) return !known.isAbsent && !deletedKeys.has(seen.operation.key);
  if (seen.writer === null || known.writer === null || seen.writer === known.writer) return false;
  return seen.writer.end < known.writer.call;
}

function isRead({ request }: Operation): boolean {
  return request.kind === "read";
}

function bySession(operations: readonly Operation[]): Map<string, Operation[]> {
  const sessions = new Map<string, Operation[]>();
  for (const operation of operations) {
    const list = sessions.get(operation.session);
    if (list === undefined) sessions.set(operation.session, [operation]);
    else list.push(operation);
  }
  for (const list of sessions.values()) list.sort((a, b) => a.call - b.call || a.id - b.id);
  return sessions;
}

function inWords(
  guarantee: SessionViolation["guarantee"],
  earlier: Operation,
  later: Operation,
): string {
  const first = describeOperation(earlier);
  const second = describeOperation(later);
  switch (guarantee) {
    case "read-your-writes":
      return `session ${later.session} did not see its own write: ${first}; later ${second}`;
    case "monotonic-reads":
      return `session ${later.session} went back in time: ${first}; later ${second}`;
    default:
      return `session ${later.session} was answered at log index ${later.index} after ${earlier.index}: ${first}; later ${second}`;
  }
}
