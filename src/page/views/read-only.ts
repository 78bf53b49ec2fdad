import type { ClusterView } from "../cluster-view.ts";
import { whyNotManage } from "../rights.ts";

/** Why the cluster can only be looked at; null: it can be broken. */
export function readOnlyText({ faultsAllowed, who }: ClusterView): string | null {
  const why = whyNotManage(who);
  if (why !== null) return `${why}.`;
  return faultsAllowed ? null : "Only to look at: the servers run without --allow-faults.";
}
