/** Says in the log that writes took long, and where the time went: at most one line in ten seconds. */
import type { Clock, Logger } from "../../machine/ports/index.ts";
import type { SlowWriteCounter } from "../../replica/index.ts";

const PERIOD_MS = 10_000;

export interface SlowLogOptions {
  readonly slow: Pick<SlowWriteCounter, "take">;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  /** How long the disk's last sync took. */
  readonly lastSyncMs: () => number | null;
}

export class SlowLog {
  readonly #options: SlowLogOptions;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(options: SlowLogOptions) {
    this.#options = options;
  }

  /** Cheap when nothing was slow: it is asked once a tick. */
  update(): void {
    const { slow, clock, logger, lastSyncMs } = this.#options;
    const nowMs = clock.now();
    if (nowMs - this.#saidMs < PERIOD_MS) return;
    const found = slow.take();
    if (found === null) return;
    this.#saidMs = nowMs;
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
  }
}
