/** Bounds of a search of the core. */
import type { NodeId } from "../../../omnipaxos/index.ts";

/** What a world may use up, each so many times. */
export const BUDGETS = [
  "proposals",
  "leaderChanges",
  "crashes",
  "losses",
  "duplicates",
  "ticks",
] as const;
export type Budget = (typeof BUDGETS)[number];

export interface CoreOptions extends Readonly<Record<Budget, number>> {
  readonly nodes: number;
  /**
   * `fifo`: sessions, as over connections: in order, and with all that is under way lost when they end (by a crash, or by
   * one of `losses`), which both ends are told. `any`: a message may come at any time after it was sent, or never, and so
   * many come twice; one of `losses` tells one end that its session began anew, while what was sent before is still
   * under way.
   */
  readonly order: "fifo" | "any";
  /** `sync`: each write is durable at once. `async`: at any time later, in order. */
  readonly disk: "sync" | "async";
  /** `elected`: node 1 leads, and all nodes have heard of it. */
  readonly start: "empty" | "elected";
  /**
   * `all`: everything in checks.ts, and that no node contradicts itself. `decided`: only that decided logs agree and hold
   * what was proposed; a node that contradicts itself stops, and the search goes elsewhere.
   */
  readonly check: "all" | "decided";
  /** The nodes that may be told to lead. */
  readonly candidates: readonly NodeId[];
  /** The nodes that may be given a proposal. */
  readonly proposers: readonly NodeId[];
}

const CORE_DEFAULTS: Omit<CoreOptions, "candidates" | "proposers"> = {
  nodes: 3,
  proposals: 1,
  leaderChanges: 1,
  crashes: 0,
  losses: 0,
  duplicates: 0,
  ticks: 0,
  order: "fifo",
  disk: "async",
  start: "empty",
  check: "all",
};

export function coreOptions(given: Partial<CoreOptions>): CoreOptions {
  const nodes = given.nodes ?? CORE_DEFAULTS.nodes;
  const all = Array.from({ length: nodes }, (_, index) => index + 1);
  return { ...CORE_DEFAULTS, candidates: all, proposers: all, ...given };
}
