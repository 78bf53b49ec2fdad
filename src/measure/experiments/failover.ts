/**
 * The leader dies under load. Writes are sent at a fixed rate, without waiting for earlier ones: a loop that waits for answers
 * would measure the time-outs of its requests, not the cluster. The result is the longest time without any acknowledged write.
 */
import { nodeClock } from "../../machine/runtime/index.ts";
import { Acknowledgements, longestGap } from "../faults/gaps.ts";
import { formatCount } from "../reports/format.ts";
import { spreadOf } from "../reports/statistics.ts";
import { alignColumns } from "../reports/table.ts";
import type { Cluster } from "../subjects/cluster.ts";
import { EtcdCluster, etcdVersion } from "../subjects/etcd-cluster.ts";
import { OmnikvCluster } from "../subjects/omnikv-cluster.ts";
import { startOpenLoop } from "../workloads/open-loop.ts";
import { benchKey } from "../workloads/workload.ts";
import { say } from "./entry.ts";
import { pause } from "../pause.ts";

export interface FailoverOptions {
  /** How often the leader of each system is killed. */
  readonly kills: number;
  /** Writes a second. */
  readonly rate: number;
  /** The program. */
  readonly etcd: string;
  readonly dataDir: string | null;
}

/** Milliseconds, one for each kill. */
export interface Gaps {
  readonly omnikv: readonly number[];
  readonly etcd: readonly number[];
  readonly version: string;
}

const SIZE = 3;
const STEADY_MS = 700;
const RESUMED_MS = 500;
const RESUME_MAX_MS = 30_000;
const HEALTHY_MAX_MS = 30_000;
const POLL_MS = 20;
const VALUE = new Uint8Array(100).fill(0x61);
const KEYS = 1000;
const GOAL = 1 / 3;

/**
 * Kills the leaders of both in turn.
 * @param before what was measured earlier, with the same version of etcd
 * @param keep called after each kill, so that an interruption costs one kill
 */
export async function measureFailover(
  options: FailoverOptions,
  before: Gaps | null,
  keep: (gaps: Gaps) => void,
): Promise<Gaps> {
  const { etcd: program, dataDir: parent, rate } = options;
  const version = etcdVersion(program);
  if (version === null) throw new Error(`cannot run "${program}"`);
  if (before !== null && before.version !== version) {
    throw new Error(`the earlier part was measured with etcd ${before.version}`);
  }
  const gaps = { omnikv: [...(before?.omnikv ?? [])], etcd: [...(before?.etcd ?? [])], version };
  const omnikv = await OmnikvCluster.start({ size: SIZE, parent });
  const clusters: Cluster[] = [omnikv];
  try {
    const etcd = await EtcdCluster.start({ program, size: SIZE, parent });
    clusters.push(etcd);
    for (let kill = 1; kill <= options.kills; kill++) {
      for (const cluster of [omnikv, etcd]) {
        const ms = await killLeader(cluster, rate);
        gaps[cluster.system].push(ms);
        say(`kill ${kill}, ${cluster.system}: ${formatCount(ms)} ms`);
        keep(gaps);
      }
    }
  } finally {
    for (const cluster of clusters) await cluster.remove();
  }
  return gaps;
}

/** @returns milliseconds: the longest time without an acknowledged write around the death of the leader */
async function killLeader(cluster: Cluster, writesPerSecond: number): Promise<number> {
  const leader = await cluster.leader();
  const target = cluster.connect();
  const acknowledged = new Acknowledgements();
  let caller = 0;
  const endLoad = startOpenLoop({
    clock: nodeClock,
    perSecond: writesPerSecond,
    send: () => {
      caller += 1;
      target.put(caller, benchKey(caller % KEYS), VALUE, (error) => {
        if (error === null) acknowledged.add(performance.now());
      });
      return 1;
    },
  });
  try {
    await until("writes before the kill", () => (acknowledged.count > 0 ? true : null));
    await pause(STEADY_MS);
    const killedMs = performance.now();
    await cluster.kill(leader);
    return await until("writes after the kill", () => resumedAfter(acknowledged, killedMs));
  } finally {
    endLoad();
    target.close();
    await cluster.restart(leader);
    await untilHealthy(cluster);
  }
}

/** @returns the longest gap that ended after the kill; null: writes have not gone on for long enough */
function resumedAfter(acknowledged: Acknowledgements, killedMs: number): number | null {
  const since = acknowledged.between(killedMs, Infinity);
  const last = since.at(-1);
  if (last === undefined) return null;
  const before = acknowledged.between(0, killedMs).at(-1) ?? killedMs;
  const { fromMs, ms } = longestGap(since, before, last);
  return last - (fromMs + ms) > RESUMED_MS ? ms : null;
}

async function until<T>(what: string, attempt: () => T | null): Promise<T> {
  for (const deadline = performance.now() + RESUME_MAX_MS; performance.now() < deadline;) {
    const found = attempt();
    if (found !== null) return found;
    await pause(POLL_MS);
  }
  throw new Error(`no ${what} within ${RESUME_MAX_MS / 1000} s`);
}

async function untilHealthy(cluster: Cluster): Promise<void> {
  for (const deadline = performance.now() + HEALTHY_MAX_MS; ;) {
    try {
      await cluster.leader();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(POLL_MS);
    }
  }
}

export function renderGaps({ omnikv, etcd, version }: Gaps): string {
  const [ours, theirs] = [spreadOf(omnikv), spreadOf(etcd)];
  const row = (name: string, kills: number, { min, median, max }: typeof ours): string[] => [
    name,
    String(kills),
    ...[min, median, max].map((ms) => `${formatCount(ms)} ms`),
  ];
  const ratio = ours.max / theirs.median;
  return (
    `${alignColumns([
      ["longest gap between acknowledged writes", "kills", "best", "median", "worst"],
      row("omnikv", omnikv.length, ours),
      row(`etcd ${version}`, etcd.length, theirs),
    ])}\n` +
    `omnikv's worst is ${ratio.toFixed(2)} of etcd's median (goal: at most 0.33): ${ratio <= GOAL ? "reached" : "missed"}`
  );
}
