/** Endless overwrites of the same keys: whether rate, latency, disk and memory stay flat while the history grows. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findLeader } from "../../src/bench/find-leader.ts";
import type { HistogramData } from "../../src/bench/histogram.ts";
import { formatCount } from "../../src/bench/report.ts";
import { startThrowAwayCluster } from "../../src/bench/throw-away-cluster.ts";
import { SteadyLoad, type LoadWindow } from "./load.ts";
import {
  merged,
  MIB,
  plot,
  render,
  summarize,
  type Run,
  type Sample,
  type Setting,
} from "./overwrite-report.ts";
import { sampleServer, type ServerSample } from "./server-sample.ts";

const HELP = `Usage: npx tsx scripts/growth.ts overwrite [options]   (npm run build first)

  --writes N         until so many are acknowledged; 20000000
  --minutes N        or for so long, instead
  --keys N           10000
  --value-bytes N    100
  --concurrency N    writes under way at any time; 1024
  --placement WHERE  leader or spread; leader
  --data-dir DIR     on a real disk
  --json FILE        the samples and the summary
  --plot FILE        docs/images/growth-overwrite.svg
  --report FILE      measures nothing: prints and plots what --json has written`;

const WRITES = 20_000_000;
const WINDOW_MS = 1000;
const PROGRESS_EVERY = 30;
const PLOT = resolve(import.meta.dirname, "../../docs/images/growth-overwrite.svg");

interface Limits {
  readonly writes: number;
  readonly seconds: number;
}

export async function overwrite(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      writes: { type: "string" },
      minutes: { type: "string" },
      keys: { type: "string", default: "10000" },
      "value-bytes": { type: "string", default: "100" },
      concurrency: { type: "string", default: "1024" },
      placement: { type: "string", default: "leader" },
      "data-dir": { type: "string" },
      json: { type: "string" },
      plot: { type: "string", default: PLOT },
      report: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (flags.help) {
    console.log(HELP);
    return;
  }
  const { placement } = flags;
  if (placement !== "leader" && placement !== "spread") throw new Error(HELP);
  const limits = {
    writes:
      flags.writes === undefined
        ? flags.minutes === undefined
          ? WRITES
          : Infinity
        : Number(flags.writes),
    seconds: flags.minutes === undefined ? Infinity : Number(flags.minutes) * 60,
  };
  const load = {
    keys: Number(flags.keys),
    valueBytes: Number(flags["value-bytes"]),
    concurrency: Number(flags.concurrency),
    placement,
  } as const;
  const run =
    flags.report === undefined
      ? await measure(load, limits, flags["data-dir"] ?? null)
      : (JSON.parse(readFileSync(flags.report, "utf8")) as Run);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(run)}\n`);
  mkdirSync(dirname(flags.plot), { recursive: true });
  writeFileSync(flags.plot, plot(run));
  console.log(render(run));
}

async function measure(
  load: Omit<Setting, "leader" | "node">,
  limits: Limits,
  parent: string | null,
): Promise<Run> {
  const cluster = await startThrowAwayCluster(3, parent);
  try {
    const { nodes, clusterId, servers } = cluster;
    const leader = await findLeader(nodes, null);
    const pinned = load.placement === "leader" ? [leader] : nodes.map(({ id }) => id);
    const steady = await SteadyLoad.start({
      nodes: nodes.map(({ id, host, port }) => ({ id, host, port })),
      pinned,
      clusterId,
      keys: load.keys,
      valueBytes: load.valueBytes,
      concurrency: load.concurrency,
      windowMs: WINDOW_MS,
    });
    const samples: Sample[] = [];
    const latencies: HistogramData[] = [];
    try {
      await collect(steady, limits, (window) => {
        const ended = servers.find(({ running }) => !running);
        if (ended !== undefined) throw new Error(`node ${ended.node.id} has ended`);
        samples.push(sampleOf(window, samples.at(-1), servers.map(sampleServer)));
        latencies.push(window.latency);
        if (samples.length % PROGRESS_EVERY === 0) process.stderr.write(`${progress(samples)}\n`);
        return samples.at(-1)!;
      });
      await steady.stop();
    } finally {
      steady.close();
    }
    const setting = { ...load, leader, node: process.version };
    return { growthOverwrite: 1, setting, summary: summarize(samples, latencies), samples };
  } finally {
    await cluster.remove();
  }
}

/** Until a limit is reached; a window that began is completed. */
function collect(
  steady: SteadyLoad,
  limits: Limits,
  take: (window: LoadWindow) => Sample,
): Promise<void> {
  return new Promise((resolve, reject) => {
    steady.begin((window) => {
      try {
        const { writes, second } = take(window);
        if (writes >= limits.writes || second >= limits.seconds) resolve();
      } catch (error) {
        reject(error);
      }
    }, reject);
  });
}

function sampleOf(
  { seconds, completed, latency, errors }: LoadWindow,
  before: Sample | undefined,
  servers: readonly ServerSample[],
): Sample {
  const histogram = merged([latency]);
  return {
    second: Math.round(((before?.second ?? 0) + seconds) * 1000) / 1000,
    writes: (before?.writes ?? 0) + completed,
    perSecond: Math.round(completed / seconds),
    p99Us: completed === 0 ? null : histogram.quantileUs(0.99),
    maxUs: completed === 0 ? null : histogram.maxUs,
    errors: Object.values(errors).reduce((a, b) => a + b, 0),
    servers,
  };
}

function progress(samples: readonly Sample[]): string {
  const { second, writes, perSecond, servers } = samples.at(-1)!;
  const mib = (pick: (server: ServerSample) => number): string =>
    servers.map((server) => (pick(server) / MIB).toFixed(0)).join("/");
  return (
    `${second.toFixed(0)} s: ${formatCount(writes)} writes, ${formatCount(perSecond)}/s; MiB of log ` +
    `${mib(({ logBytes }) => logBytes)}, snapshots ${mib(({ snapshotBytes }) => snapshotBytes)}, ` +
    `memory ${mib(({ rssBytes }) => rssBytes)}`
  );
}
