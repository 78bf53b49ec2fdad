/** Help texts out of the command table. Pure. */
import { usageLines, type CommandSpec, type CommandTable } from "./command-table.ts";
import type { Style } from "./style.ts";
import { nearest } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

export interface HelpTexts {
  /** First line: what this prompt is for. */
  readonly intro: string;
  /** Last lines. */
  readonly notes: readonly string[];
}

const LOCAL_HELP: readonly (readonly [string, string])[] = [
  ["help [COMMAND]", "this list, or all about one command"],
  ["nodes", "the nodes and their addresses"],
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
  const spec = table.commands.find(({ name }) => name === topic);
  if (spec !== undefined) return commandHelp(spec, style);
  const local = LOCAL_HELP.find(([usage]) => usage.split(" ")[0] === topic);
  if (local !== undefined) return `${style.strong(local[0])}  ${local[1]}`;
  const names = table.commands.map(({ name }) => name);
  const near = nearest(topic, names);
  const hint =
    near === null ? `the commands are ${names.join(", ")}` : `did you mean "help ${near}"?`;
  throw new UsageError(`no help on "${topic}": ${hint}`);
}

function overview<A>(table: CommandTable<A>, texts: HelpTexts, style: Style): string {
  const rows = table.commands.flatMap((spec) => {
    const [first = "", ...more] = usageLines(spec, "NODE");
    return [[first, spec.summary] as const, ...more.map((line) => [line, ""] as const)];
  });
  const all = [...rows, ...LOCAL_HELP];
  const width = Math.max(...all.map(([usage]) => usage.length));
  const lines = all.map(([usage, text]) =>
    text === "" ? `  ${style.strong(usage)}` : `  ${style.strong(usage.padEnd(width))}  ${text}`,
  );
  const examples = table.commands.flatMap((spec) => spec.examples.slice(0, 1));
  return [
    texts.intro,
    "",
    ...lines,
    "",
    `NODE is one of ${table.nodeIds.join(", ")}; "${table.nodeWord}", or nothing, means ${table.nodeWord === "all" ? "all of them" : "any of them"}.`,
    ...texts.notes,
    `For example: ${examples.map((example) => style.value(example)).join(" · ")}`,
  ].join("\n");
}

function commandHelp<A>(spec: CommandSpec<A>, style: Style): string {
  const flags = spec.flags ?? [];
  const flagNames = flags.map(({ name, value }) =>
    value === undefined ? name : `${name} ${value}`,
  );
  const width = Math.max(0, ...flagNames.map((name) => name.length));
  return [
    ...usageLines(spec, "NODE").map((line) => style.strong(line)),
    `  ${spec.summary}`,
    ...(spec.details ?? []).map((line) => `  ${line}`),
    ...flags.map(({ help }, i) => `  ${(flagNames[i] ?? "").padEnd(width)}  ${help}`),
    "For example:",
    ...spec.examples.map((example) => `  ${style.value(example)}`),
  ].join("\n");
}
