import { KvError } from "../../base/index.ts";

/** The error for a caller that has cancelled, with its own reason as the cause. The request had no effect. */
export function cancelled(what: string, { reason }: AbortSignal): KvError {
  return new KvError("CANCELLED", `cancelled before ${what}`, { cause: reason, definite: true });
}
