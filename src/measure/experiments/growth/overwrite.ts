/** Endless overwrites of the same keys: whether rate, latency, disk and memory stay flat while the history grows. */
import { resolve } from "node:path";
import { formatCount, mebibytes } from "../../reports/format.ts";
import { LatencyHistogram, type HistogramData } from "../../reports/histogram.ts";
import { countOf } from "../../reports/statistics.ts";
import { OmnikvCluster } from "../../subjects/omnikv-cluster.ts";
import { sampleServer, type ServerSample } from "../../subjects/server-sample.ts";
import { Generators } from "../../workloads/generators.ts";
import type { LoadWindow } from "../../workloads/steady-loop.ts";
import { readJson, say, writeJson, writeText } from "../entry.ts";
import { readFlags } from "../flags.ts";
import {
  plot,
  render,
  summarize,
  type Run,
  type Sample,
  type Setting,
} from "./overwrite-report.ts";

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
const TIMEOUT_MS = 30_000;
const PLOT = resolve(import.meta.dirname, "../../../../docs/images/growth-overwrite.svg");

interface Limits {
  readonly writes: number;
  readonly seconds: number;
}

export async function overwrite(args: readonly string[]): Promise<void> {
  const flags = readFlags(
    HELP,
    {
      writes: null,
      minutes: null,
      keys: 10_000,
      valueBytes: 100,
      concurrency: 1024,
      placement: "leader",
      dataDir: null,
      json: null,
      plot: PLOT,
      report: null,
    },
    args,
  );
  const { placement } = flags;
  if (placement !== "leader" && placement !== "spread") throw new Error(HELP);
  const { keys, valueBytes, concurrency, minutes } = flags;
  const limits = {
    writes: Number(flags.writes ?? (minutes === null ? WRITES : Infinity)),
    seconds: Number(minutes ?? Infinity) * 60,
  };
  const load = { keys, valueBytes, concurrency, placement } as const;
  const run =
    flags.report === null
      ? await measure(load, limits, flags.dataDir)
      : (readJson(flags.report) as Run | null);
  if (run === null) throw new Error(`there is no ${flags.report}`);
  writeJson(flags.json, run);
  writeText(flags.plot, plot(run));
  console.log(render(run));
}

async function measure(
  load: Omit<Setting, "leader" | "node">,
  limits: Limits,
  parent: string | null,
): Promise<Run> {
  const cluster = await OmnikvCluster.start({ size: 3, parent });
  try {
    const leader = await cluster.leader();
    const pinned = load.placement === "leader" ? [leader] : cluster.nodes.map(({ id }) => id);
    const generators = await Generators.start(cluster, { pinned, timeoutMs: TIMEOUT_MS });
    const samples: Sample[] = [];
    const latencies: HistogramData[] = [];
    try {
      await generators.fill(load.keys, load.valueBytes);
      await collect(generators, load, limits, (window) => {
        cluster.checkAlive();
        const sample = sampleOf(window, samples.at(-1), cluster.servers.map(sampleServer));
        samples.push(sample);
        latencies.push(window.latency);
        if (samples.length % PROGRESS_EVERY === 0) say(progress(sample));
        return sample;
      });
    } finally {
      await generators.close();
    }
    const setting = { ...load, leader, node: process.version };
    return { growthOverwrite: 1, setting, summary: summarize(samples, latencies), samples };
  } finally {
    await cluster.remove();
  }
}

/** Until a limit is reached; a window that began is completed. */
async function collect(
  generators: Generators,
  { keys, valueBytes, concurrency }: Omit<Setting, "leader" | "node">,
  limits: Limits,
  take: (window: LoadWindow) => Sample,
): Promise<void> {
  const plan = { keys, valueBytes, concurrency, windowMs: WINDOW_MS };
  await new Promise<void>((resolve, reject) => {
    const steady = generators.steady(plan, (window) => {
      try {
        const { writes, second } = take(window);
        if (writes >= limits.writes || second >= limits.seconds) void steady.stop();
      } catch (error) {
        reject(error);
      }
    });
    steady.ended.then(() => resolve(), reject);
  });
}

function sampleOf(
  { seconds, completed, latency, errors }: LoadWindow,
  before: Sample | undefined,
  servers: readonly ServerSample[],
): Sample {
  const histogram = LatencyHistogram.of([latency]);
  return {
    second: Math.round(((before?.second ?? 0) + seconds) * 1000) / 1000,
    writes: (before?.writes ?? 0) + completed,
    perSecond: Math.round(completed / seconds),
    p99Us: completed === 0 ? null : histogram.quantileUs(0.99),
    maxUs: completed === 0 ? null : histogram.maxUs,
    errors: countOf(errors),
    servers,
  };
}

function progress({ second, writes, perSecond, servers }: Sample): string {
  const mib = (pick: (server: ServerSample) => number): string =>
    servers.map((server) => mebibytes(pick(server))).join("/");
  return (
    `${second.toFixed(0)} s: ${formatCount(writes)} writes, ${formatCount(perSecond)}/s; MiB of log ` +
    `${mib(({ logBytes }) => logBytes)}, snapshots ${mib(({ snapshotBytes }) => snapshotBytes)}, ` +
    `memory ${mib(({ rssBytes }) => rssBytes)}`
  );
}
