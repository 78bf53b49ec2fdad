/**
 * How throughput and latency change with the size of values, the number of keys, connections and servers:
 * `npx tsx scripts/scaling.ts --help`. Every point is one run of `omnikv bench` on a throw-away cluster of its own.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { alignColumns, formatCount, formatMs, type Measurement } from "../src/bench/report.ts";
import { lineChart, type Axis as ChartAxis } from "./plot/line-chart.ts";

const ROOT = resolve(import.meta.dirname, "..");

const HELP = `Usage: npx tsx scripts/scaling.ts [options]   (npm run build first)

  --only LIST       value-size,keys,connections,cluster-size
  --duration TIME   3s, after --warm-up TIME, 3s
  --quick           the first three points of each, one second each
  --data-dir DIR    on a real disk
  --append FILE     one JSON line for each point; points in it are not measured again
  --report FILE     measures nothing: prints the tables of the file
  --plots DIR       docs/images`;

interface Sweep {
  readonly x: ChartAxis;
  readonly title: string;
  readonly subtitle: string;
  readonly points: readonly number[];
  readonly flags: (point: number) => Readonly<Record<string, number>>;
}

/** So much data at most, so that large values do not fill the memory. */
const DATA_BYTES_MAX = 64 * 1024 * 1024;

const SWEEPS: Readonly<Record<string, Sweep>> = {
  "value-size": {
    x: { label: "bytes of a value", unit: "bytes", scale: "log" },
    title: "Size of values",
    subtitle: "16 requests at once, spread over three nodes",
    points: [16, 100, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576],
    flags: (bytes) => ({
      "value-bytes": bytes,
      keys: Math.min(10_000, Math.floor(DATA_BYTES_MAX / bytes)),
      concurrency: 16,
    }),
  },
  keys: {
    x: { label: "keys", unit: "count", scale: "log" },
    title: "Number of keys",
    subtitle: "100-byte values, 256 requests at once, spread over three nodes",
    points: [1000, 10_000, 100_000, 1_000_000, 5_000_000],
    flags: (keys) => ({ keys, concurrency: 256 }),
  },
  connections: {
    x: { label: "connections", unit: "count", scale: "log" },
    title: "Number of connections",
    subtitle: "100-byte values, 2,000 requests at once, spread over three nodes",
    points: [1, 10, 100, 500, 1000, 2000],
    flags: (connections) => ({ connections, concurrency: 2000 }),
  },
  "cluster-size": {
    x: { label: "servers", unit: "count" },
    title: "Number of servers",
    subtitle: "100-byte values, 256 requests at once, spread over the nodes, all on two processors",
    points: [1, 3, 5, 7],
    flags: (size) => ({ size, concurrency: 256 }),
  },
};

interface Point {
  readonly sweep: string;
  readonly x: number;
  readonly measurements: readonly Measurement[];
}

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(SWEEPS).join(",") },
    duration: { type: "string", default: "3s" },
    "warm-up": { type: "string", default: "3s" },
    quick: { type: "boolean", default: false },
    "data-dir": { type: "string" },
    append: { type: "string" },
    report: { type: "string" },
    plots: { type: "string", default: resolve(ROOT, "docs/images") },
    help: { type: "boolean", default: false },
  },
});

function readPoints(file: string | undefined): Point[] {
  if (file === undefined || !existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Point);
}

function measure(sweep: Sweep, x: number): readonly Measurement[] {
  const times = flags.quick ? ["1s", "1s"] : [flags.duration, flags["warm-up"]];
  const args = Object.entries({
    ...sweep.flags(x),
    operations: "put,get",
    duration: times[0],
    "warm-up": times[1],
    // Filling millions of keys meets pauses that no measured request should.
    timeout: "30s",
    ...(flags["data-dir"] === undefined ? {} : { "data-dir": flags["data-dir"] }),
  }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const program = resolve(ROOT, "dist/bin/omnikv.js");
  const child = spawnSync(process.execPath, [program, "bench", "--json", ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (child.status !== 0) throw new Error(`omnikv bench ${args.join(" ")}: ${child.stderr}`);
  return (JSON.parse(child.stdout) as { measurements: readonly Measurement[] }).measurements;
}

const p99Ms = ({ latency }: Measurement): number => latency.p99Us / 1000;
const errorsOf = ({ errors }: Measurement): number =>
  Object.values(errors).reduce((a, b) => a + b, 0);

function tableOf(sweep: Sweep, points: readonly Point[]): string {
  const head = [sweep.x.label, "operation", "a second", "p50 ms", "p99 ms", "errors", "memory MiB"];
  const rows = points.flatMap(({ x, measurements }) =>
    measurements.map((measurement) => [
      formatCount(x),
      measurement.operation,
      formatCount(measurement.operationsPerSecond),
      formatMs(measurement.latency.p50Us),
      formatMs(measurement.latency.p99Us),
      formatCount(errorsOf(measurement)),
      (measurement.servers ?? [])
        .map(({ peakRssBytes }) => formatCount(peakRssBytes / 1024 / 1024))
        .join(" "),
    ]),
  );
  return `${sweep.title}: ${sweep.subtitle}\n${alignColumns([head, ...rows])}`;
}

function plotOf(sweep: Sweep, points: readonly Point[]): string {
  const series = (pick: (measurement: Measurement) => number) =>
    ["put", "get"].map((name) => ({
      name,
      points: points.map(({ x, measurements }) => {
        const found = measurements.find(({ operation }) => operation === name);
        return [x, found === undefined ? null : pick(found)] as const;
      }),
    }));
  return lineChart({
    title: sweep.title,
    subtitle: sweep.subtitle,
    x: sweep.x,
    panels: [
      {
        y: { label: "operations a second", unit: "count" },
        series: series(({ operationsPerSecond }) => operationsPerSecond),
      },
      { y: { label: "p99", unit: "ms" }, series: series(p99Ms) },
    ],
  });
}

function main(): string {
  if (flags.help) return HELP;
  const points = readPoints(flags.report ?? flags.append);
  const names = flags.only.split(",");
  const unknown = names.find((name) => SWEEPS[name] === undefined);
  if (unknown !== undefined) throw new Error(`--only: there is no "${unknown}"\n\n${HELP}`);
  const report: string[] = [];
  for (const name of names) {
    const sweep = SWEEPS[name]!;
    for (const x of flags.quick ? sweep.points.slice(0, 3) : sweep.points) {
      const known = points.some((point) => point.sweep === name && point.x === x);
      if (flags.report !== undefined || known) continue;
      const point = { sweep: name, x, measurements: measure(sweep, x) };
      points.push(point);
      if (flags.append !== undefined) appendFileSync(flags.append, `${JSON.stringify(point)}\n`);
      process.stderr.write(`${name} ${formatCount(x)}: done\n`);
    }
    const measured = points.filter((point) => point.sweep === name).toSorted((a, b) => a.x - b.x);
    if (measured.length === 0) continue;
    report.push(tableOf(sweep, measured));
    writeFileSync(resolve(flags.plots, `scaling-${name}.svg`), plotOf(sweep, measured));
  }
  return report.join("\n\n");
}

console.log(main());
