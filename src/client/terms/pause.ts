import type { Clock, Random } from "../../machine/ports/index.ts";
import { onAbort } from "./on-abort.ts";

/**
 * Resolves after `ms`, or as soon as the signal is aborted.
 * @param options isIdle: as of Clock.after
 */
export function pause(
  clock: Clock,
  ms: number,
  signal?: AbortSignal,
  { isIdle = false }: { readonly isIdle?: boolean } = {},
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const go = (): void => {
      stopListening?.();
      cancel();
      resolve();
    };
    const cancel = clock.after(ms, go, isIdle);
    const stopListening = signal === undefined ? null : onAbort(signal, go);
  });
}

/**
 * Milliseconds before the next try: at most `minMs` after the first try, doubled for each further one up to `maxMs`.
 * Whole jitter, so that clients which collided once do not collide again.
 * @param tries so far, 1 or more
 */
export function backOffMs(
  random: Random,
  tries: number,
  { minMs, maxMs }: { readonly minMs: number; readonly maxMs: number },
): number {
  const most = Math.min(maxMs, minMs * 2 ** Math.min(tries - 1, 10));
  return (most * random.uint32()) / 2 ** 32;
}
