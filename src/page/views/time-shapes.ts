/** What the plots and strips draw, out of the history: pure geometry, times in milliseconds of the page's clock. */
import type { Mark, Sample, Stretch } from "../cluster-view.ts";
import { formatSpan } from "./format.ts";

export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

export const WINDOWS_MS: readonly number[] = [60_000, 300_000, 600_000];

/** Columns as the plots want them; what happened outside is cut off, but for one sample on the left so that lines begin at the edge. */
export function sampleColumns(
  samples: readonly Sample[],
  { from, to }: TimeWindow,
): {
  readonly at: number[];
  readonly applied: number[];
  readonly p50: (number | null)[];
  readonly p99: (number | null)[];
} {
  const inside = samples.findIndex(({ at }) => at >= from);
  const first = inside === -1 ? samples.length : Math.max(0, inside - 1);
  const shown = samples.slice(first).filter(({ at }) => at <= to);
  return {
    at: shown.map(({ at }) => at),
    applied: shown.map(({ appliedPerSecond }) => appliedPerSecond),
    p50: shown.map(({ writeP50Ms }) => writeP50Ms),
    p99: shown.map(({ writeP99Ms }) => writeP99Ms),
  };
}

/** A round number that is at least `value`, and what to label up to it. */
export function linearScale(value: number): { readonly max: number; readonly ticks: number[] } {
  const wanted = Math.max(value, 4);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const max = [1, 2, 4, 5, 10].map((step) => step * power).find((step) => step >= wanted) ?? wanted;
  return { max, ticks: [0, max / 2, max] };
}

/** Whole decades around what was measured: latencies span several. */
export function decadeScale(values: readonly (number | null)[]): {
  readonly min: number;
  readonly max: number;
  readonly ticks: number[];
} {
  const measured = values.filter((value): value is number => value !== null && value > 0);
  const lowest = Math.min(1, ...measured);
  const highest = Math.max(10, ...measured);
  const from = Math.max(-3, Math.floor(Math.log10(lowest)));
  const to = Math.ceil(Math.log10(highest));
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => decade(from + i));
  return { min: decade(from), max: decade(to), ticks };
}

function decade(exponent: number): number {
  return Number(`1e${exponent}`);
}

/** Labels of the time axis: they stand still, time moves beneath them. */
export function timeTicks(
  windowMs: number,
  count = 4,
): { readonly part: number; readonly label: string }[] {
  return Array.from({ length: count + 1 }, (_, i) => {
    const agoMs = windowMs * (1 - i / count);
    return { part: i / count, label: agoMs === 0 ? "now" : `−${axisSpan(agoMs)}` };
  });
}

function axisSpan(ms: number): string {
  const minutes = ms / 60_000;
  return ms < 60_000 ? formatSpan(ms) : `${Number(minutes.toFixed(2))} min`;
}

export interface StretchShape {
  /** Parts of the window's width. */
  readonly from: number;
  readonly to: number;
  readonly role: Stretch["role"];
}

export function stretchShapes(
  strip: readonly Stretch[],
  { from, to }: TimeWindow,
): readonly StretchShape[] {
  const part = (at: number): number => Math.min(1, Math.max(0, (at - from) / (to - from)));
  return strip
    .map(({ from: begun, to: ended, role }) => ({
      from: part(begun),
      to: part(ended ?? to),
      role,
    }))
    .filter((shape) => shape.to > shape.from);
}

export function roleAt(strip: readonly Stretch[], at: number): Stretch["role"] | null {
  return strip.find(({ from, to }) => from <= at && (to === null || at < to))?.role ?? null;
}

export function marksWithin(marks: readonly Mark[], { from, to }: TimeWindow): readonly Mark[] {
  return marks.filter(({ at }) => at >= from && at <= to);
}

/** What happened to the node, or to the cluster, about then, oldest first. */
export function marksNear(
  marks: readonly Mark[],
  node: number,
  at: number,
  toleranceMs: number,
): readonly Mark[] {
  return marks.filter((mark) => concerns(mark, node) && Math.abs(mark.at - at) <= toleranceMs);
}

/** What is done to the cluster concerns every node. */
function concerns({ nodes }: Mark, node: number): boolean {
  return nodes.length === 0 || nodes.includes(node);
}

/**
 * Points of a column that no line would show, for nothing is beside them: single writes.
 * @param rest what a column holds while nothing happens
 */
export function lonePoints(column: readonly (number | null)[], rest: number | null): number[] {
  const isRest = (i: number): boolean => (column[i] ?? rest) === rest;
  return column.flatMap((_, i) => (!isRest(i) && isRest(i - 1) && isRest(i + 1) ? [i] : []));
}
