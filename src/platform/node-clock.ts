import type { CancelTimer, Clock } from "../ports/clock.ts";

/** The machine's monotonic time. Timers keep the process alive until they fired or were cancelled. */
export const nodeClock: Clock = {
  now: () => performance.now(),
  after(ms: number, callback: () => void): CancelTimer {
    // setTimeout takes at most 2^31 - 1 and may fire up to a millisecond early after rounding down.
    const timer = setTimeout(callback, Math.min(Math.ceil(ms), 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  endOfTurn(callback: () => void): void {
    setImmediate(callback);
  },
};
