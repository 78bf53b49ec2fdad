/** The scenarios as commands: which links of all nodes are broken, and nothing else. */
import { KvError } from "../../base/index.ts";
import {
  NAMED_SCENARIOS,
  planCloudflare,
  planIsolation,
  planOrder,
  planPartition,
  planScenario,
  type NamedScenario,
} from "../../client/scenarios/index.ts";
import {
  type CommandSpec,
  groupsIn,
  nodeFrom,
  nodeIn,
  nodeOrLeaderIn,
  UsageError,
  wordsIn,
} from "../terminal/index.ts";
import type { ClusterAction } from "../commands/index.ts";

type Spec = CommandSpec<ClusterAction>;

export function scenarioCommands(nodeIds: readonly number[]): readonly Spec[] {
  const named = (name: NamedScenario, synonyms: readonly string[], examples: string[]): Spec => ({
    name,
    synonyms,
    forms: [name === "full-partition" ? "" : "[HUB]"],
    summary: NAMED_SCENARIOS[name],
    details: [ROLES, ...(name === "full-partition" ? [] : [HUB])],
    examples,
    arguments: ["node"],
    count: [0, name === "full-partition" ? 0 : 1],
    build: ({ positionals: [token] }) => {
      const hub = token === undefined ? null : nodeIn(token, nodeIds);
      checked(() => planScenario(name, { nodes: nodeIds, leader: nodeIds[0] ?? 1 }));
      return { op: "scenario", name, request: { kind: "named", name, hub } };
    },
  });
  return [
    partitionCommand(nodeIds),
    isolateCommand(nodeIds),
    orderCommand("chain", ["chained", "line"], nodeIds),
    named("quorum-loss", ["quorum_loss", "qloss", "quorumloss"], ["quorum-loss", "quorum-loss 2"]),
    named("constrained", ["constrain"], ["constrained", "constrained 2"]),
    cloudflareCommand(nodeIds),
    orderCommand("ring", ["circle"], nodeIds),
    named("full-partition", ["full_partition", "split", "minority"], ["full-partition"]),
  ];
}

const ROLES = "The node that leads now takes the leader's part. Every other link becomes whole.";
const HUB = "HUB is the follower that keeps its links; if you name none, the first.";

function partitionCommand(nodeIds: readonly number[]): Spec {
  const [first = 1, second = 2, third = 3] = nodeIds;
  return {
    name: "partition",
    synonyms: ["groups", "cut"],
    forms: ["GROUP | GROUP …"],
    summary: "the groups hear nothing of each other; within a group all is whole",
    details: ["Nodes that are not named form a group of their own."],
    examples: [`partition ${first},${second} | ${third}`, `partition ${first}`],
    arguments: ["node"],
    count: [1, 2 * nodeIds.length],
    build: ({ positionals }) => {
      const groups = groupsIn(positionals, nodeIds);
      checked(() => planPartition(groups, nodeIds, null));
      return { op: "scenario", name: "partition", request: { kind: "partition", groups } };
    },
  };
}

function isolateCommand(nodeIds: readonly number[]): Spec {
  return {
    name: "isolate",
    synonyms: ["alone", "cut_off", "cutoff"],
    forms: ["NODE"],
    summary: "this node hears nobody; every other link becomes whole",
    details: ['NODE may be "leader". Clients and management still reach the node.'],
    examples: [`isolate ${nodeIds[1] ?? 1}`, "isolate leader"],
    arguments: ["nodeOrLeader"],
    count: [1, 1],
    build: ({ positionals: [token] }) => {
      const node = nodeOrLeaderIn(token, nodeIds);
      if (node !== "leader") checked(() => planIsolation(node, nodeIds, null));
      return { op: "scenario", name: "isolate", request: { kind: "isolate", node } };
    },
  };
}

function orderCommand(
  name: "chain" | "ring",
  synonyms: readonly string[],
  nodeIds: readonly number[],
): Spec {
  return {
    name,
    synonyms,
    forms: ["[ORDER]"],
    summary: NAMED_SCENARIOS[name],
    details: [ROLES, "ORDER names every node once, in the order in which they are to stand."],
    examples: [name, `${name} ${nodeIds.toReversed().join("-")}`],
    arguments: ["node"],
    count: [0, nodeIds.length],
    build: ({ positionals }) => {
      if (positionals.length === 0) {
        checked(() => planScenario(name, { nodes: nodeIds, leader: nodeIds[0] ?? 1 }));
        return { op: "scenario", name, request: { kind: "named", name, hub: null } };
      }
      const order = wordsIn(positionals, /[\s,–-]+/).map((word) => nodeFrom(word, nodeIds));
      checked(() => planOrder(name, order, nodeIds, null));
      return { op: "scenario", name, request: { kind: "order", name, order } };
    },
  };
}

function cloudflareCommand(nodeIds: readonly number[]): Spec {
  const [first = 1, second = 2] = nodeIds;
  return {
    name: "cloudflare",
    synonyms: ["switch", "byzantine"],
    forms: ["[NODE-NODE]"],
    summary: NAMED_SCENARIOS.cloudflare,
    details: [
      "As the half-dead switch of 2020-11-02 that kept an etcd cluster electing for hours.",
      "NODE-NODE are the two that lose each other; if you name none, the leader and the last of the others.",
    ],
    examples: ["cloudflare", `cloudflare ${first}-${second}`],
    arguments: ["link"],
    count: [0, 1],
    build: ({ positionals }) => {
      if (positionals.length === 0) {
        checked(() => planScenario("cloudflare", { nodes: nodeIds, leader: nodeIds[0] ?? 1 }));
        const request = { kind: "named", name: "cloudflare", hub: null } as const;
        return { op: "scenario", name: "cloudflare", request };
      }
      const [a, b, ...more] = wordsIn(positionals, /[\s,–-]+/).map((word) =>
        nodeFrom(word, nodeIds),
      );
      if (a === undefined || b === undefined || more.length > 0) {
        throw new UsageError("name two nodes, or none");
      }
      checked(() => planCloudflare([a, b], nodeIds, null));
      return { op: "scenario", name: "cloudflare", request: { kind: "cloudflare", pair: [a, b] } };
    },
  };
}

/** If the plan refuses it, it is a wrong argument here. */
function checked(plan: () => unknown): void {
  try {
    plan();
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    throw new UsageError(error.message);
  }
}
