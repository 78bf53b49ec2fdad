/** A throw-away etcd cluster, each server in a network namespace of its own. */
import type { NodeAddress } from "../../client/terms/index.ts";
import type { NodeLook, Subject } from "../faults/subject.ts";
import { EtcdCluster, etcdVersion } from "./etcd-cluster.ts";
import { etcdStatus } from "./etcd-status.ts";
import { openEtcdWriter } from "./etcd-writer.ts";
import { Namespaces, namespacesRefusal } from "./namespaces.ts";

export interface EtcdSubjectOptions {
  /** The program etcd. */
  readonly program: string;
  /** Further flags for each server. */
  readonly flags: readonly string[];
  readonly size: number;
  /** Heartbeats are sent ten times as often. */
  readonly electionTimeoutMs: number;
  readonly dataParent: string | null;
}

/** etcd's own defaults: heartbeats every 100 ms. */
export const ETCD_ELECTION_TIMEOUT_MS = 1000;
const HEARTBEATS_PER_ELECTION_TIMEOUT = 10;
const LOOK_TIMEOUT_MS = 500;

/** Why etcd cannot be put to this test here; null: it can. */
export function etcdRefusal(program: string): string | null {
  if (etcdVersion(program) === null) {
    return `the program ${program} cannot be run; Debian and Ubuntu have it in the package etcd-server`;
  }
  return namespacesRefusal();
}

/** Resolves when the servers run; they may not have a leader yet. */
export async function startEtcdSubject(options: EtcdSubjectOptions): Promise<Subject> {
  const { program, size, electionTimeoutMs, dataParent, flags } = options;
  const hosts = new Namespaces(size);
  const heartbeatMs = Math.round(electionTimeoutMs / HEARTBEATS_PER_ELECTION_TIMEOUT);
  const timing = [
    "--heartbeat-interval",
    String(Math.max(1, heartbeatMs)),
    "--election-timeout",
    String(electionTimeoutMs),
  ];
  const cluster = await EtcdCluster.start({
    program,
    size,
    hosts,
    parent: dataParent,
    flags: [...timing, ...flags],
  });
  let disposed: Promise<void> | null = null;
  return {
    system: ["etcd", etcdVersion(program) ?? "", ...flags].join(" "),
    nodes: hosts.nodes,
    electionTimeoutMs,
    loses: "packets",
    openWriter: (first, attemptTimeoutMs) => openEtcdWriter(cluster.nodes, first, attemptTimeoutMs),
    async look() {
      cluster.checkAlive();
      return Promise.all(cluster.nodes.map(look));
    },
    applyBroken: (broken) => hosts.applyBroken(broken),
    dispose() {
      disposed ??= cluster.remove();
      return disposed;
    },
  };
}

async function look(node: NodeAddress): Promise<NodeLook> {
  const status = await etcdStatus(node, LOOK_TIMEOUT_MS);
  if (status === null) return { node: node.id, standing: "silent", leader: null, term: null };
  const { member, leader, term } = status;
  const standing = leader === null ? "cutOff" : leader === member ? "leading" : "following";
  return {
    node: node.id,
    standing,
    // Members go by numbers of their own here; who leads says so itself.
    leader: standing === "leading" ? node.id : null,
    term: { order: term, text: String(term) },
  };
}
