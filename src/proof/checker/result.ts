/** What a check says. */
import type { Operation } from "./operation.ts";
import type { LeftOut } from "./problem.ts";
import type { StopReason } from "./search.ts";

/** unknown: a limit was reached before either was certain. */
export type Verdict = "ok" | "violation" | "unknown";

/** skipped: another partition had already decided. */
export type UnknownReason = StopReason | "skipped";

/** What was found for the operations of one key, or for all together. */
export interface PartitionResult {
  /** Null: all keys together. */
  readonly key: string | null;
  readonly verdict: Verdict;
  readonly reason: UnknownReason | null;
  /** What was judged, in the order of the calls. Positions below are positions in it. */
  readonly operations: readonly Operation[];
  /** An order that explains the answers: of all operations, or the longest that was found. */
  readonly order: readonly number[];
  /** What could not come next after that order: the one that was answered first. Null when ok. */
  readonly blocked: number | null;
  /** The state after that order, for people. */
  readonly state: string;
  /** Steps of the model. */
  readonly steps: number;
  /** Distinct configurations visited. */
  readonly configurations: number;
  /** 0 without a clock. */
  readonly elapsedMs: number;
}

/** What a check has found, for the history and each of its parts. */
export interface CheckResult {
  readonly property: "linearizability" | "sequential consistency";
  readonly model: string;
  readonly verdict: Verdict;
  readonly reason: UnknownReason | null;
  readonly partitions: readonly PartitionResult[];
  readonly leftOut: LeftOut;
  readonly elapsedMs: number;
}

/** Bounds of a check. When one is reached the verdict is "unknown", with the reason. */
export interface CheckOptions {
  /** A clock in milliseconds. Needed for a time limit. */
  readonly now?: () => number;
  /** Default: none. */
  readonly timeLimitMs?: number;
  /** Bound on the memory for configurations. @default 512 MiB */
  readonly cacheLimitBytes?: number;
  /** Bound on steps of the model per partition: the same on every machine. @default none */
  readonly stepLimit?: number;
}

export const CACHE_LIMIT_BYTES = 512 * 1024 * 1024;
