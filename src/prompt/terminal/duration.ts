/** Milliseconds as people read them: "0.3 ms", "12 ms", "1.25 s", "2 h 5 min". */
export function formatDuration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return ms < 59_995 ? `${Math.round(ms / 10) / 100} s` : formatLong(ms);
}

/** "1 min 5 s", "3 h 12 min", "2 d 4 h": the two largest units. */
function formatLong(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const units = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  return units
    .slice(first, first + 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;
export type DurationUnit = keyof typeof UNIT_MS;

/**
 * "500ms", "2s", "1.5min", "1h", "2d" in milliseconds.
 * @param bare unit of a number that stands alone; null: it needs one
 * @returns null: it is no time
 */
export function parseDuration(text: string, bare: DurationUnit | null): number | null {
  const [, digits, unit = bare] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|min|m|h|d)?$/.exec(text) ?? [];
  if (digits === undefined || unit === null) return null;
  return Number(digits) * UNIT_MS[unit as DurationUnit];
}

/** As JSON gives it: microseconds are plenty. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
