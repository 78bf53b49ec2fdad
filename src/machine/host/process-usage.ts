/** How much processor time and memory processes of this machine use, where /proc tells it (Linux). */
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";

export interface ProcessUsage {
  /** Processor time of the process since it started, in user space and in the kernel. */
  readonly cpuSeconds: number;
  /** The most memory that was resident since the process started, or since `resetPeakMemory`. */
  readonly peakRssBytes: number;
}

/** Linux counts processor time for user space in hundredths of a second, independent of its own timer. */
const TICKS_PER_SECOND = 100;
const LISTEN_STATE = "0A";

/** @returns null when there is no such process, or no /proc */
export function processUsage(pid: number): ProcessUsage | null {
  const stat = readProc(`/proc/${pid}/stat`);
  const status = readProc(`/proc/${pid}/status`);
  if (stat === null || status === null) return null;
  // The name is in brackets and may hold anything; the counts come after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (!Number.isFinite(ticks) || peak === undefined) return null;
  return { cpuSeconds: ticks / TICKS_PER_SECOND, peakRssBytes: Number(peak) * 1024 };
}

/** Forgets the peak of resident memory so far. @returns false when the system does not allow it */
export function resetPeakMemory(pid: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
    return true;
  } catch {
    return false;
  }
}

/** @returns the process of this machine that listens on the TCP port; null: none, or it is not ours to see */
export function processListeningOn(port: number): number | null {
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of (readProc(table) ?? "").split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      const local = fields[1]?.split(":")[1];
      if (fields[3] !== LISTEN_STATE || local === undefined) continue;
      if (Number.parseInt(local, 16) === port && fields[9] !== undefined) inodes.add(fields[9]);
    }
  }
  if (inodes.size === 0) return null;
  for (const entry of readdirSync("/proc")) {
    if (/^\d+$/.test(entry) && holdsSocket(entry, inodes)) return Number(entry);
  }
  return null;
}

function holdsSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      const link = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      return link.startsWith("socket:[") && inodes.has(link.slice(8, -1));
    });
  } catch {
    // The process has ended meanwhile, or it is another user's.
    return false;
  }
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
