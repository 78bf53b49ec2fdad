import type { ErrorCode } from "../../base/index.ts";
import type { WatchStats } from "../../replica/index.ts";
import type { AdminStatus } from "../../protocol/admin/index.ts";

/** What an operator may see of a node at one time. Counts only grow, and begin again at zero with the process. */
export interface NodeSight {
  readonly status: AdminStatus;
  /** Leaderships seen to begin. */
  readonly leadersSeen: number;
  /** Commands of clients that wait for a leader or are under way to the log. */
  readonly waitingCommands: number;
  /** Frames of clients that were refused, wholly or in part. */
  readonly refused: readonly {
    readonly kind: "read" | "write";
    readonly code: ErrorCode;
    readonly frames: number;
  }[];
  readonly watches: WatchStats;
  readonly leases: {
    readonly count: number;
    /** Keys that are bound to a lease. */
    readonly keys: number;
    /** The cluster clock, in milliseconds. */
    readonly clockMs: number;
    /** Leases that ended because no client renewed them, as far as this process has seen it. */
    readonly expired: number;
  };
  /** Bytes of keys and values that count towards the quota; with what sessions keep; the quota. */
  readonly contentBytes: number;
  readonly stateBytes: number;
  readonly quotaBytes: number;
  /** Null: the machine does not say. */
  readonly heapLimitBytes: number | null;
  /** To each peer since the process started, by latencyBucket, and how long all of them took. */
  readonly roundTrips: readonly {
    readonly peer: number;
    readonly buckets: readonly number[];
    readonly sumMs: number;
  }[];
  /** Durable writes of the log, by latencyBucket, and how long all of them took. */
  readonly syncLatency: readonly number[];
  readonly syncMs: number;
}
