/** An open loop: so many requests a second, without waiting for earlier ones. */
import type { Clock } from "../../machine/ports/index.ts";

export interface OpenLoopOptions {
  readonly clock: Clock;
  readonly perSecond: number;
  /** What could not be sent in time is made up for up to so much; the rest is left out. Default: a tenth of a second's. */
  readonly owedMax?: number;
  /** @returns how much of the rate it took; 0: nothing can be sent at the moment */
  readonly send: () => number;
}

const PACE_MS = 5;
const OWED_SECONDS = 0.1;

/** @returns ends it */
export function startOpenLoop(options: OpenLoopOptions): () => void {
  const { clock, perSecond, send, owedMax = perSecond * OWED_SECONDS } = options;
  let owed = 0;
  let lastMs = clock.now();
  const pace = (): void => {
    const nowMs = clock.now();
    owed = Math.min(owed + ((nowMs - lastMs) * perSecond) / 1000, owedMax);
    lastMs = nowMs;
    while (owed >= 1) {
      const taken = send();
      if (taken === 0) break;
      owed -= taken;
    }
    cancel = clock.after(PACE_MS, pace);
  };
  let cancel = clock.after(PACE_MS, pace);
  return () => cancel();
}
