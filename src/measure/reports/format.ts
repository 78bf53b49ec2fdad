/** Figures as people read them. */

const MIB = 1024 * 1024;

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** Microseconds, in milliseconds without the unit. */
export function usAsMs(us: number): string {
  const ms = us / 1000;
  return ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

/** A duration with its unit. */
export function formatMs(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms < 10 && ms % 1 !== 0 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** In MiB, without the unit. */
export function mebibytes(bytes: number, digits = 0): string {
  return (bytes / MIB).toFixed(digits);
}
