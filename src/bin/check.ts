/** `omnikv check FILE`: judges a recorded history. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { systemReason } from "../base/index.ts";
import {
  checkLinearizable,
  checkSequential,
  checkSessionGuarantees,
  explain,
  FORMAT_NAMES,
  hasTransactions,
  HistoryFormatError,
  isEtcdReport,
  MODEL_NAMES,
  modelOf,
  parseHistory,
  renderHtml,
  WrongModelError,
  type CheckResult,
  type Explanation,
  type FormatName,
  type ModelName,
  type ParsedHistory,
  type SessionViolation,
  type Verdict,
} from "../proof/checker/index.ts";
import { colorLevel } from "../machine/host/index.ts";
import { createStyle, type Style } from "../prompt/terminal/index.ts";
import { judgeReports, judgeTransactions, reportsIn, type Judged } from "./check-store.ts";

export const CHECK_EXIT = {
  ok: 0,
  violation: 1,
  /** A wrong option, a file that cannot be read, or one that is no history. */
  usage: 2,
  /** A limit was reached before the verdict was certain. */
  unknown: 5,
} as const;

export interface CheckFlags {
  readonly model?: string;
  readonly format: string;
  readonly consistency: string;
  readonly html?: string;
  readonly timeLimit: string;
  readonly json?: true;
}

export interface CheckIo {
  readonly out: { write(text: string): unknown };
  readonly errors: { write(text: string): unknown };
  readonly style: Style;
  /** The time now, in milliseconds. */
  readonly now: () => number;
}

/** Those that are not read into operations of single keys, by name. */
const WHOLE_FORMATS = ["etcd"] as const;
const CONSISTENCIES = ["linearizable", "sequential", "session"] as const;
type Consistency = (typeof CONSISTENCIES)[number];

const HELP = `
Examples:
  omnikv check history.jsonl                  says whether the history is linearizable, and if not, why not
  omnikv check history.jsonl --html out.html  and draws it
  omnikv check jepsen.log --model register
  omnikv check results/                       the reports of all clients of a run of etcd's robustness tests

Formats: omnikv's own (docs/history-format.md), logs of Jepsen's register test, EDN: events of registers,
independent keys, stores of strings, lists, transactions of several operations on registers or lists; and etcd's
robustness reports (operations.json, watch.json). Transactions and reports are judged for strict serializability,
all keys together; --model, --consistency and --html are not for them.
FILE may be - for the standard input, or a folder of reports.

Exit status: 0 the history is fine · 1 it is not · 2 usage, or no readable history · 5 not decided within the limit.`;

export function checkCommand(): Command {
  return new Command("check")
    .description("Checks a recorded history: could one copy of the store have answered so?")
    .argument("<file>", "the history")
    .option("--model <name>", `what the store is: ${MODEL_NAMES.join(", ")} (default: by format)`)
    .option("--format <name>", `${[...FORMAT_NAMES, ...WHOLE_FORMATS].join(", ")} or auto`, "auto")
    .option(
      "--consistency <name>",
      "linearizable, sequential (local reads too), or session (read-your-writes, monotonic reads)",
      "linearizable",
    )
    .option("--html <file>", "draw the result as a page of its own")
    .option("--time-limit <s>", "seconds to spend; then the verdict is unknown", "60")
    .option("--json", "the result as one JSON object")
    .addHelpText("after", HELP)
    .action((file: string, flags: CheckFlags) => {
      process.exitCode = runCheck(file, flags, {
        out: process.stdout,
        errors: process.stderr,
        style: createStyle(colorLevel(process.env, process.stdout.isTTY)),
        now: () => performance.now(),
      });
    });
}

/** A wrong option, or a file that is of no use. */
class CheckUsageError extends Error {
  override readonly name = "CheckUsageError";
}

/** @returns the exit status */
export function runCheck(file: string, flags: CheckFlags, io: CheckIo): number {
  try {
    return check(file, flags, io);
  } catch (error) {
    const isUsers =
      error instanceof CheckUsageError ||
      error instanceof HistoryFormatError ||
      error instanceof WrongModelError;
    if (!isUsers) throw error;
    const code = error instanceof HistoryFormatError ? error.code : "USAGE";
    if (flags.json === true) {
      io.out.write(`${JSON.stringify({ error: { code, message: error.message } })}\n`);
    } else {
      const where = error instanceof HistoryFormatError ? `${file}, ` : "";
      io.errors.write(`omnikv check: ${where}${error.message}\n`);
    }
    return CHECK_EXIT.usage;
  }
}

function check(file: string, flags: CheckFlags, io: CheckIo): number {
  const seconds = Number(flags.timeLimit);
  if (!(seconds > 0)) {
    throw new CheckUsageError(`--time-limit: expected seconds, got "${flags.timeLimit}"`);
  }
  const consistency: Consistency = oneOf("--consistency", flags.consistency, CONSISTENCIES);
  const formats = [...FORMAT_NAMES, ...WHOLE_FORMATS, "auto"] as const;
  const format = oneOf("--format", flags.format, formats);
  const named = flags.model === undefined ? null : oneOf("--model", flags.model, MODEL_NAMES);
  const limits = { now: io.now, timeLimitMs: seconds * 1000 };
  const read = readInput(file);
  const judged =
    typeof read === "string"
      ? judgeWhole(read, file, format, limits, io.style)
      : judgeReports(read, true, file, limits, io.style);
  if (judged !== null) {
    refuseKeyFlags(flags);
    io.out.write(flags.json === true ? `${JSON.stringify(judged.json)}\n` : judged.text);
    return exitOf(judged.verdict);
  }
  const text = typeof read === "string" ? read : "";
  const history = parseHistory(text, format === "etcd" ? "auto" : format);
  if (consistency === "session") return checkSessions(history, flags, io);
  const model = modelOf(named ?? history.model);
  const result =
    consistency === "sequential"
      ? checkSequential(model, history, limits)
      : checkLinearizable(model, history, { ...limits, stopAtViolation: false });
  const explanations =
    result.property === "linearizability" ? explainAll(result, history, named, io) : [];
  if (flags.html !== undefined) {
    const page = renderHtml(result, { title: file, unit: history.unit, explanations });
    writeText(flags.html, page);
  }
  if (flags.json === true) io.out.write(`${JSON.stringify(jsonOf(result, explanations))}\n`);
  else io.out.write(textOf(result, explanations, file, flags.html, io.style));
  return exitOf(result.verdict);
}

/** Null: it is a history that is judged key by key. */
function judgeWhole(
  text: string,
  file: string,
  format: FormatName | "etcd" | "auto",
  limits: { readonly now: () => number; readonly timeLimitMs: number },
  style: Style,
): Judged | null {
  if (format === "etcd" || (format === "auto" && isEtcdReport(text.trimStart().slice(0, 200)))) {
    return judgeReports([{ name: "", text }], false, file, limits, style);
  }
  const isEdn = format === "edn" || (format === "auto" && /^\s*[[({#;]/.test(text));
  if (!isEdn || /^\s*\{\s*"/.test(text) || !hasTransactions(text)) return null;
  return judgeTransactions(text, file, limits, style);
}

function refuseKeyFlags({ model, html, consistency }: CheckFlags): void {
  const given = [
    ...(model === undefined ? [] : ["--model"]),
    ...(html === undefined ? [] : ["--html"]),
    ...(consistency === "linearizable" ? [] : ["--consistency"]),
  ];
  const [first] = given;
  if (first === undefined) return;
  throw new CheckUsageError(
    `${first}: transactions and reports are judged for strict serializability`,
  );
}

/** The first few violations: one is usually enough. */
const EXPLAINED_MAX = 3;
const EXPLAIN_MS = 5000;

function explainAll(
  result: CheckResult,
  history: ParsedHistory,
  named: ModelName | null,
  { now }: CheckIo,
): readonly Explanation[] {
  const model = modelOf(named ?? history.model);
  return result.partitions
    .filter(({ verdict }) => verdict === "violation")
    .slice(0, EXPLAINED_MAX)
    .map((partition) =>
      explain(model, partition, { now, timeLimitMs: EXPLAIN_MS, unit: history.unit }),
    );
}

function checkSessions(history: ParsedHistory, flags: CheckFlags, { out, style }: CheckIo): number {
  if (flags.html !== undefined) {
    throw new CheckUsageError("--html: there is nothing to draw for --consistency session");
  }
  const violations = checkSessionGuarantees(history);
  const verdict = violations.length === 0 ? "ok" : "violation";
  if (flags.json === true) {
    const found = violations.map(
      ({ guarantee, session, text, earlier, later }: SessionViolation) => ({
        guarantee,
        session,
        text,
        operations: [earlier.id, later.id],
      }),
    );
    out.write(
      `${JSON.stringify({ property: "session guarantees", verdict, violations: found })}\n`,
    );
  } else if (verdict === "ok") {
    out.write(
      `${style.good("session guarantees hold")}: ${history.operations.length} operations\n`,
    );
  } else {
    out.write(`${style.bad("session guarantees do not hold")}\n`);
    for (const { guarantee, text } of violations) out.write(`  ${guarantee}: ${text}\n`);
  }
  return exitOf(verdict);
}

function textOf(
  result: CheckResult,
  explanations: readonly Explanation[],
  file: string,
  page: string | undefined,
  style: Style,
): string {
  const { partitions, property, model, elapsedMs, leftOut, verdict } = result;
  const count = partitions.reduce((sum, { operations }) => sum + operations.length, 0);
  const name = property === "linearizability" ? "linearizable" : "sequentially consistent";
  const heading = {
    ok: style.good(name),
    violation: style.bad(`not ${name}`),
    unknown: style.warn(`not decided (${result.reason ?? "limit"})`),
  }[verdict];
  const left = Object.entries(leftOut).flatMap(([why, number]) =>
    number === 0 ? [] : [`${number} ${why}`],
  );
  const facts = [
    `${count} operations on ${partitions.length} key${partitions.length === 1 ? "" : "s"}`,
    `model ${model}`,
    ...(left.length === 0 ? [] : [`left out: ${left.join(", ")}`]),
    `${Math.max(1, Math.round(elapsedMs))} ms`,
  ].join(", ");
  const lines = [`${file}: ${heading} ${style.dim(`(${facts})`)}`];
  for (const { text } of explanations) lines.push("", text);
  const bad = partitions.filter((partition) => partition.verdict === "violation");
  const rest = bad.length - explanations.length;
  if (rest > 0 && explanations.length > 0) lines.push("", `${rest} more keys are not ${name}.`);
  const open = partitions.filter((partition) => partition.verdict === "unknown");
  for (const { key, reason } of open) {
    lines.push(
      style.warn(`  ${key === null ? "all keys" : JSON.stringify(key)}: not decided (${reason})`),
    );
  }
  if (page !== undefined) lines.push(style.dim(`drawn in ${page}`));
  return `${lines.join("\n")}\n`;
}

function jsonOf(result: CheckResult, explanations: readonly Explanation[]): unknown {
  const { property, model, verdict, reason, leftOut, elapsedMs, partitions } = result;
  return {
    property,
    model,
    verdict,
    reason,
    leftOut,
    elapsedMs,
    partitions: partitions.map((partition) => ({
      key: partition.key,
      verdict: partition.verdict,
      reason: partition.reason,
      operations: partition.operations.length,
      ordered: partition.order.length,
      blocked: partition.blocked === null ? null : partition.operations[partition.blocked]?.id,
      steps: partition.steps,
    })),
    explanations: explanations.map(({ key, isMinimal, operations, text }) => ({
      key,
      isMinimal,
      operations: operations.map(({ id }) => id),
      text,
    })),
  };
}

function exitOf(verdict: Verdict): number {
  return CHECK_EXIT[verdict];
}

function oneOf<Name extends string>(flag: string, value: string, allowed: readonly Name[]): Name {
  const found = allowed.find((name) => name === value);
  if (found !== undefined) return found;
  throw new CheckUsageError(`${flag}: expected ${allowed.join(", ")}, got "${value}"`);
}

function readInput(file: string): string | NonNullable<ReturnType<typeof reportsIn>> {
  try {
    if (file === "-" || !statSync(file).isDirectory()) {
      return readFileSync(file === "-" ? 0 : file, "utf8");
    }
    const files = reportsIn(file);
    if (files !== null) return files;
    throw new Error("the folder has no operations.json and no watch.json");
  } catch (error) {
    throw new CheckUsageError(`cannot read ${file}: ${systemReason(error)}`, { cause: error });
  }
}

function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CheckUsageError(`cannot write ${file}: ${systemReason(error)}`, { cause: error });
  }
}
