/** Commands without a terminal: lines of a stream, or one argument. One after the other, plain output, an exit status. */
import type { Readable, Writable } from "node:stream";
import { printableJson, terminalText } from "../../base/index.ts";
import { isYes } from "./confirm.ts";
import { EXIT, worse, type ExitStatus } from "./exit-status.ts";
import { columnsOf, drained, type LiveScreen, type Screen } from "./screen.ts";
import { runCommand, split, type Prompt } from "./prompt.ts";
import type { Outcome } from "./outcome.ts";
import { wholeText, writeResult } from "./write-outcome.ts";
import { AS_ESCAPES, textLines } from "./text-lines.ts";
import { UsageError } from "./usage-error.ts";
import { usageOutcome } from "./usage-outcome.ts";

export interface ScriptOptions {
  /** Where results go. */
  readonly output: Writable;
  /** What went wrong, unless `json`. */
  readonly errors: Writable;
  /** One JSON object a line instead of text, errors too, all on `output`. */
  readonly json: boolean;
  /** Stop at the first command that does not go well. */
  readonly bail: boolean;
  /** A person looks at the output: commands may redraw it. Null: they may not. */
  readonly live: LiveScreen | null;
  /** Aborted: the running command is cancelled and nothing more is run. */
  readonly signal: AbortSignal;
  /** Asks the person at the terminal. Undefined: nobody is to be asked. */
  readonly confirm?: Screen["confirm"];
}

/** @param text commands separated by ";" or by line ends */
export async function runArgument<A>(
  prompt: Prompt<A>,
  text: string,
  options: ScriptOptions,
): Promise<ExitStatus> {
  const run = new ScriptRun(prompt, options);
  await run.line(text, ";", "");
  return run.status;
}

export interface LinesOptions extends Omit<ScriptOptions, "confirm"> {
  /** A person types the lines and sees `errors`: a question is shown there, and the next line is the answer. */
  readonly asks: boolean;
}

/** Runs every line of `input` until its end. */
export async function runLines<A>(
  prompt: Prompt<A>,
  input: Readable,
  options: LinesOptions,
): Promise<ExitStatus> {
  const { signal, asks, errors } = options;
  const stop = (): void => void input.destroy();
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  const lines = textLines(input, AS_ESCAPES);
  let number = 0;
  /** Null at the end, and when there is no right line: that is told. */
  const next = async (): Promise<string | null> => {
    number += 1;
    try {
      const { done, value } = await lines.next();
      return done === true ? null : value;
    } catch (error) {
      if (!signal.aborted && !(error instanceof UsageError)) throw error;
      if (!signal.aborted) run.show(usageOutcome(error, prompt.style, `line ${number}`));
      return null;
    }
  };
  const confirm = async (question: string): Promise<boolean> => {
    errors.write(terminalText(question));
    return isYes((await next()) ?? "");
  };
  const run = new ScriptRun(prompt, { ...options, ...(asks ? { confirm } : {}) });
  try {
    for (let line = await next(); line !== null; line = await next()) {
      await run.line(line, undefined, `line ${number}`);
      if (run.over) break;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
  return signal.aborted ? EXIT.interrupted : run.status;
}

class ScriptRun<A> {
  readonly #prompt: Prompt<A>;
  readonly #options: ScriptOptions;
  readonly #screen: Screen;
  status: ExitStatus = EXIT.ok;
  over = false;

  constructor(prompt: Prompt<A>, options: ScriptOptions) {
    this.#prompt = prompt;
    this.#options = options;
    this.#screen = {
      live: options.live,
      show: (outcome) => this.show(outcome),
      isOver: () => this.over,
      columns: () => columnsOf(options.output),
      ready: () => drained(options.output, options.signal),
      ...(options.confirm === undefined ? {} : { confirm: options.confirm }),
    };
  }

  async line(line: string, separator: ";" | undefined, where: string): Promise<void> {
    const commands = split(line, separator, this.#prompt.style, where);
    if (!commands.ok) return this.show(commands.problem);
    for (const tokens of commands.commands) {
      const result = await runCommand(
        this.#prompt,
        tokens,
        this.#options.signal,
        this.#screen,
        where,
      );
      if (result === "exit") this.over = true;
      else result.forEach((outcome) => this.show(outcome));
      if (this.#options.signal.aborted) {
        this.status = EXIT.interrupted;
        this.over = true;
      }
      if (this.over) return;
    }
  }

  show(outcome: Outcome): void {
    const { output, errors, json, bail } = this.#options;
    const failed = outcome.status !== EXIT.ok;
    if (json) output.write(`${printableJson(outcome.json)}\n`);
    else if (failed && outcome.isResult !== true)
      errors.write(`${terminalText(wholeText(outcome))}\n`);
    else writeResult(outcome, output, errors);
    this.status = worse(this.status, outcome.status);
    if (failed && bail) this.over = true;
  }
}
