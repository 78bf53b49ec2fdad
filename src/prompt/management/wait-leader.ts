/** Waits until a node leads for good. */
import { KvError } from "../../base/index.ts";
import { leaderIn, lookAtCluster } from "../../client/admin/index.ts";
import { lookTimeoutMs, type ClusterOptions } from "./cluster-options.ts";
import { formatDuration } from "../terminal/index.ts";

const LOOK_EVERY_MS = 50;
/**
 * A leader that has just been cut off says that it leads, and hears a majority, until its heartbeat round is over: about
 * one election time-out. Five of them, as they are by default.
 */
const STABLE_MS = 500;

/** @throws KvError NO_QUORUM after `timeoutMs`, CANCELLED when `signal` is aborted */
export async function waitForLeader(
  options: ClusterOptions,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{
  readonly leader: number;
  readonly ballot: { readonly n: number; readonly pid: number };
}> {
  const { client, nodes, now, sleep } = options;
  const ids = nodes.map(({ id }) => id);
  const deadline = now() + timeoutMs;
  let leader: number | null = null;
  let sinceMs = now();
  for (;;) {
    const look = await lookAtCluster(client, ids, { timeoutMs: lookTimeoutMs(options), signal });
    if (signal.aborted) throw new KvError("CANCELLED", "cancelled", { definite: true });
    const id = leaderIn(look);
    const status = look.find(({ node }) => node === id)?.status ?? null;
    const leads = status?.quorumConnected === true ? id : null;
    if (leads === null || leads !== leader) {
      leader = leads;
      sinceMs = now();
    }
    if (leads !== null && status !== null && now() - sinceMs >= STABLE_MS) {
      return { leader: leads, ballot: status.promise };
    }
    if (now() >= deadline) {
      const text = `no node has led with a majority within ${formatDuration(timeoutMs)}: \`status\` shows all nodes`;
      throw new KvError("NO_QUORUM", text);
    }
    await sleep(LOOK_EVERY_MS, signal);
  }
}
