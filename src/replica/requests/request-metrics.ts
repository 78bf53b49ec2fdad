import { LATENCY_BUCKETS, latencyBucket } from "../../base/index.ts";
import { Refused } from "./refused.ts";
import { SlowReadCounter } from "./slow-reads.ts";
import { SlowWriteCounter } from "./slow-writes.ts";

/** Clients whom a node knows for having handed over their requests, or got them; counted one for each neighbour. */
export interface RelayedClients {
  /** Its own, at neighbours. */
  readonly away: number;
  /** Those of neighbours. */
  readonly guests: number;
}

/** Requests of clients that are not answered yet. */
export interface Waiting extends RelayedClients {
  readonly proposalBytes: number;
  /** Writes that wait for a leader, or for the log to have them. */
  readonly commands: number;
  readonly reads: number;
}

/** An entry of the log that was applied. Times are milliseconds. */
export interface AppliedEntry {
  /** Its place in the log, the same on all nodes. */
  readonly idx: number;
  /** Of the store before and after: its changes have those between, the latter included. They are what the clients are told. */
  readonly revisionBefore: number;
  readonly revision: number;
  /** Null: it is of other nodes' clients, or of none. */
  readonly own: {
    /** Of clients, that it answers. */
    readonly frames: number;
    /** From the turn in which the first of them came in, */
    readonly ms: number;
    /** until it was handed to the log. The rest went to agreeing on it and applying it. */
    readonly waitedMs: number;
  } | null;
}

/** What was done for clients since the process started. Counts only grow. */
export class RequestMetrics {
  commandsApplied = 0;
  reads = 0;
  readonly refused = new Refused();
  readonly slowWrites = new SlowWriteCounter();
  readonly slowReads = new SlowReadCounter();
  /** An observer of each applied entry. Null: there is none. */
  onEntry: ((entry: AppliedEntry) => void) | null = null;
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
