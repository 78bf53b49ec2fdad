/** A signal that is aborted when its time is over. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Call it when the signal is not needed any more: it is not aborted after that. */
  readonly end: () => void;
}

/**
 * As AbortSignal.timeout, which Node.js may collect before its time is over, so that it is never aborted (nodejs/node#57736): a caller
 * that waits for nothing else then waits for ever.
 * @param ms milliseconds
 */
export function timeLimit(ms: number): TimeLimit {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  return { signal: controller.signal, end: () => clearTimeout(timer) };
}
