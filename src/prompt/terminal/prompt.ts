/** The parts of a prompt, and how one command line runs. The loops around it differ: terminal, lines, arguments. */
import { unreachable } from "../../base/index.ts";
import type { CommandTable, Target } from "./command-table.ts";
import { parseCommand } from "./command-table.ts";
import { EXIT } from "./exit-status.ts";
import { loadFile, repeat } from "./load.ts";
import { helpText, type HelpTexts } from "./help.ts";
import type { Outcome } from "./outcome.ts";
import type { Screen } from "./screen.ts";
import type { Style } from "./style.ts";
import { OpenQuoteError, tokenize, type Token } from "./tokenize.ts";
import { usageOutcome } from "./usage-outcome.ts";
import { wrap } from "./wrap.ts";

export interface Prompt<A> {
  readonly table: CommandTable<A>;
  readonly help: HelpTexts;
  /** What "nodes" prints. */
  readonly nodes: readonly { readonly id: number; readonly address: string }[];
  readonly style: Style;
  /** The first keys of the store that begin so, for a user who presses Tab. Not there: keys are not completed. */
  readonly findKeys?: (
    prefix: Uint8Array,
    limit: number,
    signal: AbortSignal,
  ) => Promise<readonly Uint8Array[]>;
  /**
   * Events without a command, which a user sees above the line that he types. Not there: there are none.
   * @returns ends it
   */
  readonly news?: (tell: (outcome: Outcome) => void) => () => void;
  /**
   * Never rejects: a failure is an outcome. One for each node asked, in the order in which they are to be shown; none
   * when everything was shown on the screen already.
   */
  readonly execute: (
    target: Target,
    action: A,
    signal: AbortSignal,
    screen: Screen,
  ) => Promise<readonly Outcome[]>;
}

/** A line's commands, or what is wrong with it. */
export type Commands =
  | { readonly ok: true; readonly commands: readonly (readonly Token[])[] }
  | {
      readonly ok: false;
      readonly problem: Outcome;
      /** A quote is open: the next line may close it. */
      readonly isOpen: boolean;
    };

/** @param where named in front of the problem: "line 3", or empty */
export function split(
  line: string,
  separator: ";" | undefined,
  style: Style,
  where = "",
): Commands {
  try {
    return { ok: true, commands: tokenize(line, separator) };
  } catch (error) {
    const problem = usageOutcome(error, style, where);
    return { ok: false, problem, isOpen: error instanceof OpenQuoteError };
  }
}

export type CommandResult = "exit" | readonly Outcome[];

/** Runs one command; "exit" when it asks to leave. Never rejects for what the user typed. @param files that it stands in */
export async function runCommand<A>(
  prompt: Prompt<A>,
  tokens: readonly Token[],
  signal: AbortSignal,
  screen: Screen,
  where = "",
  files: readonly string[] = [],
): Promise<CommandResult> {
  const { table, help, style } = prompt;
  let parsed;
  try {
    parsed = parseCommand(table, tokens);
    if (parsed.kind === "exit") return "exit";
    // A mistake is said once, not again and again.
    if (parsed.kind === "every") parseCommand(table, parsed.command);
    if (parsed.kind === "help") {
      const text = helpText(table, help, parsed.topic, style);
      const shown = wrap(text, screen.columns?.());
      if (screen.page !== undefined) {
        await screen.page(shown);
        return [];
      }
      return [{ text: shown, json: { ok: true, op: "help", text }, status: EXIT.ok }];
    }
  } catch (error) {
    return [usageOutcome(error, style, where)];
  }
  switch (parsed.kind) {
    case "nodes":
      return [nodesOutcome(prompt)];
    case "load":
      return loadFile(
        parsed.path,
        (line, inner, opened) => runLine(prompt, line, signal, inner, opened),
        signal,
        screen,
        style,
        files,
      );
    case "every": {
      const { everyMs, command } = parsed;
      await repeat(everyMs, () => runShown(prompt, command, signal, screen, files), signal, screen);
      return [];
    }
    case "command":
      return noted(
        await prompt.execute(parsed.target, parsed.action, signal, screen),
        parsed.note,
        style,
      );
    default:
      return unreachable(parsed, "command");
  }
}

/** With a note below the last one. */
function noted(
  outcomes: readonly Outcome[],
  note: string | undefined,
  style: Style,
): readonly Outcome[] {
  const last = outcomes.at(-1);
  if (note === undefined || last === undefined) return outcomes;
  const before = last.footer === undefined ? "" : `${last.footer.text}\n`;
  const footer = { text: `${before}${style.warn(note)}`, isPart: last.footer?.isPart === true };
  return [...outcomes.slice(0, -1), { ...last, footer, json: { ...last.json, note } }];
}

/** A line of a file. @returns false when it asks to leave, which ends the file only */
async function runLine<A>(
  prompt: Prompt<A>,
  line: string,
  signal: AbortSignal,
  screen: Screen,
  files: readonly string[],
): Promise<boolean> {
  const commands = split(line, undefined, prompt.style);
  if (!commands.ok) {
    screen.show(commands.problem);
    return true;
  }
  for (const tokens of commands.commands) {
    if (!(await runShown(prompt, tokens, signal, screen, files))) return false;
  }
  return true;
}

async function runShown<A>(
  prompt: Prompt<A>,
  tokens: readonly Token[],
  signal: AbortSignal,
  screen: Screen,
  files: readonly string[],
): Promise<boolean> {
  const result = await runCommand(prompt, tokens, signal, screen, "", files);
  if (result === "exit") return false;
  result.forEach((outcome) => screen.show(outcome));
  return true;
}

function nodesOutcome<A>({ nodes, style }: Prompt<A>): Outcome {
  const text = nodes.map(({ id, address }) => `${style.node(`node ${id}`)}  ${address}`).join("\n");
  return { text, json: { ok: true, op: "nodes", nodes }, status: EXIT.ok };
}
