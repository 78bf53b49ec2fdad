import { LATENCY_BUCKETS, latencyBucket } from "../base/latency-buckets.ts";

/** What was done for clients since the process started. Counts only grow. */
export class Served {
  commandsApplied = 0;
  reads = 0;
  /** Applied, and made by other nodes, or by this one before it was started. */
  othersEntries = 0;
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
