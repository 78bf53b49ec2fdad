/**
 * This version against another one. A cluster of each runs all the time, with the client of its own version, and short bursts of load
 * go to one and to the other, in pairs: so other load on the machine, and processors whose clock changes, meet both. Both are warmed up
 * first, because the version with more code takes longer until all of it is compiled. All of it is done with several clusters, one
 * after the other: which node leads, and where memory and files happen to lie, makes a cluster some percent quicker or slower for as
 * long as it runs.
 */
import { join } from "node:path";
import { builtModule } from "../../server/launch/index.ts";
import { median } from "../reports/statistics.ts";
import { markdownTable } from "../reports/table.ts";
import { OmnikvCluster } from "../subjects/omnikv-cluster.ts";
import { Generators } from "../workloads/generators.ts";
import type { LoopOptions } from "../workloads/measured-loop.ts";
import type { BenchOperation } from "../workloads/workload.ts";
import { say } from "./entry.ts";

export type Placement = "spread" | "leader";

export interface VersionsOptions {
  /** A checkout of the other version, built. */
  readonly before: string;
  /** Clusters of each version. */
  readonly starts: number;
  /** Pairs of bursts in each cell, with each cluster. */
  readonly rounds: number;
  readonly placements: readonly Placement[];
  readonly operations: readonly BenchOperation[];
  readonly concurrency: readonly number[];
  /** Of each burst. */
  readonly burstMs: number;
  /** Of each version, before anything is measured. */
  readonly warmUpMs: number;
  /** The folder in which the data directories are made; null: one on a real disk. */
  readonly dataDir: string | null;
}

/** One version's servers and the load that goes to them. */
interface Version {
  readonly cluster: OmnikvCluster;
  readonly load: Readonly<Record<Placement, Generators>>;
}

interface Burst {
  readonly rate: number;
  /** Processor time of the three servers for one operation; null: it is not known. */
  readonly serversUs: number | null;
}

const SIZE = 3;
const TIMEOUT_MS = 5000;
/** Before each burst, not counted. */
const LEAD_MS = 150;
const LOAD = { keys: 10_000, valueBytes: 100, warmUpMs: LEAD_MS, seed: 1 } as const;
/** What both do in turn to get warm. */
const WARM_UP = [
  { operation: "put", concurrency: 256 },
  { operation: "get", concurrency: 256 },
  { operation: "put", concurrency: 64 },
  { operation: "get", concurrency: 64 },
] as const;
const WARM_UP_BURST_MS = 1000;
const PLACEMENTS = ["spread", "leader"] as const;

/** @returns the table, and below it the least ratio */
export async function compareVersions(options: VersionsOptions): Promise<string> {
  const rows = options.placements.flatMap((placement) =>
    options.operations.flatMap((operation) =>
      options.concurrency.map((concurrency) => rowOf(placement, operation, concurrency)),
    ),
  );
  for (let i = 0; i < options.starts; i++) await measureRows(rows, options);
  return render(rows);
}

async function measureRows(rows: readonly Row[], options: VersionsOptions): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  try {
    const before = await start(options.before, options.dataDir, ends);
    const now = await start(join(builtModule(""), ".."), options.dataDir, ends);
    await warmUp([before, now], options.warmUpMs);
    for (const row of rows) {
      await measureCell(row, before, now, options);
      say(cellsOf(row).join("  "));
    }
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

/** @param ends gets what ends its processes, the last one first */
async function start(
  build: string,
  parent: string | null,
  ends: (() => Promise<void>)[],
): Promise<Version> {
  const cluster = await OmnikvCluster.start({ size: SIZE, parent, build });
  ends.push(() => cluster.remove());
  const leader = await cluster.leader();
  const all = cluster.nodes.map(({ id }) => id);
  const to = async (pinned: readonly number[]): Promise<Generators> => {
    const generators = await Generators.start(cluster, { pinned, timeoutMs: TIMEOUT_MS });
    ends.push(() => generators.close());
    return generators;
  };
  return { cluster, load: { spread: await to(all), leader: await to([leader]) } };
}

async function warmUp(versions: readonly Version[], ms: number): Promise<void> {
  const bursts = Math.ceil(ms / WARM_UP_BURST_MS);
  for (let i = 0; i < bursts; i++) {
    const loop = WARM_UP[Math.floor(i / 2) % WARM_UP.length] ?? WARM_UP[0];
    for (const version of versions) {
      await burst(version, PLACEMENTS[i % 2] ?? "spread", { ...LOAD, ...loop }, WARM_UP_BURST_MS);
    }
  }
}

/** A cell of the table. */
interface Row {
  readonly placement: Placement;
  readonly loop: Omit<LoopOptions, "durationMs">;
  /** In pairs, of all clusters. */
  readonly before: Burst[];
  readonly now: Burst[];
}

function rowOf(placement: Placement, operation: BenchOperation, concurrency: number): Row {
  return { placement, loop: { ...LOAD, operation, concurrency }, before: [], now: [] };
}

async function measureCell(
  row: Row,
  before: Version,
  now: Version,
  { rounds, burstMs }: VersionsOptions,
): Promise<void> {
  // The first pair gets both used to this load.
  for (let round = -1; round < rounds; round++) {
    const pair = [
      { of: row.before, version: before },
      { of: row.now, version: now },
    ];
    // The one to go first alternates.
    for (const { of, version } of round % 2 === 0 ? pair : pair.toReversed()) {
      const done = await burst(version, row.placement, row.loop, burstMs);
      if (round >= 0) of.push(done);
    }
  }
}

async function burst(
  { cluster, load }: Version,
  placement: Placement,
  loop: Omit<LoopOptions, "durationMs">,
  durationMs: number,
): Promise<Burst> {
  const { processes } = cluster;
  const told = await load[placement].measure({ ...loop, durationMs, servers: processes });
  const { operationsPerSecond, servers, completed, errors } = told;
  const [error] = Object.keys(errors);
  if (error !== undefined) throw new Error(`${cluster.dataDirectory}: requests failed: ${error}`);
  const seconds = servers?.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) ?? null;
  return {
    rate: operationsPerSecond,
    serversUs: seconds === null ? null : (seconds * 1e6) / completed,
  };
}

/** Of each pair: bursts of one pair differ less than the rates do. */
function timesOf({ before, now }: Row): readonly number[] {
  return now.map(({ rate }, i) => rate / (before[i]?.rate ?? Number.NaN));
}

function cellsOf(row: Row): readonly string[] {
  const rate = (bursts: readonly Burst[]): string =>
    String(Math.round(median(bursts.map(({ rate: each }) => each))));
  const used = (bursts: readonly Burst[]): string => {
    const known = bursts.flatMap(({ serversUs }) => (serversUs === null ? [] : [serversUs]));
    return known.length === 0 ? "–" : median(known).toFixed(1);
  };
  const { placement, loop } = row;
  const times = timesOf(row);
  const range = `${Math.min(...times).toFixed(2)} to ${Math.max(...times).toFixed(2)}`;
  return [
    `${loop.operation} ${loop.concurrency} ${placement}`,
    rate(row.before),
    rate(row.now),
    median(times).toFixed(3),
    range,
    used(row.before),
    used(row.now),
  ];
}

function render(rows: readonly Row[]): string {
  const least = Math.min(...rows.map((row) => median(timesOf(row))));
  const head = ["cell", "before /s", "now /s", "times", "pairs", "servers before µs", "now µs"];
  return `${markdownTable(head, rows.map(cellsOf))}\n\nleast: ${least.toFixed(3)} times`;
}
