/** Signals that tell the truth whenever they are asked, and not only after a timer has fired. */

/**
 * Looks at the clock before it answers: in a program that was paused, or that has kept its event loop busy, a due timer has not fired yet
 * when the code that asks runs.
 * @param check aborts the controller if that is due; it may be called from within itself
 */
export function checkedSignal(controller: AbortController, check: () => void): AbortSignal {
  const { signal } = controller;
  const wasAborted = (): boolean => Reflect.get(AbortSignal.prototype, "aborted", signal);
  Object.defineProperties(signal, {
    aborted: {
      get: () => {
        if (!wasAborted()) check();
        return wasAborted();
      },
    },
    throwIfAborted: {
      value: () => {
        if (signal.aborted) throw signal.reason;
      },
    },
  });
  return signal;
}
