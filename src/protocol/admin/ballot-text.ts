import type { AdminBallot } from "./admin-schema.ts";

/** "2.0.3": number, priority, node, as the servers' logs have it. A node that has promised nothing yet has promised node 0. */
export function ballotText({ n, priority, pid }: AdminBallot): string {
  return pid === 0 ? "none" : `${n}.${priority}.${pid}`;
}
