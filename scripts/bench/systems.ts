/** What is compared: each a cluster of its own with its load generators, all alive for the whole run. */
import { fork, type ChildProcess } from "node:child_process";
import { findLeader } from "../../src/bench/find-leader.ts";
import { Generators, type MeasuredProcess } from "../../src/bench/generators.ts";
import { startThrowAwayCluster } from "../../src/bench/throw-away-cluster.ts";
import type { Bundles } from "./bundle.ts";
import { EtcdCluster } from "./etcd-cluster.ts";

export const PLACEMENTS = ["spread", "leader"] as const;
/** Where the load goes: to all nodes in equal parts, or to the leader alone. */
export type Placement = (typeof PLACEMENTS)[number];
export const SYSTEMS = ["omnikv", "etcd", "echo"] as const;
export type SystemName = (typeof SYSTEMS)[number];

export interface SystemOptions {
  readonly size: number;
  readonly parent: string | null;
  readonly placements: readonly Placement[];
  /** Processes that make the load. */
  readonly generators: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly etcd: string;
  /** Of each generator. */
  readonly etcdConnections: number;
}

export interface System {
  readonly name: SystemName;
  readonly servers: readonly MeasuredProcess[];
  readonly generators: ReadonlyMap<Placement, Generators>;
  remove(): Promise<void>;
}

interface Node {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

interface Subject {
  readonly module: string;
  readonly nodes: readonly Node[];
  readonly leader: number;
  /** @param asked how many nodes the load goes to */
  readonly connections: (asked: number) => number;
  readonly clusterId: string | null;
}

export function startSystem(
  name: SystemName,
  options: SystemOptions,
  bundles: Bundles,
): Promise<System> {
  switch (name) {
    case "omnikv":
      return startOmnikv(options, bundles);
    case "etcd":
      return startEtcd(options, bundles);
    case "echo":
      return startEcho(options, bundles);
  }
}

async function startGenerators(
  subject: Subject,
  options: SystemOptions,
  bundles: Bundles,
): Promise<Map<Placement, Generators>> {
  const { module, nodes, leader, connections, clusterId } = subject;
  const entry = bundles.bundle(module);
  const made = new Map<Placement, Generators>();
  for (const placement of options.placements) {
    const pinned = placement === "leader" ? [leader] : nodes.map(({ id }) => id);
    const setup = {
      nodes: nodes.map(({ id, host, port }) => ({ id, host, port })),
      pinned,
      connections: connections(pinned.length),
      clusterId,
      secret: null,
      timeoutMs: 10_000,
    };
    const generators = await Generators.start(entry, setup, options.generators);
    if (made.size === 0) await generators.fill(options.keys, options.valueBytes);
    made.set(placement, generators);
  }
  return made;
}

async function startOmnikv(options: SystemOptions, bundles: Bundles): Promise<System> {
  const cluster = await startThrowAwayCluster(options.size, options.parent);
  const subject = {
    module: "src/bench/omnikv-generator.ts",
    nodes: cluster.nodes,
    leader: await findLeader(cluster.nodes, null),
    connections: (asked: number) => asked,
    clusterId: cluster.clusterId,
  };
  return {
    name: "omnikv",
    servers: cluster.servers.map(({ node, pid }) => ({ name: `node ${node.id}`, pid })),
    generators: await startGenerators(subject, options, bundles),
    remove: () => cluster.remove(),
  };
}

async function startEtcd(options: SystemOptions, bundles: Bundles): Promise<System> {
  const cluster = await EtcdCluster.start(options.etcd, options.size, options.parent);
  const subject = {
    module: "scripts/bench/etcd-generator.ts",
    nodes: cluster.nodes,
    leader: await cluster.leader(),
    connections: () => options.etcdConnections,
    clusterId: null,
  };
  return {
    name: "etcd",
    servers: cluster.processes,
    generators: await startGenerators(subject, options, bundles),
    remove: () => cluster.remove(),
  };
}

/** As many echo servers as there are nodes elsewhere, one connection to each. */
async function startEcho(options: SystemOptions, bundles: Bundles): Promise<System> {
  const entry = bundles.bundle("scripts/bench/echo-server.ts");
  const children: readonly ChildProcess[] = Array.from({ length: options.size }, () => fork(entry));
  const ports = await Promise.all(
    children.map((child) => new Promise<number>((ready) => child.once("message", ready))),
  );
  const subject = {
    module: "scripts/bench/echo-generator.ts",
    nodes: ports.map((port, i) => ({ id: i + 1, host: "127.0.0.1", port })),
    leader: 1,
    connections: (asked: number) => asked,
    clusterId: null,
  };
  return {
    name: "echo",
    servers: children.map((child, i) => ({ name: `echo ${i + 1}`, pid: child.pid! })),
    generators: await startGenerators(subject, { ...options, placements: ["spread"] }, bundles),
    async remove() {
      for (const child of children) child.disconnect();
    },
  };
}
