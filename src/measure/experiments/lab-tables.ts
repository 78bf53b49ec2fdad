/**
 * The tables of docs/lab.md: every experiment with 3 and 5 nodes, many runs each. Beside etcd, which takes its time, every
 * run is an experiment of its own, on fresh clusters.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatMs } from "../reports/format.ts";
import { spreadText, type Lab, type Measured } from "../reports/lab/report.ts";
import { summarize } from "../reports/lab/summary.ts";
import { markdownTable } from "../reports/table.ts";
import { say } from "./entry.ts";
import { runOmnikv } from "./run-omnikv.ts";

export interface LabTablesOptions {
  /** Each experiment's JSON is kept here and not measured again: interrupted, it goes on where it was. */
  readonly directory: string;
  readonly runs: number;
  /** Names of experiments, as the files are called. Empty: all. */
  readonly only: readonly string[];
}

interface Experiment {
  readonly name: string;
  readonly args: readonly string[];
}

const RUNS_BESIDE = 3;
const SCENARIOS = ["quorum-loss", "constrained", "chained", "full-partition"] as const;
const OURS: readonly Experiment[] = SCENARIOS.flatMap((scenario) =>
  [3, 5].map((nodes) => ({
    name: `${scenario}-${nodes}`,
    args: [scenario, "--nodes", String(nodes), "--duration", "1s"],
  })),
);
const BESIDE: readonly Experiment[] = SCENARIOS.map((scenario) => {
  const nodes = String(scenario === "chained" ? 3 : 5);
  return {
    name: `etcd-${scenario}-${nodes}`,
    args: [scenario, "--nodes", nodes, "--peer", "etcd", "--duration", "12s"],
  };
});

/** Do nothing else on the machine meanwhile. */
export function labTables(options: LabTablesOptions): string {
  mkdirSync(options.directory, { recursive: true });
  const ours = OURS.flatMap((experiment) => {
    const lab = measure(experiment, options.runs, options);
    return lab === null ? [] : [ourRow(experiment, lab)];
  });
  const beside = BESIDE.flatMap(({ name, args }) => {
    const pieces = Array.from({ length: RUNS_BESIDE }, (_, i) =>
      measure({ name: `${name}.${i + 1}`, args }, 1, options),
    );
    return besideRows(
      name,
      pieces.filter((lab) => lab !== null),
    );
  });
  const ourHead = ["scenario", "nodes", "down, time-outs", "within 4"];
  const besideHead = ["scenario", "nodes", "system", "time-out", "down", "time-outs"];
  return [
    markdownTable([...ourHead, "after healing", "within 2", "right leader"], ours),
    markdownTable([...besideHead, "after healing", "runs"], beside),
  ].join("\n\n");
}

/** @returns null when it is not asked for, and was not measured before */
function measure(
  { name, args }: Experiment,
  runs: number,
  { directory, only }: LabTablesOptions,
): Lab | null {
  const file = join(directory, `${name}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as Lab;
  if (only.length > 0 && !only.includes(name)) return null;
  const command = ["lab", "run", ...args, "--runs", String(runs)];
  say(`omnikv ${command.join(" ")}`);
  const lab = runOmnikv(command, { show: true }) as Lab;
  writeFileSync(`${file}.new`, JSON.stringify(lab));
  renameSync(`${file}.new`, file);
  return lab;
}

function timesOf({ electionTimeoutMs }: Measured): (ms: number) => string {
  return (ms) => (ms / electionTimeoutMs).toFixed(2);
}

function ourRow({ name }: Experiment, lab: Lab): readonly string[] {
  const [measured] = lab.measured;
  if (measured === undefined) throw new Error(`${name}: nothing measured`);
  const { summary, nodes } = measured;
  return [
    name.replace(/-\d$/, ""),
    String(nodes),
    spreadText(summary.down, timesOf(measured)),
    `${summary.resumedInTime} of ${summary.runs}`,
    spreadText(summary.afterHeal, timesOf(measured)),
    `${summary.quietAfterHeal} of ${summary.runs}`,
    `${summary.rightLeader} of ${summary.runs}`,
  ];
}

function besideRows(name: string, pieces: readonly Lab[]): readonly (readonly string[])[] {
  const [first] = pieces;
  return (first?.measured ?? []).map((measured, which) => {
    const { nodes, system, electionTimeoutMs } = measured;
    const all = pieces.flatMap((lab) => lab.measured[which]?.runs ?? []);
    const summary = summarize(all, electionTimeoutMs);
    const times = timesOf(measured);
    const down = spreadText(summary.down, formatMs);
    return [
      name.replace(/^etcd-/, "").replace(/-\d$/, ""),
      String(nodes),
      system,
      formatMs(electionTimeoutMs),
      summary.resumed === 0 ? `whole partition (${down})` : down,
      summary.resumed === 0 ? "never" : spreadText(summary.down, times),
      spreadText(summary.afterHeal, times),
      String(summary.runs),
    ];
  });
}
