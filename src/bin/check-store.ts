/** `omnikv check` of histories that are not judged key by key: transactions as Elle reads them, and etcd's robustness reports. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  checkStore,
  checkTransactions,
  parseEtcdReports,
  parseTransactions,
  type ReportFile,
  type StoreResult,
  type TransactionsResult,
} from "../proof/checker/index.ts";
import type { Style } from "../prompt/terminal/index.ts";

const REPORT_NAMES = ["operations.json", "watch.json"];
const CLIENT_FOLDER = /^client-\d+$/;

export interface Judged {
  readonly verdict: "ok" | "violation" | "unknown";
  readonly text: string;
  readonly json: unknown;
}

interface Limits {
  readonly now: () => number;
  readonly timeLimitMs: number;
}

/**
 * The reports of all clients of a run, of one, or one report.
 *
 * @returns null: the folder has none
 */
export function reportsIn(folder: string): readonly ReportFile[] | null {
  const entries = readdirSync(folder).toSorted((a, b) =>
    a.localeCompare(b, "en", { numeric: true }),
  );
  const files = entries.flatMap((name) => {
    const path = join(folder, name);
    if (REPORT_NAMES.includes(name)) return [{ name, text: readFileSync(path, "utf8") }];
    if (!CLIENT_FOLDER.test(name) || !statSync(path).isDirectory()) return [];
    return REPORT_NAMES.filter((report) => readdirSync(path).includes(report)).map((report) => ({
      name: `${name}/${report}`,
      text: readFileSync(join(path, report), "utf8"),
    }));
  });
  return files.length === 0 ? null : files;
}

/** @param isWhole whether these are the reports of all clients of a run. @throws HistoryFormatError */
export function judgeReports(
  files: readonly ReportFile[],
  isWhole: boolean,
  name: string,
  { now }: Limits,
  style: Style,
): Judged {
  const result = checkStore(parseEtcdReports(files, isWhole), { now });
  const { verdict, anomalies } = result;
  const texts = anomalies.map(({ text }) => text);
  const facts = [
    `${result.operations} operations, ${result.events} events of ${result.watches} watches`,
    ...factsOf({ "without an answer": result.leftOut.unseen }),
    ...unsureFacts(result, isWhole),
    `${Math.max(1, Math.round(result.elapsedMs))} ms`,
  ];
  const heading = headingOf(verdict, "strictly serializable, watches complete", null, style);
  return { verdict, text: textOf(name, heading, facts, texts, style), json: { ...result } };
}

function unsureFacts({ leftOut }: StoreResult, isWhole: boolean): string[] {
  if (leftOut.unsure === 0) return [];
  const whose = isWhole
    ? "of one of several operations without an answer"
    : "of others: give the folder with all clients";
  return [`${leftOut.unsure} revisions ${whose}`];
}

/** @throws HistoryFormatError */
export function judgeTransactions(
  text: string,
  name: string,
  limits: Limits,
  style: Style,
): Judged {
  const result: TransactionsResult = checkTransactions(parseTransactions(text), limits);
  const { verdict, reason, anomalies, transactions, leftOut, kind } = result;
  const texts = anomalies.map((each) => each.text);
  const facts = [
    `${transactions} transactions on ${kind}`,
    ...factsOf({ failed: leftOut.failed, "unknown and unseen": leftOut.unseen }),
    `${Math.max(1, Math.round(result.elapsedMs))} ms`,
  ];
  const heading = headingOf(verdict, "strictly serializable", reason, style);
  return { verdict, text: textOf(name, heading, facts, texts, style), json: { ...result } };
}

function headingOf(
  verdict: Judged["verdict"],
  property: string,
  reason: string | null,
  style: Style,
): string {
  if (verdict === "ok") return style.good(property);
  if (verdict === "unknown") return style.warn(`not decided (${reason ?? "limit"})`);
  return style.bad(`not ${property}`);
}

function factsOf(leftOut: Readonly<Record<string, number>>): string[] {
  const some = Object.entries(leftOut).flatMap(([why, count]) =>
    count === 0 ? [] : [`${count} ${why}`],
  );
  return some.length === 0 ? [] : [`left out: ${some.join(", ")}`];
}

function textOf(
  name: string,
  heading: string,
  facts: readonly string[],
  texts: readonly string[],
  style: Style,
): string {
  const lines = [`${name}: ${heading} ${style.dim(`(${facts.join(", ")})`)}`];
  for (const text of texts) lines.push("", text);
  return `${lines.join("\n")}\n`;
}
