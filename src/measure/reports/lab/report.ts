/** Results as text. */
import type { NamedScenario } from "../../../client/scenarios/index.ts";
import type { RunResult } from "../../faults/experiment.ts";
import { formatMs } from "../format.ts";
import type { Spread } from "../statistics.ts";
import { publishedFor } from "./published.ts";
import type { Subject } from "../../faults/subject.ts";
import { AFTER_HEAL_WITHIN, RESUME_WITHIN, type Summary } from "./summary.ts";

/** All runs of one system. */
export interface Measured {
  readonly system: string;
  readonly nodes: number;
  readonly electionTimeoutMs: number;
  readonly loses: Subject["loses"];
  readonly runs: readonly RunResult[];
  readonly summary: Summary;
}

export interface Lab {
  readonly scenario: NamedScenario;
  readonly measured: readonly Measured[];
  /** What was asked for and could not be measured, with the reason. */
  readonly left: readonly string[];
}

export interface TableRow {
  readonly system: string;
  readonly setting: string;
  readonly down: string;
  readonly electionTimeouts: string;
  readonly source: string;
}

export const TABLE_HEAD: TableRow = {
  system: "system",
  setting: "nodes, election time-out",
  down: "no write acknowledged for",
  electionTimeouts: "in election time-outs",
  source: "source",
};

/** Measured first, then the published figures. */
export function tableRows({ scenario, measured }: Lab): readonly TableRow[] {
  return [...measured.map(measuredRow), ...publishedFor(scenario).rows];
}

function measuredRow({ system, nodes, electionTimeoutMs, loses, summary }: Measured): TableRow {
  const { runs, resumed, down } = summary;
  const source = `measured here, ${runs} run${runs === 1 ? "" : "s"}, ${loses} lost`;
  const setting = `${nodes} nodes, ${formatMs(electionTimeoutMs)}`;
  if (resumed === 0) {
    return {
      system,
      setting,
      down: `the whole partition, ${spreadText(down, formatMs)}`,
      electionTimeouts: "never",
      source,
    };
  }
  const not = resumed < runs ? `; not at all in ${runs - resumed}` : "";
  return {
    system,
    setting,
    down: `${spreadText(down, formatMs)}${not}`,
    electionTimeouts: spreadText(down, (ms) => (ms / electionTimeoutMs).toFixed(2)),
    source,
  };
}

/** One line a run, while it goes on. */
export function runLine(run: RunResult, number: number, electionTimeoutMs: number): string {
  const { down, afterHeal, leaderBefore, leaderAfter, leaderChanges, slowestWriter } = run;
  const stopped = down.open
    ? `down for the whole partition (${formatMs(down.ms)})`
    : `down ${formatMs(down.ms)} = ${times(down.ms, electionTimeoutMs)}`;
  const leaders =
    leaderAfter === leaderBefore
      ? `${leaderBefore}`
      : `${leaderBefore} → ${leaderAfter ?? "nobody"}`;
  return (
    `run ${number}: leader ${leaders}, ${leaderChanges} change${leaderChanges === 1 ? "" : "s"}, ${stopped}; ` +
    `slowest client ${times(slowestWriter.ms, electionTimeoutMs)}${slowestWriter.open ? " and more" : ""}; ` +
    `after healing ${times(afterHeal.ms, electionTimeoutMs)}`
  );
}

function times(ms: number, electionTimeoutMs: number): string {
  return `${(ms / electionTimeoutMs).toFixed(2)} time-outs`;
}

/** What the runs say together, one sentence a line. */
function verdictLines({ system, electionTimeoutMs, summary }: Measured): readonly string[] {
  const { runs, resumedInTime, quietAfterHeal, rightLeader } = summary;
  const inTimeouts = (spread: Spread): string =>
    spreadText(spread, (ms) => (ms / electionTimeoutMs).toFixed(2));
  return [
    `${system}: writes went on within ${RESUME_WITHIN} election time-outs in ${resumedInTime} of ${runs} ` +
      `(${inTimeouts(summary.down)}); a node that can lead led in ${rightLeader} of ${runs}`,
    `  after healing no interruption longer than ${AFTER_HEAL_WITHIN} in ${quietAfterHeal} of ${runs} (${inTimeouts(summary.afterHeal)})`,
    `  the one client that waited longest: ${inTimeouts(summary.slowestWriter)}; before the cut: ${inTimeouts(summary.before)}`,
  ];
}

function renderTable(rows: readonly TableRow[]): string {
  const columns = ["system", "setting", "down", "electionTimeouts", "source"] as const;
  const all = [TABLE_HEAD, ...rows];
  const widths = columns.map((column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row: TableRow): string =>
    columns
      .map((column, i) => row[column].padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [line(TABLE_HEAD), rule, ...rows.map(line)].join("\n");
}

export function renderLab(lab: Lab): string {
  const { note } = publishedFor(lab.scenario);
  const several = lab.measured.some(({ runs }) => runs.length > 1);
  return [
    renderTable(tableRows(lab)),
    "",
    ...(several ? ["Several runs: least – median – greatest."] : []),
    note,
    "",
    ...lab.measured.flatMap(verdictLines),
    ...lab.left,
  ].join("\n");
}

/** One value when they are all the same. */
export function spreadText(
  { min, median, max }: Spread,
  format: (value: number) => string,
): string {
  const texts = [min, median, max].map(format);
  return new Set(texts).size === 1 ? (texts[0] ?? "") : texts.join(" – ");
}
