/** Help texts out of the command table. Pure. */
import {
  allCommands,
  isCalled,
  nodeWords,
  usageLines,
  type CommandSpec,
  type CommandTable,
} from "./command-table.ts";
import type { Style } from "./style.ts";
import { nearest } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

export interface HelpTexts {
  /** First line: what this prompt is for. */
  readonly intro: string;
  /** Last lines. */
  readonly notes: readonly string[];
}

/** What is longer has its summary on the next line. */
const USAGE_WIDTH_MAX = 44;
/** In the last line: of one group, and of each of several. */
const EXAMPLES_MAX = 4;
const EXAMPLES_PER_GROUP_MAX = 2;

const LOCAL_HELP: readonly (readonly [string, string])[] = [
  ["help [COMMAND]", "this list, or all about one command"],
  ["nodes", "the nodes and their addresses"],
  [".load FILE", "run the lines of a file"],
  [".every TIME COMMAND", "run a command again and again: .every 2s read 35; Ctrl-C ends it"],
  ["exit", "leave (also Ctrl-D); Ctrl-C cancels the running command"],
];

/** @throws UsageError when there is no such command */
export function helpText<A>(
  table: CommandTable<A>,
  texts: HelpTexts,
  topic: string | null,
  style: Style,
): string {
  if (topic === null) return overview(table, texts, style);
  const specs = table.groups.flatMap(({ commands, nodeWord }) =>
    commands
      .filter((spec) => isCalled(spec, topic))
      .map((spec) => commandHelp(spec, nodeWord === null ? "" : "NODE", style)),
  );
  if (specs.length > 0) return specs.join("\n\n");
  const local = LOCAL_HELP.find(([usage]) => usage.split(" ")[0] === topic);
  if (local !== undefined) return `${style.strong(local[0])}  ${local[1]}`;
  const names = [...new Set(allCommands(table).map(({ name }) => name))];
  const aliases = allCommands(table).flatMap((spec) => spec.aliases ?? []);
  const near = nearest(topic, [...names, ...aliases]);
  const hint =
    near === null ? `the commands are ${names.join(", ")}` : `did you mean "help ${near}"?`;
  throw new UsageError(`no help on "${topic}": ${hint}`);
}

function overview<A>(table: CommandTable<A>, texts: HelpTexts, style: Style): string {
  const groups = table.groups.map(({ title, commands, nodeWord }) => ({
    title,
    rows: commands.flatMap((spec) => {
      const [first = "", ...more] = usageLines(spec, nodeWord === null ? "" : "NODE");
      return [[first, summaryLine(spec)] as const, ...more.map((line) => [line, ""] as const)];
    }),
  }));
  const all = [...groups.flatMap(({ rows }) => rows), ...LOCAL_HELP];
  const width = Math.min(USAGE_WIDTH_MAX, Math.max(...all.map(([usage]) => usage.length)));
  const line = ([usage, text]: readonly [string, string]): string => {
    if (text === "") return `  ${style.strong(usage)}`;
    const gap = usage.length > width ? `\n  ${" ".repeat(width)}` : "";
    const padding = " ".repeat(Math.max(0, width - usage.length));
    return `  ${style.strong(usage)}${padding}${gap}  ${text}`;
  };
  const shown =
    groups.length === 1
      ? all.map(line)
      : [...groups, { title: "This prompt", rows: LOCAL_HELP }].flatMap(({ title, rows }, i) => [
          ...(i === 0 ? [] : [""]),
          `${title}:`,
          ...rows.map(line),
        ]);
  const examplesMax = groups.length === 1 ? EXAMPLES_MAX : EXAMPLES_PER_GROUP_MAX;
  const examples = table.groups.flatMap(({ commands }) =>
    commands.slice(0, examplesMax).flatMap((spec) => spec.examples.slice(0, 1)),
  );
  return [
    texts.intro,
    "",
    ...shown,
    "",
    nodeLine(table),
    ...texts.notes,
    `For example: ${examples.map((example) => style.value(example)).join(" · ")}`,
  ].join("\n");
}

function summaryLine<A>({ summary, aliases = [] }: CommandSpec<A>): string {
  return aliases.length === 0 ? summary : `${summary} (also ${aliases.join(", ")})`;
}

function nodeLine<A>(table: CommandTable<A>): string {
  const meaning = (word: string): string => (word === "all" ? "all of them" : "any of them");
  const ids = table.nodeIds.join(", ");
  const words = nodeWords(table);
  if (words.length === 1) {
    return words
      .map((word) => `NODE is one of ${ids}; "${word}", or nothing, means ${meaning(word)}.`)
      .join("");
  }
  const each = table.groups.flatMap(({ title, nodeWord }) =>
    nodeWord === null ? [] : [`${meaning(nodeWord)} ("${nodeWord}") under "${title}"`],
  );
  return `NODE is one of ${ids}; nothing means ${each.join(", ")}.`;
}

function commandHelp<A>(spec: CommandSpec<A>, node: string, style: Style): string {
  const flags = spec.flags ?? [];
  const flagNames = flags.map(({ name, value }) =>
    value === undefined ? name : `${name} ${value}`,
  );
  const width = Math.max(0, ...flagNames.map((name) => name.length));
  return [
    ...usageLines(spec, node).map((line) => style.strong(line)),
    `  ${summaryLine(spec)}`,
    ...(spec.details ?? []).map((line) => `  ${line}`),
    ...flags.map(({ help }, i) => `  ${(flagNames[i] ?? "").padEnd(width)}  ${help}`),
    "For example:",
    ...spec.examples.map((example) => `  ${style.value(example)}`),
  ].join("\n");
}
