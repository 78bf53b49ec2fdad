import { LATENCY_BUCKETS, latencyBucket } from "../base/index.ts";
import { Refused } from "./refused.ts";
import { SlowWriteCounter } from "./slow-writes.ts";

/** What clients have asked for and was not answered yet. */
export interface Waiting {
  readonly proposalBytes: number;
  /** For a leader, or for the log to have them. */
  readonly commands: number;
  readonly reads: number;
}

/** What was done for clients since the process started. Counts only grow. */
export class RequestMetrics {
  commandsApplied = 0;
  reads = 0;
  readonly refused = new Refused();
  readonly slowWrites = new SlowWriteCounter();
  /** When a write of another node's clients was applied last, by the clock of `endTurn`. */
  othersAtMs = Number.NEGATIVE_INFINITY;
  readonly #writeLatency: number[] = Array.from({ length: LATENCY_BUCKETS }, () => 0);

  /** @param frames of clients, answered so long after they came in */
  answered(ms: number, frames: number): void {
    const bucket = latencyBucket(ms);
    this.#writeLatency[bucket] = (this.#writeLatency[bucket] ?? 0) + frames;
  }

  /** A copy. */
  get writeLatency(): number[] {
    return [...this.#writeLatency];
  }
}
