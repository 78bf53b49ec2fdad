/** Where the ticks of an axis stand, and what is written at them. */

import { unreachable } from "../../base/index.ts";

/** count: 1, 20k, 3M; bytes: 512 KiB; ms: from µs to min, given in milliseconds; seconds: up to hours, given in seconds. */
export type Unit = "count" | "bytes" | "ms" | "seconds";
export type Scale = "linear" | "log";

const MINUTE_S = 60;
const HOUR_S = 3600;
const SECONDS = [1, 2, 5, 10, 15, 30];
const DURATION_STEPS_S = [
  ...SECONDS,
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_S),
  ...[1, 2, 3, 6, 12, 24].map((hours) => hours * HOUR_S),
];

/** The first and the last tick enclose the values. Few ticks: about `wanted`. */
export function linearTicks(unit: Unit, min: number, max: number, wanted: number): number[] {
  const span = max > min ? max - min : Math.abs(max) || 1;
  const step = niceStep(unit, span / wanted);
  const first = Math.floor(min / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(max / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/**
 * Powers of ten (of two for bytes), with 2 and 5 between them where there is room. The first and the last tick enclose
 * the values, which must be above zero.
 */
export function logTicks(unit: Unit, min: number, max: number, wanted: number): number[] {
  const base = unit === "bytes" ? 2 : 10;
  const powerOf = (value: number): number => Math.log(value) / Math.log(base);
  const first = Math.floor(powerOf(min) + 1e-9);
  const powers = Math.max(1, Math.ceil(powerOf(max) - 1e-9) - first);
  const every = Math.ceil(powers / wanted);
  const factors = base === 10 && 2 * powers <= wanted ? [1, 2, 5] : [1];
  const ticks = Array.from({ length: Math.ceil(powers / every) + 1 }, (_, i) =>
    factors.map((factor) => factor * base ** (first + i * every)),
  ).flat();
  const begin = ticks.findLastIndex((tick) => tick <= min * (1 + 1e-9));
  const end = ticks.findIndex((tick, i) => i > begin && tick >= max * (1 - 1e-9));
  return ticks.slice(begin, end + 1);
}

function niceStep(unit: Unit, atLeast: number): number {
  if (unit === "bytes") return 2 ** Math.max(0, Math.ceil(Math.log2(atLeast)));
  if (unit === "seconds" && atLeast > 1) {
    const found = DURATION_STEPS_S.find((step) => step >= atLeast);
    return found ?? Math.ceil(atLeast / (24 * HOUR_S)) * 24 * HOUR_S;
  }
  const power = 10 ** Math.floor(Math.log10(atLeast));
  return power * ([1, 2, 5].find((factor) => factor * power >= atLeast * (1 - 1e-9)) ?? 10);
}

export function formatValue(unit: Unit, value: number): string {
  switch (unit) {
    case "count":
      return withSuffix(value, 1000, ["", "k", "M", "G"]);
    case "bytes":
      return withSuffix(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]);
    case "ms":
      if (value !== 0 && Math.abs(value) < 0.1) return `${short(value * 1000)} µs`;
      return Math.abs(value) < 1000 ? `${short(value)} ms` : formatValue("seconds", value / 1000);
    case "seconds":
      if (Math.abs(value) < 2 * MINUTE_S) return `${short(value)} s`;
      return Math.abs(value) < 2 * HOUR_S
        ? `${short(value / MINUTE_S)} min`
        : `${short(value / HOUR_S)} h`;
    default:
      return unreachable(unit, "unit");
  }
}

function withSuffix(value: number, base: number, suffixes: readonly string[]): string {
  let scaled = value;
  let which = 0;
  while (Math.abs(scaled) >= base && which < suffixes.length - 1) {
    scaled /= base;
    which += 1;
  }
  return `${short(scaled)}${value === 0 ? "" : suffixes[which]}`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
