/** Who can lead while links are broken, and how that is said. */
import { allPairs, quorumConnected, type LinkPair, type NodeId } from "./pairs.ts";

/**
 * The leader alone when it keeps a quorum; empty: no node can lead, and writes wait for healing.
 * @param down nodes that do not run: they hear no node and vote for none
 */
export function ableToLead(
  nodes: readonly NodeId[],
  broken: readonly LinkPair[],
  leader: NodeId | null,
  down: readonly NodeId[] = [],
): readonly NodeId[] {
  const silent = allPairs(nodes).filter((pair) => pair.some((node) => down.includes(node)));
  const able = quorumConnected(nodes, [...broken, ...silent]).filter(
    (node) => !down.includes(node),
  );
  return leader !== null && able.includes(leader) ? [leader] : able;
}

/** "node 3 keeps the lead", "node 1 or 2 can lead", …: for the end of a sentence. */
export function leadText(canLead: readonly NodeId[], leader: NodeId | null): string {
  const [only] = canLead;
  if (only === undefined) return "no node can lead: writes wait until links are healed";
  if (canLead.length === 1)
    return only === leader ? `node ${only} keeps the lead` : `only node ${only} can lead`;
  return `node ${canLead.slice(0, -1).join(", ")} or ${canLead.at(-1) ?? only} can lead`;
}
