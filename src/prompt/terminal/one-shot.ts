/** One command of a prompt that came as the arguments of the process: its outcome is all that is printed. */
import type { Writable } from "node:stream";
import { printableJson, terminalText } from "../../base/index.ts";
import { EXIT, worse, type ExitStatus } from "./exit-status.ts";
import type { Outcome } from "./outcome.ts";
import { wholeText, writeResult } from "./write-outcome.ts";
import type { Prompt } from "./prompt.ts";
import type { Target } from "./command-table.ts";
import { columnsOf, drained, type Screen } from "./screen.ts";
import { usageOutcome } from "./usage-outcome.ts";

export interface OneShotOptions {
  /** Where results go. */
  readonly output: Writable;
  /** What went wrong, unless the format is "json". */
  readonly errors: Writable;
  /** "raw": the bytes that the user asked for, and nothing else; without a value there are none, which is a failure then. */
  readonly format: "text" | "json" | "raw";
  /** Aborted: the command is cancelled. */
  readonly signal: AbortSignal;
  /** It goes on until the signal is aborted, and has gone well then. */
  readonly endless?: boolean | undefined;
  /** Asks the person at the terminal. Undefined: nobody sits there. */
  readonly confirm?: Screen["confirm"];
}

/**
 * @param name stands in front of an error about the arguments
 * @param action rejects with a UsageError when the arguments do not fit together
 */
export async function runOneShot<A>(
  prompt: Prompt<A>,
  name: string,
  target: Target,
  action: () => Promise<A>,
  options: OneShotOptions,
): Promise<ExitStatus> {
  let status: ExitStatus = EXIT.ok;
  const show = (outcome: Outcome): void => {
    status = worse(status, print(outcome, options));
  };
  const ready = (): Promise<void> => drained(options.output, options.signal);
  const { confirm } = options;
  const columns = (): number | undefined => columnsOf(options.output);
  const screen: Screen = {
    live: null,
    show,
    ready,
    columns,
    ...(confirm === undefined ? {} : { confirm }),
  };
  let meant: A;
  try {
    meant = await action();
  } catch (error) {
    if (options.signal.aborted) return EXIT.interrupted;
    show(usageOutcome(error, prompt.style, name));
    return status;
  }
  (await prompt.execute(target, meant, options.signal, screen)).forEach(show);
  return options.signal.aborted && options.endless !== true ? EXIT.interrupted : status;
}

function print(outcome: Outcome, { output, errors, format }: OneShotOptions): ExitStatus {
  if (format === "json") {
    output.write(`${printableJson(outcome.json)}\n`);
    return outcome.status;
  }
  const isFailure = outcome.status !== EXIT.ok && outcome.isResult !== true;
  if (format === "raw" && !isFailure && outcome.bytes !== undefined) {
    output.write(outcome.bytes);
    const { footer } = outcome;
    if (footer?.isPart === true) errors.write(`${terminalText(footer.text)}\n`);
    return outcome.status;
  }
  const isMissing = format === "raw" && !isFailure;
  if (isFailure || isMissing) errors.write(`${terminalText(wholeText(outcome))}\n`);
  else writeResult(outcome, output, errors);
  return isMissing ? worse(outcome.status, EXIT.failed) : outcome.status;
}
