/**
 * How throughput and latency change with the size of values, the number of keys, connections and servers. Every point is
 * one run of `omnikv bench` on a throw-away cluster of its own.
 */
import { formatCount, mebibytes, usAsMs } from "../reports/format.ts";
import { lineChart, type Axis as ChartAxis } from "../reports/line-chart.ts";
import type { Measurement } from "../reports/measurement.ts";
import { countOf } from "../reports/statistics.ts";
import { alignColumns } from "../reports/table.ts";
import { runBench, type BenchFlags } from "./run-omnikv.ts";

export interface Sweep {
  readonly x: ChartAxis;
  readonly title: string;
  readonly subtitle: string;
  readonly points: readonly number[];
  readonly flags: (point: number) => Readonly<Record<string, number>>;
}

/** One point of one sweep, as files keep it. */
export interface Point {
  readonly sweep: string;
  readonly x: number;
  readonly measurements: readonly Measurement[];
}

/** So much data at most, so that large values do not fill the memory. */
const DATA_BYTES_MAX = 64 * 1024 * 1024;

export const SWEEPS: Readonly<Record<string, Sweep>> = {
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

/** @param flags of `omnikv bench`, besides those of the sweep */
export function measurePoint(name: string, x: number, flags: BenchFlags): Point {
  // Filling millions of keys meets pauses that no measured request should.
  const all = { ...SWEEPS[name]?.flags(x), operations: "put,get", timeout: "30s", ...flags };
  const { measurements } = runBench(all) as Pick<Point, "measurements">;
  return { sweep: name, x, measurements };
}

export function scalingTable(sweep: Sweep, points: readonly Point[]): string {
  const head = [sweep.x.label, "operation", "a second", "p50 ms", "p99 ms", "errors", "memory MiB"];
  const rows = points.flatMap(({ x, measurements }) =>
    measurements.map(({ operation, operationsPerSecond, latency, errors, servers }) => [
      formatCount(x),
      operation,
      formatCount(operationsPerSecond),
      usAsMs(latency.p50Us),
      usAsMs(latency.p99Us),
      formatCount(countOf(errors)),
      (servers ?? []).map(({ peakRssBytes }) => mebibytes(peakRssBytes)).join(" "),
    ]),
  );
  return `${sweep.title}: ${sweep.subtitle}\n${alignColumns([head, ...rows])}`;
}

export function scalingPlot(sweep: Sweep, points: readonly Point[]): string {
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
      { y: { label: "p99", unit: "ms" }, series: series(({ latency }) => latency.p99Us / 1000) },
    ],
  });
}
