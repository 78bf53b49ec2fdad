/** A histogram of latency buckets as text for Prometheus: counts that exist anyway need no second count. */
import { latencyBoundMs } from "../../base/index.ts";

export interface HistogramText {
  readonly name: string;
  readonly help: string;
  readonly series: readonly HistogramSeries[];
}

export interface HistogramSeries {
  /** `To="2"`; empty: it has none, and is the only one. */
  readonly label: string;
  /** By latencyBucket; the last has no upper bound. */
  readonly buckets: readonly number[];
  /** Null: the node does not add it up, and the text leaves it out. */
  readonly sumMs: number | null;
}

export function renderHistogram({ name, help, series }: HistogramText): string {
  const head = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  return `${[...head, ...series.flatMap((one) => linesOf(name, one))].join("\n")}\n`;
}

function linesOf(name: string, { label, buckets, sumMs }: HistogramSeries): readonly string[] {
  const lines: string[] = [];
  const [before, alone] = label === "" ? ["", ""] : [`${label},`, `{${label}}`];
  let count = 0;
  for (const [i, bucket] of buckets.entries()) {
    count += bucket;
    const bound = i === buckets.length - 1 ? "+Inf" : String(seconds(latencyBoundMs(i)));
    lines.push(`${name}_bucket{${before}le="${bound}"} ${count}`);
  }
  if (sumMs !== null) lines.push(`${name}_sum${alone} ${sumMs / 1000}`);
  lines.push(`${name}_count${alone} ${count}`);
  return lines;
}

/** The names of buckets are compared as text: they must be short, and the same everywhere. */
function seconds(ms: number): number {
  return Number((ms / 1000).toPrecision(4));
}
