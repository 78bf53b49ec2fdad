/** The typed words are no command: the outcome that says so. */
import { EXIT } from "./exit-status.ts";
import type { Outcome } from "./outcome.ts";
import type { Style } from "./style.ts";
import { UsageError } from "./usage-error.ts";

/** @throws any error that is no UsageError */
export function usageOutcome(error: unknown, style: Style, where: string): Outcome {
  if (!(error instanceof UsageError)) throw error;
  const text = `${where === "" ? "" : `${where}: `}${error.message}`;
  return {
    text: style.bad(text),
    json: { ok: false, code: "USAGE", definite: true, retryable: false, message: text },
    status: EXIT.usage,
  };
}
