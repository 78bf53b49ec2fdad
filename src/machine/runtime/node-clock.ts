import type { CancelTimer, Clock } from "../ports/index.ts";

const SET_TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The machine's monotonic time. Timers that are not idle keep the process alive until they fired or were cancelled. */
export const nodeClock: Clock = {
  now: () => performance.now(),
  after(ms: number, callback: () => void, isIdle = false): CancelTimer {
    const due = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const left = Math.min(Math.ceil(due - performance.now()), SET_TIMEOUT_MS_MAX);
      timer = setTimeout(() => {
        // setTimeout counts whole milliseconds of the event loop, and may be up to one early.
        if (performance.now() < due) arm();
        else callback();
      }, left);
      if (isIdle) timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
  endOfTurn(callback: () => void): void {
    setImmediate(callback);
  },
};
