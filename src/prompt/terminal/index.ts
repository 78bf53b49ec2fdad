/** What all prompts have in common: tables of commands, lines, words, screens, exit statuses. */
export {
  groupsIn,
  nodeFrom,
  nodeIn,
  type NodeOrLeader,
  nodeOrLeaderIn,
  positiveIn,
  sizeIn,
  timeIn,
  wordsIn,
} from "./arguments.ts";
export { bytesField } from "./bytes-field.ts";
export {
  allCommands,
  type CommandGroup,
  type CommandSpec,
  type CommandTable,
  countText,
  eachOf,
  type Elsewhere,
  findCommand,
  foreignFlagText,
  type FlagSpec,
  type ParsedArguments,
  type Target,
  usageLines,
  type Words,
} from "./command-table.ts";
export { askYesNo } from "./confirm.ts";
export { formatDuration, parseDuration, roundMs } from "./duration.ts";
export { EXIT, type ExitStatus, worse } from "./exit-status.ts";
export type { HelpTexts } from "./help.ts";
export { historyPath } from "./history.ts";
export { type KeyLine, keyLine, parseKeyLine } from "./key-lines.ts";
export { runOneShot } from "./one-shot.ts";
export type { Outcome } from "./outcome.ts";
export type { Prompt } from "./prompt.ts";
export { runPrompt } from "./run-prompt.ts";
export type { Screen } from "./screen.ts";
export { withSignInHint } from "./sign-in-hint.ts";
export { createStyle, type Paint, type Style } from "./style.ts";
export { nearest } from "./suggest.ts";
export { textLines } from "./text-lines.ts";
export { EMPTY_TOKEN, quote, textOf, type Token } from "./tokenize.ts";
export { UsageError } from "./usage-error.ts";
export { wrap } from "./wrap.ts";
