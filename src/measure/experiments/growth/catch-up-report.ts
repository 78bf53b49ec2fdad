/** What `catch-up` keeps in its file, and the table and the plot made of it. */
import { LatencyHistogram, type HistogramData } from "../../reports/histogram.ts";
import { formatCount, mebibytes, usAsMs } from "../../reports/format.ts";
import { sum } from "../../reports/statistics.ts";
import { alignColumns } from "../../reports/table.ts";
import { lineChart, type Point, type Series } from "../../reports/line-chart.ts";

/** starting: until the follower listens; catching up: from then on until it is level with the leader. */
export type PhaseName = "settling" | "before" | "down" | "starting" | "catching up" | "after";

export interface Sample {
  readonly endedAtMs: number;
  readonly seconds: number;
  readonly latency: HistogramData;
  readonly errors: number;
  readonly leaderRssBytes: number;
  /** 0: it does not run. */
  readonly followerRssBytes: number;
}

export interface Transfer {
  readonly snapshotBytes: number;
  /** All that was received, that of transfers that were given up too. */
  readonly receivedBytes: number;
  /** Null: none was planned. */
  readonly interruption: {
    readonly bytesBefore: number;
    /** When it first went on. */
    readonly bytesAfter: number;
    readonly sameFile: boolean;
    /** From the end of the interruption on. */
    readonly resumedAfterMs: number;
  } | null;
  /** Since the follower's process was started. */
  readonly listeningMs: number;
  readonly firstPieceMs: number;
  readonly lastPieceMs: number;
  readonly caughtUpMs: number;
  /** Milliseconds for each snapshot that was made the state. */
  readonly loads: readonly number[];
}

interface Phase {
  readonly name: PhaseName;
  readonly beganMs: number;
  readonly seconds: number;
  readonly completed: number;
  readonly errors: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

export interface Run {
  readonly growthCatchUp: 1;
  readonly setting: {
    readonly keys: number;
    readonly valueBytes: number;
    readonly concurrency: number;
    readonly interrupt: string;
    readonly node: string;
  };
  readonly transfer: Transfer;
  /** Resident memory from the follower's start until it was level. */
  readonly peakBytes: { readonly leader: number; readonly follower: number };
  readonly leaderStayed: boolean;
  readonly phases: readonly Phase[];
  readonly samples: readonly Sample[];
}

const GOAL = 2;

/** A window belongs to the phase in which it ended. */
export function summarize(
  begun: readonly { readonly name: PhaseName; readonly beganMs: number }[],
  samples: readonly Sample[],
): Phase[] {
  return begun.map(({ name, beganMs }, i) => {
    const endedMs = begun[i + 1]?.beganMs ?? Infinity;
    const within = samples.filter((each) => each.endedAtMs > beganMs && each.endedAtMs <= endedMs);
    const histogram = LatencyHistogram.of(within.map(({ latency }) => latency));
    return {
      name,
      beganMs,
      seconds: sum(within.map(({ seconds }) => seconds)),
      completed: histogram.count,
      errors: sum(within.map(({ errors }) => errors)),
      p50Us: histogram.quantileUs(0.5),
      p99Us: histogram.quantileUs(0.99),
      maxUs: histogram.maxUs,
    };
  });
}

export function render(run: Run): string {
  const { setting, transfer, peakBytes, phases } = run;
  const rows = phases.map((phase) => [
    phase.name,
    phase.seconds.toFixed(1),
    formatCount(phase.completed / Math.max(phase.seconds, 0.001)),
    usAsMs(phase.p50Us),
    usAsMs(phase.p99Us),
    usAsMs(phase.maxUs),
    String(phase.errors),
  ]);
  const p99 = (name: PhaseName): number => phases.find((each) => each.name === name)?.p99Us ?? NaN;
  const ratio = p99("catching up") / p99("before");
  const s = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const { listeningMs, firstPieceMs, lastPieceMs, caughtUpMs, loads } = transfer;
  return [
    settingText(setting),
    alignColumns([
      ["phase", "seconds", "writes/s", "p50 ms", "p99 ms", "max ms", "errors"],
      ...rows,
    ]),
    `p99 while it catches up: ${ratio.toFixed(2)} times that before (goal: below ${GOAL}): ${ratio < GOAL ? "reached" : "missed"}`,
    `snapshot ${mib(transfer.snapshotBytes)}, received in all ${mib(transfer.receivedBytes)}`,
    `since its start: listens after ${s(listeningMs)}, first piece ${s(firstPieceMs)}, last piece ${s(lastPieceMs)}, ` +
      `level ${s(caughtUpMs)}; loading took ${loads.map(s).join(", ") || "?"}`,
    ...interruptionText(run),
    `peak resident memory from then on: leader ${mib(peakBytes.leader)}, follower ${mib(peakBytes.follower)}`,
    ...(run.leaderStayed ? [] : ["the leader changed meanwhile"]),
  ].join("\n");
}

function interruptionText({ setting, transfer: { interruption } }: Run): readonly string[] {
  if (interruption === null) return [];
  const { bytesBefore, bytesAfter, sameFile, resumedAfterMs } = interruption;
  const where = sameFile ? "went on with what was there" : "began anew";
  return [
    `interrupted (${setting.interrupt}) at ${mib(bytesBefore)}; ${usAsMs(resumedAfterMs * 1000)} ms after the end of that ` +
      `at ${mib(bytesAfter)}: ${where}`,
  ];
}

function settingText({ keys, valueBytes, concurrency, node }: Run["setting"]): string {
  return `3 servers; ${formatCount(keys)} keys, ${valueBytes}-byte values; ${concurrency} writes at once at the leader; Node.js ${node}`;
}

function mib(bytes: number): string {
  return `${mebibytes(bytes, 1)} MiB`;
}

export function plot({ setting, phases, samples }: Run): string {
  const beganMs = phases[0]?.beganMs ?? 0;
  const series = (name: string, pick: (sample: Sample) => number | null): Series => ({
    name,
    points: samples.map((sample): Point => [(sample.endedAtMs - beganMs) / 1000, pick(sample)]),
  });
  const quantile = ({ latency }: Sample, fraction: number): number | null => {
    const histogram = LatencyHistogram.of([latency]);
    return histogram.count === 0 ? null : histogram.quantileUs(fraction) / 1000;
  };
  const completed = ({ latency }: Sample): number => LatencyHistogram.of([latency]).count;
  return lineChart({
    title: `A follower catches up by a snapshot of ${formatCount(setting.keys)} keys`,
    subtitle: settingText(setting),
    x: { label: "time", unit: "seconds", min: 0 },
    marks: phases
      .filter(({ name }) => name !== "settling" && name !== "before")
      .map((phase) => ({ x: (phase.beganMs - beganMs) / 1000, label: phase.name })),
    panels: [
      {
        y: { label: "acknowledged writes a second", unit: "count" },
        series: [series("rate", (sample) => completed(sample) / sample.seconds)],
      },
      {
        y: {
          label: "latency in windows of a quarter of a second (log scale)",
          unit: "ms",
          scale: "log",
        },
        series: [
          series("p50", (sample) => quantile(sample, 0.5)),
          series("p99", (sample) => quantile(sample, 0.99)),
        ],
      },
      {
        y: { label: "resident memory", unit: "bytes" },
        series: [
          series("leader", ({ leaderRssBytes }) => leaderRssBytes),
          series("follower", ({ followerRssBytes }) => followerRssBytes || null),
        ],
      },
    ],
  });
}
