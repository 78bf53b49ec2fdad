import type { Clock } from "../../machine/ports/index.ts";
import { onAbort } from "./on-abort.ts";

/** Resolves after `ms`, or as soon as the signal is aborted. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const go = (): void => {
      stopListening?.();
      cancel();
      resolve();
    };
    const cancel = clock.after(ms, go);
    const stopListening = signal === undefined ? null : onAbort(signal, go);
  });
}
