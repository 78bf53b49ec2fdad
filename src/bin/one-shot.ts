/** `omnikv read KEY` and so on: a command of a prompt as a subcommand, made from the prompt's own table. */
import { fstatSync } from "node:fs";
import { Command, Option } from "commander";
import { VALUE_BYTES_MAX } from "../base/index.ts";
import {
  type CommandSpec,
  countText,
  EMPTY_TOKEN,
  foreignFlagText,
  nodeFrom,
  type ParsedArguments,
  type Prompt,
  runOneShot,
  type Token,
  UsageError,
  usageLines,
} from "../prompt/terminal/index.ts";
import { argumentToken } from "./options/argument-token.ts";
import { offerWords } from "./options/completed-words.ts";
import { learnSettings } from "./nodes/learn-nodes.ts";
import {
  addAccessOptions,
  confirmAt,
  runAsProcess,
  type PromptFlags,
  type PromptSettings,
} from "./options/prompt-options.ts";

interface OneShotFlags extends PromptFlags {
  readonly node?: string;
  readonly raw?: true;
}

/** Stands for standard input, in the place of a value. */
const INPUT = "-";

/** The prompt that a command is of. */
export interface OneShotPrompt<A> {
  /** The subcommand that opens it. */
  readonly name: "client" | "manage";
  /** Whether a node can be named, to be asked alone. */
  readonly takesNode: boolean;
  /** Opens it for as long as `use` takes. */
  readonly open: (
    settings: PromptSettings,
    use: (prompt: Prompt<A>) => Promise<void>,
  ) => Promise<void>;
}

export function oneShotCommand<A>(spec: CommandSpec<A>, of: OneShotPrompt<A>): Command {
  const command = new Command(spec.name)
    .description(
      [
        `${spec.summary.charAt(0).toUpperCase()}${spec.summary.slice(1)}.`,
        ...(spec.details ?? []),
      ].join("\n"),
    )
    .argument("[words...]")
    .usage(`${spec.forms.join(`\n   or: omnikv ${spec.name} `)} [options]`.trim());
  for (const { name, value, help } of spec.flags ?? []) {
    command.option(value === undefined ? name : `${name} <${value}>`, help);
  }
  for (const name of Object.keys(spec.foreignFlags ?? {})) {
    command.addOption(new Option(name).hideHelp());
  }
  addAccessOptions(offerWords(command, spec.words ?? {}));
  if (of.takesNode) command.option("--node <id>", "ask this node (default: any)");
  command.option("--json", "one JSON object, errors too");
  if (spec.raw !== undefined) command.option("--raw", "the bytes as they are, and nothing else");
  return command
    .addHelpText("after", `${notesOf(spec)}${epilogue(of.name, spec.count[1] > 0)}`)
    .action((words: readonly string[], flags: OneShotFlags) =>
      run(spec, of, command, words, flags),
    );
}

function epilogue(name: string, takesWords: boolean): string {
  return `${takesWords ? "\nBehind -- nothing is an option: omnikv read -- --key" : ""}
The answers and the exit status are those of "omnikv ${name} -c".`;
}

function notesOf<A>({ input, raw }: CommandSpec<A>): string {
  const notes = [input, raw].filter((note) => note !== undefined);
  return notes.map((note) => `\n${note}`).join("");
}

async function run<A>(
  spec: CommandSpec<A>,
  of: OneShotPrompt<A>,
  command: Command,
  words: readonly string[],
  flags: OneShotFlags,
): Promise<void> {
  const settings = await learnSettings(flags);
  const format = flags.json === true ? "json" : flags.raw === true ? "raw" : "text";
  await of.open(settings, (prompt) =>
    runAsProcess((signal) => {
      const ids = prompt.table.nodeIds;
      const action = async (): Promise<A> => {
        if (flags.json === true && flags.raw === true) {
          throw new UsageError("--json and --raw are two ways to print the value: give one");
        }
        if (flags.node !== undefined) nodeFrom(flags.node, ids);
        checkFlags(spec, command, words);
        checkCount(spec, words.length);
        const positionals = await tokensOf(spec, words, signal);
        return spec.build({ positionals, flags: flagsOf(spec, command) });
      };
      const target = flags.node === undefined ? null : Number(flags.node);
      const { stdout: output, stderr: errors } = process;
      return runOneShot(prompt, spec.name, target, action, {
        output,
        errors,
        format,
        signal,
        endless: spec.endless,
        confirm: confirmAt(signal),
      });
    }),
  );
}

function checkFlags<A>(spec: CommandSpec<A>, command: Command, words: readonly string[]): void {
  for (const name of Object.keys(spec.foreignFlags ?? {})) {
    if (valueOf(command, name) === undefined) continue;
    const text = foreignFlagText(spec, name, words);
    if (text !== null) throw new UsageError(text.replace("`", "`omnikv "));
  }
}

function checkCount<A>(spec: CommandSpec<A>, got: number): void {
  const problem = countText(spec, got, usageLines(spec, "omnikv").join("  or  "));
  if (problem !== null) throw new UsageError(problem);
}

function flagsOf<A>(spec: CommandSpec<A>, command: Command): ParsedArguments["flags"] {
  const flags = new Map<string, Token>();
  for (const { name } of spec.flags ?? []) {
    const value = valueOf(command, name);
    if (value !== undefined)
      flags.set(name, typeof value === "string" ? argumentToken(value) : EMPTY_TOKEN);
  }
  return flags;
}

function valueOf(command: Command, name: string): unknown {
  const option = command.options.find(({ long }) => long === name);
  return option === undefined ? undefined : command.opts()[option.attributeName()];
}

async function tokensOf<A>(
  spec: CommandSpec<A>,
  words: readonly string[],
  signal: AbortSignal,
): Promise<readonly Token[]> {
  // The first word is the key: "-" is one like any other.
  const at = spec.input === undefined ? -1 : words.indexOf(INPUT, 1);
  if (at !== -1 && words.includes(INPUT, at + 1)) {
    throw new UsageError("standard input can be one of the values only");
  }
  const input = at === -1 ? null : await readInput(signal);
  return words.map((text, i) =>
    i === at && input !== null ? { text, bytes: input, quoted: true } : argumentToken(text),
  );
}

/** @throws UsageError when it is longer than a value may be: the rest is not waited for */
async function readInput(signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const { stdin } = process;
  // Node.js would take it for an empty file, and an empty value would be written.
  if (fstatSync(0).isDirectory()) throw new UsageError("standard input is a directory");
  const stop = (): void => void stdin.destroy();
  signal.addEventListener("abort", stop, { once: true });
  for await (const chunk of stdin) {
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > VALUE_BYTES_MAX) {
      throw new UsageError(
        `a value is at most ${VALUE_BYTES_MAX} bytes long, standard input is longer`,
      );
    }
    chunks.push(bytes);
  }
  signal.removeEventListener("abort", stop);
  return Buffer.concat(chunks);
}
