/** What a flood did to a cluster, as a table and a verdict on each promise. */
import { LatencyHistogram, type HistogramData } from "../reports/histogram.ts";
import { formatCount, mebibytes, usAsMs } from "../reports/format.ts";
import { sum } from "../reports/statistics.ts";
import { alignColumns } from "../reports/table.ts";
import type { Measurement } from "../reports/measurement.ts";
import type { FloodSecond } from "./flood.ts";

const MIB = 1024 * 1024;
/** Bounds of what is called well. */
const REFUSED_P99_MS = 1000;
const RSS_MAX_MIB = 1024;
const THROUGHPUT_MIN = 0.8;

export interface Second extends FloodSecond {
  readonly rssBytes: readonly number[];
  /** When it was over, and the processor time of all servers and of the flood since they began. */
  readonly atSeconds: number;
  readonly serversCpuSeconds: number;
  readonly floodCpuSeconds: number;
}

/** One flood, at so many times the closed loop's rate. */
export interface Flood {
  readonly times: number;
  readonly seconds: readonly Second[];
}

export interface Overload {
  /** The closed loop. */
  readonly before: Measurement;
  /** Floods of a few seconds, milder ones: what the servers can do with frames of this size. */
  readonly ramp: readonly Flood[];
  readonly flood: Flood;
  /** The closed loop again. */
  readonly after: Measurement;
}

export function progress({ times, seconds }: Flood): string {
  const last = seconds.at(-1);
  if (last === undefined) return "";
  const memory = last.rssBytes.map((bytes) => mebibytes(bytes)).join("/");
  return (
    `${times} times, ${seconds.length} s: offered ${formatCount(last.offered)}/s, accepted ${formatCount(last.accepted)}/s, ` +
    `refused ${formatCount(last.refused)}/s, p99 ${usAsMs(p99Us([last.acceptedLatency]))} ms, memory ${memory} MiB`
  );
}

function p99Us(parts: readonly HistogramData[]): number {
  const histogram = LatencyHistogram.of(parts);
  return histogram.count === 0 ? 0 : histogram.quantileUs(0.99);
}

/** A second, on average; the first one fills the queues and does not count. */
function mean({ seconds }: Flood, pick: (second: Second) => number): number {
  const steady = seconds.slice(1);
  return sum(steady.map(pick)) / Math.max(1, steady.length);
}

/** How many processors were at work for it. */
function processors({ seconds }: Flood, of: "serversCpuSeconds" | "floodCpuSeconds"): number {
  const first = seconds[0];
  const last = seconds.at(-1);
  if (first === undefined || last === undefined || first === last) return Number.NaN;
  return (last[of] - first[of]) / (last.atSeconds - first.atSeconds);
}

const formatProcessors = (servers: number, load: number): string =>
  `${servers.toFixed(2)} ${load.toFixed(2)}`;

function loopRow(name: string, measurement: Measurement): string[] {
  const { operationsPerSecond, latency, seconds } = measurement;
  const { servers, client } = measurement;
  const cpuSeconds = sum((servers ?? []).map((usage) => usage.cpuSeconds));
  const load = (client?.cpuSeconds ?? Number.NaN) / seconds;
  const rate = formatCount(operationsPerSecond);
  const processors = formatProcessors(cpuSeconds / seconds, load);
  return [name, "", rate, usAsMs(latency.p99Us), "", "", processors];
}

function floodRow(flood: Flood): string[] {
  const { times, seconds } = flood;
  return [
    `flood, ${times} times that`,
    formatCount(mean(flood, ({ offered }) => offered)),
    formatCount(mean(flood, ({ accepted }) => accepted)),
    usAsMs(p99Us(seconds.map(({ acceptedLatency }) => acceptedLatency))),
    formatCount(mean(flood, ({ refused }) => refused)),
    usAsMs(p99Us(seconds.map(({ refusedLatency }) => refusedLatency))),
    formatProcessors(processors(flood, "serversCpuSeconds"), processors(flood, "floodCpuSeconds")),
  ];
}

const HEAD = [
  "writes a second",
  "offered",
  "accepted",
  "p99 ms",
  "refused",
  "p99 ms",
  "processors: servers, load",
];

export function render({ before, ramp, flood, after }: Overload): string {
  const table = alignColumns([
    HEAD,
    loopRow("closed loop, before", before),
    ...[...ramp, flood].map(floodRow),
    loopRow("closed loop, after", after),
  ]);
  return [table, "", ...verdicts({ before, ramp, flood, after })].join("\n");
}

const ratio = (a: number, b: number): string => (a / b).toFixed(2);

function verdicts({ before, ramp, flood, after }: Overload): string[] {
  const errors: Record<string, number> = {};
  for (const second of flood.seconds) {
    for (const [code, count] of Object.entries(second.errors)) {
      errors[code] = (errors[code] ?? 0) + count;
    }
  }
  const accepted = (each: Flood): number => mean(each, (second) => second.accepted);
  const share = accepted(flood) / before.operationsPerSecond;
  const best = ramp.reduce((a, b) => (accepted(b) > accepted(a) ? b : a), flood);
  const perProcessor = (each: Flood): number =>
    accepted(each) / processors(each, "serversCpuSeconds");
  const refusedP99 = p99Us(flood.seconds.map((second) => second.refusedLatency)) / 1000;
  const rss = Math.max(...flood.seconds.flatMap(({ rssBytes }) => rssBytes)) / MIB;
  const recovered = after.operationsPerSecond / before.operationsPerSecond;
  const verdict = (good: boolean, text: string): string => `${good ? "well  " : "MISSED"} ${text}`;
  return [
    verdict(true, "no server ended"),
    verdict(
      Object.keys(errors).length === 0,
      `errors other than OVERLOADED: ${JSON.stringify(errors)}`,
    ),
    verdict(
      refusedP99 < REFUSED_P99_MS,
      `refusals: p99 ${refusedP99.toFixed(0)} ms, way and sockets and all (at most ${REFUSED_P99_MS})`,
    ),
    verdict(
      rss < RSS_MAX_MIB,
      `memory of a server: at most ${rss.toFixed(0)} MiB (${RSS_MAX_MIB})`,
    ),
    verdict(
      share >= THROUGHPUT_MIN,
      `accepted: ${share.toFixed(2)} of the closed loop (at least ${THROUGHPUT_MIN})`,
    ),
    `       and of the flood at ${best.times} times: ${ratio(accepted(flood), accepted(best))}; ` +
      `by the second of the servers' processors: ${ratio(perProcessor(flood), perProcessor(best))}`,
    verdict(
      recovered >= THROUGHPUT_MIN,
      `closed loop after the flood: ${recovered.toFixed(2)} of before (at least ${THROUGHPUT_MIN})`,
    ),
  ];
}
