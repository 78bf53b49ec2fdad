import { describe, expect, it } from "vitest";
import type { NodeId } from "../../src/omnipaxos/index.ts";
import { Cluster, elect, leaderOf } from "./harness/cluster.ts";
import { decidedOf } from "./harness/view.ts";

/**
 * The partial partitions of the paper. Each row runs with many placements of the roles, tick phases and moments of the
 * cut, links being instant. A row says which links are left, who may lead then, and whether the old leader must give way
 * (within four election time-outs, and then nobody else for twenty) or must lose nothing.
 */
const ELECTION_TICKS = 5;
const RESEND_TICKS = 10;
const TIMEOUTS_MAX = 4;
const STABLE_TIMEOUTS = 20;
const PLACEMENTS = 40;

type Links = readonly (readonly [NodeId, NodeId])[];

interface Row {
  readonly name: string;
  readonly n: number;
  /** Roles by position: [L, H, x, …]. */
  readonly links: (roles: readonly NodeId[]) => Links;
  /** H is cut off from L first and misses entries. */
  readonly lagging?: boolean;
  /** Positions that may lead afterwards; [0]: L stays. */
  readonly mayLead: readonly number[];
}

const star = (roles: readonly NodeId[], hub: number, without: readonly number[] = []): Links =>
  roles.flatMap((pid, i) =>
    i === hub || without.includes(i) ? [] : [[roles[hub]!, pid] as [NodeId, NodeId]],
  );
const full = (pids: readonly NodeId[]): Links =>
  pids.flatMap((a, i) => pids.slice(i + 1).map((b) => [a, b] as [NodeId, NodeId]));
const line = (roles: readonly NodeId[]): Links =>
  roles.slice(1).map((pid, i) => [roles[i]!, pid] as [NodeId, NodeId]);

const ROWS: readonly Row[] = [
  { name: "1 quorum-loss n=5", n: 5, links: (r) => star(r, 1), mayLead: [1] },
  { name: "2 constrained n=5", n: 5, links: (r) => star(r, 1, [0]), lagging: true, mayLead: [1] },
  { name: "3 chained n=3", n: 3, links: line, mayLead: [0] },
  {
    name: "4 constrained n=3",
    n: 3,
    links: (r) => star(r, 1, [0]),
    lagging: true,
    mayLead: [1, 2],
  },
  { name: "5 quorum-loss n=3", n: 3, links: (r) => star(r, 1), mayLead: [0] },
  { name: "6 leader isolated n=3", n: 3, links: (r) => full(r.slice(1)), mayLead: [1, 2] },
  { name: "7 leader isolated n=5", n: 5, links: (r) => full(r.slice(1)), mayLead: [1, 2, 3, 4] },
  { name: "8 line n=5, leader at the end", n: 5, links: line, mayLead: [1, 2, 3] },
  {
    name: "9 ring n=5",
    n: 5,
    links: (r) => [...line(r), [r.at(-1)!, r[0]!]],
    mayLead: [0],
  },
];

/** A small generator, so that every placement is the same in every run. */
function dice(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Run {
  readonly cluster: Cluster;
  readonly roles: readonly NodeId[];
}

function tick(cluster: Cluster): void {
  for (const pid of cluster.pids) {
    cluster.tick(pid);
    cluster.settle();
  }
}

/** A stable cluster with the roles placed by `seed`, and the row's links cut. */
function prepare(row: Row, seed: number, hubIsLowest = false): Run {
  const roll = dice(seed);
  const cluster = new Cluster({
    n: row.n,
    electionTicks: ELECTION_TICKS,
    resendTicks: RESEND_TICKS,
    checked: seed % 8 === 0,
  });
  for (const pid of cluster.pids) cluster.tick(pid, roll(ELECTION_TICKS));
  elect(cluster);
  cluster.round(2);
  const roles = [...cluster.pids];
  for (let i = roles.length - 1; i > 0; i -= 1) {
    const j = roll(i + 1);
    [roles[i], roles[j]] = [roles[j]!, roles[i]!];
  }
  if (hubIsLowest) roles.sort((a, b) => Number(b === 2) - Number(a === 2) || a - b);
  const [leader, hub] = roles as [NodeId, NodeId];
  if (leaderOf(cluster) !== leader) cluster.call(leader, (node) => node.tryBecomeLeader());
  cluster.settle();
  cluster.round(3);
  expect(leaderOf(cluster)).toBe(leader);
  cluster.append(leader, "before");
  cluster.settle();
  for (let i = roll(ELECTION_TICKS); i > 0; i -= 1) tick(cluster);
  if (row.lagging === true) {
    cluster.cut(leader, hub);
    cluster.append(leader, "missed 1", "missed 2");
    cluster.settle();
    expect(cluster.node(hub).decidedIdx).toBe(1);
  }
  cluster.keepOnly(row.links(roles));
  return { cluster, roles };
}

/** Ticks until one of the candidates has decided something proposed after the cut. */
function ticksToRecover({ cluster, roles }: Run, row: Row): number {
  const candidates = row.mayLead.map((i) => roles[i]!);
  for (let ticks = 1; ticks <= 3 * TIMEOUTS_MAX * ELECTION_TICKS; ticks += 1) {
    tick(cluster);
    for (const pid of candidates) cluster.append(pid, `after ${ticks} at ${pid}`);
    cluster.settle();
    const recovered = candidates.some((pid) =>
      decidedOf(cluster.node(pid)).some((entry) => entry.startsWith("after")),
    );
    if (recovered) return ticks;
  }
  return Infinity;
}

function topPromise(cluster: Cluster): string {
  const leader = leaderOf(cluster)!;
  return JSON.stringify(cluster.node(leader).promise);
}

describe.each(ROWS.filter((row) => row.mayLead[0] !== 0))("row $name", (row) => {
  it("recovers within four election time-outs, under one of the expected leaders, and stays with it", () => {
    const timeouts: number[] = [];
    for (let seed = 1; seed <= PLACEMENTS; seed += 1) {
      const run = prepare(row, seed);
      timeouts.push(ticksToRecover(run, row) / ELECTION_TICKS);
      const { cluster, roles } = run;
      // Several nodes may have raised their ballots in the same round: the highest has one round to prevail.
      for (let i = 0; i < ELECTION_TICKS; i += 1) tick(cluster);
      expect(row.mayLead.map((i) => roles[i])).toContain(leaderOf(cluster));
      const promise = topPromise(cluster);
      for (let i = 0; i < STABLE_TIMEOUTS * ELECTION_TICKS; i += 1) tick(cluster);
      expect(topPromise(cluster)).toBe(promise);
    }
    const [least, most] = [Math.min(...timeouts), Math.max(...timeouts)];
    console.log(`row ${row.name}: ${least} to ${most} election time-outs`);
    expect(most).toBeLessThanOrEqual(TIMEOUTS_MAX);
  });

  it("brings everybody to the full log once the links are back", () => {
    for (let seed = 1; seed <= PLACEMENTS / 4; seed += 1) {
      const { cluster, roles } = prepare(row, seed);
      expect(ticksToRecover({ cluster, roles }, row)).toBeLessThan(Infinity);
      cluster.healAll();
      // Links tell both ends; without that, repetition alone takes two resend time-outs.
      const told = seed % 2 === 0;
      if (told) for (const [a, b] of full(cluster.pids)) cluster.reconnect(a, b);
      const ticks = (told ? 1 : 2) * RESEND_TICKS + 2 * ELECTION_TICKS;
      for (let i = 0; i < ticks; i += 1) tick(cluster);
      const known = cluster.node(leaderOf(cluster)!).decidedIdx;
      for (const pid of cluster.pids) expect(cluster.node(pid).decidedIdx).toBe(known);
    }
  });
});

describe.each(ROWS.filter((row) => row.mayLead[0] === 0))("row $name", (row) => {
  it("loses nothing: the leader stays and decides at once", () => {
    for (let seed = 1; seed <= PLACEMENTS; seed += 1) {
      const { cluster, roles } = prepare(row, seed);
      const leader = roles[0]!;
      const promise = topPromise(cluster);
      for (let i = 0; i < STABLE_TIMEOUTS * ELECTION_TICKS; i += 1) {
        cluster.append(leader, `after ${i}`);
        cluster.settle();
        expect(cluster.node(leader).decidedIdx).toBe(cluster.node(leader).acceptedIdx);
        tick(cluster);
      }
      expect(leaderOf(cluster)).toBe(leader);
      expect(topPromise(cluster)).toBe(promise);
    }
  });
});

describe("beyond the table", () => {
  it("the hub may have the lowest id: ties do not matter", () => {
    const row = ROWS[0]!;
    const run = prepare(row, 1, true);
    expect(run.roles[1]).toBe(1);
    expect(ticksToRecover(run, row)).toBeLessThanOrEqual(TIMEOUTS_MAX * ELECTION_TICKS);
    expect(leaderOf(run.cluster)).toBe(1);
  });

  it("a hub with an undecided tail recovers and keeps one log", () => {
    const row = ROWS[0]!;
    const { cluster, roles } = prepare(row, 3);
    const [leader, hub] = roles as [NodeId, NodeId];
    cluster.append(leader, "tail");
    cluster.settle();
    expect(cluster.node(hub).acceptedIdx).toBe(2);
    expect(cluster.node(hub).decidedIdx).toBe(1);
    expect(ticksToRecover({ cluster, roles }, row)).toBeLessThanOrEqual(
      TIMEOUTS_MAX * ELECTION_TICKS,
    );
    expect(decidedOf(cluster.node(hub)).slice(0, 2)).toEqual(["before", "tail"]);
  });

  it("links that heal while the hub prepares do no harm", () => {
    const row = ROWS[0]!;
    for (let seed = 1; seed <= 10; seed += 1) {
      const { cluster, roles } = prepare(row, seed);
      const hub = roles[1]!;
      for (let i = 0; i < 40 && cluster.node(hub).role !== "leader"; i += 1) {
        for (const pid of cluster.pids) {
          cluster.tick(pid);
          if (cluster.node(hub).role === "leader") break;
          cluster.settle();
        }
      }
      expect(cluster.node(hub)).toMatchObject({ role: "leader", phase: "prepare" });
      cluster.healAll();
      cluster.settle();
      cluster.round(6);
      cluster.append(leaderOf(cluster)!, "healed");
      cluster.round(2);
      for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toContain("healed");
    }
  });

  it("a quorum loss that turns into a chain still has one leader", () => {
    const { cluster, roles } = prepare(ROWS[0]!, 5);
    cluster.round(5);
    expect(leaderOf(cluster)).toBe(roles[1]);
    cluster.keepOnly(line(roles));
    cluster.round(6);
    const leader = leaderOf(cluster)!;
    const { promise } = cluster.node(leader);
    cluster.round(STABLE_TIMEOUTS);
    expect(cluster.node(leader).promise).toEqual(promise);
    cluster.append(leader, "in the chain");
    cluster.settle();
    expect(decidedOf(cluster.node(leader))).toContain("in the chain");
  });

  it("with one-way cuts and flapping links nothing goes wrong, and it ends when they do", () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const roll = dice(seed);
      const cluster = new Cluster({ n: 5, electionTicks: 3, resendTicks: 6 });
      elect(cluster);
      for (let i = 0; i < 120; i += 1) {
        const [from, to] = [1 + roll(5), 1 + roll(5)];
        if (from !== to) {
          if (roll(2) === 0) cluster.cutOneWay(from, to);
          else cluster.healOneWay(from, to);
        }
        tick(cluster);
        cluster.append(1 + roll(5), `flap ${i}`);
      }
      cluster.healAll();
      cluster.round(15);
      const known = cluster.checker.canonical.length;
      for (const pid of cluster.pids) expect(cluster.node(pid).decidedIdx).toBe(known);
    }
  });
});
