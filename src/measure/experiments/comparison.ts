/** What `bench-vs-etcd` keeps in its file, and the tables made of it. */
import { formatCount, mebibytes, usAsMs } from "../reports/format.ts";
import { alignColumns } from "../reports/table.ts";
import type { Measurement } from "../reports/measurement.ts";
import { countOf, median, sum } from "../reports/statistics.ts";
import type { SyncLatency } from "./sync-latency.ts";
import { PLACEMENTS, type Placement, type SystemName } from "./systems.ts";

export interface Setting {
  readonly etcd: string;
  readonly node: string;
  readonly processors: number;
  readonly size: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly durationMs: number;
  readonly generators: number;
}

export interface CellMeasurement extends Measurement {
  readonly system: SystemName;
  readonly placement: Placement;
}

/** One run of the script. */
interface Piece {
  readonly sync: SyncLatency;
  readonly measurements: readonly CellMeasurement[];
}

export interface Results {
  readonly benchVsEtcd: 1;
  readonly setting: Setting;
  readonly pieces: readonly Piece[];
}

interface Goal {
  readonly operation: string;
  readonly concurrency: number;
  readonly ratio: number;
}

const GOALS: readonly Goal[] = ["put", "get", "mix"].flatMap((operation) => [
  ...(operation === "mix" ? [] : [{ operation, concurrency: 1, ratio: 1 }]),
  { operation, concurrency: 64, ratio: 2 },
  { operation, concurrency: 256, ratio: 3 },
  { operation, concurrency: 1024, ratio: 3 },
]);

/**
 * etcd 3.5.16 with its client in Go, on the same kind of machine but on another day: operations per second. A ratio to
 * these says less than one within a run.
 */
const ETCD_35: Readonly<Record<string, number>> = {
  "put 1": 1391,
  "put 64": 11_500,
  "put 256": 16_200,
  "put 1024": 21_600,
  "get 1": 3190,
  "get 64": 28_900,
  "get 256": 39_000,
  "get 1024": 36_300,
  "mix 256": 17_100,
};

const HEADER = [
  "",
  "at once",
  "omnikv/s",
  "etcd/s",
  "ratio",
  "goal",
  "",
  "p50 ms",
  "p99 ms",
  "server CPU µs/op",
  "rounds",
  "errors",
  "to 3.5.16*",
];

const REDIS_HEADER = ["", "at once", "omnikv/s", "Redis/s", "ratio", "p50 ms", "p99 ms", "errors"];

export function renderComparison({ setting, pieces }: Results): string {
  const all = pieces.flatMap(({ measurements }) => measurements);
  const { etcd, node, processors, size, keys, valueBytes, durationMs, generators } = setting;
  const parts = [
    `omnikv : etcd ${etcd}; ${size} nodes and the load on ${processors} processors, Node.js ${node}; ` +
      `${valueBytes}-byte values, ${formatCount(keys)} keys; medians of measurements of ${durationMs / 1000} s; ` +
      `${generators} generator(s)`,
  ];
  for (const placement of PLACEMENTS) {
    const here = all.filter((measurement) => measurement.placement === placement);
    const rows = GOALS.flatMap((goal) => rowOf(goal, here));
    const beside = GOALS.flatMap(({ operation, concurrency }) =>
      besideRedis(operation, concurrency, here),
    );
    const where = placement === "spread" ? "load spread over the nodes" : "all load on the leader";
    if (rows.length > 0) parts.push(`${where}\n${alignColumns([HEADER, ...rows])}`);
    if (beside.length > 0) parts.push(`${where}\n${alignColumns([REDIS_HEADER, ...beside])}`);
  }
  parts.push("* another run on another day: etcd 3.5.16 with its client in Go; see docs");
  parts.push(["omnikv", "etcd", "redis"].flatMap((name) => memoryLine(name, all)).join("\n"));
  parts.push(renderLimits(pieces, all));
  return parts.join("\n\n");
}

function select(
  all: readonly CellMeasurement[],
  system: string,
  operation: string,
  concurrency: number,
): readonly CellMeasurement[] {
  return all.filter(
    (each) =>
      each.system === system && each.operation === operation && each.concurrency === concurrency,
  );
}

function rowOf(goal: Goal, all: readonly CellMeasurement[]): readonly (readonly string[])[] {
  const { operation, concurrency } = goal;
  const ours = select(all, "omnikv", operation, concurrency);
  const theirs = select(all, "etcd", operation, concurrency);
  if (ours.length === 0 || theirs.length === 0) return [];
  const both = (pick: (measurement: Measurement) => number): readonly [number, number] => [
    median(ours.map(pick)),
    median(theirs.map(pick)),
  ];
  const [rate, etcdRate] = both(({ operationsPerSecond }) => operationsPerSecond);
  const p50 = both(({ latency }) => latency.p50Us);
  const p99 = both(({ latency }) => latency.p99Us);
  const reached = rate / etcdRate >= goal.ratio && (concurrency > 1 || p50[0] <= p50[1]);
  const published = ETCD_35[`${operation} ${concurrency}`];
  return [
    [
      operation,
      String(concurrency),
      formatCount(rate),
      formatCount(etcdRate),
      `${(rate / etcdRate).toFixed(2)}x`,
      `${goal.ratio}x`,
      `${reached ? "reached" : "missed"}${p99[0] <= p99[1] ? "" : ", p99 higher"}`,
      p50.map(usAsMs).join(" : "),
      p99.map(usAsMs).join(" : "),
      both(serverUsPerOperation)
        .map((us) => us.toFixed(0))
        .join(" : "),
      String(Math.min(ours.length, theirs.length)),
      `${errorsOf(ours)} : ${errorsOf(theirs)}`,
      published === undefined ? "" : `${(rate / published).toFixed(2)}x`,
    ],
  ];
}

/** Redis with `appendfsync always` and `WAIT 1`, which promises less. */
function besideRedis(
  operation: string,
  concurrency: number,
  all: readonly CellMeasurement[],
): readonly (readonly string[])[] {
  const ours = select(all, "omnikv", operation, concurrency);
  const theirs = select(all, "redis", operation, concurrency);
  if (ours.length === 0 || theirs.length === 0) return [];
  const both = (pick: (measurement: Measurement) => number): readonly [number, number] => [
    median(ours.map(pick)),
    median(theirs.map(pick)),
  ];
  const [rate, redisRate] = both(({ operationsPerSecond }) => operationsPerSecond);
  return [
    [
      operation,
      String(concurrency),
      formatCount(rate),
      formatCount(redisRate),
      `${(rate / redisRate).toFixed(2)}x`,
      both(({ latency }) => latency.p50Us)
        .map(usAsMs)
        .join(" : "),
      both(({ latency }) => latency.p99Us)
        .map(usAsMs)
        .join(" : "),
      `${errorsOf(ours)} : ${errorsOf(theirs)}`,
    ],
  ];
}

function serverUsPerOperation({ servers, completed }: Measurement): number {
  const cpu = sum((servers ?? []).map(({ cpuSeconds }) => cpuSeconds));
  return (cpu / Math.max(1, completed)) * 1e6;
}

function errorsOf(measurements: readonly Measurement[]): number {
  return sum(measurements.map(({ errors }) => countOf(errors)));
}

function memoryLine(system: string, all: readonly CellMeasurement[]): readonly string[] {
  const peaks = new Map<string, number>();
  for (const measurement of all.filter((each) => each.system === system)) {
    for (const { name, peakRssBytes } of measurement.servers ?? []) {
      peaks.set(name, Math.max(peaks.get(name) ?? 0, peakRssBytes));
    }
  }
  const texts = [...peaks.values()].map((bytes) => mebibytes(bytes));
  if (texts.length === 0) return [];
  return [`${system}: peak resident memory of each server ${texts.join(", ")} MiB`];
}

/** Against what the machine gives at best: a sync, a round trip, an echo. */
function renderLimits(pieces: readonly Piece[], all: readonly CellMeasurement[]): string {
  const echo = (concurrency: number): readonly CellMeasurement[] =>
    select(all, "echo", "put", concurrency);
  if (echo(1).length === 0) return "the bare echo was not measured";
  const syncUs = median(pieces.map(({ sync }) => sync.p50Us));
  const roundTripUs = median(echo(1).map(({ latency }) => latency.p50Us));
  const floorUs = syncUs + 2 * roundTripUs;
  const lines = [
    `one write and fdatasync of 4 KiB: p50 ${usAsMs(syncUs)} ms; a ws round trip: p50 ${usAsMs(roundTripUs)} ms; ` +
      `one sync and two round trips: ${usAsMs(floorUs)} ms`,
  ];
  for (const placement of PLACEMENTS) {
    const here = all.filter((each) => each.placement === placement);
    const puts = select(here, "omnikv", "put", 1);
    if (puts.length === 0) continue;
    const p50Us = median(puts.map(({ latency }) => latency.p50Us));
    lines.push(
      `put at concurrency 1, ${placement}: p50 ${usAsMs(p50Us)} ms, ${(p50Us / floorUs).toFixed(2)} times that`,
    );
  }
  const rows = [64, 256, 1024].flatMap((concurrency) => {
    const spread = all.filter(({ placement }) => placement === "spread");
    const found = ["echo", "omnikv"].map((system) => {
      const measurements = select(spread, system, "put", concurrency);
      if (measurements.length === 0) return null;
      return median(measurements.map(({ operationsPerSecond }) => operationsPerSecond));
    });
    const [limit = null, rate = null] = found;
    if (limit === null || rate === null) return [];
    const percent = `${((rate / limit) * 100).toFixed(0)} %`;
    return [["put", String(concurrency), formatCount(limit), formatCount(rate), percent]];
  });
  lines.push(alignColumns([["", "at once", "bare echo/s", "omnikv/s", "of the echo"], ...rows]));
  return lines.join("\n");
}
