/** Tab completion out of the command table. Pure. */
import { unreachable } from "../../base/index.ts";
import { allPairs } from "../../client/scenarios/index.ts";
import {
  allCommands,
  findCommand,
  LOCAL_COMMANDS,
  nodeWords,
  type ArgumentKind,
  type CommandSpec,
  type CommandTable,
  type Words,
} from "./command-table.ts";

/** The candidates that continue the last word of `line`, and that word: the form node's readline expects. */
export function complete<A>(
  table: CommandTable<A>,
  line: string,
): readonly [candidates: readonly string[], word: string] {
  const words = line.trimStart().split(/\s+/);
  const word = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const starting = (all: readonly string[]): readonly string[] =>
    all.filter((each) => each.startsWith(word));
  const names = starting(candidatesFor(table, before));
  // Aliases double the choice, so they are offered only to a user who types one.
  const candidates =
    names.length === 0 && word !== "" ? starting(aliasesFor(table, before)) : names;
  // A blank behind a candidate that is the only one: the next word can be typed at once.
  return [candidates.length === 1 ? candidates.map((each) => `${each} `) : candidates, word];
}

/** The word at the end of the line, when a key stands there: the store can complete it. Null: something else stands there. */
export function keyWord<A>(table: CommandTable<A>, line: string): string | null {
  const words = line.trimStart().split(/\s+/);
  const word = words.at(-1) ?? "";
  // In quotes and with escapes it is not what it looks like.
  if (/["'\\]/.test(line) || word.startsWith("-")) return null;
  const [first, second, ...rest] = words.slice(0, -1);
  if (first === undefined) return null;
  const named = table.nodeIds.map(String).includes(first) || nodeWords(table).includes(first);
  const found = findCommand(table, (named ? second : first) ?? "", named);
  if (found === null) return null;
  const { spec } = found;
  const given = named ? rest : [...(second === undefined ? [] : [second]), ...rest];
  const position = given.filter((each) => !each.startsWith("--")).length;
  if (position >= spec.count[1]) return null;
  const kind = spec.arguments[Math.min(position, spec.arguments.length - 1)];
  return kind === "key" ? word : null;
}

function aliasesFor<A>(table: CommandTable<A>, before: readonly string[]): readonly string[] {
  const [first, second] = before;
  const named =
    first !== undefined && [...table.nodeIds.map(String), ...nodeWords(table)].includes(first);
  const isName = first === undefined || ((named || first === "help") && second === undefined);
  return isName ? allCommands(table).flatMap(({ aliases = [] }) => aliases) : [];
}

function candidatesFor<A>(table: CommandTable<A>, before: readonly string[]): readonly string[] {
  const nodes = table.nodeIds.map(String);
  const words = nodeWords(table);
  const all = [...new Set(allCommands(table).map(({ name }) => name))];
  const [first, second] = before;
  if (first === undefined) return [...nodes, ...words, ...all, ...LOCAL_COMMANDS];
  if (first === "help") return before.length === 1 ? all : [];
  const named = nodes.includes(first) || words.includes(first);
  if (named && second === undefined) {
    return table.groups
      .filter(({ nodeWord }) => nodeWord !== null && (nodeWord === first || nodes.includes(first)))
      .flatMap(({ commands }) => commands.map(({ name }) => name));
  }
  const found = findCommand(table, (named ? second : first) ?? "", named);
  if (found === null) return [];
  return argumentCandidates(found.spec, before.slice(named ? 2 : 1), nodes, named ? first : null);
}

function argumentCandidates<A>(
  spec: CommandSpec<A>,
  given: readonly string[],
  nodes: readonly string[],
  self: string | null,
): readonly string[] {
  const flags = (spec.flags ?? []).map(({ name }) => name).filter((name) => !given.includes(name));
  const position = given.filter((word) => !word.startsWith("--")).length;
  if (position >= spec.count[1]) return flags;
  const own = wordsBehind(
    spec.words ?? {},
    given.filter((word) => !word.startsWith("--")),
  );
  if (own.length > 0) return [...own, ...flags];
  const kind = spec.arguments[Math.min(position, spec.arguments.length - 1)];
  return [...(kind === undefined ? [] : offers(kind, nodes, self)), ...flags];
}

function wordsBehind(words: Words, [first, ...rest]: readonly string[]): readonly string[] {
  if (first === undefined) return Object.keys(words);
  const behind = Object.hasOwn(words, first) ? words[first] : undefined;
  return behind === undefined ? [] : wordsBehind(behind, rest);
}

function offers(
  kind: ArgumentKind,
  nodes: readonly string[],
  self: string | null,
): readonly string[] {
  switch (kind) {
    case "node":
      // A node has no link to itself.
      return nodes.filter((id) => id !== self);
    case "nodeOrLeader":
      return [...nodes, "leader"];
    case "link":
      return allPairs(nodes.map(Number)).map(([a, b]) => `${a}-${b}`);
    case "percent":
      return ["10%", "30%", "50%"];
    case "delay":
      return ["20ms", "50ms", "200ms"];
    case "time":
      return ["1s", "5s", "30s"];
    case "key":
    case "text":
      return [];
    default:
      return unreachable(kind, "argument kind");
  }
}
