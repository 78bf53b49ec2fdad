/** What a server of this machine takes, as the system tells it (Linux). */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LocalServer } from "../../server/launch/index.ts";

export interface ServerSample {
  /** Allocated on disk, as `du` counts. */
  readonly logBytes: number;
  /** The same, of finished snapshots and those being written or received. */
  readonly snapshotBytes: number;
  /** Resident memory; 0: it does not run. */
  readonly rssBytes: number;
}

/** `st_blocks` counts these on every file system, also on one with another block size. */
const BLOCK_BYTES = 512;

export function sampleServer(server: LocalServer): ServerSample {
  return {
    logBytes: allocatedBytes(join(server.dataDirectory, "log")),
    snapshotBytes: allocatedBytes(join(server.dataDirectory, "snapshots")),
    rssBytes: residentBytes(server.pid),
  };
}

function allocatedBytes(directory: string): number {
  let bytes = 0;
  for (const name of readdirSync(directory)) {
    // Null: removed or renamed since it was listed.
    bytes +=
      (statSync(join(directory, name), { throwIfNoEntry: false })?.blocks ?? 0) * BLOCK_BYTES;
  }
  return bytes;
}

/** A process that was killed is there without memory until its end was noticed. */
function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
