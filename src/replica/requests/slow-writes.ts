/** Writes of this node's clients that took long, and where the time went. Pure; nothing is kept of those that did not. */

import type { KvState } from "../../store/index.ts";

/** A healthy cluster answers in a hundredth of that, and a change of leader takes less. */
export const SLOW_WRITE_MS = 1000;

export interface SlowWrites {
  /** Of clients, in all batches that were slow. */
  readonly frames: number;
  /** The slowest batch: its place in the log, the same on all nodes. */
  readonly idx: number;
  /** Of the store when it was applied: what its last write's client was told. */
  readonly revision: number;
  readonly ms: number;
  /** Of these: until it was handed to the log, for want of a leader or because enough was under way. */
  readonly waitedMs: number;
}

/** What is noted of a batch when it is applied. */
export interface NotedBatch {
  readonly sinceMs: number;
  readonly proposedMs: number;
  readonly groups: readonly unknown[];
}

export class SlowWriteCounter {
  #slow: SlowWrites | null = null;

  /** @param state after the batch */
  note(
    { sinceMs, proposedMs, groups }: NotedBatch,
    { appliedIdx, revision }: Pick<KvState, "appliedIdx" | "revision">,
    nowMs: number,
  ): void {
    const ms = nowMs - sinceMs;
    if (ms < SLOW_WRITE_MS) return;
    const frames = (this.#slow?.frames ?? 0) + groups.length;
    const slowest = this.#slow !== null && this.#slow.ms >= ms ? this.#slow : null;
    const waitedMs = proposedMs - sinceMs;
    this.#slow = { ...(slowest ?? { idx: appliedIdx - 1, revision, ms, waitedMs }), frames };
  }

  /** @returns what was noted since the last call; null: nothing */
  take(): SlowWrites | null {
    const slow = this.#slow;
    this.#slow = null;
    return slow;
  }
}
