/**
 * What goes wrong in a run, as data: drawn from the seed before anything happens, so that a failing run can be repeated
 * with fewer faults until only those are left that matter.
 */
import type { SeededRandom } from "./seeded-random.ts";

/** Nodes are named by their position (0, 1, …) so that a plan reads the same for every cluster. */
export type Fault =
  | {
      readonly kind: "crash";
      readonly node: number;
      readonly downMs: number;
      readonly silent: boolean;
    }
  | { readonly kind: "crashAll"; readonly downMs: number }
  | { readonly kind: "pause"; readonly node: number; readonly ms: number }
  /** The wire itself: silence in one direction. */
  | { readonly kind: "blackHole"; readonly from: number; readonly to: number; readonly ms: number }
  /** Connections end and cannot be made. */
  | { readonly kind: "reset"; readonly a: number; readonly b: number; readonly ms: number }
  /** Connections end once. */
  | { readonly kind: "breakConnections"; readonly a: number; readonly b: number }
  | {
      readonly kind: "slowPath";
      readonly from: number;
      readonly to: number;
      readonly delayMs: number;
      readonly ms: number;
    }
  | {
      readonly kind: "flakyPath";
      readonly from: number;
      readonly to: number;
      readonly permille: number;
      readonly ms: number;
    }
  /** The drop table of a node, as management would set it. */
  | {
      readonly kind: "dropLink";
      readonly node: number;
      readonly peer: number;
      readonly direction: "in" | "out" | "both";
      readonly permille: number;
      readonly delayMs: number;
      readonly ms: number;
    }
  /** A shape of the paper: these links are whole, all others are broken at both ends. */
  | {
      readonly kind: "shape";
      readonly name: ShapeName;
      readonly links: readonly (readonly [number, number])[];
      readonly ms: number;
    }
  | {
      readonly kind: "slowDisk";
      readonly node: number;
      readonly syncMs: number;
      readonly ms: number;
    }
  | { readonly kind: "failSync"; readonly node: number; readonly downMs: number }
  | { readonly kind: "diskFull"; readonly node: number; readonly ms: number };

export type FaultKind = Fault["kind"];
export type ShapeName = "quorumLoss" | "constrained" | "chained" | "isolated" | "split" | "ring";

export const FAULT_KINDS: readonly FaultKind[] = [
  "crash",
  "crashAll",
  "pause",
  "blackHole",
  "reset",
  "breakConnections",
  "slowPath",
  "flakyPath",
  "dropLink",
  "shape",
  "slowDisk",
  "failSync",
  "diskFull",
];

export interface TimedFault {
  readonly atMs: number;
  readonly fault: Fault;
}

/** Everything about a run that the seed decides. */
export interface Plan {
  readonly nodes: number;
  readonly clients: number;
  readonly keys: number;
  readonly operationsPerClient: number;
  /** Milliseconds between two operations of a client, at most. */
  readonly thinkMsMax: number;
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Scale of each node's clock. */
  readonly skews: readonly number[];
  readonly snapshotEntries: number;
  readonly retainedEntries: number;
  readonly segmentBytes: number;
  readonly electionTimeoutMs: number;
  readonly syncMs: number;
  readonly faultsMs: number;
  readonly faults: readonly TimedFault[];
}

export function drawPlan(random: SeededRandom): Plan {
  const nodes = random.pick([3, 3, 3, 5, 5, 1, 4]);
  const delayMinMs = random.pick([0.05, 0.2, 1]);
  const delayMaxMs = delayMinMs + random.pick([0, 0.5, 3, 15]);
  const faultsMs = random.pick([1500, 3000, 5000]);
  // Each run leaves most kinds of faults out: what breaks often hides what breaks rarely.
  const kinds = FAULT_KINDS.filter(() => random.chance(0.35));
  const count = kinds.length === 0 ? 0 : random.between(1, 14);
  const faults = Array.from({ length: count }, () => ({
    atMs: random.between(0, faultsMs),
    fault: drawFault(random, random.pick(kinds), nodes),
  })).sort((a, b) => a.atMs - b.atMs);
  return {
    nodes,
    clients: random.between(2, 5),
    keys: random.pick([1, 2, 3, 5]),
    operationsPerClient: random.between(10, 60),
    thinkMsMax: random.pick([1, 20, 100, 200]),
    delayMinMs,
    delayMaxMs,
    skews: Array.from({ length: nodes }, () => random.pick([1, 1, 1, 0.9, 1.1])),
    snapshotEntries: random.pick([10, 30, 100, 100_000]),
    retainedEntries: random.pick([0, 5, 20]),
    segmentBytes: random.pick([2048, 16 * 1024, 256 * 1024]),
    electionTimeoutMs: Math.max(60, Math.ceil(delayMaxMs) * 4),
    syncMs: random.pick([0.1, 0.5, 5]),
    faultsMs,
    faults,
  };
}

function drawFault(random: SeededRandom, kind: FaultKind, nodes: number): Fault {
  const node = random.below(nodes);
  const other = nodes === 1 ? 0 : (node + random.between(1, nodes - 1)) % nodes;
  const ms = random.pick([20, 150, 500, 1500]);
  const downMs = random.pick([0, 10, 200, 1000]);
  switch (kind) {
    case "crash":
      return { kind, node, downMs, silent: random.chance(0.3) };
    case "crashAll":
      return { kind, downMs };
    case "pause":
      return { kind, node, ms };
    case "blackHole":
      return { kind, from: node, to: other, ms };
    case "reset":
      return { kind, a: node, b: other, ms };
    case "breakConnections":
      return { kind, a: node, b: other };
    case "slowPath":
      return { kind, from: node, to: other, delayMs: random.pick([5, 50, 300]), ms };
    case "flakyPath":
      return { kind, from: node, to: other, permille: random.pick([5, 50, 300]), ms };
    case "dropLink": {
      const permille = random.pick([1000, 1000, 300, 50]);
      const direction = random.pick(["in", "out", "both"] as const);
      const delayMs = random.pick([0, 0, 10, 100]);
      return { kind, node, peer: other, direction, permille, delayMs, ms };
    }
    case "shape": {
      const name = random.pick([
        "quorumLoss",
        "constrained",
        "chained",
        "isolated",
        "split",
        "ring",
      ] as const);
      return { kind, name, links: shapeLinks(name, shuffled(random, nodes)), ms };
    }
    case "slowDisk":
      return { kind, node, syncMs: random.pick([10, 60, 250]), ms };
    case "failSync":
      return { kind, node, downMs };
    case "diskFull":
      return { kind, node, ms };
  }
}

function shuffled(random: SeededRandom, nodes: number): number[] {
  const order = Array.from({ length: nodes }, (_, node) => node);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}

/** The links that stay whole. `order` names hub, ends and so on: first the leader-to-be-lost, second the hub. */
export function shapeLinks(
  name: ShapeName,
  order: readonly number[],
): (readonly [number, number])[] {
  const at = (i: number): number => order[i % order.length] ?? 0;
  const all = order.flatMap((a, i) => order.slice(i + 1).map((b) => [a, b] as const));
  switch (name) {
    case "quorumLoss":
      // Everybody hears the hub only.
      return all.filter(([a, b]) => a === at(1) || b === at(1));
    case "constrained":
      // As quorumLoss, and the first node is alone.
      return all.filter(([a, b]) => (a === at(1) || b === at(1)) && a !== at(0) && b !== at(0));
    case "chained":
      return order.slice(1).map((_, i) => [at(i), at(i + 1)] as const);
    case "isolated":
      return all.filter(([a, b]) => a !== at(0) && b !== at(0));
    case "split": {
      const half = new Set(order.slice(0, Math.ceil(order.length / 2)));
      return all.filter(([a, b]) => half.has(a) === half.has(b));
    }
    case "ring":
      return order.map((_, i) => [at(i), at(i + 1)] as const).filter(([a, b]) => a !== b);
  }
}

/** One line a fault, for people. */
export function describeFault({ atMs, fault }: TimedFault): string {
  const { kind, ...rest } = fault;
  const fields = Object.entries(rest)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`,
    )
    .join(" ");
  return `${String(atMs).padStart(5)} ms  ${kind} ${fields}`;
}
