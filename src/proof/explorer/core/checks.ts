/**
 * What must hold in every world. (That decided logs agree, over all nodes and lives, is checked where worlds are made; that
 * what a message tells is durable when it leaves, and the core's own invariants, where a node takes its step.)
 */
import { ballotsEqual } from "../../../omnipaxos/index.ts";
import type { CoreOptions } from "./options.ts";
import type { NodeState } from "./automaton.ts";
import { proposalOf } from "./steps.ts";

/** What the checks need to know of a world. */
export interface CheckedWorld {
  readonly nodes: readonly NodeState[];
  readonly decided: string;
  readonly spent: readonly number[];
}

/** What is wrong with a world; null when nothing is. */
export function problemOf(world: CheckedWorld, options: CoreOptions): string | null {
  return notProposed(world) ?? (options.check === "all" ? (notKept(world) ?? notLed(world)) : null);
}

const PROPOSALS = 0;

function notProposed({ decided, spent }: CheckedWorld): string | null {
  const proposed = spent[PROPOSALS] ?? 0;
  for (const entry of decided) {
    if (proposalOf(entry) >= proposed) return `${entry} is decided and was never proposed`;
  }
  return null;
}

/** Every decided entry is on the disks of a majority. */
function notKept({ nodes, decided }: CheckedWorld): string | null {
  let holders = 0;
  for (const { durableLog } of nodes) if (durableLog.startsWith(decided)) holders += 1;
  if (2 * holders > nodes.length) return null;
  return `[${listOf(decided)}] is decided, and on the disks of ${holders} nodes of ${nodes.length}`;
}

/** FOLLOW-1: within a round a follower's log is a prefix of its leader's. */
function notLed({ nodes }: CheckedWorld): string | null {
  for (const leader of nodes) {
    if (leader.leads === null) continue;
    for (const node of nodes) {
      if (!ballotsEqual(node.acceptedRound, leader.leads)) continue;
      if (leader.log.startsWith(node.log)) continue;
      return (
        `node ${node.pid} has accepted [${listOf(node.log)}] in a round ` +
        `whose leader, node ${leader.pid}, has [${listOf(leader.log)}]`
      );
    }
  }
  return null;
}

/** The entries of a log. */
export function listOf(log: string): string {
  return log.split("").join(", ");
}
