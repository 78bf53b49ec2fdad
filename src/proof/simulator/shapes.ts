/** The paper's shapes of partial connectivity, and some more. */
import { unreachable } from "../../base/index.ts";

export type ShapeName = "quorumLoss" | "constrained" | "chained" | "isolated" | "split" | "ring";
export type LinkPair = readonly [number, number];

/** The links that stay whole. `order` names the roles: first the leader that is to be lost, second the hub. */
export function shapeLinks(name: ShapeName, order: readonly number[]): LinkPair[] {
  const at = (i: number): number => order[i % order.length] ?? 0;
  const all = linksAmong(order);
  switch (name) {
    case "quorumLoss":
      // Every node hears the hub only.
      return all.filter(([a, b]) => a === at(1) || b === at(1));
    case "constrained":
      // As quorumLoss, and the first node is alone.
      return all.filter(([a, b]) => (a === at(1) || b === at(1)) && a !== at(0) && b !== at(0));
    case "chained":
      return order.slice(1).map((_, i): LinkPair => [at(i), at(i + 1)]);
    case "isolated":
      return all.filter(([a, b]) => a !== at(0) && b !== at(0));
    case "split": {
      const half = new Set(order.slice(0, Math.ceil(order.length / 2)));
      return all.filter(([a, b]) => half.has(a) === half.has(b));
    }
    case "ring":
      return order.map((_, i): LinkPair => [at(i), at(i + 1)]).filter(([a, b]) => a !== b);
    default:
      return unreachable(name, "shape");
  }
}

/** Each of these hears each other one. */
export function linksAmong(nodes: readonly number[]): LinkPair[] {
  return nodes.flatMap((a, i) => nodes.slice(i + 1).map((b): LinkPair => [a, b]));
}

/** These hear the hub only. */
export function star(hub: number, nodes: readonly number[]): LinkPair[] {
  return nodes.map((node): LinkPair => [hub, node]);
}

/** All pairs of `nodes` nodes that are not among `links`. */
export function brokenPairs(nodes: number, links: readonly LinkPair[]): LinkPair[] {
  const pairs: LinkPair[] = [];
  for (let a = 0; a < nodes; a++) {
    for (let b = a + 1; b < nodes; b++) {
      if (!links.some(([c, d]) => (a === c && b === d) || (a === d && b === c))) pairs.push([a, b]);
    }
  }
  return pairs;
}
