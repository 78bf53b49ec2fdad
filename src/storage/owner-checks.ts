/** A data directory belongs to one node of one cluster of certain nodes. */
import { StorageError } from "./storage-error.ts";

interface Who {
  readonly clusterId: string;
  readonly nodeId: number;
}

/** @throws StorageError CLUSTER_MISMATCH, NODE_MISMATCH */
export function checkOwner(identity: Who, { clusterId, nodeId }: Who): void {
  if (identity.clusterId !== clusterId) {
    throw new StorageError(
      "CLUSTER_MISMATCH",
      `the data directory belongs to cluster "${identity.clusterId}", this server to cluster "${clusterId}": ` +
        `correct --cluster-id or the cluster file (--cluster, OMNIKV_CLUSTER, "cluster" in the file of --config), or --data-dir`,
    );
  }
  if (identity.nodeId !== nodeId) {
    throw new StorageError(
      "NODE_MISMATCH",
      `the data directory belongs to node ${identity.nodeId}, this server is node ${nodeId}: ` +
        `correct --node or --data-dir`,
    );
  }
}

/** Both sorted. @throws StorageError MEMBERS_MISMATCH */
export function checkMembers(known: readonly number[], given: readonly number[]): void {
  if (known.join() === given.join()) return;
  throw membersMismatch(`belongs to a cluster of ${nodesText(known)}`, given);
}

/** "node 1" or "nodes 1, 2, 3". */
export function nodesText(ids: readonly number[]): string {
  return `${ids.length === 1 ? "node" : "nodes"} ${ids.join(", ")}`;
}

/** @param what is known of the directory */
export function membersMismatch(what: string, given: readonly number[]): StorageError {
  return new StorageError(
    "MEMBERS_MISMATCH",
    `this directory ${what}; this server was started as one of ${given.join(", ")}: ` +
      `start it with the right --peers/--cluster/--size or another --data-dir`,
  );
}
