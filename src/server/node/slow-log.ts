/** Says in the log that writes or reads took long, and where the time went: at most one line of each in ten seconds. */
import type { Clock, Logger } from "../../machine/ports/index.ts";
import type { SlowReadCounter, SlowWriteCounter } from "../../replica/index.ts";

const PERIOD_MS = 10_000;

export interface SlowLogOptions {
  readonly writes: Pick<SlowWriteCounter, "take">;
  readonly reads: Pick<SlowReadCounter, "take">;
  readonly tickMs: number;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  /** How long the disk's last sync took. */
  readonly lastSyncMs: () => number | null;
}

export class SlowLog {
  readonly #options: SlowLogOptions;
  #writesSaidMs = Number.NEGATIVE_INFINITY;
  #readsSaidMs = Number.NEGATIVE_INFINITY;

  constructor(options: SlowLogOptions) {
    this.#options = options;
  }

  /** Cheap when nothing was slow: the node asks once a tick. */
  update(): void {
    const nowMs = this.#options.clock.now();
    if (nowMs - this.#writesSaidMs >= PERIOD_MS && this.#sayWrites()) this.#writesSaidMs = nowMs;
    if (nowMs - this.#readsSaidMs >= PERIOD_MS && this.#sayReads()) this.#readsSaidMs = nowMs;
  }

  /** @returns whether there were any */
  #sayWrites(): boolean {
    const { writes, logger, lastSyncMs } = this.#options;
    const found = writes.take();
    if (found === null) return false;
    const { frames, idx, revision, ms, waitedMs } = found;
    logger.warn("writes took long", {
      frames,
      idx,
      revision,
      slowestMs: Math.round(ms),
      waitedMs: Math.round(waitedMs),
      agreedMs: Math.round(ms - waitedMs),
      lastSyncMs: lastSyncMs(),
    });
    return true;
  }

  /** @returns whether there were any */
  #sayReads(): boolean {
    const { reads, tickMs, logger } = this.#options;
    const found = reads.take();
    if (found === null) return false;
    const { frames, keys, ticks, indexTicks, applyTicks } = found;
    logger.warn("reads took long", {
      frames,
      keys,
      slowestMs: ticks * tickMs,
      indexMs: indexTicks * tickMs,
      applyMs: applyTicks * tickMs,
      readMs: (ticks - indexTicks - applyTicks) * tickMs,
    });
    return true;
  }
}
