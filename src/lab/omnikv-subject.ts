/** A throw-away omnikv cluster of real server processes. */
import { createAdminClient, createClient } from "../api/index.ts";
import { KvError } from "../base/errors.ts";
import type { AdminClient } from "../client/admin-client.ts";
import type { NodeId } from "../scenarios/index.ts";
import type { AdminStatus } from "../wire/admin.ts";
import { startInNamespaces, startOnLoopback } from "./omnikv-cluster.ts";
import type { NodeLook, Subject } from "./subject.ts";

export interface OmnikvSubjectOptions {
  readonly size: number;
  readonly electionTimeoutMs: number;
  readonly version: string;
  /** "namespaces": see Namespaces; Linux, root only. */
  readonly network: "loopback" | "namespaces";
  /** Of the data directory; null: where temporary files go. */
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
  const start = network === "loopback" ? startOnLoopback : startInNamespaces;
  const cluster = await start(size, dataParent, serverFlags(electionTimeoutMs));
  const { clusterId, secret, nodes: addresses } = cluster;
  const access = { nodes: addresses, clusterId, secret };
  const nodes = addresses.map(({ id }) => id);
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
    applyBroken: (broken) => cluster.applyBroken(admin, broken),
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
  admin: Pick<AdminClient, "call">,
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
