/**
 * Far more load than a cluster can do. First a closed loop of the public client, spread over three nodes; then floods at so
 * many times that rate; then the closed loop again.
 */
import { forkBuilt } from "../../server/launch/index.ts";
import { processUsage } from "../../machine/host/index.ts";
import { formatCount } from "../reports/format.ts";
import type { Measurement } from "../reports/measurement.ts";
import { sum } from "../reports/statistics.ts";
import { OmnikvCluster } from "../subjects/omnikv-cluster.ts";
import { sampleServer } from "../subjects/server-sample.ts";
import { Generators } from "../workloads/generators.ts";
import { say } from "./entry.ts";
import { pause } from "../pause.ts";
import type { FloodPlan, FloodReport } from "./flood.ts";
import { progress, type Flood, type Overload, type Second } from "./overload-report.ts";

export interface OverloadOptions {
  /** How long the long flood lasts. */
  readonly seconds: number;
  /** The rate of the long flood, as a multiple of the closed loop's. */
  readonly times: number;
  /** The same of the short floods. */
  readonly ramp: readonly number[];
  readonly connections: number;
  /** Writes in a frame of the flood. */
  readonly perFrame: number;
  /** How many requests of the closed loop are under way. */
  readonly concurrency: number;
  readonly valueBytes: number;
  readonly dataDir: string | null;
}

const KEYS = 10_000;
const WARM_UP_MS = 5000;
const MEASURE_MS = 5000;
/** What the flood leaves behind is done and the pause is over. */
const RECOVERY_MS = 2000;
const RAMP_SECONDS = 8;
const TIMEOUT_MS = 5000;
const PROGRESS_EVERY = 5;

export async function measureOverload(options: OverloadOptions): Promise<Overload> {
  const cluster = await OmnikvCluster.start({ size: 3, parent: options.dataDir });
  try {
    await cluster.leader();
    const before = await closedLoop(cluster, options);
    say(`closed loop: ${formatCount(before.operationsPerSecond)}/s`);
    const floodAt = async (times: number, seconds: number): Promise<Flood> => {
      const writesPerSecond = before.operationsPerSecond * times;
      const result = await flood(
        cluster,
        times,
        planOf(cluster, options, writesPerSecond, seconds),
      );
      await pause(RECOVERY_MS);
      return result;
    };
    const ramp: Flood[] = [];
    for (const times of options.ramp) ramp.push(await floodAt(times, RAMP_SECONDS));
    const long = await floodAt(options.times, options.seconds);
    const after = await closedLoop(cluster, options);
    return { before, ramp, flood: long, after };
  } finally {
    await cluster.remove();
  }
}

async function closedLoop(
  cluster: OmnikvCluster,
  { concurrency, valueBytes }: OverloadOptions,
): Promise<Measurement> {
  const pinned = cluster.nodes.map(({ id }) => id);
  const generators = await Generators.start(cluster, { pinned, timeoutMs: TIMEOUT_MS });
  try {
    return await generators.measure({
      operation: "put",
      concurrency,
      keys: KEYS,
      valueBytes,
      seed: 1,
      warmUpMs: WARM_UP_MS,
      durationMs: MEASURE_MS,
      servers: cluster.processes,
    });
  } finally {
    await generators.close();
  }
}

function planOf(
  { nodes, clusterId }: OmnikvCluster,
  { connections, perFrame, valueBytes }: OverloadOptions,
  writesPerSecond: number,
  seconds: number,
): FloodPlan {
  const load = {
    connections,
    writesPerSecond,
    writesPerFrame: perFrame,
    keys: KEYS,
    valueBytes,
    seconds,
  };
  return { nodes, clusterId, ...load };
}

function flood(cluster: OmnikvCluster, times: number, plan: FloodPlan): Promise<Flood> {
  const child = forkBuilt("measure/experiments/flood.js", [JSON.stringify(plan)]);
  const seconds: Second[] = [];
  const cpuSeconds = (pid: number | undefined): number =>
    pid === undefined ? 0 : (processUsage(pid)?.cpuSeconds ?? 0);
  return new Promise((done, failed) => {
    child.on("exit", () => failed(new Error("the flood ended unexpectedly")));
    child.on("message", (message) => {
      const report = message as FloodReport;
      if (report.kind === "over") {
        child.removeAllListeners();
        child.disconnect();
        done({ times, seconds });
      } else if (report.kind === "second") {
        try {
          cluster.checkAlive();
        } catch (error) {
          failed(error);
          return;
        }
        seconds.push({
          ...report.second,
          rssBytes: cluster.servers.map((server) => sampleServer(server).rssBytes),
          atSeconds: performance.now() / 1000,
          serversCpuSeconds: sum(cluster.servers.map(({ pid }) => cpuSeconds(pid))),
          floodCpuSeconds: cpuSeconds(child.pid),
        });
        if (seconds.length % PROGRESS_EVERY === 0) say(progress({ times, seconds }));
      }
    });
  });
}
