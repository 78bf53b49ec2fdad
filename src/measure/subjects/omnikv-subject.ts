/** A throw-away omnikv cluster whose links can be broken: by the servers themselves, or by the kernel. */
import { createAdminClient, createClient } from "../../client/api/index.ts";
import { KvError } from "../../base/index.ts";
import { type AdminCore, applyFaults, brokenLinks, failedText } from "../../client/admin/index.ts";
import type { NodeId } from "../../client/scenarios/index.ts";
import type { AdminStatus } from "../../protocol/admin/index.ts";
import type { NodeLook, Subject } from "../faults/subject.ts";
import { Namespaces } from "./namespaces.ts";
import { OmnikvCluster } from "./omnikv-cluster.ts";

export interface OmnikvSubjectOptions {
  readonly size: number;
  readonly electionTimeoutMs: number;
  readonly version: string;
  /** "namespaces": see Namespaces; Linux, root only. */
  readonly network: "loopback" | "namespaces";
  /** The folder in which the data directory is made; null: where temporary files go. */
  readonly dataParent: string | null;
}

/** Heartbeat rounds are counted in ticks: at least so many in each. */
const TICKS_PER_ELECTION_TIMEOUT = 10;
const TICK_MS_MAX = 10;
const RESEND_ELECTION_TIMEOUTS = 2;
const REQUEST_WAIT_MS_MIN = 3000;
const REQUEST_WAIT_ELECTION_TIMEOUTS = 10;
/** Longer than any partition: the loop waits, it does not give up. */
const WRITE_TIMEOUT_MS = 600_000;

export async function startOmnikvSubject(options: OmnikvSubjectOptions): Promise<Subject> {
  const { size, electionTimeoutMs, version, network, dataParent } = options;
  const hosts = network === "namespaces" ? new Namespaces(size) : null;
  const timing = serverFlags(electionTimeoutMs);
  const cluster = await OmnikvCluster.start({
    size,
    parent: dataParent,
    hosts,
    flags: hosts === null ? [...timing, "--allow-faults"] : timing,
  });
  const { clusterId, secret } = cluster;
  const access = { nodes: cluster.nodes, clusterId, secret };
  const nodes = cluster.nodes.map(({ id }) => id);
  const admin = createAdminClient(access);
  let disposed: Promise<void> | null = null;
  return {
    system: `omnikv ${version}`,
    nodes,
    electionTimeoutMs,
    loses: network === "loopback" ? "messages" : "packets",
    openWriter(firstNode, attemptTimeoutMs) {
      const timeoutMs = WRITE_TIMEOUT_MS;
      const client = createClient({ ...access, firstNode, attemptTimeoutMs, timeoutMs });
      return {
        write: async (key, value) => void (await client.write(key, value)),
        close: () => client.close(),
      };
    },
    look: () => Promise.all(nodes.map((node) => look(admin, node, electionTimeoutMs))),
    async applyBroken(broken) {
      if (hosts !== null) return hosts.applyBroken(broken);
      const outcome = await applyFaults(admin, nodes, brokenLinks(broken));
      if (outcome.failed.size > 0) throw new Error(failedText(outcome));
    },
    dispose() {
      disposed ??= (async () => {
        admin.close();
        await cluster.remove();
      })();
      return disposed;
    },
  };
}

function serverFlags(electionTimeoutMs: number): readonly string[] {
  const tickMs = Math.floor(electionTimeoutMs / TICKS_PER_ELECTION_TIMEOUT);
  const requestMs = REQUEST_WAIT_ELECTION_TIMEOUTS * electionTimeoutMs;
  const flags = {
    "election-timeout-ms": electionTimeoutMs,
    "tick-ms": Math.max(1, Math.min(TICK_MS_MAX, tickMs)),
    "resend-ms": RESEND_ELECTION_TIMEOUTS * electionTimeoutMs,
    "request-timeout-ms": Math.max(REQUEST_WAIT_MS_MIN, requestMs),
  };
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

async function look(
  admin: Pick<AdminCore, "call">,
  node: NodeId,
  timeoutMs: number,
): Promise<NodeLook> {
  try {
    return lookOf(await admin.call(node, "status", {}, { timeoutMs: Math.max(1000, timeoutMs) }));
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return { node, standing: "silent", leader: null, term: null };
  }
}

function lookOf({ nodeId, standing, leader, promise }: AdminStatus): NodeLook {
  const { n, priority, pid } = promise;
  // Ballots are ordered by number, then priority, then node; both of the latter are small.
  const term = { order: (n * 1000 + priority) * 1000 + pid, text: `${n}.${pid}` };
  return { node: nodeId, standing, leader, term };
}
