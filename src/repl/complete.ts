/** Tab completion out of the command table. Pure. */
import { LOCAL_COMMANDS, type CommandSpec, type CommandTable } from "./command-table.ts";

/** The candidates that continue the last word of `line`, and that word: the form node's readline expects. */
export function complete<A>(
  table: CommandTable<A>,
  line: string,
): readonly [candidates: readonly string[], word: string] {
  const words = line.trimStart().split(/\s+/);
  const word = words.at(-1) ?? "";
  const candidates = candidatesFor(table, words.slice(0, -1)).filter((each) =>
    each.startsWith(word),
  );
  // A blank behind a candidate that is the only one: the next word can be typed at once.
  return [candidates.length === 1 ? candidates.map((each) => `${each} `) : candidates, word];
}

function candidatesFor<A>(table: CommandTable<A>, before: readonly string[]): readonly string[] {
  const nodes = table.nodeIds.map(String);
  const names = table.commands.map(({ name }) => name);
  const [first, second] = before;
  if (first === undefined) return [...nodes, table.nodeWord, ...names, ...LOCAL_COMMANDS];
  if (first === "help") return before.length === 1 ? names : [];
  const named = nodes.includes(first) || first === table.nodeWord;
  if (named && second === undefined) return names;
  const spec = table.commands.find(({ name }) => name === (named ? second : first));
  if (spec === undefined) return [];
  return argumentCandidates(spec, before.slice(named ? 2 : 1), nodes, named ? first : null);
}

function argumentCandidates<A>(
  spec: CommandSpec<A>,
  given: readonly string[],
  nodes: readonly string[],
  self: string | null,
): readonly string[] {
  const flags = (spec.flags ?? []).map(({ name }) => name).filter((name) => !given.includes(name));
  const position = given.filter((word) => !word.startsWith("--")).length;
  // A node has no link to itself.
  const peers = spec.arguments[position] === "node" ? nodes.filter((id) => id !== self) : [];
  return [...peers, ...flags];
}
