import { onAbort } from "./on-abort.ts";

/**
 * Aborted with the first of the signals, until `end` is called. Not AbortSignal.any: Node 20 keeps the signal that it returns only as
 * long as somebody else does.
 */
export interface AnySignal {
  readonly signal: AbortSignal;
  /** The caller needs it no more: it removes its listeners from the signals. */
  readonly end: () => void;
}

export function anySignal(...signals: readonly (AbortSignal | undefined)[]): AnySignal {
  const controller = new AbortController();
  const stops: (() => void)[] = [];
  for (const each of signals) {
    if (each === undefined) continue;
    const abort = (): void => controller.abort(each.reason);
    stops.push(onAbort(each, abort));
    if (each.aborted) abort();
  }
  return { signal: controller.signal, end: () => stops.forEach((stop) => stop()) };
}
