/** What `overwrite` keeps in its file, and the summary and the plot made of it. */
import { LatencyHistogram, type HistogramData } from "../../src/bench/histogram.ts";
import { formatCount, formatMs } from "../../src/bench/report.ts";
import { lineChart, type Point, type Series } from "../plot/line-chart.ts";
import type { ServerSample } from "./server-sample.ts";

export const MIB = 1024 * 1024;

export interface Setting {
  readonly keys: number;
  readonly valueBytes: number;
  readonly concurrency: number;
  readonly placement: "leader" | "spread";
  readonly leader: number;
  readonly node: string;
}

export interface Sample {
  /** Since the load began. */
  readonly second: number;
  /** Acknowledged so far. */
  readonly writes: number;
  readonly perSecond: number;
  /** Null: nothing was acknowledged in this window. */
  readonly p99Us: number | null;
  readonly maxUs: number | null;
  readonly errors: number;
  /** Node 1 first. */
  readonly servers: readonly ServerSample[];
}

interface Summary {
  readonly writes: number;
  readonly seconds: number;
  readonly errors: number;
  /** Over all nodes and samples. */
  readonly most: ServerSample;
  readonly longestWriteUs: number;
  /** By least squares over the last half of the time, node 1 first. */
  readonly rssBytesPerMillionWrites: readonly number[];
  /** Of all writes of a quarter of the time, first quarter first. */
  readonly quarters: readonly { readonly perSecond: number; readonly p99Us: number }[];
}

export interface Run {
  readonly growthOverwrite: 1;
  readonly setting: Setting;
  readonly summary: Summary;
  readonly samples: readonly Sample[];
}

export function merged(parts: readonly HistogramData[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const part of parts) histogram.add(part);
  return histogram;
}

export function summarize(
  samples: readonly Sample[],
  latencies: readonly HistogramData[],
): Summary {
  const last = samples.at(-1)!;
  const most = (pick: (server: ServerSample) => number): number =>
    samples.reduce((a, { servers }) => Math.max(a, ...servers.map(pick)), 0);
  const half = samples.slice(Math.floor(samples.length / 2));
  return {
    writes: last.writes,
    seconds: last.second,
    errors: samples.reduce((sum, { errors }) => sum + errors, 0),
    most: {
      logBytes: most(({ logBytes }) => logBytes),
      snapshotBytes: most(({ snapshotBytes }) => snapshotBytes),
      rssBytes: most(({ rssBytes }) => rssBytes),
    },
    longestWriteUs: merged(latencies).maxUs,
    rssBytesPerMillionWrites: last.servers.map((_, node) =>
      slope(half.map(({ writes, servers }) => [writes / 1e6, servers[node]!.rssBytes])),
    ),
    quarters: [0, 1, 2, 3].map((quarter) => {
      const of = <T>(all: readonly T[]): readonly T[] =>
        all.slice((all.length * quarter) / 4, (all.length * (quarter + 1)) / 4);
      const rates = of(samples).map(({ perSecond }) => perSecond);
      return {
        perSecond: rates.reduce((a, b) => a + b, 0) / Math.max(1, rates.length),
        p99Us: merged(of(latencies)).quantileUs(0.99),
      };
    }),
  };
}

/** Of the straight line with the least squares of distances. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (which: 0 | 1): number =>
    points.reduce((sum, point) => sum + point[which], 0) / Math.max(1, points.length);
  const [x, y] = [mean(0), mean(1)];
  const spread = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  const common = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return spread === 0 ? 0 : common / spread;
}

function settingText({ keys, valueBytes, concurrency, placement, node }: Setting): string {
  const where = placement === "leader" ? "at the leader" : "spread over the nodes";
  return `3 servers; ${formatCount(keys)} keys, ${valueBytes}-byte values; ${concurrency} writes at once ${where}; Node.js ${node}`;
}

export function render({ setting, summary }: Run): string {
  const { writes, seconds, errors, most, longestWriteUs, quarters } = summary;
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
  const [first, last] = [quarters[0]!, quarters.at(-1)!];
  return [
    settingText(setting),
    `${formatCount(writes)} writes in ${formatCount(seconds)} s: ${formatCount(writes / seconds)} a second; errors: ${errors}`,
    `most on disk of one node: log ${mib(most.logBytes)}, snapshots ${mib(most.snapshotBytes)}`,
    `most resident memory of one server: ${mib(most.rssBytes)}`,
    `resident memory over the last half, for each million writes: ` +
      summary.rssBytesPerMillionWrites
        .map((bytes, i) => `node ${i + 1} ${bytes < 0 ? "" : "+"}${mib(bytes)}`)
        .join(", "),
    `rate of the first quarter ${formatCount(first.perSecond)}/s, of the last ${formatCount(last.perSecond)}/s ` +
      `(${(last.perSecond / first.perSecond).toFixed(2)} times)`,
    `p99 of the first quarter ${formatMs(first.p99Us)} ms, of the last ${formatMs(last.p99Us)} ms ` +
      `(${(last.p99Us / first.p99Us).toFixed(2)} times); longest write ${formatMs(longestWriteUs)} ms`,
  ].join("\n");
}

export function plot({ setting, summary, samples }: Run): string {
  const series = (name: string, pick: (sample: Sample) => number | null, more = {}): Series => ({
    name,
    points: samples.map((sample): Point => [sample.second, pick(sample)]),
    ...more,
  });
  const nodes = summary.rssBytesPerMillionWrites.map((_, i) => i);
  const ms = (us: number | null): number | null => (us === null ? null : us / 1000);
  return lineChart({
    title: `${formatCount(summary.writes)} overwrites of ${formatCount(setting.keys)} keys`,
    subtitle: settingText(setting),
    x: { label: "time", unit: "seconds", min: 0 },
    panels: [
      {
        y: { label: "acknowledged writes a second", unit: "count" },
        series: [series("rate", ({ perSecond }) => perSecond)],
      },
      {
        y: { label: "p99 of each second (log scale)", unit: "ms", scale: "log" },
        series: [series("p99", ({ p99Us }) => ms(p99Us))],
      },
      {
        y: { label: "on disk: log, and snapshots (dashed)", unit: "bytes" },
        series: [
          ...nodes.map((i) =>
            series(`log ${i + 1}`, ({ servers }) => servers[i]!.logBytes, { color: i }),
          ),
          ...nodes.map((i) => {
            const more = { color: i, dashed: true };
            return series(`snapshots ${i + 1}`, ({ servers }) => servers[i]!.snapshotBytes, more);
          }),
        ],
      },
      {
        y: { label: "resident memory of each server", unit: "bytes" },
        series: nodes.map((i) => series(`node ${i + 1}`, ({ servers }) => servers[i]!.rssBytes)),
      },
    ],
  });
}
