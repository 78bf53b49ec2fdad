import type { NodeId } from "../../omnipaxos/index.ts";

/** "node 2", "nodes 2 and 3". */
export function nodesText(nodes: readonly NodeId[]): string {
  const last = nodes.at(-1) ?? 0;
  return nodes.length < 2 ? `node ${last}` : `nodes ${nodes.slice(0, -1).join(", ")} and ${last}`;
}
