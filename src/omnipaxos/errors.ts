import type { NodeId } from "./ballot.ts";
import type { Contradiction } from "./contradiction.ts";
import type { ClusterConfig } from "./messages.ts";

/** The core itself is wrong, or its host broke the contract (DISK-1–DISK-9). The process must not go on. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** @throws InvariantError when `condition` does not hold. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The end of an exhaustive switch: a new member of the union fails to compile here. */
export function unreachable(value: never, what: string): never {
  throw new InvariantError(`unexpected ${what}: ${JSON.stringify(value)}`);
}

/** A configuration that cannot work: which field, what it must be, what it was. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly field: string;
  readonly expectation: string;
  readonly value: unknown;

  constructor(field: string, expectation: string, value: unknown) {
    super(`${field}: expected ${expectation}, got ${JSON.stringify(value)}`);
    this.field = field;
    this.expectation = expectation;
    this.value = value;
  }
}

/** Why an entry was not taken. */
export type ProposeError<T> =
  /** A stop-sign stands in the log: the entry was not taken. */
  { readonly kind: "pendingReconfigEntry"; readonly entry: T };

/** Why a stop-sign was not proposed. */
export type ReconfigureError =
  /** A stop-sign stands in the log, or one waits for this node to lead. */
  | { readonly kind: "pendingReconfigConfig"; readonly config: ClusterConfig }
  | { readonly kind: "config"; readonly error: ConfigError }
  /** This node takes no part any more. */
  | { readonly kind: "contradiction"; readonly contradiction: Contradiction };

/** Why nothing was compacted. */
export type CompactionError =
  /** This node takes no part any more. `compact`, the application's own, still works. */
  | { readonly kind: "contradiction"; readonly contradiction: Contradiction }
  /** The index is above what this node has decided. */
  | { readonly kind: "undecidedIndex"; readonly decidedIdx: number }
  /** The index is at or below what is compacted already. */
  | { readonly kind: "trimmedIndex"; readonly compactedIdx: number }
  /** Some node is not known to have decided the index and to have it on disk (S6, deviations.md). */
  | { readonly kind: "notAllDecided"; readonly minDecidedIdx: number }
  | { readonly kind: "notCurrentLeader"; readonly leader: NodeId }
  /** The call does not exist under the configured snapshot policy; trims and snapshots do not mix. */
  | { readonly kind: "snapshotPolicy"; readonly policy: "off" | "fold" | "host" }
  /** A host snapshot must satisfy compactIdx <= snapshot.idx, and must not be older than the stored one. */
  | { readonly kind: "snapshotIndex"; readonly snapshotIdx: number; readonly minIdx: number };

/** Why leadership was not handed over. */
export type HandOverError =
  /** `to` cannot lead in this node's place now, or this node does not lead. */
  { readonly kind: "noHeir"; readonly to: NodeId };

/** The node acts on the call. */
export interface Success {
  readonly ok: true;
}
/** The node refused the call, which changed nothing. */
export interface Failure<E> {
  readonly ok: false;
  readonly error: E;
}
/** What a call that may be refused returns: it throws for bugs only. */
export type Result<E> = Success | Failure<E>;

/** What `append` returns. */
export type ProposeResult<T> = Result<ProposeError<T>>;
/** What `reconfigure` returns. */
export type ReconfigureResult = Result<ReconfigureError>;
/** What `handOver` returns. */
export type HandOverResult = Result<HandOverError>;
/** What `trim`, `snapshot` and `compact` return. */
export type CompactionResult = Result<CompactionError>;

export const OK: Success = Object.freeze({ ok: true });

export function failure<E>(error: E): Failure<E> {
  return { ok: false, error };
}
