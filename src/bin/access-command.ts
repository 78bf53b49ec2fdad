/** `omnikv user`, `role`, `auth` and `whoami`: the commands of the management prompt, one in a process. */
import { Command } from "commander";
import { createAdminClient } from "../client/api/index.ts";
import type { AccessAction } from "../prompt/commands/index.ts";
import { createAdminPrompt } from "../prompt/index.ts";
import {
  type CommandSpec,
  EMPTY_TOKEN,
  runOneShot,
  type Token,
  UsageError,
} from "../prompt/terminal/index.ts";
import { argumentToken } from "./options/argument-token.ts";
import { askPassword, hideTyping, passwordIn, type TypedLines } from "./options/ask-password.ts";
import { offerWords } from "./options/completed-words.ts";
import { learnSettings } from "./nodes/learn-nodes.ts";
import {
  addAccessOptions,
  clientOptionsOf,
  promptPartsOf,
  runAsProcess,
  sleep,
  type PromptFlags,
} from "./options/prompt-options.ts";

/** The option of the same name says with which password this program signs in. */
const RENAMED: Readonly<Record<string, string>> = { "--password-file": "--new-password-file" };

export function accessCommand(spec: CommandSpec<AccessAction>): Command {
  const forms = formsOf(spec);
  const command = new Command(spec.name)
    .description([`${spec.summary}.`, ...(spec.details ?? [])].join("\n"))
    .argument("[words...]")
    .usage(`${forms.join(`\n   or: omnikv ${spec.name} `)} [options]`);
  for (const { name, value, help } of spec.flags ?? []) {
    const own = RENAMED[name] ?? name;
    command.option(value === undefined ? own : `${own} <${value}>`, help);
  }
  return addAccessOptions(offerWords(command, spec.words ?? {}))
    .option("--json", "one JSON object, errors too")
    .action((words: readonly string[], flags: PromptFlags) => run(spec, command, words, flags));
}

/** As they are typed in a shell. */
function formsOf({ forms }: CommandSpec<AccessAction>): string[] {
  const renamed = Object.entries(RENAMED);
  return forms.map((form) =>
    renamed.reduce((text, [name, own]) => text.replaceAll(name, own), form),
  );
}

async function run(
  spec: CommandSpec<AccessAction>,
  command: Command,
  words: readonly string[],
  flags: PromptFlags,
): Promise<void> {
  const action = actionOf(spec, command, words);
  const typed = asksForPassword(action) ? hideTyping() : null;
  try {
    await carryOut(spec, action, flags, typed);
  } finally {
    typed?.close();
  }
}

function asksForPassword(action: AccessAction | UsageError): boolean {
  if (action instanceof UsageError) return false;
  const { request } = action;
  return request.kind === "password" && request.password.from === "ask";
}

/** @returns what is wrong when the words do not fit together: it is told when the command is carried out */
function actionOf(
  spec: CommandSpec<AccessAction>,
  command: Command,
  words: readonly string[],
): AccessAction | UsageError {
  try {
    return built(spec, command, words);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
}

/** @throws UsageError when the words do not fit together */
function built(
  spec: CommandSpec<AccessAction>,
  command: Command,
  words: readonly string[],
): AccessAction {
  const [min, max] = spec.count;
  if (words.length < min || words.length > max) {
    throw new UsageError(
      formsOf(spec)
        .map((form) => `omnikv ${spec.name} ${form}`)
        .join("  or  "),
    );
  }
  return spec.build({ positionals: words.map(argumentToken), flags: flagsOf(spec, command) });
}

/** @param typed null: nobody types a new password */
async function carryOut(
  spec: CommandSpec<AccessAction>,
  action: AccessAction | UsageError,
  flags: PromptFlags,
  typed: TypedLines | null,
): Promise<void> {
  const settings = await learnSettings(flags, typed);
  const client = createAdminClient(clientOptionsOf(settings));
  const prompt = createAdminPrompt({
    ...promptPartsOf(settings),
    client,
    sleep,
    servers: null,
    password: async (source, user) =>
      source.from === "file"
        ? passwordIn(source.path, "--new-password-file")
        : askPassword(user, true, typed),
  });
  try {
    await runAsProcess((signal) =>
      runOneShot(prompt, spec.name, null, () => orThrown(action), {
        output: process.stdout,
        errors: process.stderr,
        format: flags.json === true ? "json" : "text",
        signal,
      }),
    );
  } finally {
    client.close();
  }
}

async function orThrown(action: AccessAction | UsageError): Promise<AccessAction> {
  if (action instanceof UsageError) throw action;
  return action;
}

function flagsOf(spec: CommandSpec<AccessAction>, command: Command): ReadonlyMap<string, Token> {
  const flags = new Map<string, Token>();
  for (const { name } of spec.flags ?? []) {
    const own = RENAMED[name] ?? name;
    // Commander takes "--no-password" for the contrary of "--password".
    const isContrary = own.startsWith("--no-");
    const option = command.options.find(({ long }) => long === own);
    const value: unknown =
      option === undefined ? undefined : command.opts()[option.attributeName()];
    if (isContrary ? value === false : value !== undefined) {
      flags.set(name, typeof value === "string" ? argumentToken(value) : EMPTY_TOKEN);
    }
  }
  return flags;
}
