/** A cluster for one benchmark: free ports, an empty data directory on a real disk, nothing left behind. */
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterNode } from "../config/cluster.ts";
import { startLocalCluster, stopLocalCluster, type LocalServer } from "../server/local-cluster.ts";

const HOST = "127.0.0.1";
const CLUSTER_ID = "omnikv-bench";
/** Types of file systems that live in memory (Linux): a sync there costs nothing, and tells nothing. */
const MEMORY_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6]);

export interface ThrowAwayCluster {
  readonly clusterId: string;
  readonly servers: readonly LocalServer[];
  readonly nodes: readonly ClusterNode[];
  readonly dataDirectory: string;
  /** Stops the servers and removes their data. */
  remove(): Promise<void>;
}

export function isInMemory(directory: string): boolean {
  return MEMORY_FILE_SYSTEMS.has(statfsSync(directory).type);
}

/** A new directory on a real disk: below `parent`, or else where temporary files go unless that is memory. */
export function makeDataDirectory(parent: string | null): string {
  if (parent !== null) mkdirSync(parent, { recursive: true });
  const base = parent ?? (isInMemory(tmpdir()) ? process.cwd() : tmpdir());
  return mkdtempSync(join(base, "omnikv-bench-"));
}

/** TCP ports that are free now, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const listening = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((ready) => {
        server.listen(0, HOST, ready);
      });
      return server;
    }),
  );
  const ports = listening.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    listening.map(
      (server) =>
        new Promise<void>((closed) => {
          server.close(() => closed());
        }),
    ),
  );
  return ports;
}

/**
 * @param parent of the data directory; see `makeDataDirectory`
 * @param flags for each server
 */
export async function startThrowAwayCluster(
  size: number,
  parent: string | null,
  flags: readonly string[] = [],
): Promise<ThrowAwayCluster> {
  const ports = await freePorts(2 * size);
  const nodes = Array.from({ length: size }, (_, i) => ({
    id: i + 1,
    host: HOST,
    port: ports[2 * i] ?? 0,
    peerPort: ports[2 * i + 1] ?? 0,
  }));
  const dataDirectory = makeDataDirectory(parent);
  const discard = (): void => rmSync(dataDirectory, { recursive: true, force: true });
  try {
    const options = { nodes, clusterId: CLUSTER_ID, dataDirectory, flags };
    const servers = await startLocalCluster(options);
    return {
      clusterId: CLUSTER_ID,
      servers,
      nodes,
      dataDirectory,
      async remove() {
        await stopLocalCluster(servers);
        discard();
      },
    };
  } catch (error) {
    discard();
    throw error;
  }
}
