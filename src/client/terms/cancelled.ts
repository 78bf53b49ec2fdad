import { KvError } from "../../base/index.ts";

/** The error for a caller that has cancelled, with its own reason as the cause. The request had no effect. */
export function cancelled(what: string, { reason }: AbortSignal): KvError {
  return new KvError("CANCELLED", `cancelled before ${what}`, { cause: reason, definite: true });
}

/** The same for a request that was under way: of an error for that reason, one that has the caller's reason as the cause. */
export function withReason(error: KvError, signal: AbortSignal | undefined): KvError {
  if (error.code !== "CANCELLED" || signal?.aborted !== true || error.cause !== undefined)
    return error;
  return new KvError("CANCELLED", error.message, {
    cause: signal.reason,
    definite: error.definite,
  });
}
