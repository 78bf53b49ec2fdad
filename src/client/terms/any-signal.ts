import { onAbort } from "./on-abort.ts";

/**
 * Aborted with the first of the signals, for as long as it is of use. Not AbortSignal.any: Node 20 keeps what that returns only as
 * long as somebody else does.
 */
export interface AnySignal {
  readonly signal: AbortSignal;
  /** It is of no use any more: nothing of it stays with the signals. */
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
