import type { Clock } from "../../machine/ports/index.ts";

/** Resolves after `ms`, or as soon as the signal is aborted. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const go = (): void => {
      signal?.removeEventListener("abort", go);
      cancel();
      resolve();
    };
    const cancel = clock.after(ms, go);
    signal?.addEventListener("abort", go, { once: true });
  });
}
