/** The commands of `omnikv`. Each is a module that is loaded only when it is called. */
import { Command, CommanderError } from "commander";
import { terminalText } from "../base/index.ts";
import { endWhenReaderGoes, programVersion } from "../machine/host/index.ts";
import { wrap } from "../prompt/terminal/index.ts";
import { checkArguments } from "./options/own-arguments.ts";
import type { Subcommand } from "./subcommand.ts";
import { type JsonPlace, tellFailure, tellUsage } from "./tell-failure.ts";

const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: "server",
    summary: "one server in this terminal",
    load: async () => (await import("./server.ts")).serverCommand(),
  },
  {
    name: "client",
    summary: "the client prompt: read and write keys",
    load: async () => (await import("./client.ts")).clientCommand(),
  },
  {
    name: "manage",
    summary: "the management prompt: links, status, faults",
    load: async () => (await import("./manage.ts")).manageCommand(),
  },
  {
    name: "health",
    summary: "whether every node is ready, for scripts and probes",
    load: async () => (await import("./health.ts")).healthCommand(),
  },
  {
    name: "lock",
    summary: "runs a program while it holds a lock",
    json: "errors",
    load: async () => (await import("./lock.ts")).lockCommand(),
  },
  {
    name: "elect",
    summary: "runs a program on the one that leads",
    json: "errors",
    load: async () => (await import("./elect.ts")).electCommand(),
  },
  {
    name: "start",
    summary: "a local cluster and the client prompt in one terminal",
    load: async () => (await import("./start.ts")).startCommand(),
  },
  {
    name: "secret",
    summary: "makes a secret, or changes one while the cluster serves",
    load: async () => (await import("./secret.ts")).secretCommand(),
  },
  {
    name: "cert",
    summary: "a small authority and certificates of it, for a lab",
    load: async () => (await import("./cert.ts")).certCommand(),
  },
  {
    name: "backup",
    summary: "what the cluster holds, in a file, while it serves",
    load: async () => (await import("./backup.ts")).backupCommand(),
  },
  {
    name: "verify",
    summary: "whether a backup or a data directory is whole, and what is in it",
    load: async () => (await import("./verify.ts")).verifyCommand(),
  },
  {
    name: "restore",
    summary: "data directories of a new cluster, from a backup",
    load: async () => (await import("./restore.ts")).restoreCommand(),
  },
  {
    name: "export",
    summary: "keys and values as lines of JSON",
    load: async () => (await import("./export.ts")).exportCommand(),
  },
  {
    name: "import",
    summary: "writes keys and values from lines of JSON",
    load: async () => (await import("./import.ts")).importCommand(),
  },
  {
    name: "bench",
    summary: "how fast a cluster is: a running one, or one that is thrown away afterwards",
    load: async () => (await import("./bench.ts")).benchCommand(),
  },
  {
    name: "lab",
    summary: "experiments on broken links: for how long does no write go on?",
    load: async () => (await import("./lab.ts")).labCommand(),
  },
  {
    name: "sim",
    summary: "a cluster under simulated faults, checked; the same from the same seed",
    load: async () => (await import("./sim.ts")).simCommand(),
  },
  {
    name: "explore",
    summary: "a search without a plan: all that can happen to the core, walks of whole replicas",
    load: async () => (await import("./explore.ts")).exploreCommand(),
  },
  {
    name: "check",
    summary: "whether a history is linearizable, with the reason when it is not",
    load: async () => (await import("./check.ts")).checkCommand(),
  },
  {
    name: "completion",
    summary: "a script that completes all this in bash, zsh or fish",
    load: async () => {
      const { completionCommand } = await import("./completion.ts");
      return completionCommand(() => createProgram(ALL));
    },
  },
];

const EXAMPLES = `
Examples:
  omnikv server --node 1 --data-dir data/node1   one of three servers on this machine (then 2 and 3)
  omnikv client                                  type "1 write 35 hello", then "2 read 35"
  omnikv client -c '1 write a b; 2 read a'       the same from a script
  omnikv put 35 hello && omnikv get 35           one request each
  omnikv manage -c 'all status'                  who leads, and how far each node is

"omnikv COMMAND --help" tells all about a command.`;

const ALL = Symbol("all");

/** @param asked the command that is loaded; the others are only names, and the prompts' commands are left out unless help lists them */
async function createProgram(asked: string | undefined | typeof ALL): Promise<Command> {
  const program = new Command("omnikv")
    .description("A replicated, linearizable key-value store that survives partial connectivity.")
    .version(programVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", EXAMPLES);
  for (const subcommand of SUBCOMMANDS) program.addCommand(await create(subcommand, asked));
  if (SUBCOMMANDS.some(({ name }) => name === asked)) return strict(program);
  const { ACCESS, CLUSTER_SHOTS, isOfPrompt, ONE_SHOTS } = await import("./prompt-subcommands.ts");
  for (const subcommand of CLUSTER_SHOTS) program.addCommand(await create(subcommand, asked));
  for (const subcommand of ACCESS) {
    program.addCommand((await create(subcommand, asked)).helpGroup("Users and roles:"));
  }
  for (const subcommand of ONE_SHOTS) {
    program.addCommand((await create(subcommand, asked)).helpGroup("Keys, one request each:"));
  }
  const all = [...SUBCOMMANDS, ...CLUSTER_SHOTS, ...ACCESS, ...ONE_SHOTS];
  if (typeof asked === "string" && !asked.startsWith("-")) {
    const hint = hintAt(asked, all, isOfPrompt);
    if (hint !== null) strict(program).error(`error: unknown command '${asked}'\n(${hint})`);
  }
  return strict(program);
}

/** Of a word that is no command but means one. Null: it is one, or like one by its letters at most, which is seen elsewhere. */
function hintAt(
  asked: string,
  all: readonly Subcommand[],
  isOfPrompt: (name: string) => boolean,
): string | null {
  const word = asked.toLowerCase();
  const isNamed = ({ name, aliases = [] }: Subcommand): boolean =>
    [name, ...aliases].includes(word);
  const named = all.find(isNamed);
  if (named !== undefined) return word === asked ? null : `Did you mean ${word}?`;
  const meant = all.find(({ synonyms = [] }) => synonyms.includes(word));
  if (meant !== undefined) return `Did you mean ${meant.name}?`;
  if (!isOfPrompt(word)) return null;
  return `It is a command of the management prompt: omnikv manage -c "${word} …"`;
}

async function create(
  { name, aliases = [], summary, load }: Subcommand,
  asked: string | undefined | typeof ALL,
): Promise<Command> {
  const isAsked = asked === ALL || (asked !== undefined && [name, ...aliases].includes(asked));
  const command = isAsked ? await load() : new Command(name);
  return strict(command.aliases(aliases).summary(summary));
}

/** Usage errors are thrown instead of ending the process, and teach; those of the commands of a command, too. */
function strict(command: Command, before = ""): Command {
  const words = command.name() === "omnikv" ? "" : `${before}${command.name()} `;
  for (const part of command.commands) strict(part, words);
  return command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void process.stdout.write(wrap(text, process.stdout.columns)),
      writeErr: (text) => void process.stderr.write(wrap(text, process.stderr.columns)),
    })
    .showSuggestionAfterError(true)
    .showHelpAfterError(`("omnikv ${words}--help" shows what there is)`);
}

/** @param args behind the name of the program */
export async function runCommand(args: readonly string[]): Promise<void> {
  // "omnikv help client" needs the real command too.
  const asked = args[0] === "help" ? args[1] : args[0];
  endWhenReaderGoes(({ message }) => {
    process.stderr.write(`omnikv: cannot write the output: ${terminalText(message)}\n`);
  });
  /** What is wrong with the options themselves is told in words: whether JSON is wanted is one of them. */
  let place: JsonPlace = null;
  try {
    const program = await createProgram(asked);
    program.hook("preAction", (_program, command) => {
      place = jsonPlaceOf(command);
      checkArguments(args);
    });
    await program.parseAsync(withoutVainHelp(program, args), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) process.exitCode = tellFailure(error, place);
    else process.exitCode = error.exitCode === 0 ? 0 : tellUsage(error.message, place);
  }
}

function jsonPlaceOf(command: Command): JsonPlace {
  if (command.opts()["json"] !== true) return null;
  return SUBCOMMANDS.find(({ name }) => name === command.name())?.json ?? "output";
}

/**
 * Commander would print the help of all and not say that there is no such command.
 * @returns "help nope" as "nope", which is refused, and all else as it is
 */
function withoutVainHelp(program: Command, args: readonly string[]): readonly string[] {
  const at = args.slice(0, 2).indexOf("help");
  const word = at === -1 ? undefined : args[at + 1];
  if (word === undefined || word === "help" || word.startsWith("-")) return args;
  const isNamed = (name: string | undefined) => (command: Command) =>
    [command.name(), ...command.aliases()].some((each) => each === name);
  const of = at === 0 ? program : program.commands.find(isNamed(args[0]));
  // Without commands of its own, "help" is a word like any other: `omnikv get help`.
  if (of === undefined || of.commands.length === 0) return args;
  return of.commands.some(isNamed(word)) ? args : args.toSpliced(at, 1);
}
