/**
 * omnikv against etcd, in one run, alternately: `npx tsx scripts/bench-vs-etcd.ts --help`.
 *
 * The clusters live for the whole run, each measured while the others idle; every cell is measured once in each round,
 * in turn (and who goes first alternates), so that what else the machine does meets all of them.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { formatCount, formatMs } from "../src/bench/report.ts";
import { isInMemory, makeDataDirectory } from "../src/bench/throw-away-cluster.ts";
import { OPERATIONS, type BenchOperation } from "../src/bench/workload.ts";
import { measureSync, type SyncLatency } from "./bench/baseline.ts";
import { createBundles, type Bundles } from "./bench/bundle.ts";
import {
  renderComparison,
  type CellMeasurement,
  type Results,
  type Setting,
} from "./bench/comparison.ts";
import { etcdVersion } from "./bench/etcd-cluster.ts";
import { PLACEMENTS, startSystem, SYSTEMS, type Placement, type System } from "./bench/systems.ts";

const ALL_CELLS =
  "put:1,put:64,put:256,put:1024,get:1,get:64,get:256,get:1024,mix:64,mix:256,mix:1024";

const HELP = `Usage: npx tsx scripts/bench-vs-etcd.ts [options]   (npm run build first)

  --cells LIST           operation:concurrency, ...; ${ALL_CELLS}
  --placement LIST       spread,leader: the load goes to all nodes, or to the leader alone
  --rounds N             3
  --duration SECONDS     3, after --warm-up SECONDS, 1
  --value-bytes N        100
  --keys N               10000
  --systems LIST         omnikv,etcd,echo: echo, bare ws servers, is measured at the puts that are spread
  --etcd PATH            the server; etcd
  --generators N         processes that make the load; 1
  --etcd-connections N   of a generator to etcd; 12. Of omnikv: one to each node asked
  --size N               nodes; 3
  --data-dir DIR         of all; a real disk
  --append FILE          adds the measurements to those in the file, so that a run can be made in pieces
  --report FILE          measures nothing, prints the tables of the file`;

const { values: flags } = parseArgs({
  options: {
    cells: { type: "string", default: ALL_CELLS },
    placement: { type: "string", default: PLACEMENTS.join(",") },
    rounds: { type: "string", default: "3" },
    duration: { type: "string", default: "3" },
    "warm-up": { type: "string", default: "1" },
    "value-bytes": { type: "string", default: "100" },
    keys: { type: "string", default: "10000" },
    systems: { type: "string", default: SYSTEMS.join(",") },
    etcd: { type: "string", default: "etcd" },
    generators: { type: "string", default: "1" },
    "etcd-connections": { type: "string", default: "12" },
    size: { type: "string", default: "3" },
    "data-dir": { type: "string" },
    append: { type: "string" },
    report: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

interface Cell {
  readonly placement: Placement;
  readonly operation: BenchOperation;
  readonly concurrency: number;
}

function number(text: string | undefined): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`expected a number above 0, got "${text}"`);
  return value;
}

function choices<const C extends string>(text: string, known: readonly C[]): readonly C[] {
  return text.split(",").map((part) => {
    const found = known.find((choice) => choice === part.trim());
    if (found === undefined) throw new Error(`expected ${known.join(", ")}, got "${part}"`);
    return found;
  });
}

function readCells(placements: readonly Placement[]): readonly Cell[] {
  return placements.flatMap((placement) =>
    flags.cells.split(",").map((text): Cell => {
      const [name = "", concurrency] = text.split(":");
      const [operation = "put"] = choices(name, OPERATIONS);
      return { placement, operation, concurrency: number(concurrency) };
    }),
  );
}

function readResults(file: string): Results {
  const results = JSON.parse(readFileSync(file, "utf8")) as Results;
  if (results.benchVsEtcd !== 1) throw new Error(`${file} is no file of this script`);
  return results;
}

/** @throws Error when the file holds results of another setting: medians of both would mean nothing */
function resultsSoFar(setting: Setting): Results {
  const none: Results = { benchVsEtcd: 1, setting, pieces: [] };
  if (flags.append === undefined || !existsSync(flags.append)) return none;
  const results = readResults(flags.append);
  if (JSON.stringify(results.setting) !== JSON.stringify(setting)) {
    throw new Error(`${flags.append} was measured with ${JSON.stringify(results.setting)}`);
  }
  return results;
}

const takesPart = (system: System, cell: Cell): boolean =>
  system.name !== "echo" || (cell.operation === "put" && cell.placement === "spread");

async function measure(system: System, cell: Cell, setting: Setting): Promise<CellMeasurement> {
  const { operation, concurrency, placement } = cell;
  const measurement = await system.generators.get(placement)!.measure({
    system: system.name,
    operation,
    concurrency,
    keys: setting.keys,
    valueBytes: setting.valueBytes,
    seed: 1,
    warmUpMs: number(flags["warm-up"]) * 1000,
    durationMs: setting.durationMs,
    servers: system.servers,
  });
  return { ...measurement, system: system.name, placement };
}

async function measureAll(
  systems: readonly System[],
  cells: readonly Cell[],
  setting: Setting,
  keep: (soFar: readonly CellMeasurement[]) => void,
): Promise<readonly CellMeasurement[]> {
  const found: CellMeasurement[] = [];
  for (let round = 1; round <= number(flags.rounds); round++) {
    for (const cell of cells) {
      for (const system of round % 2 === 1 ? systems : systems.toReversed()) {
        if (!takesPart(system, cell)) continue;
        const measurement = await measure(system, cell, setting);
        found.push(measurement);
        keep(found);
        const { operationsPerSecond, latency, errors } = measurement;
        const failed = Object.keys(errors).length === 0 ? "" : `, ${JSON.stringify(errors)}`;
        process.stderr.write(
          `round ${round}, ${cell.operation} ${cell.concurrency} ${cell.placement}, ${system.name}: ` +
            `${formatCount(operationsPerSecond)}/s, p50 ${formatMs(latency.p50Us)} ms, ` +
            `p99 ${formatMs(latency.p99Us)} ms${failed}\n`,
        );
      }
    }
  }
  return found;
}

function syncLatency(parent: string | null): SyncLatency {
  const directory = makeDataDirectory(parent);
  try {
    if (isInMemory(directory)) process.stderr.write("data is in memory: syncs cost nothing\n");
    return measureSync(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function run(bundles: Bundles): Promise<Results> {
  const version = etcdVersion(flags.etcd);
  if (version === null) {
    throw new Error(`cannot run "${flags.etcd}": install etcd-server, or name it with --etcd`);
  }
  const setting: Setting = {
    etcd: version,
    node: process.version,
    processors: cpus().length,
    size: number(flags.size),
    keys: number(flags.keys),
    valueBytes: number(flags["value-bytes"]),
    durationMs: number(flags.duration) * 1000,
    generators: number(flags.generators),
  };
  const before = resultsSoFar(setting);
  const placements = choices(flags.placement, PLACEMENTS);
  const cells = readCells(placements);
  const parent = flags["data-dir"] ?? null;
  const options = {
    ...setting,
    parent,
    placements,
    etcd: flags.etcd,
    etcdConnections: number(flags["etcd-connections"]),
  };
  const sync = syncLatency(parent);
  const systems: System[] = [];
  try {
    for (const name of choices(flags.systems, SYSTEMS)) {
      if (name === "echo" && !placements.includes("spread")) continue;
      systems.push(await startSystem(name, options, bundles));
    }
    const resultsWith = (measurements: readonly CellMeasurement[]): Results => ({
      ...before,
      pieces: [...before.pieces, { sync, measurements }],
    });
    // After each measurement: what was measured survives an interruption.
    const keep = (soFar: readonly CellMeasurement[]): void => {
      if (flags.append !== undefined) {
        writeFileSync(flags.append, `${JSON.stringify(resultsWith(soFar))}\n`);
      }
    };
    return resultsWith(await measureAll(systems, cells, setting, keep));
  } finally {
    for (const system of systems) {
      for (const generators of system.generators.values()) await generators.close();
      await system.remove();
    }
  }
}

async function main(): Promise<string> {
  if (flags.help) return HELP;
  if (flags.report !== undefined) return renderComparison(readResults(flags.report));
  const bundles = createBundles();
  try {
    return renderComparison(await run(bundles));
  } finally {
    bundles.remove();
  }
}

// What was started is ended on the way out.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.stdout.write(`${await main()}\n`);
