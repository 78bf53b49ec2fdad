/** Cancels the timer; harmless after it fired. */
export type CancelTimer = () => void;

/**
 * Time as the node sees it. Monotonic, starts anywhere, never goes back, may stand still or jump ahead (a paused
 * process). The clocks of two nodes need not agree.
 */
export interface Clock {
  /** Milliseconds, fractional. */
  now(): number;
  /**
   * Calls back once, not before `ms` milliseconds have passed; late by any amount.
   * @param isIdle a process that has nothing else to do may end before, and then never calls back. Default false
   */
  after(ms: number, callback: () => void, isIdle?: boolean): CancelTimer;
  /** Calls back once, after the input that is ready now has been delivered: the end of this turn of the event loop. */
  endOfTurn(callback: () => void): void;
}
