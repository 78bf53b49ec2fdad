/** Mistakes among the faults of a plan, and the faults that make them matter. */
import type { Plan, TimedFault } from "./plan.ts";
import { turnsMs } from "./disk-turns.ts";
import {
  drawFollowCopies,
  drawMistakes,
  drawTogether,
  drawTurns,
  drawTwin,
  type Mistake,
  type MistakeShare,
  type TimedMistake,
} from "./mistake-plan.ts";
import { type SeededRandom, shuffled } from "../../machine/ports/index.ts";

/** Mistakes come within so long, and leave so much to find out what comes of them. */
const MISTAKES_MS = 1200;
const AFTER_MS = 700;

/** How many runs have nothing else wrong than a majority that goes back, by share. */
const TOGETHER: Readonly<Record<MistakeShare, number>> = { some: 0.01, always: 0.1 };

/** And in how many some follow copies. */
const FOLLOW: Readonly<Record<MistakeShare, number>> = { some: 0.01, always: 0.1 };

/** And in how many the disks of one node take turns. */
const TURNS: Readonly<Record<MistakeShare, number>> = { some: 0.01, always: 0.1 };

/** And in how many a copy of a node runs beside it. */
const TWIN: Readonly<Record<MistakeShare, number>> = { some: 0.01, always: 0.1 };

/** Drawn apart, so that all else means what it meant. */
export function withMistakes(plan: Plan, random: SeededRandom, share: MistakeShare): Plan {
  const { nodes } = plan;
  if (nodes >= 3 && random.fork("together").chance(TOGETHER[share])) {
    const own = random.fork("all together");
    return grand(plan, own, drawTogether(own, nodes));
  }
  if (nodes >= 3 && random.fork("follow").chance(FOLLOW[share])) {
    const own = random.fork("follow copies");
    return grand(plan, own, drawFollowCopies(own, nodes));
  }
  if (nodes >= 3 && random.fork("turns").chance(TURNS[share])) {
    const own = random.fork("disks in turns");
    return grand(plan, own, drawTurns(own, nodes, plan.electionTimeoutMs));
  }
  if (nodes >= 3 && random.fork("twin").chance(TWIN[share])) {
    const own = random.fork("a twin");
    return grand(plan, own, drawTwin(own, nodes, plan.electionTimeoutMs));
  }
  const mistakes = drawMistakes(random, nodes, Math.max(plan.faultsMs, MISTAKES_MS), share);
  const last = mistakes.at(-1);
  if (last === undefined) return plan;
  // Many faults at once leave nothing to lose.
  const others = random.chance(0.5) ? [] : plan.faults;
  const added = mistakes.flatMap((timed) => sceneOf(random, timed, plan));
  return {
    ...plan,
    operationsPerClient: Math.max(plan.operationsPerClient, 40),
    thinkMsMax: Math.max(plan.thinkMsMax, 60),
    faultsMs: Math.max(plan.faultsMs, last.atMs + AFTER_MS),
    faults: [...others, ...added].sort((a, b) => a.atMs - b.atMs),
    mistakes,
  };
}

/** A run of its own. Snapshots come often enough to take the place of entries that the others have decided. */
function grand(plan: Plan, random: SeededRandom, timed: TimedMistake): Plan {
  const { mistake } = timed;
  const isLong = mistake.kind === "disksInTurns" || mistake.kind === "twin";
  return {
    ...plan,
    operationsPerClient: isLong ? 90 : 30,
    thinkMsMax: 120,
    // The copies are to come to more than their originals had.
    newcomerOperations: 80,
    snapshotEntries: random.pick([5, 15, 40]),
    retainedEntries: random.pick([0, 3]),
    faultsMs: timed.atMs + lastsMs(mistake) + AFTER_MS,
    faults: [],
    mistakes: [timed],
  };
}

function lastsMs(mistake: Mistake): number {
  if (mistake.kind === "disksInTurns") return turnsMs(mistake.turns);
  if (mistake.kind === "twin") return mistake.bothMs + mistake.aloneMs;
  return "aloneMs" in mistake ? mistake.aloneMs : 0;
}

/** A loss matters most while the nodes that know better are away, and those that do not are there. */
function sceneOf(random: SeededRandom, timed: TimedMistake, plan: Plan): readonly TimedFault[] {
  if (plan.nodes < 3 || random.chance(0.4)) return [];
  const { atMs, mistake } = timed;
  const node = "node" in mistake ? mistake.node : 0;
  const [behind = 0, knowing = 0] = shuffled(random, plan.nodes).filter((other) => other !== node);
  const crash = (at: number, who: number, downMs: number): TimedFault => ({
    atMs: Math.max(0, at),
    fault: { kind: "crash", node: who, downMs, silent: false, power: random.chance(0.3) },
  });
  const knowingAway = crash(atMs + random.between(0, 5), knowing, random.pick([100, 500, 1000]));
  if (random.chance(0.5)) {
    const ms = random.between(20, 200);
    return [crash(atMs - ms, behind, ms + random.between(0, 20)), knowingAway];
  }
  return [deposed(random, timed, node, plan), ...(random.chance(0.5) ? [knowingAway] : [])];
}

/** A leader that does not know that its time is over: only the node in question hears it, when its disk is another one. */
function deposed(
  random: SeededRandom,
  { atMs }: TimedMistake,
  first: number,
  { electionTimeoutMs }: Plan,
): TimedFault {
  const ms = electionTimeoutMs * random.between(4, 8);
  const at = Math.max(0, atMs - ms + random.between(-20, 20));
  const via = random.pick(["dropTable", "wire"] as const);
  const moreMs = random.pick([300, 1000]);
  return { atMs: at, fault: { kind: "deposeLeader", first, via, ends: "time", ms, moreMs } };
}
