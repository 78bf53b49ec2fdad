/** What a server of this machine takes, as the system tells it (Linux). */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LocalServer } from "../../src/server/local-cluster.ts";

export interface ServerSample {
  /** Allocated on disk, as `du` counts. */
  readonly logBytes: number;
  /** The same, of finished snapshots and those being written or received. */
  readonly snapshotBytes: number;
  /** Resident memory. */
  readonly rssBytes: number;
}

/** `st_blocks` counts these, whatever the file system's own block size. */
const BLOCK_BYTES = 512;

export function sampleServer(server: LocalServer): ServerSample {
  return {
    logBytes: allocatedBytes(join(server.dataDirectory, "log")),
    snapshotBytes: allocatedBytes(join(server.dataDirectory, "snapshots")),
    rssBytes: server.running ? residentBytes(server.pid) : 0,
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

function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kibibytes === undefined) throw new Error(`process ${pid} has no resident memory`);
  return Number(kibibytes) * 1024;
}
