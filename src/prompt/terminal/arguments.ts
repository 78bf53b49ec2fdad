/** Arguments of commands from text to values. Pure; a wrong one is a UsageError that says what is right. */
import { formatDuration, parseDuration } from "./duration.ts";
import { shown } from "./shown.ts";
import type { Token } from "./tokenize.ts";
import { UsageError } from "./usage-error.ts";

/** "leader": the node that leads when the command is carried out. */
export type NodeOrLeader = number | "leader";

/** "1,2 | 3": nodes by group. */
export function groupsIn(tokens: readonly Token[], nodeIds: readonly number[]): number[][] {
  const parts = tokens
    .map(({ text }) => text)
    .join(" ")
    .split("|");
  const groups = parts
    .map((part) => part.split(/[\s,]+/).filter((word) => word !== ""))
    .filter((part) => part.length > 0);
  const separated = parts.length > 1;
  if (groups.length === 0 || (!separated && tokens.length > 1)) {
    throw new UsageError('separate the groups with "|"');
  }
  return groups.map((group) => group.map((word) => nodeFrom(word, nodeIds)));
}

export function wordsIn(tokens: readonly Token[], separator: RegExp): readonly string[] {
  return tokens.flatMap(({ text }) => text.split(separator)).filter((word) => word !== "");
}

export function nodeOrLeaderIn(token: Token | undefined, nodeIds: readonly number[]): NodeOrLeader {
  if (token?.text === "leader") return "leader";
  return nodeFrom(token?.text ?? "", nodeIds, " or leader");
}

export function nodeIn(token: Token | undefined, nodeIds: readonly number[]): number {
  return nodeFrom(token?.text ?? "", nodeIds);
}

/** @param orElse what else could stand there */
export function nodeFrom(text: string, nodeIds: readonly number[], orElse = ""): number {
  const id = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (nodeIds.includes(id)) return id;
  throw new UsageError(`"${text}" is no node: the nodes are ${nodeIds.join(", ")}${orElse}`);
}

const TIME_MS_MAX = 24 * 3_600_000;

/**
 * "500ms", "2s", "1.5min", "1h", or a number alone, in milliseconds.
 * @param unit of a number that stands alone
 * @throws UsageError that names `what`
 */
export function timeIn(
  token: Token | undefined,
  what: string,
  unit: "ms" | "s",
  maxMs = TIME_MS_MAX,
): number {
  const text = token?.text ?? "";
  const ms = parseDuration(text, unit);
  if (ms === null) throw new UsageError(`${what} is a time like 500ms, 2s or 1h, got "${text}"`);
  if (ms <= maxMs) return ms;
  throw new UsageError(`${what} is at most ${formatDuration(maxMs)}, got "${text}"`);
}

/** @throws UsageError that names `what` */
export function positiveIn(
  token: Token | undefined,
  what: string,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const text = token?.text ?? "";
  const number = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= max) return number;
  const most = max === Number.MAX_SAFE_INTEGER ? "" : ` up to ${max}`;
  // A flag takes something, a name is something.
  const verb = what.startsWith("--") ? "takes" : "is";
  throw new UsageError(`${what} ${verb} a positive integer${most}, got "${shown(text)}"`);
}

const SIZE_UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
const SIZE_BYTES_MAX = 2 ** 50;

/**
 * "768m", or a number of bytes.
 * @throws UsageError that names `what`
 */
export function sizeIn(token: Token | undefined, what: string, min: number): number {
  const text = token?.text ?? "";
  const [, digits = "", unit = ""] = /^(\d+)([kmg]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * (SIZE_UNITS[unit.toLowerCase()] ?? 0);
  if (digits !== "" && bytes >= min && bytes <= SIZE_BYTES_MAX) return bytes;
  const least = min % 2 ** 20 === 0 ? `${min / 2 ** 20}m` : String(min);
  const expected =
    digits !== "" && bytes > SIZE_BYTES_MAX
      ? `at most ${SIZE_BYTES_MAX / 2 ** 30}g`
      : `${least} or more, for example 768m or 2g`;
  throw new UsageError(`${what} is ${expected}, got "${shown(text)}"`);
}
