/** From users' arguments to operations, and from answers to users' results. */
import { KvError } from "../../base/index.ts";
import { STATUS } from "../../store/commands/index.ts";
import {
  bytesOf,
  type CasCondition,
  type CasResult,
  FoundResult,
  MissingResult,
  ownBytes,
  type ReadOptions,
  type ReadResult,
} from "../terms/index.ts";
import { type Answer, isRead, type Operation } from "../core/index.ts";

/** The operation for a condition that was checked: exactly one of the three is given, another may be there as undefined. */
export function casOperation(
  key: Uint8Array,
  condition: CasCondition,
  value: Uint8Array,
): Operation {
  if ("value" in condition && condition.value !== undefined) {
    return { kind: "casValue", key, expected: bytesOf(condition.value), value };
  }
  if ("revision" in condition && condition.revision !== undefined) {
    return { kind: "casRevision", key, revision: condition.revision, value };
  }
  return { kind: "casAbsent", key, value };
}

export function readOperation(
  key: Uint8Array,
  { consistency, revision = 0, atLeast = 0 }: ReadMoment,
): Operation {
  const local = isLocal({ consistency, atLeast });
  return { kind: "read", key, local, revision, atLeast };
}

/** The options that say of which state a read is to be. */
export type ReadMoment = {
  [N in "consistency" | "revision" | "atLeast"]?: ReadOptions[N] | undefined;
};

/** The node that is asked waits for a least revision by itself; it needs no leader for it. */
export function isLocal({ consistency, atLeast = 0 }: ReadMoment): boolean {
  return consistency === "local" || atLeast > 0;
}

/** At which a write changed the store, or a transaction was carried out; null: of reads, and of what changed nothing. */
export function changeRevision(operation: Operation, { status, revision }: Answer): number | null {
  const isChange = status === STATUS.ok || status === STATUS.txnThen || status === STATUS.txnElse;
  return isChange && !isRead(operation) ? revision : null;
}

export function readResult(answer: Answer): ReadResult {
  const { status, revision: modRevision, createRevision, version, node } = answer;
  if (status !== STATUS.ok) return new MissingResult(node);
  return new FoundResult(ownBytes(answer.value), modRevision, createRevision, version, node);
}

/** The results of a read of many keys; the answer has only the keys that exist. */
export function readResults(keys: readonly Uint8Array[], { page, node }: Answer): ReadResult[] {
  const found = new Map<string, FoundResult>();
  for (const { key, value, modRevision, createRevision, version } of page?.items ?? []) {
    found.set(
      Buffer.from(key).toString("latin1"),
      new FoundResult(ownBytes(value), modRevision, createRevision, version, node),
    );
  }
  return keys.map(
    (key) => found.get(Buffer.from(key).toString("latin1")) ?? new MissingResult(node),
  );
}

export function casResult({ status, revision, value, node }: Answer): CasResult {
  if (status === STATUS.ok) return { swapped: true, revision, node };
  if (revision === 0) return { swapped: false, actual: null, node };
  const actual = {
    value: status === STATUS.casFailedLarge ? null : ownBytes(value),
    modRevision: revision,
  };
  return { swapped: false, actual, node };
}

/** An answer that came, and cannot be told: what it answers may have taken effect. */
export function notUnderstood(thrown: unknown): KvError {
  if (thrown instanceof KvError) return thrown;
  return new KvError("INTERNAL", String(thrown), { cause: thrown });
}
