import { createClient, type KvClient } from "../../client/api/index.ts";
import type { HeldLock, LockSubject } from "./lock-subject.ts";
import { OmnikvCluster } from "./omnikv-cluster.ts";

const TIMEOUT_MS = 20_000;
/** Grants under way at once. */
const GRANTS = 256;

export async function startOmnikvLocks(size: number, parent: string | null): Promise<LockSubject> {
  const cluster = await OmnikvCluster.start({ size, parent });
  await cluster.leader();
  const { nodes, clusterId } = cluster;
  const connect = (): KvClient => createClient({ nodes, clusterId, timeoutMs: TIMEOUT_MS });
  return {
    name: "omnikv",
    processes: cluster.processes,
    client: (ttl) => {
      const client = connect();
      const die = (): void => client.close();
      return { lock: (name) => lock(client, name, ttl, die), close: die };
    },
    keepLeases: async (count, ttl) => {
      const client = connect();
      for (let had = 0; had < count; had += GRANTS) {
        const more = Math.min(GRANTS, count - had);
        await Promise.all(Array.from({ length: more }, () => client.leases.grant({ ttl })));
      }
      return () => client.close();
    },
    remove: () => cluster.remove(),
  };
}

function lock(client: KvClient, name: string, ttl: number, die: () => void): Promise<HeldLock> {
  return new Promise((had, failed) => {
    const request = client.locks.request(name, { ttl }, async () => {
      await new Promise<void>((given) => {
        had({
          die,
          release: async () => {
            given();
            await request;
          },
        });
      });
    });
    // Of no effect once it is had: then `release` tells.
    request.catch(failed);
  });
}
