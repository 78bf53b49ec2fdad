/**
 * What must hold in every world. (That decided logs agree, over all nodes and lives, is checked where worlds are made; that
 * what a message tells is durable when it leaves, and the core's own invariants, where a node takes its step.)
 */
import { ballotsEqual } from "../../omnipaxos/index.ts";
import type { CoreOptions } from "./options.ts";
import { list, type World } from "./world.ts";

/** What is wrong with a world; null when nothing is. */
export function problemOf(world: World, options: CoreOptions): string | null {
  return notProposed(world) ?? (options.check === "all" ? (notKept(world) ?? notLed(world)) : null);
}

const PROPOSALS = 0;

function notProposed({ decided, spent }: World): string | null {
  const proposed = spent[PROPOSALS] ?? 0;
  for (const entry of decided) {
    if (entry.charCodeAt(0) - 97 >= proposed) return `${entry} is decided and was never proposed`;
  }
  return null;
}

/** What is decided is on the disks of a majority, whatever else they hold. */
function notKept({ nodes, decided }: World): string | null {
  let holders = 0;
  for (const { durableLog } of nodes) if (durableLog.startsWith(decided)) holders += 1;
  if (2 * holders > nodes.length) return null;
  return `[${list(decided)}] is decided, and on the disks of ${holders} nodes of ${nodes.length}`;
}

/** F1: within a round a follower's log is a prefix of its leader's. */
function notLed({ nodes }: World): string | null {
  for (const leader of nodes) {
    if (leader.leads === null) continue;
    for (const node of nodes) {
      if (!ballotsEqual(node.acceptedRound, leader.leads)) continue;
      if (leader.log.startsWith(node.log)) continue;
      return (
        `node ${node.pid} has accepted [${list(node.log)}] in a round ` +
        `whose leader, node ${leader.pid}, has [${list(leader.log)}]`
      );
    }
  }
  return null;
}
