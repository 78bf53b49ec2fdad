/**
 * Disks of one node that take turns: the one from before, and empty ones that were started to take its place and are put in again.
 * Each turn says which nodes hear each other, since what a disk lacks is to be missed only when those that have it are away.
 */
import type { SeededRandom } from "../../machine/ports/index.ts";
import { type LinkPair, linksAmong, star } from "./shapes.ts";

/** Nodes are named by their places behind the one that leads when it begins, which is 0. */
export interface DiskTurn {
  /** 0: the one that was there before, started as usual. From 1 on: an empty one, the same for the same number, with `--rejoin`. */
  readonly disk: number;
  /** The links that are whole meanwhile; null: all. */
  readonly links: readonly LinkPair[] | null;
  /** Nodes that are down meanwhile. */
  readonly down: readonly number[];
  readonly ms: number;
  /** It is over as soon as the disk has its place: before anybody is elected with it. Left out: it is not. */
  readonly untilPlaced?: boolean;
}

export interface DisksInTurns {
  /** Whose disk it is. */
  readonly who: number;
  readonly turns: readonly DiskTurn[];
}

/** What the draws need to know. */
interface Scope {
  readonly nodes: number;
  readonly who: number;
  /** All but `who`, the leader first. */
  readonly others: readonly number[];
  readonly electionTimeoutMs: number;
}

const FIRST_MS = 300;

/** @param electionTimeoutMs of the run, whose only mistake it is */
export function drawDisksInTurns(
  random: SeededRandom,
  nodes: number,
  electionTimeoutMs: number,
): DisksInTurns & { readonly atMs: number } {
  const who = random.chance(0.15) ? 0 : random.between(1, nodes - 1);
  const others = Array.from({ length: nodes }, (_, node) => node).filter((node) => node !== who);
  const scope: Scope = { nodes, who, others, electionTimeoutMs };
  const turns = random.chance(0.7) ? story(random, scope) : anyTurns(random, scope);
  return { atMs: random.between(FIRST_MS, 2 * FIRST_MS), who, turns };
}

/**
 * An empty disk hears too few to claim the place; the one from before votes on, for what few others have; then the empty one is there
 * again, and those that know better are away.
 */
function story(random: SeededRandom, { nodes, who, others, electionTimeoutMs }: Scope): DiskTurn[] {
  const timeouts = (from: number, to: number): number =>
    electionTimeoutMs * random.between(from, to);
  const [leader = 0, ...rest] = others;
  const [one = leader, ...last] = rest;
  const majority = Math.floor(nodes / 2) + 1;
  // One fewer than must confirm.
  const few = others.slice(0, Math.max(1, nodes - majority - random.below(2)));
  const empty: DiskTurn = {
    disk: 1,
    links: [...linksAmong(others), ...star(who, few)],
    down: [],
    ms: timeouts(4, 12),
  };
  const back: DiskTurn = { disk: 0, links: null, down: [], ms: timeouts(2, 8) };
  const placed = { disk: 1, links: star(who, rest), down: [], ms: timeouts(8, 16) };
  const apart: DiskTurn = {
    disk: 1,
    links: [...linksAmong([leader, one]), ...linksAmong([who, ...last])],
    down: [],
    ms: timeouts(6, 12),
  };
  const alone = { links: [[who, leader]] as const, down: [] };
  if (nodes >= 5 && random.chance(0.5)) {
    // Too few for a decision: it must not be made later with one more node and the vote of a disk that is gone by then.
    return [
      empty,
      { ...alone, disk: 1, ms: random.pick([10, 30, 60]) },
      { ...alone, disk: 0, ms: timeouts(1, 4) },
      { ...placed, untilPlaced: true },
      apart,
    ];
  }
  const votes: DiskTurn = {
    disk: 0,
    links: linksAmong([who, ...others.slice(0, majority - 1)]),
    down: [],
    ms: timeouts(2, 10),
  };
  const restarted: DiskTurn[] = [
    { disk: 1, links: star(who, rest), down: [leader], ms: timeouts(0, 2) },
    { disk: 1, links: star(who, others), down: [], ms: timeouts(4, 12) },
  ];
  const isDown = random.chance(0.5);
  const again = [{ ...placed, down: isDown ? [leader] : [] }];
  return [
    empty,
    back,
    votes,
    ...(nodes === 3 || random.chance(0.3) ? restarted : again),
    random.chance(0.5) ? apart : { ...apart, links: null, down: [random.pick(others)] },
  ];
}

/** Disks that had the place, too, and others that come after them. */
function anyTurns(random: SeededRandom, scope: Scope): DiskTurn[] {
  const { who, others, electionTimeoutMs } = scope;
  const all = [...others, who];
  return Array.from({ length: random.between(3, 6) }, (_, i) => {
    const some = all.filter(() => random.chance(0.6));
    return {
      disk: i === 0 ? 1 : random.pick([0, 1, 1, 2]),
      links: random.pick([
        null,
        null,
        star(
          who,
          others.filter(() => random.chance(0.7)),
        ),
        [...linksAmong(some), ...linksAmong(all.filter((node) => !some.includes(node)))],
      ]),
      down: random.chance(0.3) ? [random.pick(others)] : [],
      ms: electionTimeoutMs * random.pick([1, 4, 8, 12]),
    };
  });
}

export function turnsMs(turns: readonly DiskTurn[]): number {
  return turns.reduce((sum, { ms }) => sum + ms, 0);
}
