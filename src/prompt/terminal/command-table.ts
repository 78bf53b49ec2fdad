/** One table gives parsing, help and completion of a prompt. Pure. */
import { timeIn } from "./arguments.ts";
import { shown } from "./shown.ts";
import { nearest } from "./suggest.ts";
import { EMPTY_TOKEN, quote, type Token } from "./tokenize.ts";
import { UsageError } from "./usage-error.ts";

/** The kind of an argument, which determines what completion offers. "text" may be anything, a key any key of the store. */
export type ArgumentKind =
  "node" | "nodeOrLeader" | "link" | "percent" | "delay" | "time" | "key" | "text";

/** Words that may stand in a place, each with those that may stand behind it. What only the user knows is not among them. */
export interface Words {
  readonly [word: string]: Words;
}

export interface FlagSpec {
  readonly name: `--${string}`;
  readonly help: string;
  /** The flag takes a value, named so in help. */
  readonly value?: string;
}

export interface ParsedArguments {
  readonly positionals: readonly Token[];
  /** Flags given, with their values (empty when they take none). */
  readonly flags: ReadonlyMap<string, Token>;
}

export interface CommandSpec<A> {
  readonly name: string;
  /** Other names that do the same; help names them. */
  readonly aliases?: readonly string[];
  /**
   * What other programs call it: understood in suggestions only. A command with a node in front and one without may share a word,
   * even the name of one of them: what was typed in front decides which is suggested.
   */
  readonly synonyms?: readonly string[];
  /** Without node and name, one for each form: "KEY VALUE". */
  readonly forms: readonly string[];
  readonly summary: string;
  /** More lines for `help NAME`. */
  readonly details?: readonly string[];
  readonly examples: readonly string[];
  /** The last one stands for all that follow too. */
  readonly arguments: readonly ArgumentKind[];
  /** Arguments that are words of the command itself: verbs, names of settings. Completion offers them. */
  readonly words?: Words;
  /** Fewest and most positional arguments. */
  readonly count: readonly [min: number, max: number];
  readonly flags?: readonly FlagSpec[];
  /** Flags of other programs, and which command takes the prefix that stands with them. */
  readonly foreignFlags?: Readonly<Record<string, string>>;
  /** At a terminal, without arguments, the prompt asks for them over several lines: the text before them. */
  readonly overLines?: string;
  /** As a subcommand it takes - for standard input in the place of a value: how to say so in its help. */
  readonly input?: string;
  /** As a subcommand it can print the bytes of a value, or keys, as they are, with --raw: how to say so in its help. */
  readonly raw?: string;
  /** It goes on until it is interrupted: as a subcommand it has gone well then. */
  readonly endless?: boolean;
  /** @throws UsageError when the arguments do not fit together */
  readonly build: (args: ParsedArguments) => A;
}

export interface CommandGroup<A> {
  /** In help: what they are about. */
  readonly title: string;
  readonly commands: readonly CommandSpec<A>[];
  /**
   * A word in place of a node id that stands for more or for any; also meant when no node is named. Null: these commands
   * are for the whole cluster, and no node stands in front.
   */
  readonly nodeWord: "all" | "any" | null;
}

export interface CommandTable<A> {
  readonly groups: readonly CommandGroup<A>[];
  readonly nodeIds: readonly number[];
  /** Commands of another prompt: a user who types one here is told where it is. */
  readonly elsewhere?: Elsewhere;
}

export interface Elsewhere {
  /** The subcommand that opens the other prompt. */
  readonly prompt: "client" | "manage";
  readonly commands: readonly Pick<CommandSpec<unknown>, "name" | "aliases">[];
}

/** Words with nothing behind them that is known, or the same behind each. */
export function eachOf(names: readonly string[], behind: Words = {}): Words {
  return Object.fromEntries(names.map((name) => [name, behind]));
}

/** A command may be there twice: for the whole cluster, and with a node in front. */
export function allCommands<A>(table: CommandTable<A>): readonly CommandSpec<A>[] {
  return table.groups.flatMap(({ commands }) => commands);
}

/** "all", "any", or both. */
export function nodeWords<A>(table: CommandTable<A>): readonly string[] {
  const words = table.groups.flatMap(({ nodeWord }) => (nodeWord === null ? [] : [nodeWord]));
  return [...new Set(words)];
}

export function isCalled<A>({ name, aliases }: CommandSpec<A>, word: string): boolean {
  return name === word || aliases?.includes(word) === true;
}

export interface FoundCommand<A> {
  readonly spec: CommandSpec<A>;
  readonly nodeWord: "all" | "any" | null;
}

/**
 * @param name in capitals or not
 * @param named a node, or a word for one, stands in front of the name
 */
export function findCommand<A>(
  table: CommandTable<A>,
  name: string,
  named: boolean,
): FoundCommand<A> | null {
  const word = name.toLowerCase();
  const found = table.groups.flatMap(({ commands, nodeWord }) =>
    commands.filter((spec) => isCalled(spec, word)).map((spec) => ({ spec, nodeWord })),
  );
  const forNodes = found.find(({ nodeWord }) => nodeWord !== null) ?? null;
  if (named) return forNodes;
  return found.find(({ nodeWord }) => nodeWord === null) ?? forNodes;
}

/** Null: any, or all. */
export type Target = number | null;

export type Parsed<A> =
  | {
      readonly kind: "command";
      readonly target: Target;
      readonly name: string;
      readonly action: A;
      /** For the user, beside the answer: what was typed may not have been meant so. */
      readonly note?: string;
    }
  | { readonly kind: "help"; readonly topic: string | null }
  | { readonly kind: "nodes" }
  | { readonly kind: "load"; readonly path: string }
  | { readonly kind: "every"; readonly everyMs: number; readonly command: readonly Token[] }
  | { readonly kind: "exit" };

export const LOCAL_COMMANDS = ["help", "nodes", ".load", ".every", "exit", "quit"] as const;

/** A longer value is not repeated in a note. */
const NOTED_LENGTH_MAX = 200;

/** No user can read faster, and a cluster has other work. */
const EVERY_MS_MIN = 100;

/** @throws UsageError: one line, what is wrong and what to type */
export function parseCommand<A>(table: CommandTable<A>, tokens: readonly Token[]): Parsed<A> {
  const [first, second] = tokens;
  if (first === undefined) throw new UsageError("nothing to do");
  const local = parseLocal(tokens);
  if (local !== null) return local;
  const named = namesNodes(first);
  if (!named) {
    const found = findCommand(table, first.text, false);
    if (found === null) throw unknownCommand(table, first.text, true);
    return build(table, found, null, tokens.slice(1));
  }
  const target = parseTarget(table, first.text.toLowerCase());
  if (second === undefined) {
    const example = table.groups.find(({ nodeWord }) => nodeWord !== null)?.commands[0]?.name;
    throw new UsageError(
      `what should node ${first.text} do? Type "${first.text} ${example ?? "help"} …", or help`,
    );
  }
  const found = findCommand(table, second.text, true);
  if (found === null) throw unknownCommand(table, second.text, false);
  if (target === null && first.text.toLowerCase() !== found.nodeWord) {
    throw new UsageError(
      `"${first.text}" does not go with ${second.text}: the nodes are ${nodesText(table, found.nodeWord)}`,
    );
  }
  return build(table, found, target, tokens.slice(2));
}

function namesNodes({ text, quoted }: Token): boolean {
  return !quoted && /^(\d+|all|any)$/i.test(text);
}

/** The text before the lines of a command that is asked for over several lines, when it came without arguments. Null: another command. */
export function overLines<A>(table: CommandTable<A>, tokens: readonly Token[]): string | null {
  const [first, second] = tokens;
  const named = first !== undefined && namesNodes(first);
  const name = named ? second : first;
  if (name === undefined || tokens.length > (named ? 2 : 1)) return null;
  return findCommand(table, name.text, named)?.spec.overLines ?? null;
}

function parseLocal(tokens: readonly Token[]): Exclude<Parsed<never>, { kind: "command" }> | null {
  const [first, second, third] = tokens;
  switch (first?.text.toLowerCase()) {
    case "help":
    case "?": {
      // "help 1 write" is what someone types who has read "1 write" somewhere.
      const topic = second !== undefined && namesNodes(second) ? third : second;
      return { kind: "help", topic: topic?.text.toLowerCase() ?? null };
    }
    case "nodes":
      return { kind: "nodes" };
    case ".load":
      if (second === undefined || third !== undefined) {
        throw new UsageError('name one file: .load FILE (quote blanks: .load "my file")');
      }
      return { kind: "load", path: second.text };
    case ".every":
      if (third === undefined) throw new UsageError("what, and how often? .every 2s read key");
      return { kind: "every", everyMs: everyMsIn(second), command: tokens.slice(2) };
    case "exit":
    case "quit":
      return { kind: "exit" };
    default:
      return null;
  }
}

function everyMsIn(token: Token | undefined): number {
  const what = "the time between two runs";
  const everyMs = timeIn(token, what, "s");
  if (everyMs >= EVERY_MS_MIN) return everyMs;
  throw new UsageError(`${what} is at least ${EVERY_MS_MIN} ms, got "${token?.text}"`);
}

function parseTarget<A>(table: CommandTable<A>, word: string): Target {
  const words = nodeWords(table);
  if (words.includes(word)) return null;
  if (!/^\d+$/.test(word)) {
    throw new UsageError(
      `"${shown(word)}" is no node here: the nodes are ${nodesText(table, words.join(" or "))}`,
    );
  }
  const id = Number(word);
  if (!table.nodeIds.includes(id)) {
    throw new UsageError(
      `there is no node ${shown(word)}: the nodes are ${table.nodeIds.join(", ")}`,
    );
  }
  return id;
}

function nodesText<A>(table: CommandTable<A>, word: string | null): string {
  const ids = table.nodeIds.join(", ");
  return word === null || word === "" ? ids : `${ids}, or ${word}`;
}

function unknownCommand<A>(table: CommandTable<A>, word: string, atStart: boolean): UsageError {
  const lower = word.toLowerCase();
  const [first, then] = [true, false].map((forNodes) =>
    table.groups.flatMap(({ commands, nodeWord }) =>
      (nodeWord !== null) === forNodes ? commands : [],
    ),
  );
  const means = (specs: readonly CommandSpec<A>[] | undefined): CommandSpec<A> | undefined =>
    specs?.find((spec) => isCalled(spec, lower) || spec.synonyms?.includes(lower) === true);
  if (!atStart) {
    const clusterWide = means(first) === undefined ? means(then) : undefined;
    if (clusterWide !== undefined) {
      const usage = usageLines(clusterWide, "").join("  or  ");
      return new UsageError(`${clusterWide.name} takes no node in front: ${usage}`);
    }
  }
  const specs = (atStart ? [...(then ?? []), ...(first ?? [])] : first) ?? [];
  const { elsewhere } = table;
  const isElsewhere = elsewhere?.commands.some(
    ({ name, aliases }) => name === lower || aliases?.includes(lower) === true,
  );
  if (elsewhere !== undefined && isElsewhere === true && means(specs) === undefined) {
    const where = `omnikv ${elsewhere.prompt}`;
    return new UsageError(
      `${shown(word)} is a command of the other prompt: \`${where}\`, or that of \`omnikv start\`, which has both`,
    );
  }
  const names = [...new Set(specs.map(({ name }) => name))];
  // Behind the names: of two that are equally near, the main one is meant.
  const aliases = specs.flatMap((spec) => spec.aliases ?? []);
  const near =
    means(specs)?.name ?? nearest(word, [...names, ...(atStart ? LOCAL_COMMANDS : []), ...aliases]);
  const hint = near === null ? `the commands are ${names.join(", ")}` : `did you mean "${near}"?`;
  return new UsageError(`unknown command "${shown(word)}": ${hint}`);
}

function build<A>(
  table: CommandTable<A>,
  { spec, nodeWord }: FoundCommand<A>,
  target: Target,
  words: readonly Token[],
): Parsed<A> {
  const node = nodeWord === null ? "" : String(target ?? table.nodeIds[0] ?? 1);
  const usage = usageLines(spec, node).join("  or  ");
  const args = splitFlags(spec, words, usage);
  const problem = countText(spec, args.positionals.length, usage);
  if (problem !== null) throw new UsageError(`${spec.name}: ${problem}`);
  try {
    const note = noteOn(args.positionals);
    const command = { kind: "command", target, name: spec.name, action: spec.build(args) } as const;
    return note === null ? command : { ...command, note };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${spec.name}: ${error.message}: ${usage}`);
  }
}

function noteOn(words: readonly Token[]): string | null {
  const typed = words.find(({ spoiltJson }) => spoiltJson !== undefined)?.spoiltJson;
  if (typed === undefined) return null;
  const meant = quote(new TextEncoder().encode(typed));
  return `quotes were taken out${typed.length > NOTED_LENGTH_MAX ? " of it: put single quotes around JSON" : `: write ${meant}`}`;
}

/** What is wrong with so many arguments. Null: nothing. */
export function countText<A>(spec: CommandSpec<A>, got: number, usage: string): string | null {
  const [min, max] = spec.count;
  if (got < min) return `too few arguments: ${usage}`;
  if (got <= max) return null;
  const isText = spec.arguments.some((kind) => kind === "text" || kind === "key");
  return `too many arguments: ${usage}${isText ? ' (quote text with spaces: "like this")' : ""}`;
}

/** Full lines as typed, one for each form. @param node empty: none stands in front */
export function usageLines<A>(spec: CommandSpec<A>, node: string): readonly string[] {
  return spec.forms.map((form) => [node, spec.name, form].filter((part) => part !== "").join(" "));
}

/** @param words behind the name of the command. @returns null: it is no flag that another program has */
export function foreignFlagText<A>(
  { foreignFlags }: CommandSpec<A>,
  flag: string,
  words: readonly string[],
): string | null {
  const command =
    foreignFlags !== undefined && Object.hasOwn(foreignFlags, flag)
      ? foreignFlags[flag]
      : undefined;
  if (command === undefined) return null;
  const prefix = words.find((word) => !word.startsWith("--")) ?? "PREFIX";
  return `there is no ${flag} here: \`${command} ${shown(prefix)}\` is about all keys that begin so`;
}

function splitFlags<A>(
  spec: CommandSpec<A>,
  words: readonly Token[],
  usage: string,
): ParsedArguments {
  const positionals: Token[] = [];
  const flags = new Map<string, Token>();
  const known = spec.flags ?? [];
  let flagsOver = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === undefined) break;
    if (flagsOver || word.quoted || !word.text.startsWith("--")) {
      positionals.push(word);
      continue;
    }
    if (word.text === "--") {
      flagsOver = true;
      continue;
    }
    const [name, inline] = splitAtEquals(word);
    const flag = known.find((each) => each.name === name);
    if (flag === undefined) {
      const foreign = foreignFlagText(
        spec,
        name,
        words.map(({ text }) => text),
      );
      if (foreign !== null) throw new UsageError(`${spec.name}: ${foreign}`);
      const near = nearest(
        name,
        known.map((each) => each.name),
      );
      const hint =
        near === null ? `quote it if it is text: "${shown(word.text)}"` : `did you mean ${near}?`;
      throw new UsageError(`${spec.name}: unknown option ${shown(name)} (${hint}): ${usage}`);
    }
    if (flag.value === undefined) {
      if (inline !== undefined)
        throw new UsageError(`${spec.name}: ${name} takes no value: ${usage}`);
      flags.set(name, EMPTY_TOKEN);
      continue;
    }
    const value = inline ?? words[++i];
    if (value === undefined) {
      throw new UsageError(`${spec.name}: ${name} needs ${flag.value} behind it: ${usage}`);
    }
    flags.set(name, value);
  }
  return { positionals, flags };
}

const EQUALS = 0x3d;

function splitAtEquals({ text, bytes, quoted }: Token): readonly [string, Token?] {
  const at = text.indexOf("=");
  if (at === -1) return [text];
  const value = bytes.subarray(bytes.indexOf(EQUALS) + 1);
  return [text.slice(0, at), { text: text.slice(at + 1), bytes: value, quoted }];
}
