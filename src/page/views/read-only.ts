import type { ClusterView } from "../cluster-view.ts";

/** Why the cluster can only be looked at; null: it can be broken. */
export function readOnlyText({ faultsAllowed }: ClusterView): string | null {
  return faultsAllowed ? null : "Only to look at: the servers run without --allow-faults.";
}
