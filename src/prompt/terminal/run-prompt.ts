/** Runs a prompt the way it was asked for: one argument, a terminal, or lines of a pipe. */
import type { Readable, Writable } from "node:stream";
import type { ExitStatus } from "./exit-status.ts";
import type { Prompt } from "./prompt.ts";
import { runArgument, runLines } from "./script-loop.ts";
import { type Screen, TerminalScreen } from "./screen.ts";
import { runTerminal } from "./terminal-loop.ts";

export interface RunPromptOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
  /** A person sits there: input and output are a terminal. */
  readonly isTerminal: boolean;
  /** Commands to run instead of reading any; null: read them. */
  readonly command: string | null;
  readonly json: boolean;
  /** Stop at the first command that does not go well; not in a terminal. */
  readonly bail: boolean;
  /** In a terminal: in front of what is typed. */
  readonly promptText: string;
  /** In a terminal: printed first. */
  readonly greeting: string;
  /** In a terminal: null keeps no history. */
  readonly historyPath: string | null;
  /** Aborted: what runs is cancelled, and the prompt ends as interrupted. */
  readonly signal: AbortSignal;
  /**
   * Asks the person at the terminal, while commands of an argument run. Where lines are read the next one is the answer. Not there: nobody
   * sits there.
   */
  readonly confirm?: Screen["confirm"];
}

export function runPrompt<A>(prompt: Prompt<A>, options: RunPromptOptions): Promise<ExitStatus> {
  const { input, output, isTerminal, json, command } = options;
  const live = isTerminal && !json ? new TerminalScreen(input, output) : null;
  if (command !== null) return runArgument(prompt, command, { ...options, live });
  if (isTerminal) return runTerminal(prompt, { ...options, live });
  const { confirm, ...others } = options;
  return runLines(prompt, input, { ...others, live, asks: confirm !== undefined });
}
