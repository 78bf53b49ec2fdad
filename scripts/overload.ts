/** Far more load than a cluster can do, from a thousand connections: `npx tsx scripts/overload.ts --help`. */
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { findLeader } from "../src/bench/find-leader.ts";
import { Generators } from "../src/bench/generators.ts";
import { LatencyHistogram, type HistogramData } from "../src/bench/histogram.ts";
import { alignColumns, formatCount, formatMs, type Measurement } from "../src/bench/report.ts";
import { startThrowAwayCluster, type ThrowAwayCluster } from "../src/bench/throw-away-cluster.ts";
import { createBundles } from "./bench/bundle.ts";
import { sampleServer } from "./growth/server-sample.ts";
import type { FloodPlan, FloodReport, FloodSecond } from "./overload/flood.ts";

const HELP = `Usage: npx tsx scripts/overload.ts [options]   (npm run build first)

First the peak: a closed loop of the public client, spread over three nodes. Then the flood: writes at so many times that
rate. Then the closed loop again.

  --seconds N         of flood; 60
  --connections N     1000
  --times N           the peak; 10
  --per-frame N       writes in a frame of the flood; 100
  --concurrency N     of the closed loop; 1024
  --value-bytes N     100
  --data-dir DIR      on a real disk
  --json FILE         everything measured`;

const KEYS = 10_000;
const WARM_UP_MS = 5000;
const MEASURE_MS = 5000;
/** What the flood leaves behind is done and the pause is over. */
const RECOVERY_MS = 2000;
const MIB = 1024 * 1024;
/** Bounds of what is called well. */
const REFUSED_P99_MS = 1000;
const RSS_MAX_MIB = 1024;
const THROUGHPUT_MIN = 0.8;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    connections: { type: "string", default: "1000" },
    times: { type: "string", default: "10" },
    "per-frame": { type: "string", default: "100" },
    concurrency: { type: "string", default: "1024" },
    "value-bytes": { type: "string", default: "100" },
    "data-dir": { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

interface Second extends FloodSecond {
  readonly rssBytes: readonly number[];
}

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
  writesPerSecond: number,
): Promise<readonly Second[]> {
  const plan: FloodPlan = {
    nodes: cluster.nodes.map(({ id, host, port }) => ({ id, host, port })),
    clusterId: cluster.clusterId,
    connections: Number(flags.connections),
    writesPerSecond,
    writesPerFrame: Number(flags["per-frame"]),
    keys: KEYS,
    valueBytes,
    seconds: Number(flags.seconds),
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
        done(seconds);
      } else if (report.kind === "second") {
        const ended = cluster.servers.find(({ running }) => !running);
        if (ended !== undefined) failed(new Error(`node ${ended.node.id} has ended`));
        const rssBytes = cluster.servers.map((server) => sampleServer(server).rssBytes);
        seconds.push({ ...report.second, rssBytes });
        if (seconds.length % 5 === 0) process.stderr.write(`${progress(seconds)}\n`);
      }
    });
  });
}

function progress(seconds: readonly Second[]): string {
  const last = seconds.at(-1)!;
  const memory = last.rssBytes.map((bytes) => (bytes / MIB).toFixed(0)).join("/");
  return (
    `${seconds.length} s: offered ${formatCount(last.offered)}/s, accepted ${formatCount(last.accepted)}/s, ` +
    `refused ${formatCount(last.refused)}/s, p99 ${formatMs(p99Us([last.acceptedLatency]))} ms, memory ${memory} MiB`
  );
}

function p99Us(parts: readonly HistogramData[]): number {
  const histogram = new LatencyHistogram();
  for (const part of parts) histogram.add(part);
  return histogram.count === 0 ? 0 : histogram.quantileUs(0.99);
}

function render(before: Measurement, seconds: readonly Second[], after: Measurement): string {
  // The first second fills the queues.
  const steady = seconds.slice(1);
  const mean = (pick: (second: Second) => number): number =>
    steady.reduce((sum, second) => sum + pick(second), 0) / Math.max(1, steady.length);
  const errors: Record<string, number> = {};
  for (const second of seconds) {
    for (const [code, count] of Object.entries(second.errors)) {
      errors[code] = (errors[code] ?? 0) + count;
    }
  }
  const accepted = mean((second) => second.accepted);
  const refusedP99 = p99Us(seconds.map((second) => second.refusedLatency)) / 1000;
  const rss = Math.max(...seconds.flatMap(({ rssBytes }) => rssBytes)) / MIB;
  const peak = before.operationsPerSecond;
  const row = (name: string, rate: number, p99: number): string[] => [
    name,
    formatCount(rate),
    formatMs(p99),
  ];
  const table = alignColumns([
    ["", "a second", "p99 ms"],
    row("peak, before", peak, before.latency.p99Us),
    row(
      "offered",
      mean((second) => second.offered),
      0,
    ),
    row("accepted", accepted, p99Us(seconds.map((second) => second.acceptedLatency))),
    row(
      "refused",
      mean((second) => second.refused),
      refusedP99 * 1000,
    ),
    row(
      "held back by the generator",
      mean((second) => second.heldBack),
      0,
    ),
    row("peak, after", after.operationsPerSecond, after.latency.p99Us),
  ]);
  const verdict = (good: boolean, text: string): string => `${good ? "well  " : "MISSED"} ${text}`;
  return [
    table,
    "",
    verdict(true, "no server ended"),
    verdict(
      Object.keys(errors).length === 0,
      `errors other than OVERLOADED: ${JSON.stringify(errors)}`,
    ),
    verdict(
      refusedP99 < REFUSED_P99_MS,
      `refusals: p99 ${refusedP99.toFixed(0)} ms, socket and all (at most ${REFUSED_P99_MS})`,
    ),
    verdict(
      rss < RSS_MAX_MIB,
      `memory of a server: at most ${rss.toFixed(0)} MiB (${RSS_MAX_MIB})`,
    ),
    verdict(
      accepted >= THROUGHPUT_MIN * peak,
      `accepted: ${(accepted / peak).toFixed(2)} of the peak (at least ${THROUGHPUT_MIN})`,
    ),
    verdict(
      after.operationsPerSecond >= THROUGHPUT_MIN * peak,
      `after the flood: ${(after.operationsPerSecond / peak).toFixed(2)} of the peak`,
    ),
  ].join("\n");
}

async function main(): Promise<string> {
  if (flags.help) return HELP;
  const bundles = createBundles();
  const cluster = await startThrowAwayCluster(3, flags["data-dir"] ?? null);
  try {
    await findLeader(cluster.nodes, null);
    const loop = resolve(import.meta.dirname, "../dist/bench/omnikv-generator.js");
    const before = await closedLoop(cluster, loop);
    process.stderr.write(`peak: ${formatCount(before.operationsPerSecond)}/s\n`);
    const entry = bundles.bundle("scripts/overload/flood.ts");
    const rate = before.operationsPerSecond * Number(flags.times);
    const seconds = await flood(cluster, entry, rate);
    await new Promise((wake) => setTimeout(wake, RECOVERY_MS));
    const after = await closedLoop(cluster, loop);
    if (flags.json !== undefined) {
      writeFileSync(flags.json, `${JSON.stringify({ before, seconds, after })}\n`);
    }
    return render(before, seconds, after);
  } finally {
    await cluster.remove();
    bundles.remove();
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
console.log(await main());
