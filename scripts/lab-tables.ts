/**
 * The tables of docs/lab.md: every experiment with 3 and 5 nodes, many runs each.
 *
 *   npx tsx scripts/lab-tables.ts DIRECTORY [RUNS] [only ...]
 *
 * Each experiment's JSON is kept in DIRECTORY and not measured again: interrupted, it goes on where it was. The tables go
 * to stdout. Do nothing else on the machine meanwhile. `only`: names of experiments, as the files are called. Beside etcd,
 * which takes its time, every run is an experiment of its own, on fresh clusters.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { summarize } from "../src/lab/summary.ts";
import { formatMs, spreadText, type Lab, type Measured } from "../src/lab/report.ts";

const OMNIKV = resolve(import.meta.dirname, "../dist/bin/omnikv.js");

interface Experiment {
  readonly name: string;
  readonly args: readonly string[];
}

const HOLD = ["--duration", "1s"];
const HOLD_BESIDE = ["--duration", "12s"];
const RUNS_BESIDE = 3;
const ours = (scenario: string, nodes: number): Experiment => ({
  name: `${scenario}-${nodes}`,
  args: [scenario, "--nodes", String(nodes), ...HOLD],
});
const beside = (scenario: string, nodes: number): Experiment => ({
  name: `etcd-${scenario}-${nodes}`,
  args: [scenario, "--nodes", String(nodes), "--peer", "etcd", ...HOLD_BESIDE],
});
const OURS: readonly Experiment[] = [
  "quorum-loss",
  "constrained",
  "chained",
  "full-partition",
].flatMap((scenario) => [3, 5].map((nodes) => ours(scenario, nodes)));
const BESIDE: readonly Experiment[] = [
  beside("quorum-loss", 5),
  beside("constrained", 5),
  beside("chained", 3),
  beside("full-partition", 5),
];

const [directory, runs = "20", ...only] = process.argv.slice(2);
if (directory === undefined)
  throw new Error("usage: npx tsx scripts/lab-tables.ts DIRECTORY [RUNS] [only ...]");
mkdirSync(directory, { recursive: true });

function measure({ name, args }: Experiment, count: string): Lab | null {
  const file = join(directory!, `${name}.json`);
  if (!existsSync(file)) {
    if (only.length > 0 && !only.includes(name)) return null;
    process.stderr.write(`omnikv lab run ${args.join(" ")} --runs ${count}\n`);
    const command = [OMNIKV, "lab", "run", ...args, "--runs", count, "--json"];
    const { status, stdout } = spawnSync(process.execPath, command, {
      encoding: "utf8",
      maxBuffer: 2 ** 28,
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (status !== 0) throw new Error(`${name}: status ${status}`);
    writeFileSync(`${file}.new`, stdout);
    renameSync(`${file}.new`, file);
  }
  return JSON.parse(readFileSync(file, "utf8")) as Lab;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function timesOf({ electionTimeoutMs }: Measured): (ms: number) => string {
  return (ms) => (ms / electionTimeoutMs).toFixed(2);
}

function ourRow({ name }: Experiment, lab: Lab): string {
  const [measured] = lab.measured;
  if (measured === undefined) throw new Error(`${name}: nothing measured`);
  const { summary, nodes } = measured;
  return row([
    name.replace(/-\d$/, ""),
    String(nodes),
    spreadText(summary.down, timesOf(measured)),
    `${summary.resumedInTime} of ${summary.runs}`,
    spreadText(summary.afterHeal, timesOf(measured)),
    `${summary.quietAfterHeal} of ${summary.runs}`,
    `${summary.rightLeader} of ${summary.runs}`,
  ]);
}

function besideRows(name: string, pieces: readonly Lab[]): readonly string[] {
  const [first] = pieces;
  return (first?.measured ?? []).map((measured, which) => {
    const { nodes, system, electionTimeoutMs } = measured;
    const all = pieces.flatMap((lab) => lab.measured[which]?.runs ?? []);
    const summary = summarize(all, electionTimeoutMs);
    const times = timesOf(measured);
    return row([
      name.replace(/^etcd-/, "").replace(/-\d$/, ""),
      String(nodes),
      system,
      formatMs(electionTimeoutMs),
      summary.resumed === 0
        ? `whole partition (${spreadText(summary.down, formatMs)})`
        : spreadText(summary.down, formatMs),
      summary.resumed === 0 ? "never" : spreadText(summary.down, times),
      spreadText(summary.afterHeal, times),
      String(summary.runs),
    ]);
  });
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [row(head), row(head.map(() => "---")), ...rows].join("\n");
}

const ourRows = OURS.flatMap((experiment) => {
  const lab = measure(experiment, runs);
  return lab === null ? [] : [ourRow(experiment, lab)];
});
const both = BESIDE.flatMap(({ name, args }) => {
  const pieces = Array.from({ length: RUNS_BESIDE }, (_, i) =>
    measure({ name: `${name}.${i + 1}`, args }, "1"),
  ).filter((lab) => lab !== null);
  return besideRows(name, pieces);
});
process.stdout.write(
  [
    table(
      [
        "scenario",
        "nodes",
        "down, time-outs",
        "within 4",
        "after healing",
        "within 2",
        "right leader",
      ],
      ourRows,
    ),
    table(
      ["scenario", "nodes", "system", "time-out", "down", "time-outs", "after healing", "runs"],
      both,
    ),
  ].join("\n\n") + "\n",
);
