/** A leader that is told to end gives its leadership away first. */
import { describe, expect, test } from "vitest";
import { seeds } from "../../repetitions.ts";
import { ELECTION_TIMEOUT_MS, Scenario } from "./scenario.ts";

const SEEDS = seeds(1, 6);

/** The longest time without a new decision at this node while the world turns for so long. */
function longestGap({ world, decided }: Gap, ms: number): number {
  let longest = 0;
  let last = decided();
  let lastMs = world.clock.now();
  const endMs = lastMs + ms;
  while (world.clock.now() < endMs) {
    world.run(1);
    if (decided() === last) continue;
    longest = Math.max(longest, world.clock.now() - lastMs);
    last = decided();
    lastMs = world.clock.now();
  }
  return Math.max(longest, world.clock.now() - lastMs);
}
interface Gap {
  readonly world: Scenario["world"];
  readonly decided: () => number;
}

describe.each(SEEDS)("seed %i", { timeout: 120_000 }, (seed) => {
  test.each([3, 5])("%i nodes: writes at another node go on without a gap", (nodes) => {
    const scenario = new Scenario(nodes, seed);
    const [leader, other] = scenario.leaderFirst() as [number, number];
    scenario.write(other);
    scenario.world.run(50);
    scenario.world.nodes[leader]!.stop(1e6);
    const gap = { world: scenario.world, decided: () => scenario.decided(other) };
    expect(longestGap(gap, 10 * ELECTION_TIMEOUT_MS)).toBeLessThan(ELECTION_TIMEOUT_MS / 4);
    expect(scenario.world.nodes[leader]!.node).toBeNull();
    expect(scenario.world.coverage.count("sent takeOver")).toBe(1);
  });

  test("one leader after the other goes, while connections break", () => {
    const scenario = new Scenario(5, seed);
    const { world, injector } = scenario;
    for (const from of world.nodes.keys()) {
      for (const to of world.nodes.keys()) {
        if (from !== to) injector.inject({ kind: "flakyPath", from, to, permille: 2, ms: 1e6 });
      }
    }
    for (const node of world.nodes.keys()) scenario.write(node);
    for (let i = 0; i < 10; i += 1) {
      expect(world.runUntil(() => scenario.leader !== null, 5000)).toBe(true);
      world.nodes[scenario.leader!]!.stop(300);
      world.run(500);
    }
    injector.heal();
    world.run(1000);
    const decided = world.nodes.map(({ index }) => scenario.decided(index));
    world.run(1000);
    for (const { index } of world.nodes) {
      expect(scenario.decided(index)).toBeGreaterThan(decided[index]!);
    }
    expect(world.coverage.count("sent takeOver")).toBeGreaterThan(3);
  });

  test("a leader that can hand over to nobody ends within an election time-out", () => {
    const scenario = new Scenario(3, seed);
    const [leader, a, b] = scenario.leaderFirst() as [number, number, number];
    // What it says reaches nobody, and it has not noticed yet.
    scenario.cut([
      [leader, a],
      [leader, b],
    ]);
    scenario.world.nodes[leader]!.stop(1e6);
    scenario.world.run(1.5 * ELECTION_TIMEOUT_MS);
    expect(scenario.world.nodes[leader]!.node).toBeNull();
  });

  test.each([
    [false, "at once", 5],
    // Its connections seem to last: it might be back, and not have been heard yet.
    [true, "within an election time-out", 1.5 * ELECTION_TIMEOUT_MS],
  ])(
    "with the third node gone (silently: %s) it ends %s: nobody could lead without it",
    (silent, _, endsInMs) => {
      const scenario = new Scenario(3, seed);
      const [leader, , gone] = scenario.leaderFirst() as [number, number, number];
      scenario.world.nodes[gone]!.crash({ silent, power: false, downMs: 1e6 });
      scenario.world.run(5 * ELECTION_TIMEOUT_MS);
      expect(scenario.leader).toBe(leader);
      scenario.world.nodes[leader]!.stop(1e6);
      scenario.world.run(endsInMs);
      expect(scenario.world.nodes[leader]!.node).toBeNull();
      expect(scenario.world.coverage.count("sent takeOver")).toBe(0);
    },
  );
});
