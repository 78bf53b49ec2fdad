/** A real cluster in this process, for suites that need a store. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KvClient } from "../../src/client/api/index.ts";
import { startNode } from "../../src/embed/index.ts";
import { freePorts } from "../../src/measure/subjects/places.ts";

export interface Cluster {
  /** Where clients of other processes reach it. */
  readonly address: string;
  /** The same one each time, in memory, of the first node. */
  client(): KvClient;
  stop(): Promise<void>;
}

export async function startCluster(size: 1 | 3): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), "omnikv-adapters-"));
  const ports = await freePorts(2 * size);
  const members = Array.from({ length: size }, (_, i) => ({
    id: i + 1,
    port: ports[2 * i] ?? 0,
    peerPort: ports[2 * i + 1] ?? 0,
  }));
  const nodes = await Promise.all(
    members.map(({ id }) => startNode({ dataDir: join(directory, String(id)), node: id, members })),
  );
  const [first] = nodes;
  if (first === undefined) throw new Error("a cluster has a node");
  await first.ready();
  const client = first.client();
  return {
    address: `127.0.0.1:${ports[0]}`,
    client: () => client,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
