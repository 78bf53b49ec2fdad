/**
 * omnikv against etcd, in one run, alternately. The clusters live for the whole run, each measured while the others idle;
 * every cell is measured once in each round, in turn (and the one to go first alternates), so that other load on the machine meets
 * all of them.
 */
import { rmSync } from "node:fs";
import { cpus } from "node:os";
import { formatCount, usAsMs } from "../reports/format.ts";
import { isInMemory, makeDataDirectory } from "../subjects/data-directory.ts";
import { etcdVersion } from "../subjects/etcd-cluster.ts";
import { redisVersion } from "../subjects/redis-cluster.ts";
import type { BenchOperation } from "../workloads/workload.ts";
import type { CellMeasurement, Results, Setting } from "./comparison.ts";
import { say } from "./entry.ts";
import { measureSync, type SyncLatency } from "./sync-latency.ts";
import {
  startSystem,
  stopSystem,
  type Placement,
  type System,
  type SystemName,
  type SystemOptions,
} from "./systems.ts";

export interface Cell {
  readonly placement: Placement;
  readonly operation: BenchOperation;
  readonly concurrency: number;
}

export interface BesideOptions extends SystemOptions {
  readonly systems: readonly SystemName[];
  readonly cells: readonly Cell[];
  readonly rounds: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
}

/**
 * @param earlier results of the same setting, to which these are added
 * @param keep called after each measurement: what was measured survives an interruption
 * @throws Error when the earlier results are of another setting: medians of both would mean nothing
 */
export async function measureBesideEtcd(
  options: BesideOptions,
  earlier: Results | null,
  keep: (results: Results) => void,
): Promise<Results> {
  const setting = settingOf(options);
  if (earlier !== null && JSON.stringify(earlier.setting) !== JSON.stringify(setting)) {
    throw new Error(`the earlier part was measured with ${JSON.stringify(earlier.setting)}`);
  }
  const before: Results = earlier ?? { benchVsEtcd: 1, setting, pieces: [] };
  const sync = syncLatency(options.dataDir);
  const systems: System[] = [];
  const resultsWith = (measurements: readonly CellMeasurement[]): Results => ({
    ...before,
    pieces: [...before.pieces, { sync, measurements }],
  });
  try {
    for (const name of options.systems) {
      if (name === "echo" && !options.placements.includes("spread")) continue;
      if (name === "redis" && !hasRedis(options)) continue;
      systems.push(await startSystem(name, options));
    }
    const found = await measureAll(systems, options, (soFar) => keep(resultsWith(soFar)));
    return resultsWith(found);
  } finally {
    for (const system of systems) await stopSystem(system);
  }
}

function hasRedis({ redis }: BesideOptions): boolean {
  const version = redisVersion(redis);
  say(version === null ? `redis: skipped, there is no "${redis}" to run` : `redis: ${version}`);
  return version !== null;
}

function settingOf({
  systems,
  etcd,
  size,
  keys,
  valueBytes,
  durationMs,
  generators,
}: BesideOptions): Setting {
  const version = etcdVersion(etcd);
  if (version === null && systems.includes("etcd")) {
    throw new Error(`cannot run "${etcd}": install etcd-server, or name it with --etcd`);
  }
  const machine = { node: process.version, processors: cpus().length };
  return {
    etcd: version ?? "left out",
    ...machine,
    size,
    keys,
    valueBytes,
    durationMs,
    generators,
  };
}

async function measureAll(
  systems: readonly System[],
  options: BesideOptions,
  keep: (soFar: readonly CellMeasurement[]) => void,
): Promise<readonly CellMeasurement[]> {
  const found: CellMeasurement[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const cell of options.cells) {
      for (const system of round % 2 === 1 ? systems : systems.toReversed()) {
        if (!takesPart(system, cell)) continue;
        const measurement = await measure(system, cell, options);
        found.push(measurement);
        keep(found);
        const { operationsPerSecond, latency, errors } = measurement;
        const failed = Object.keys(errors).length === 0 ? "" : `, ${JSON.stringify(errors)}`;
        say(
          `round ${round}, ${cell.operation} ${cell.concurrency} ${cell.placement}, ${system.name}: ` +
            `${formatCount(operationsPerSecond)}/s, p50 ${usAsMs(latency.p50Us)} ms, ` +
            `p99 ${usAsMs(latency.p99Us)} ms${failed}`,
        );
      }
    }
  }
  return found;
}

/** Which cells a system has: the echo has no gets and no leader, and of Redis only puts are measured. */
function takesPart({ name }: System, { operation, placement }: Cell): boolean {
  if (name === "redis") return operation === "put";
  return name !== "echo" || (operation === "put" && placement === "spread");
}

async function measure(
  { name, cluster, generators }: System,
  { operation, concurrency, placement }: Cell,
  { keys, valueBytes, warmUpMs, durationMs }: BesideOptions,
): Promise<CellMeasurement> {
  const asked = generators.get(placement);
  if (asked === undefined) throw new Error(`${name} has no generators for ${placement}`);
  const loop = { operation, concurrency, keys, valueBytes, seed: 1, warmUpMs, durationMs };
  const measurement = await asked.measure({ ...loop, servers: cluster.processes });
  return { ...measurement, system: name, placement };
}

function syncLatency(parent: string | null): SyncLatency {
  const directory = makeDataDirectory(parent);
  try {
    if (isInMemory(directory)) say("data is in memory: syncs cost nothing");
    return measureSync(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
