/** Deadlines of another side's answers. */
import type { CancelTimer, Clock } from "../../machine/ports/index.ts";

/** `afterRunning` counts a deadline in so many parts. */
const PARTS = 8;

/**
 * As `clock.after`, but time in which this process did not run counts for one part at most: the process must read what arrived
 * meanwhile before it may say that the other side did not answer.
 */
export function afterRunning(clock: Clock, ms: number, callback: () => void): CancelTimer {
  let left = PARTS;
  let cancel: CancelTimer;
  const arm = (): void => {
    cancel = clock.after(ms / PARTS, () => {
      left -= 1;
      if (left > 0) arm();
      else callback();
    });
  };
  arm();
  return () => cancel();
}
