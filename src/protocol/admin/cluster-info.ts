/**
 * The answer of a node to a page that wants to become a client of its cluster: GET /cluster.json. No secrets. A reader ignores
 * fields of later versions.
 */
import * as z from "zod";

export const clusterInfoSchema = z.object({
  clusterId: z.string(),
  /** The node that answered. */
  self: z.int(),
  /** All nodes, with the addresses that clients use, as a browser can reach them. */
  nodes: z.array(z.object({ id: z.int(), host: z.string(), port: z.int() })).min(1),
  /** The version of the program. */
  version: z.string(),
  /** This node lets management break links. */
  faultsAllowed: z.boolean(),
  /** Clients must know the cluster's secret. */
  needsSecret: z.boolean(),
});

export type ClusterInfo = z.infer<typeof clusterInfoSchema>;
