/** Results as people and programs read them. */
import type { LatencyHistogram } from "./histogram.ts";
import type { BenchOperation } from "./workload.ts";

export interface Usage {
  readonly name: string;
  /** Of user and system, within the measured time. */
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

export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cellsOf(measurement: Measurement): readonly string[] {
  const { operation, concurrency, operationsPerSecond, latency, errors } = measurement;
  const { servers, client } = measurement;
  return [
    operation,
    String(concurrency),
    formatCount(operationsPerSecond),
    formatMs(latency.p50Us),
    formatMs(latency.p90Us),
    formatMs(latency.p99Us),
    formatMs(latency.p999Us),
    formatMs(latency.maxUs),
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

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

export function formatMs(us: number): string {
  const ms = us / 1000;
  return ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

function mebibytes(bytes: number): string {
  return String(Math.round(bytes / (1024 * 1024)));
}
