/**
 * The paper's shapes of partial connectivity (OmniPaxos, EuroSys 2023, section 2) and their relatives, for any number of
 * nodes. A scenario only says which links to break, and who can lead then; its callers break them.
 */
import { KvError, unreachable } from "../../base/index.ts";
import { ableToLead } from "./leadership.ts";
import { allPairs, otherPairs, samePair, type LinkPair, type NodeId } from "./pairs.ts";

export type ScenarioName =
  | "quorum-loss"
  | "constrained"
  | "chain"
  | "cloudflare"
  | "ring"
  | "full-partition"
  | "isolate"
  | "partition";

/** Who plays which part. */
export interface Cast {
  readonly nodes: readonly NodeId[];
  /** Leads when the scenario begins. */
  readonly leader: NodeId;
  /** The follower that keeps its links; default: the first that is not the leader. */
  readonly hub?: NodeId;
}

interface ScenarioStep {
  /** After the step before it, milliseconds. */
  readonly afterMs: number;
  /** All links that are broken from now on; every other link is whole. */
  readonly broken: readonly LinkPair[];
}

export interface Scenario {
  readonly name: ScenarioName;
  readonly steps: readonly ScenarioStep[];
  /** One sentence with the nodes' ids: which links are broken. */
  readonly summary: string;
  /** Who can lead at the end; the leader alone when it keeps a quorum. Empty: no node, and writes wait for healing. */
  readonly canLead: readonly NodeId[];
}

/** The hub of "constrained" falls behind for so long before the rest is broken. */
const LAG_MS = 500;

/** Scenarios that one word names: the current leader determines the roles. */
export const NAMED_SCENARIOS: Readonly<
  Record<Exclude<ScenarioName, "isolate" | "partition">, string>
> = {
  "quorum-loss": "every node hears only one follower, the hub: the leader loses its quorum",
  constrained: "as quorum-loss, but the hub has fallen behind and the leader is alone",
  chain: "the nodes form a line with the leader at one end",
  cloudflare: "the leader and one follower lose each other; the others see both",
  ring: "every node hears its two neighbours only",
  "full-partition": "the leader is cut off with a minority",
};
export type NamedScenario = keyof typeof NAMED_SCENARIOS;

export function isNamedScenario(name: string): name is NamedScenario {
  return Object.hasOwn(NAMED_SCENARIOS, name);
}

/** @throws KvError BAD_REQUEST when the cluster is too small, or the cast is not of it */
export function planScenario(name: NamedScenario, cast: Cast): Scenario {
  const { nodes, leader } = cast;
  if (nodes.length < 3) {
    throw new KvError("BAD_REQUEST", `${name} takes at least 3 nodes, there are ${nodes.length}`);
  }
  const hub = cast.hub ?? nodes.find((node) => node !== leader) ?? leader;
  for (const node of [leader, hub]) requireNode(nodes, node);
  if (hub === leader) throw new KvError("BAD_REQUEST", "the hub is a node that does not lead");
  // First the leader, then the hub, then the others in order.
  const order = [leader, hub, ...nodes.filter((node) => node !== leader && node !== hub)];
  const toHub = allPairs(order).filter((pair) => pair.includes(hub));
  switch (name) {
    case "quorum-loss":
      return scenario(name, cast, `every node hears only node ${hub}`, otherPairs(order, toHub));
    case "constrained": {
      const kept = toHub.filter((pair) => !pair.includes(leader));
      const summary = `node ${hub} falls behind, then hears all but node ${leader}, and they hear only it; node ${leader} is alone`;
      const broken = scenario(name, cast, summary, otherPairs(order, kept));
      const lag: ScenarioStep = { afterMs: 0, broken: [[leader, hub]] };
      return {
        ...broken,
        steps: [lag, ...broken.steps.map((step) => ({ ...step, afterMs: LAG_MS }))],
      };
    }
    case "chain":
    case "ring":
      return planOrder(name, order, nodes, leader);
    case "cloudflare":
      return planCloudflare([leader, order.at(-1) ?? hub], nodes, leader);
    case "full-partition": {
      const minority = order.filter((node) => node !== hub).slice(0, (nodes.length - 1) >> 1);
      return { ...planPartition([minority], nodes, leader), name };
    }
    default:
      return unreachable(name, "scenario");
  }
}

/**
 * Groups of nodes as people write them: "1,2 | 3", "1 2|3".
 * @throws KvError BAD_REQUEST when there is something else than numbers between the bars
 */
export function parseGroups(text: string): NodeId[][] {
  return text.split("|").map((group) =>
    group
      .split(/[\s,]+/)
      .filter((word) => word !== "")
      .map((word) => {
        if (/^\d{1,9}$/.test(word)) return Number(word);
        throw new KvError("BAD_REQUEST", `groups look like "1,2 | 3"; "${word}" is no node`);
      }),
  );
}

/** The groups hear nothing of each other; nodes that are not named form a group of their own. */
export function planPartition(
  groups: readonly (readonly NodeId[])[],
  nodes: readonly NodeId[],
  leader: NodeId | null,
): Scenario {
  const named = groups.flat();
  for (const node of named) requireNode(nodes, node);
  const twice = named.find((node, i) => named.indexOf(node) !== i);
  if (twice !== undefined) throw new KvError("BAD_REQUEST", `node ${twice} is in two groups`);
  const rest = nodes.filter((node) => !named.includes(node));
  const all = [...groups, rest].filter((group) => group.length > 0);
  if (all.length < 2) throw new KvError("BAD_REQUEST", "one group of all nodes is no partition");
  const within = all.flatMap((group) => allPairs(group));
  const summary = `groups ${all.map((group) => group.join(",")).join(" | ")}`;
  return scenario("partition", { nodes, leader }, summary, otherPairs(nodes, within));
}

/** One node hears no other. */
export function planIsolation(
  node: NodeId,
  nodes: readonly NodeId[],
  leader: NodeId | null,
): Scenario {
  requireNode(nodes, node);
  const broken = allPairs(nodes).filter((pair) => pair.includes(node));
  return scenario("isolate", { nodes, leader }, `node ${node} is alone`, broken);
}

/** The nodes in a line, or in a ring, in this order. @throws KvError BAD_REQUEST unless every node stands in it once */
export function planOrder(
  name: "chain" | "ring",
  order: readonly NodeId[],
  nodes: readonly NodeId[],
  leader: NodeId | null,
): Scenario {
  for (const node of order) requireNode(nodes, node);
  const missing = nodes.find((node) => !order.includes(node));
  if (missing !== undefined) {
    throw new KvError("BAD_REQUEST", `name every node once: node ${missing} is missing`);
  }
  const twice = order.find((node, i) => order.indexOf(node) !== i);
  if (twice !== undefined) throw new KvError("BAD_REQUEST", `node ${twice} is named twice`);
  const [first = 0] = order;
  const last = order.at(-1) ?? first;
  const line = order.join(" – ");
  const [summary, kept] =
    name === "chain"
      ? [`a line: ${line}`, neighbours(order)]
      : [`a ring: ${line} – ${first}`, [...neighbours(order), [last, first] as const]];
  return scenario(name, { nodes, leader }, summary, otherPairs(nodes, kept));
}

/** These two lose each other; the others see both. */
export function planCloudflare(
  [a, b]: LinkPair,
  nodes: readonly NodeId[],
  leader: NodeId | null,
): Scenario {
  for (const node of [a, b]) requireNode(nodes, node);
  if (a === b) throw new KvError("BAD_REQUEST", `node ${a} has no link to itself`);
  const summary = `nodes ${a} and ${b} lose each other, the others see both`;
  return scenario("cloudflare", { nodes, leader }, summary, [[a, b]]);
}

function scenario(
  name: ScenarioName,
  { nodes, leader }: { readonly nodes: readonly NodeId[]; readonly leader: NodeId | null },
  summary: string,
  broken: readonly LinkPair[],
): Scenario {
  const canLead = ableToLead(nodes, broken, leader);
  return { name, steps: [{ afterMs: 0, broken }], summary, canLead };
}

function neighbours(order: readonly NodeId[]): LinkPair[] {
  return order.slice(1).map((node, i): LinkPair => [order[i] ?? node, node]);
}

function requireNode(nodes: readonly NodeId[], node: NodeId): void {
  if (nodes.includes(node)) return;
  throw new KvError("UNKNOWN_NODE", `there is no node ${node}: the nodes are ${nodes.join(", ")}`);
}

export function isBroken(broken: readonly LinkPair[], pair: LinkPair): boolean {
  return broken.some((other) => samePair(other, pair));
}
