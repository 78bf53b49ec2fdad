import { KvError } from "../../base/index.ts";

/** What a caller is told that has cancelled, with its own reason as the cause. Nothing came of what it asked for. */
export function cancelled(what: string, { reason }: AbortSignal): KvError {
  return new KvError("CANCELLED", `cancelled before ${what}`, { cause: reason, definite: true });
}
