/**
 * omnikv against etcd, in one run, alternately: `npx tsx scripts/bench-vs-etcd.ts --help`.
 *
 * Both clusters run all the time, each measured while the other idles; every cell is measured once in each round, omnikv
 * and etcd in turn (and who goes first alternates), so that what else the machine does meets both. Prints the median of
 * the rounds and the ratios.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findLeader } from "../src/bench/find-leader.ts";
import { Generators, type MeasuredProcess } from "../src/bench/generators.ts";
import { alignColumns, formatCount, formatMs, type Measurement } from "../src/bench/report.ts";
import { startThrowAwayCluster } from "../src/bench/throw-away-cluster.ts";
import type { BenchOperation } from "../src/bench/workload.ts";
import { EtcdCluster, etcdVersion } from "./bench/etcd-cluster.ts";

const HELP = `Usage: npx tsx scripts/bench-vs-etcd.ts [options]   (npm run build first)

  --etcd PATH            the server (default: etcd)
  --operations LIST      put,get,mix
  --concurrency LIST     1,64,256,1024
  --placement LIST       spread,leader: the load goes to all nodes, or to the leader alone
  --rounds N             3
  --duration SECONDS     3, after --warm-up SECONDS, 1
  --value-bytes N        100
  --keys N               10000
  --generators N         processes that make the load; 1. More must not give etcd more: see docs/performance.md
  --etcd-connections N   most connections of a generator to etcd; 12. Of omnikv: one a node asked
  --size N               nodes; 3
  --data-dir DIR         of both; a real disk
  --save FILE            every measurement as JSON`;

const { values: flags } = parseArgs({
  options: {
    etcd: { type: "string", default: "etcd" },
    operations: { type: "string", default: "put,get,mix" },
    concurrency: { type: "string", default: "1,64,256,1024" },
    placement: { type: "string", default: "spread,leader" },
    rounds: { type: "string", default: "3" },
    duration: { type: "string", default: "3" },
    "warm-up": { type: "string", default: "1" },
    "value-bytes": { type: "string", default: "100" },
    keys: { type: "string", default: "10000" },
    generators: { type: "string", default: "1" },
    "etcd-connections": { type: "string", default: "12" },
    size: { type: "string", default: "3" },
    "data-dir": { type: "string" },
    save: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

interface System {
  readonly name: string;
  readonly servers: readonly MeasuredProcess[];
  readonly generators: ReadonlyMap<string, Generators>;
  remove(): Promise<void>;
}

interface Cell {
  readonly placement: string;
  readonly operation: BenchOperation;
  readonly concurrency: number;
}

const number = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`expected a number above 0, got "${text}"`);
  return value;
};
const list = (text: string): string[] => text.split(",").map((part) => part.trim());
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const entry = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const keys = number(flags.keys);
const valueBytes = number(flags["value-bytes"]);
const generatorCount = number(flags.generators);
const placements = list(flags.placement);
const parent = flags["data-dir"] ?? null;

type Node = { readonly id: number; readonly host: string; readonly port: number };

async function startGenerators(
  module: string,
  nodes: readonly Node[],
  leader: number,
  connections: (asked: number) => number,
  clusterId: string | null,
): Promise<ReadonlyMap<string, Generators>> {
  const made = new Map<string, Generators>();
  for (const placement of placements) {
    const pinned = placement === "leader" ? [leader] : nodes.map(({ id }) => id);
    const setup = {
      nodes: nodes.map(({ id, host, port }) => ({ id, host, port })),
      pinned,
      connections: connections(pinned.length),
      clusterId,
      secret: null,
      timeoutMs: 10_000,
    };
    const generators = await Generators.start(entry(module), setup, generatorCount);
    if (made.size === 0) await generators.fill(keys, valueBytes);
    made.set(placement, generators);
  }
  return made;
}

async function startOmnikv(): Promise<System> {
  const cluster = await startThrowAwayCluster(number(flags.size), parent);
  const leader = await findLeader(cluster.nodes, null);
  const generators = await startGenerators(
    "../src/bench/omnikv-generator.ts",
    cluster.nodes,
    leader,
    (asked) => asked,
    cluster.clusterId,
  );
  return {
    name: "omnikv",
    servers: cluster.servers.map(({ node, pid }) => ({ name: `node ${node.id}`, pid })),
    generators,
    remove: () => cluster.remove(),
  };
}

async function startEtcd(): Promise<System> {
  const cluster = await EtcdCluster.start(flags.etcd, number(flags.size), parent);
  const most = number(flags["etcd-connections"]);
  const generators = await startGenerators(
    "bench/etcd-generator.ts",
    cluster.nodes,
    await cluster.leader(),
    () => most,
    null,
  );
  return { name: "etcd", servers: cluster.processes, generators, remove: () => cluster.remove() };
}

async function measure(system: System, cell: Cell): Promise<Measurement> {
  const { operation, concurrency, placement } = cell;
  return system.generators.get(placement)!.measure({
    system: system.name,
    operation,
    concurrency,
    keys,
    valueBytes,
    seed: 1,
    warmUpMs: number(flags["warm-up"]) * 1000,
    durationMs: number(flags.duration) * 1000,
    servers: system.servers,
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const errorsOf = (measurements: readonly Measurement[]): number =>
  measurements.flatMap(({ errors }) => Object.values(errors)).reduce((a, b) => a + b, 0);
const perOperationUs = (measurement: Measurement, of: "servers" | "client"): number => {
  const usages = of === "servers" ? (measurement.servers ?? []) : [measurement.client!];
  const cpu = usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return (cpu / measurement.completed) * 1e6;
};

function rowOf(cell: Cell, ours: readonly Measurement[], theirs: readonly Measurement[]): string[] {
  const both = (pick: (measurement: Measurement) => number): [number, number] => [
    median(ours.map(pick)),
    median(theirs.map(pick)),
  ];
  const [rate, etcdRate] = both(({ operationsPerSecond }) => operationsPerSecond);
  const ms = (pick: (measurement: Measurement) => number): string =>
    both(pick).map(formatMs).join(" : ");
  const us = (of: "servers" | "client"): string =>
    both((measurement) => perOperationUs(measurement, of))
      .map((value) => value.toFixed(0))
      .join(" : ");
  return [
    `${cell.operation}, ${cell.placement}`,
    String(cell.concurrency),
    formatCount(rate),
    formatCount(etcdRate),
    `${(rate / etcdRate).toFixed(2)}x`,
    ms(({ latency }) => latency.p50Us),
    ms(({ latency }) => latency.p99Us),
    ms(({ latency }) => latency.p999Us),
    us("servers"),
    us("client"),
    `${errorsOf(ours)} : ${errorsOf(theirs)}`,
  ];
}

const HEADER = [
  "omnikv : etcd",
  "at once",
  "omnikv/s",
  "etcd/s",
  "ratio",
  "p50 ms",
  "p99 ms",
  "p99.9 ms",
  "servers µs/op",
  "client µs/op",
  "errors",
];

function memoryLine(system: System, measurements: readonly Measurement[]): string {
  const peaks = system.servers.map(({ name }) =>
    Math.max(
      ...measurements
        .filter((measurement) => measurement.system === system.name)
        .flatMap(({ servers }) => servers ?? [])
        .filter((usage) => usage.name === name)
        .map(({ peakRssBytes }) => peakRssBytes / 2 ** 20),
    ),
  );
  return `${system.name}: peak memory of each server ${peaks.map((mib) => mib.toFixed(0)).join(", ")} MiB`;
}

async function main(): Promise<void> {
  if (flags.help) return void process.stdout.write(`${HELP}\n`);
  const version = etcdVersion(flags.etcd);
  if (version === null)
    throw new Error(`cannot run "${flags.etcd}": install etcd-server, or name it with --etcd`);
  const cells = placements.flatMap((placement) =>
    list(flags.operations).flatMap((operation) =>
      list(flags.concurrency)
        .map(number)
        .map((concurrency): Cell => ({
          placement,
          operation: operation as BenchOperation,
          concurrency,
        })),
    ),
  );
  const systems = [await startOmnikv(), await startEtcd()];
  const found = new Map<string, Measurement[]>();
  const at = (system: System, cell: Cell): Measurement[] => {
    const name = `${system.name} ${JSON.stringify(cell)}`;
    if (!found.has(name)) found.set(name, []);
    return found.get(name)!;
  };
  try {
    const rounds = number(flags.rounds);
    for (let round = 1; round <= rounds; round++) {
      for (const cell of cells) {
        for (const system of round % 2 === 1 ? systems : systems.toReversed()) {
          const measurement = await measure(system, cell);
          at(system, cell).push(measurement);
          const { operationsPerSecond, latency } = measurement;
          say(
            `round ${round} ${system.name.padEnd(6)} ${cell.operation} ${cell.concurrency} ${cell.placement}: ` +
              `${formatCount(operationsPerSecond)}/s, p50 ${formatMs(latency.p50Us)} ms, p99 ${formatMs(latency.p99Us)} ms`,
          );
        }
      }
    }
    const [omnikv, etcd] = systems as [System, System];
    const all = [...found.values()].flat();
    const rows = cells.map((cell) => rowOf(cell, at(omnikv, cell), at(etcd, cell)));
    process.stdout.write(
      `etcd ${version}, ${flags.size} nodes and the load on ${cpus().length} processors; ${valueBytes}-byte values, ` +
        `${formatCount(keys)} keys; medians of ${rounds} rounds of ${flags.duration} s; ${generatorCount} generator(s)\n` +
        `${alignColumns([HEADER, ...rows])}\n${systems.map((system) => memoryLine(system, all)).join("\n")}\n`,
    );
    if (flags.save !== undefined) {
      writeFileSync(
        flags.save,
        `${JSON.stringify({ etcd: version, flags, measurements: [...found.entries()] })}\n`,
      );
    }
  } finally {
    for (const system of systems) {
      for (const generators of system.generators.values()) await generators.close();
      await system.remove();
    }
  }
}

await main();
