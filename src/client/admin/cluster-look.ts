/** What all nodes of a cluster say of themselves at one time, and who leads by that. */
import { KvError } from "../../base/index.ts";
import type { AdminBallot, AdminStatus } from "../../protocol/admin/index.ts";
import type { AdminCore } from "./admin-core.ts";

/** One for each node, in the order of the nodes asked: its status, or why there is none. */
export type ClusterLook = readonly NodeLook[];
export type NodeLook =
  | { readonly node: number; readonly status: AdminStatus; readonly error: null }
  | { readonly node: number; readonly status: null; readonly error: KvError };

/** Asks all nodes at once; never rejects for what a node answers. */
export function lookAtCluster(
  admin: Pick<AdminCore, "call">,
  nodes: readonly number[],
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<ClusterLook> {
  return Promise.all(
    nodes.map(async (node): Promise<NodeLook> => {
      try {
        return { node, status: await admin.call(node, "status", {}, options), error: null };
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        return { node, status: null, error };
      }
    }),
  );
}

/**
 * Who leads: of the nodes that say they do, the one with the highest promise; a leader that was replaced may not know
 * yet. Null: none of those that answered.
 */
export function leaderIn(look: ClusterLook): number | null {
  let leader: AdminStatus | null = null;
  for (const { status } of look) {
    if (status?.role !== "leader") continue;
    if (leader === null || compareBallots(status.promise, leader.promise) > 0) leader = status;
  }
  return leader?.nodeId ?? null;
}

/**
 * Which nodes share one log, by what they say of it: a log is the same whatever its cluster is called. A node that has no log yet, or does
 * not name it, is in no group.
 */
export function logsIn(look: ClusterLook): readonly (readonly number[])[] {
  const logs = new Map<number, number[]>();
  for (const { node, status } of look) {
    const origin = status?.origin ?? 0;
    if (origin !== 0) logs.set(origin, [...(logs.get(origin) ?? []), node]);
  }
  return [...logs.values()];
}

function compareBallots(a: AdminBallot, b: AdminBallot): number {
  return a.configId - b.configId || a.n - b.n || a.priority - b.priority || a.pid - b.pid;
}
