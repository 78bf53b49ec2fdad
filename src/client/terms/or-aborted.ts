import { onAbort } from "./on-abort.ts";

/**
 * As the promise; or undefined as soon as the signal is aborted, however the promise ends later. The caller reads the reason from
 * the signal.
 */
export async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  let stopListening = (): void => {};
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else stopListening = onAbort(signal, () => resolve(undefined));
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stopListening();
  }
}
