/** Links as unordered pairs of nodes, and what follows from which of them are whole. */

export type NodeId = number;
/** A link: both directions between two nodes. */
export type LinkPair = readonly [NodeId, NodeId];

export function samePair([a, b]: LinkPair, [c, d]: LinkPair): boolean {
  return (a === c && b === d) || (a === d && b === c);
}

export function allPairs(nodes: readonly NodeId[]): LinkPair[] {
  return nodes.flatMap((a, i) => nodes.slice(i + 1).map((b): LinkPair => [a, b]));
}

/** All links of the nodes that are not among `links`. */
export function otherPairs(nodes: readonly NodeId[], links: readonly LinkPair[]): LinkPair[] {
  return allPairs(nodes).filter((pair) => !links.some((link) => samePair(pair, link)));
}

export function majority(nodes: readonly NodeId[]): number {
  return Math.floor(nodes.length / 2) + 1;
}

/** Nodes that hear, with themselves, a majority: only these can lead (the paper's "quorum-connected"). */
export function quorumConnected(
  nodes: readonly NodeId[],
  broken: readonly LinkPair[],
): readonly NodeId[] {
  const whole = otherPairs(nodes, broken);
  return nodes.filter(
    (node) => 1 + whole.filter((pair) => pair.includes(node)).length >= majority(nodes),
  );
}
