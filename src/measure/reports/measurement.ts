/** Results as people and programs read them. */
import { formatCount, mebibytes, usAsMs } from "./format.ts";
import type { LatencyHistogram } from "./histogram.ts";
import { alignColumns } from "./table.ts";
import type { BenchOperation } from "../workloads/workload.ts";

export interface Usage {
  readonly name: string;
  /** Processor time in user space and in the kernel, within the measured time. */
  readonly cpuSeconds: number;
  /** The most memory that was resident, so far. */
  readonly peakRssBytes: number;
}

export interface Latencies {
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

/** One row: one operation at one concurrency. */
export interface Measurement {
  readonly system: string;
  readonly operation: BenchOperation;
  readonly concurrency: number;
  readonly valueBytes: number;
  readonly keys: number;
  readonly generators: number;
  readonly connections: number;
  readonly seconds: number;
  readonly completed: number;
  readonly operationsPerSecond: number;
  readonly latency: Latencies;
  readonly errors: Readonly<Record<string, number>>;
  /** Null: they do not run on this machine, or it does not tell. */
  readonly servers: readonly Usage[] | null;
  readonly client: Usage | null;
}

export function latenciesOf(histogram: LatencyHistogram): Latencies {
  return {
    p50Us: histogram.quantileUs(0.5),
    p90Us: histogram.quantileUs(0.9),
    p99Us: histogram.quantileUs(0.99),
    p999Us: histogram.quantileUs(0.999),
    maxUs: histogram.maxUs,
  };
}

const COLUMNS = [
  "operation",
  "at once",
  "ops/s",
  "p50 ms",
  "p90 ms",
  "p99 ms",
  "p99.9 ms",
  "max ms",
  "errors",
  "server CPU s",
  "server peak MiB",
  "client CPU s",
  "client peak MiB",
] as const;

/** A table; the first column is flush left, the others flush right. */
export function renderTable(measurements: readonly Measurement[]): string {
  return alignColumns([COLUMNS, ...measurements.map(cellsOf)]);
}

function cellsOf(measurement: Measurement): readonly string[] {
  const { operation, concurrency, operationsPerSecond, latency, errors } = measurement;
  const { servers, client } = measurement;
  return [
    operation,
    String(concurrency),
    formatCount(operationsPerSecond),
    usAsMs(latency.p50Us),
    usAsMs(latency.p90Us),
    usAsMs(latency.p99Us),
    usAsMs(latency.p999Us),
    usAsMs(latency.maxUs),
    errorsText(errors),
    servers === null ? "?" : servers.map(({ cpuSeconds }) => cpuSeconds.toFixed(2)).join(" "),
    servers === null ? "?" : servers.map(({ peakRssBytes }) => mebibytes(peakRssBytes)).join(" "),
    client === null ? "?" : client.cpuSeconds.toFixed(2),
    client === null ? "?" : mebibytes(client.peakRssBytes),
  ];
}

function errorsText(errors: Readonly<Record<string, number>>): string {
  const entries = Object.entries(errors);
  return entries.length === 0 ? "0" : entries.map(([code, count]) => `${count} ${code}`).join(", ");
}
