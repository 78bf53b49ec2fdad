/** What `overwrite` keeps in its file, and the summary and the plot made of it. */
import { LatencyHistogram, type HistogramData } from "../../reports/histogram.ts";
import { formatCount, mebibytes, usAsMs } from "../../reports/format.ts";
import { sum } from "../../reports/statistics.ts";
import { lineChart, type Point, type Series } from "../../reports/line-chart.ts";
import type { ServerSample } from "../../subjects/server-sample.ts";

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
  /** Rate and p99 of all writes of a quarter of the time, first quarter first. */
  readonly quarters: readonly { readonly perSecond: number; readonly p99Us: number }[];
}

export interface Run {
  readonly growthOverwrite: 1;
  readonly setting: Setting;
  readonly summary: Summary;
  readonly samples: readonly Sample[];
}

export function summarize(
  samples: readonly Sample[],
  latencies: readonly HistogramData[],
): Summary {
  const last = samples.at(-1);
  if (last === undefined) throw new Error("nothing was measured");
  const most = (pick: (server: ServerSample) => number): number =>
    samples.reduce((a, { servers }) => Math.max(a, ...servers.map(pick)), 0);
  const half = samples.slice(Math.floor(samples.length / 2));
  return {
    writes: last.writes,
    seconds: last.second,
    errors: sum(samples.map(({ errors }) => errors)),
    most: {
      logBytes: most(({ logBytes }) => logBytes),
      snapshotBytes: most(({ snapshotBytes }) => snapshotBytes),
      rssBytes: most(({ rssBytes }) => rssBytes),
    },
    longestWriteUs: LatencyHistogram.of(latencies).maxUs,
    rssBytesPerMillionWrites: last.servers.map((_, node) =>
      slope(half.map(({ writes, servers }) => [writes / 1e6, servers[node]?.rssBytes ?? 0])),
    ),
    quarters: [0, 1, 2, 3].map((quarter) => {
      const of = <T>(all: readonly T[]): readonly T[] =>
        all.slice((all.length * quarter) / 4, (all.length * (quarter + 1)) / 4);
      const rates = of(samples).map(({ perSecond }) => perSecond);
      return {
        perSecond: sum(rates) / Math.max(1, rates.length),
        p99Us: LatencyHistogram.of(of(latencies)).quantileUs(0.99),
      };
    }),
  };
}

/** The slope of the straight line with the least squares of distances. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (which: 0 | 1): number =>
    sum(points.map((point) => point[which])) / Math.max(1, points.length);
  const [x, y] = [mean(0), mean(1)];
  const spread = sum(points.map((point) => (point[0] - x) ** 2));
  const common = sum(points.map((point) => (point[0] - x) * (point[1] - y)));
  return spread === 0 ? 0 : common / spread;
}

function settingText({ keys, valueBytes, concurrency, placement, node }: Setting): string {
  const where = placement === "leader" ? "at the leader" : "spread over the nodes";
  return `3 servers; ${formatCount(keys)} keys, ${valueBytes}-byte values; ${concurrency} writes at once ${where}; Node.js ${node}`;
}

const NONE = { perSecond: Number.NaN, p99Us: Number.NaN };

export function render({ setting, summary }: Run): string {
  const { writes, seconds, errors, most, longestWriteUs, quarters } = summary;
  const mib = (bytes: number): string => `${mebibytes(bytes, 1)} MiB`;
  const [first = NONE] = quarters;
  const last = quarters.at(-1) ?? NONE;
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
    `p99 of the first quarter ${usAsMs(first.p99Us)} ms, of the last ${usAsMs(last.p99Us)} ms ` +
      `(${(last.p99Us / first.p99Us).toFixed(2)} times); longest write ${usAsMs(longestWriteUs)} ms`,
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
            series(`log ${i + 1}`, ({ servers }) => servers[i]?.logBytes ?? null, { color: i }),
          ),
          ...nodes.map((i) => {
            const more = { color: i, dashed: true };
            return series(
              `snapshots ${i + 1}`,
              ({ servers }) => servers[i]?.snapshotBytes ?? null,
              more,
            );
          }),
        ],
      },
      {
        y: { label: "resident memory of each server", unit: "bytes" },
        series: nodes.map((i) =>
          series(`node ${i + 1}`, ({ servers }) => servers[i]?.rssBytes ?? null),
        ),
      },
    ],
  });
}
