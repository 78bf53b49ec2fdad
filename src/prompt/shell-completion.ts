/** Scripts that teach a shell to complete a program's commands and options. Pure. */
import { unreachable } from "../base/index.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What stands behind an option, or in the place of arguments: a "word" cannot be completed. */
export type Value = "none" | "word" | "file";

export interface CompletedOption {
  /** "--command" */
  readonly long: string;
  /** "-c" */
  readonly short: string | null;
  readonly help: string;
  readonly value: Value;
}

export interface CompletedCommand {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  readonly commands: readonly CompletedCommand[];
  /** What its arguments are. */
  readonly value: Value;
}

export function completionScript(shell: Shell, program: CompletedCommand): string {
  switch (shell) {
    case "bash":
      return bash(program);
    case "zsh":
      return zsh(program);
    case "fish":
      return fish(program);
    default:
      return unreachable(shell, "shell");
  }
}

interface Place {
  readonly command: CompletedCommand;
  /** Names of the commands that lead to it: "/lab/run"; empty for the program. */
  readonly path: string;
}

function places(command: CompletedCommand, path = ""): readonly Place[] {
  const below = command.commands.flatMap((each) => places(each, `${path}/${each.name}`));
  return [{ command, path }, ...below];
}

function namesOf({ name, aliases }: CompletedCommand): readonly string[] {
  return [name, ...aliases];
}

function spellings({ short, long }: CompletedOption): readonly string[] {
  return short === null ? [long] : [short, long];
}

/** Lines of a `case` that walk from a place to the one below it. */
function steps(program: CompletedCommand): readonly string[] {
  return places(program).flatMap(({ command, path }) =>
    command.commands.map((each) => {
      const patterns = namesOf(each).map((name) => `${path}/${name}`);
      return `      ${patterns.join("|")}) place=${path}/${each.name} ;;`;
    }),
  );
}

/** The `case` arms for the word behind an option that takes one. */
function valueArms(command: CompletedCommand, files: string): readonly string[] {
  const arm = (value: Value, action: string): readonly string[] => {
    const options = command.options.filter((option) => option.value === value).flatMap(spellings);
    return options.length === 0 ? [] : [`        ${options.join("|")}) ${action} ;;`];
  };
  const arms = [...arm("file", `${files}; return`), ...arm("word", "return")];
  return arms.length === 0 ? [] : [`      case "$before" in`, ...arms, "      esac"];
}

function bash(program: CompletedCommand): string {
  const { name } = program;
  const arms = places(program).flatMap(({ command, path }) => {
    const words = [
      ...command.commands.flatMap(namesOf),
      ...command.options.map(({ long }) => long),
    ];
    const files = `[[ $word == -* ]] || { _${name}_files; return; }`;
    // A word without a dash is the user's own, and cannot be completed.
    const nothing = `[[ $word == -* ]] || return`;
    return [
      `    "${path}")`,
      ...valueArms(command, `_${name}_files`),
      ...(command.value === "file" ? [`      ${files}`] : []),
      ...(command.value === "word" && command.commands.length === 0 ? [`      ${nothing}`] : []),
      `      COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$word")) ;;`,
    ];
  });
  return `# bash: source <(${name} completion bash)
_${name}_files() {
  compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
_${name}() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" place="" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$place/\${COMP_WORDS[i]}" in
${steps(program).join("\n")}
    esac
  done
  case "$place" in
${arms.join("\n")}
  esac
}
complete -F _${name} ${name}
`;
}

function zsh(program: CompletedCommand): string {
  const { name } = program;
  const described = (word: string, help: string): string =>
    singleQuoted(`${word.replaceAll(":", "\\:")}:${help}`);
  const arms = places(program).flatMap(({ command, path }) => {
    const commands = command.commands.flatMap((each) =>
      namesOf(each).map((word) => described(word, each.summary)),
    );
    const options = command.options.map(({ long, help }) => described(long, help));
    return [
      `    "${path}")`,
      ...valueArms(command, "_files"),
      ...(commands.length === 0
        ? []
        : [`      found=(${commands.join(" ")})`, "      _describe command found"]),
      ...(command.value === "file" ? [`      [[ $word == -* ]] || { _files; return; }`] : []),
      ...(command.value === "word" ? [`      [[ $word == -* ]] || return`] : []),
      `      found=(${options.join(" ")})`,
      "      _describe -o option found ;;",
    ];
  });
  return `#compdef ${name}
# zsh: source <(${name} completion zsh), or as the file _${name} in a directory of $fpath
_${name}() {
  local word="\${words[CURRENT]}" before="\${words[CURRENT-1]}" place="" i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    case "$place/\${words[i]}" in
${steps(program).join("\n")}
    esac
  done
  case "$place" in
${arms.join("\n")}
  esac
}
if [[ "\${funcstack[1]}" == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function fish(program: CompletedCommand): string {
  const { name } = program;
  const lines = fishLines(program, name, []);
  return `# fish: ${name} completion fish | source\n${[`complete -c ${name} -f`, ...lines].join("\n")}\n`;
}

/** @param above the conditions under which this command has been typed */
function fishLines(
  command: CompletedCommand,
  program: string,
  above: readonly string[],
): readonly string[] {
  const seen = (each: CompletedCommand): string =>
    `__fish_seen_subcommand_from ${namesOf(each).join(" ")}`;
  const notBelow = command.commands.map((each) => `not ${seen(each)}`);
  const here = [...above, ...(notBelow.length === 0 ? [] : notBelow)];
  const when = here.length === 0 ? "" : ` -n ${fishQuoted(here.join("; and "))}`;
  const start = `complete -c ${program}${when}`;
  const takes: Readonly<Record<Value, string>> = { none: "", word: " -x", file: " -r -F" };
  return [
    ...command.commands.flatMap((each) =>
      namesOf(each).map((word) => `${start} -a ${word} -d ${fishQuoted(each.summary)}`),
    ),
    ...command.options.map(({ long, short, help, value }) => {
      const letter = short === null ? "" : ` -s ${short.slice(1)}`;
      return `${start}${letter} -l ${long.slice(2)}${takes[value]} -d ${fishQuoted(help)}`;
    }),
    ...(command.value === "file" ? [`${start} -F`] : []),
    ...command.commands.flatMap((each) => fishLines(each, program, [...above, seen(each)])),
  ];
}

/** A quote ends the text, stands escaped, and begins it again. */
function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** There a backslash keeps its meaning within quotes. */
function fishQuoted(text: string): string {
  return singleQuoted(text.replaceAll("\\", "\\\\"));
}
