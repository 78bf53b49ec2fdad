/**
 * Watches of omnikv and of etcd, alternately: many watchers of one key, many watches of single keys, and the cost of one watch on
 * everything to writers and readers. Writers and watchers are in this process, and only count events: so both systems meet the same
 * client.
 */
import { nodeClock } from "../../machine/runtime/index.ts";
import { formatCount } from "../reports/format.ts";
import { LatencyHistogram } from "../reports/histogram.ts";
import { spreadOf } from "../reports/statistics.ts";
import { alignColumns } from "../reports/table.ts";
import type { Cluster } from "../subjects/cluster.ts";
import { EtcdCluster, etcdVersion } from "../subjects/etcd-cluster.ts";
import { EtcdWatches } from "../subjects/etcd-watches.ts";
import { OmnikvCluster } from "../subjects/omnikv-cluster.ts";
import { OmnikvWatches } from "../subjects/omnikv-watches.ts";
import type { Watches } from "../subjects/watches.ts";
import { runClosedLoop } from "../workloads/measured-loop.ts";
import type { Target } from "../workloads/target.ts";
import { benchKey, type BenchOperation } from "../workloads/workload.ts";
import { say } from "./entry.ts";

export interface WatchesOptions {
  readonly systems: readonly ("omnikv" | "etcd")[];
  readonly rounds: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
  /** How many watch one key. */
  readonly watchers: number;
  /** How many watches of single keys there are; each number is measured. */
  readonly watches: readonly number[];
  /** All watches are dealt out over so many, and these over the nodes. */
  readonly connections: number;
  /** How many put and get at once beside a watch on everything. */
  readonly concurrency: number;
  readonly valueBytes: number;
  /** The program. */
  readonly etcd: string;
  readonly dataDir: string | null;
}

/** What was measured of one system, by the name of the cell: one figure for each round. */
export type WatchFigures = Record<string, Record<string, number[]>>;

type Key = { readonly key: Uint8Array; readonly end: Uint8Array | null };

const SIZE = 3;
const KEYS = 10_000;
const EVERYTHING: Key = { key: new Uint8Array(1), end: new Uint8Array(1) };
const EVENT_MAX_MS = 10_000;

/** @param keep called after each figure */
export async function measureWatches(
  options: WatchesOptions,
  keep: (figures: WatchFigures) => void,
): Promise<WatchFigures> {
  const { systems, etcd: program, dataDir: parent } = options;
  if (systems.includes("etcd") && etcdVersion(program) === null) {
    throw new Error(
      `cannot run "${program}": install etcd-server, name it with --etcd, or leave it out with --systems omnikv`,
    );
  }
  const figures: WatchFigures = {};
  const clusters: Cluster[] = [];
  try {
    for (const system of systems) {
      clusters.push(
        system === "omnikv"
          ? await OmnikvCluster.start({ size: SIZE, parent })
          : await EtcdCluster.start({ program, size: SIZE, parent }),
      );
    }
    for (const cluster of clusters) await cluster.leader();
    for (let round = 1; round <= options.rounds; round++) {
      for (const cluster of round % 2 === 1 ? clusters : clusters.toReversed()) {
        await measureOne(cluster, options, (cell, figure, unit) => {
          ((figures[cell] ??= {})[cluster.system] ??= []).push(figure);
          say(`round ${round}, ${cell}, ${cluster.system}: ${formatCount(figure)} ${unit}`);
          keep(figures);
        });
      }
    }
  } finally {
    for (const cluster of clusters) await cluster.remove();
  }
  return figures;
}

type Found = (cell: string, figure: number, unit: string) => void;

async function measureOne(cluster: Cluster, options: WatchesOptions, found: Found): Promise<void> {
  const { watchers, watches, concurrency } = options;
  const target = cluster.connect();
  try {
    const perSecond = await fanOut(cluster, target, options);
    found(`${watchers} watchers of one key: events a second`, perSecond, "/s");
    for (const count of watches) {
      const us = await putToEvent(cluster, target, count, options);
      found(`${count} watches of single keys: µs from put to event, p50`, us, "µs");
    }
    for (const operation of ["put", "get"] as const) {
      const cell = `${operation} a second, ${concurrency} at a time`;
      found(cell, await rate(target, operation, options), "/s");
      const watching = await watch(cluster, [EVERYTHING], 1, () => {});
      try {
        found(`${cell}, with a watch on everything`, await rate(target, operation, options), "/s");
      } finally {
        for (const each of watching) each.close();
      }
    }
  } finally {
    target.close();
  }
}

async function rate(
  target: Target,
  operation: BenchOperation,
  { concurrency, valueBytes, warmUpMs, durationMs }: WatchesOptions,
): Promise<number> {
  const loop = { operation, concurrency, keys: KEYS, valueBytes, seed: 1, warmUpMs, durationMs };
  const { completed, seconds } = await runClosedLoop(target, loop, nodeClock);
  return completed / seconds;
}

/** One writer, that waits for each of its puts, and many who are told of each. */
async function fanOut(
  cluster: Cluster,
  target: Target,
  { watchers, connections, valueBytes, warmUpMs, durationMs }: WatchesOptions,
): Promise<number> {
  let told = 0;
  let counted = 0;
  const keys = Array.from({ length: watchers }, () => ({ key: benchKey(0), end: null }));
  const watching = await watch(cluster, keys, connections, (count) => {
    told += count;
  });
  try {
    const loop = { concurrency: 1, keys: 1, valueBytes, seed: 1, warmUpMs, durationMs };
    const { seconds } = await runClosedLoop(
      target,
      { operation: "put", ...loop },
      nodeClock,
      (phase) => {
        counted = phase === "begin" ? told : told - counted;
      },
    );
    return counted / seconds;
  } finally {
    for (const each of watching) each.close();
  }
}

/** One put after the other, each of a key that one watch is for. @returns microseconds */
async function putToEvent(
  cluster: Cluster,
  target: Target,
  count: number,
  { connections, valueBytes, warmUpMs, durationMs }: WatchesOptions,
): Promise<number> {
  let onEvent: () => void = () => {};
  const keys = Array.from({ length: count }, (_, i) => ({ key: benchKey(i), end: null }));
  const watching = await watch(cluster, keys, connections, () => onEvent());
  const value = new Uint8Array(valueBytes).fill(0x61);
  const latency = new LatencyHistogram();
  try {
    const beganMs = performance.now();
    const endMs = beganMs + warmUpMs + durationMs;
    for (let i = 0; performance.now() < endMs; i++) {
      const putMs = performance.now();
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("no event came")), EVENT_MAX_MS);
        let left = 2;
        const done = (): void => {
          if (--left > 0) return;
          clearTimeout(timer);
          resolve();
        };
        onEvent = () => {
          if (putMs - beganMs >= warmUpMs) latency.record((performance.now() - putMs) * 1000);
          done();
        };
        target.put(0, benchKey((i * 7919) % count), value, (error) =>
          error === null ? done() : reject(new Error(error)),
        );
      });
    }
  } finally {
    for (const each of watching) each.close();
  }
  return latency.quantileUs(0.5);
}

/** Dealt out over connections, and these over the nodes. */
async function watch(
  { system, nodes }: Cluster,
  keys: readonly Key[],
  connections: number,
  onEvents: (count: number) => void,
): Promise<readonly Watches[]> {
  const watching: Watches[] = [];
  await Promise.all(
    Array.from({ length: connections }, (_, i) => {
      const node = nodes[i % nodes.length];
      if (node === undefined) throw new Error("a cluster has nodes");
      const made =
        system === "etcd"
          ? new EtcdWatches(node.host, node.port, onEvents)
          : new OmnikvWatches(node, onEvents);
      watching.push(made);
      return made.create(keys.filter((_key, at) => at % connections === i));
    }),
  );
  return watching;
}

export function renderWatches(figures: WatchFigures): string {
  const systems = [...new Set(Object.values(figures).flatMap((cell) => Object.keys(cell)))];
  const rows = Object.entries(figures).map(([cell, bySystem]) => [
    cell,
    ...systems.map((system) => {
      const all = bySystem[system] ?? [];
      return all.length === 0 ? "–" : formatCount(spreadOf(all).median);
    }),
  ]);
  return alignColumns([["median", ...systems], ...rows]);
}
