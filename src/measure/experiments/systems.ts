/** What is compared: each a cluster of its own with its load generators, all alive for the whole run. */
import { unreachable } from "../../base/index.ts";
import type { Loadable } from "../subjects/cluster.ts";
import { EchoCluster } from "../subjects/echo-cluster.ts";
import { EtcdCluster } from "../subjects/etcd-cluster.ts";
import { OmnikvCluster } from "../subjects/omnikv-cluster.ts";
import { RedisCluster } from "../subjects/redis-cluster.ts";
import { Generators } from "../workloads/generators.ts";

export const PLACEMENTS = ["spread", "leader"] as const;
/** Where the load goes: to all nodes in equal parts, or to the leader alone. */
export type Placement = (typeof PLACEMENTS)[number];
export const SYSTEMS = ["omnikv", "etcd", "redis", "echo"] as const;
export type SystemName = (typeof SYSTEMS)[number];

export interface SystemOptions {
  readonly size: number;
  readonly dataDir: string | null;
  readonly placements: readonly Placement[];
  /** Processes that make the load. */
  readonly generators: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** The program. */
  readonly etcd: string;
  /** The program. */
  readonly redis: string;
  /** How many connections each generator has, to etcd and to Redis. */
  readonly etcdConnections: number;
}

export interface System {
  readonly name: SystemName;
  readonly cluster: Loadable;
  readonly generators: ReadonlyMap<Placement, Generators>;
}

const TIMEOUT_MS = 10_000;

/** Every key is written once. */
export async function startSystem(name: SystemName, options: SystemOptions): Promise<System> {
  const cluster = await startCluster(name, options);
  const generators = new Map<Placement, Generators>();
  const placements = name === "echo" ? (["spread"] as const) : options.placements;
  const leader = await cluster.leader();
  for (const placement of placements) {
    const made = await Generators.start(cluster, {
      // Of Redis there is one that takes writes, however the load is spread over the others.
      pinned:
        placement === "leader" || name === "redis" ? [leader] : cluster.nodes.map(({ id }) => id),
      // Of omnikv and the echo one to each node asked.
      connections: name === "etcd" || name === "redis" ? options.etcdConnections : undefined,
      count: options.generators,
      timeoutMs: TIMEOUT_MS,
    });
    if (generators.size === 0) await made.fill(options.keys, options.valueBytes);
    generators.set(placement, made);
  }
  return { name, cluster, generators };
}

export async function stopSystem({ generators, cluster }: System): Promise<void> {
  for (const each of generators.values()) await each.close();
  await cluster.remove();
}

function startCluster(
  name: SystemName,
  { size, dataDir: parent, etcd, redis }: SystemOptions,
): Promise<Loadable> {
  switch (name) {
    case "omnikv":
      return OmnikvCluster.start({ size, parent });
    case "etcd":
      return EtcdCluster.start({ program: etcd, size, parent });
    case "redis":
      return RedisCluster.start({ program: redis, size, parent });
    case "echo":
      return EchoCluster.start(size);
    default:
      return unreachable(name, "system");
  }
}
