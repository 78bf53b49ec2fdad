/** `omnikv completion SHELL`: prints a script that completes this program's commands and options. */
import { Argument, Command, type Option } from "commander";
import {
  type CompletedCommand,
  type CompletedOption,
  completionScript,
  type Shell,
  SHELLS,
  type Value,
} from "../prompt/index.ts";
import type { Words } from "../prompt/terminal/index.ts";
import { offeredWords } from "./options/completed-words.ts";

const EXAMPLES = `
Examples:
  source <(omnikv completion bash)                                      in ~/.bashrc
  source <(omnikv completion zsh)                                       in ~/.zshrc, behind compinit
  omnikv completion fish > ~/.config/fish/completions/omnikv.fish       once`;

/** As Commander names the command that explains others. */
const HELP = "help";

/** @param program with all of its commands */
export function completionCommand(program: () => Promise<Command>): Command {
  return new Command("completion")
    .description("Prints a script that completes commands and options of omnikv in a shell.")
    .addArgument(new Argument("<shell>", "whose script").choices(SHELLS))
    .addHelpText("after", EXAMPLES)
    .action(async (shell: Shell) => {
      process.stdout.write(completionScript(shell, describe(await program())));
    });
}

function describe(command: Command): CompletedCommand {
  const help = command.createHelp();
  const [argument] = command.registeredArguments;
  const options = help.visibleOptions(command).flatMap(optionOf);
  const commands = help.visibleCommands(command).map(describe);
  return {
    name: command.name(),
    aliases: command.aliases(),
    summary: command.summary() || command.description(),
    options,
    commands: [
      ...commands.map((each) =>
        each.name === HELP ? { ...each, commands: about(commands) } : each,
      ),
      ...(argument?.argChoices ?? []).map((name) => ({ ...NOTHING, name })),
      ...wordsAsCommands(offeredWords(command), options),
    ],
    value: argument === undefined ? "none" : valueOf(argument.name()),
  };
}

/** What `help` explains: the commands beside it. */
function about(commands: readonly CompletedCommand[]): readonly CompletedCommand[] {
  return commands
    .filter(({ name }) => name !== HELP)
    .map(({ name, aliases, summary }) => ({ ...NOTHING, name, aliases, summary }));
}

/** Behind such a word the command goes on. */
function wordsAsCommands(
  words: Words,
  options: CompletedCommand["options"],
): readonly CompletedCommand[] {
  return Object.entries(words).map(([name, behind]) => {
    return { ...NOTHING, name, options, commands: wordsAsCommands(behind, options) };
  });
}

/** A choice is completed as a command without options is. */
const NOTHING = { aliases: [], summary: "", options: [], commands: [], value: "none" } as const;

function optionOf(option: Option): readonly CompletedOption[] {
  const { long, short, description, flags } = option;
  if (long === undefined || long === null) return [];
  const [, name] = /[<[](.*?)[\]>]/.exec(flags) ?? [];
  const value = name === undefined ? "none" : valueOf(name);
  return [{ long, short: short ?? null, help: description, value }];
}

/** The words that usage texts have for files. */
function valueOf(name: string): Value {
  return /file|directory|history/.test(name) ? "file" : "word";
}
