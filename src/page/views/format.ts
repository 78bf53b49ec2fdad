/** Numbers and times as people read them. */
const THIN_SPACE = "\u2009";

/** 1234567 → "1 234 567", with thin spaces. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, THIN_SPACE);
}

/** Three digits are enough: 4, 48, 1.2k, 35k, 1.2M. */
export function formatRate(perSecond: number): string {
  if (perSecond < 0.05) return "0";
  if (perSecond < 9.95) return trimZero(perSecond.toFixed(1));
  if (perSecond < 999.5) return String(Math.round(perSecond));
  if (perSecond < 9950) return `${trimZero((perSecond / 1000).toFixed(1))}k`;
  if (perSecond < 999_500) return `${Math.round(perSecond / 1000)}k`;
  return `${trimZero((perSecond / 1_000_000).toFixed(1))}M`;
}

/** A duration that was measured: "0.42 ms", "12 ms", "1.3 s". */
export function formatMs(ms: number): string {
  if (ms < 1) return `${trimZero(ms.toFixed(2))} ms`;
  if (ms < 9.95) return `${trimZero(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${trimZero((ms / 1000).toFixed(1))} s`;
}

/** A stretch of time in whole units: "4 s", "3 min", "2 h 5 min", "3 d 4 h". */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return withRest(`${hours} h`, minutes % 60, "min");
  return withRest(`${Math.floor(hours / 24)} d`, hours % 24, "h");
}

/** The page's clock as that on the wall, "18:04:59": what happened is looked up in logs by it. */
export function formatClock(at: number): string {
  const date = new Date(performance.timeOrigin + at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 9.95 ? trimZero(value.toFixed(1)) : Math.round(value)} ${units[unit] ?? ""}`;
}

/** "node 2", "nodes 1 and 3", "nodes 1, 2 and 3". */
export function nodesText(ids: readonly number[]): string {
  const last = ids.at(-1);
  if (ids.length < 2) return `node ${last ?? "–"}`;
  return `nodes ${ids.slice(0, -1).join(", ")} and ${last}`;
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function withRest(text: string, rest: number, unit: string): string {
  return rest === 0 ? text : `${text} ${rest} ${unit}`;
}

function trimZero(text: string): string {
  return text.replace(/\.?0+$/, "");
}
