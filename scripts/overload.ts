/** Far more load than a cluster can do, from a thousand connections: `npx tsx scripts/overload.ts --help`. */
import { fork } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { findLeader } from "../src/bench/find-leader.ts";
import { Generators } from "../src/bench/generators.ts";
import { formatCount, type Measurement } from "../src/bench/report.ts";
import { startThrowAwayCluster, type ThrowAwayCluster } from "../src/bench/throw-away-cluster.ts";
import { processUsage } from "../src/platform/process-usage.ts";
import { createBundles } from "./bench/bundle.ts";
import { sampleServer } from "./growth/server-sample.ts";
import type { FloodPlan, FloodReport } from "./overload/flood.ts";
import { progress, render, type Flood, type Overload, type Second } from "./overload/report.ts";

const HELP = `Usage: npx tsx scripts/overload.ts [options]   (npm run build first)

First a closed loop of the public client, spread over three nodes. Then floods: writes at so many times that rate, in frames
of many; short mild ones, to see what the servers can do with such frames, and a long one. Then the closed loop again.

  --seconds N         of the long flood; 60
  --ramp LIST         of times, for the short floods; 1,2,4
  --connections N     1000
  --times N           of the long flood; 10
  --per-frame N       writes in a frame of the flood; 100
  --concurrency N     of the closed loop; 1024
  --value-bytes N     100
  --data-dir DIR      on a real disk
  --json FILE         everything measured
  --report FILE       measures nothing: prints what --json has written`;

const KEYS = 10_000;
const WARM_UP_MS = 5000;
const MEASURE_MS = 5000;
/** What the flood leaves behind is done and the pause is over. */
const RECOVERY_MS = 2000;
const RAMP_SECONDS = 8;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    connections: { type: "string", default: "1000" },
    ramp: { type: "string", default: "1,2,4" },
    times: { type: "string", default: "10" },
    "per-frame": { type: "string", default: "100" },
    concurrency: { type: "string", default: "1024" },
    "value-bytes": { type: "string", default: "100" },
    "data-dir": { type: "string" },
    json: { type: "string" },
    report: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const valueBytes = Number(flags["value-bytes"]);

async function closedLoop(cluster: ThrowAwayCluster, entry: string): Promise<Measurement> {
  const nodes = cluster.nodes.map(({ id, host, port }) => ({ id, host, port }));
  const pinned = nodes.map(({ id }) => id);
  const setup = {
    ...{ nodes, pinned, connections: pinned.length, clusterId: cluster.clusterId },
    ...{ secret: null, timeoutMs: 5000 },
  };
  const generators = await Generators.start(entry, setup);
  try {
    return await generators.measure({
      ...{ system: "omnikv", operation: "put", concurrency: Number(flags.concurrency) },
      ...{ keys: KEYS, valueBytes, seed: 1, warmUpMs: WARM_UP_MS, durationMs: MEASURE_MS },
      servers: cluster.servers.map(({ node, pid }) => ({ name: `node ${node.id}`, pid })),
    });
  } finally {
    await generators.close();
  }
}

function flood(
  cluster: ThrowAwayCluster,
  entry: string,
  load: { readonly times: number; readonly writesPerSecond: number; readonly seconds: number },
): Promise<Flood> {
  const { times, writesPerSecond } = load;
  const plan: FloodPlan = {
    nodes: cluster.nodes.map(({ id, host, port }) => ({ id, host, port })),
    clusterId: cluster.clusterId,
    connections: Number(flags.connections),
    writesPerSecond,
    writesPerFrame: Number(flags["per-frame"]),
    keys: KEYS,
    valueBytes,
    seconds: load.seconds,
  };
  const child = fork(entry, [JSON.stringify(plan)]);
  const seconds: Second[] = [];
  return new Promise((done, failed) => {
    child.on("exit", () => failed(new Error("the flood ended unexpectedly")));
    child.on("message", (message) => {
      const report = message as FloodReport;
      if (report.kind === "over") {
        child.removeAllListeners();
        child.disconnect();
        done({ times, seconds });
      } else if (report.kind === "second") {
        const ended = cluster.servers.find(({ running }) => !running);
        if (ended !== undefined) failed(new Error(`node ${ended.node.id} has ended`));
        const rssBytes = cluster.servers.map((server) => sampleServer(server).rssBytes);
        const cpuSeconds = (pid: number | undefined): number =>
          pid === undefined ? 0 : (processUsage(pid)?.cpuSeconds ?? 0);
        seconds.push({
          ...report.second,
          rssBytes,
          atSeconds: performance.now() / 1000,
          serversCpuSeconds: cluster.servers.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
          floodCpuSeconds: cpuSeconds(child.pid),
        });
        if (seconds.length % 5 === 0) process.stderr.write(`${progress({ times, seconds })}\n`);
      }
    });
  });
}

async function main(): Promise<string> {
  if (flags.help) return HELP;
  if (flags.report !== undefined) {
    return render(JSON.parse(readFileSync(flags.report, "utf8")) as Overload);
  }
  const bundles = createBundles();
  const cluster = await startThrowAwayCluster(3, flags["data-dir"] ?? null);
  try {
    await findLeader(cluster.nodes, null);
    const loop = resolve(import.meta.dirname, "../dist/bench/omnikv-generator.js");
    const before = await closedLoop(cluster, loop);
    process.stderr.write(`closed loop: ${formatCount(before.operationsPerSecond)}/s\n`);
    const entry = bundles.bundle("scripts/overload/flood.ts");
    const floodAt = async (times: number, seconds: number): Promise<Flood> => {
      const writesPerSecond = before.operationsPerSecond * times;
      const result = await flood(cluster, entry, { times, writesPerSecond, seconds });
      await new Promise((wake) => setTimeout(wake, RECOVERY_MS));
      return result;
    };
    const ramp: Flood[] = [];
    for (const times of flags.ramp.split(",")) {
      ramp.push(await floodAt(Number(times), RAMP_SECONDS));
    }
    const long = await floodAt(Number(flags.times), Number(flags.seconds));
    const after = await closedLoop(cluster, loop);
    const overload = { before, ramp, flood: long, after };
    if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(overload)}\n`);
    return render(overload);
  } finally {
    await cluster.remove();
    bundles.remove();
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
console.log(await main());
