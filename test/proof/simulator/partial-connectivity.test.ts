/**
 * The paper's scenarios on whole nodes: who leads afterwards, and within how many election time-outs something new is
 * decided. Time-outs are counted from the cut to the first new decision at the hub (or at the leader, where it stays).
 */
import { describe, expect, test } from "vitest";
import { shapeLinks } from "../../../src/proof/simulator/shapes.ts";
import { seeds } from "../../repetitions.ts";
import { ELECTION_TIMEOUT_MS, RESEND_MS, Scenario } from "./scenario.ts";

const SEEDS = seeds(1, 6);
/** The paper's bound; a write needs its way to the leader and back on top of it. */
const TIMEOUTS_MAX = 4.2;

/**
 * Candidates that noticed the cut in the same round may follow one another, the higher ballot last: by then that is over,
 * and nobody moves any more.
 */
const SETTLE_TIMEOUTS = 2;

function expectStable(scenario: Scenario, nodes: readonly number[]): void {
  scenario.world.run(SETTLE_TIMEOUTS * ELECTION_TIMEOUT_MS);
  const before = nodes.map((node) => scenario.promise(node));
  scenario.world.run(20 * ELECTION_TIMEOUT_MS);
  expect(nodes.map((node) => scenario.promise(node))).toEqual(before);
}

/** Every node has the whole log soon after the links are whole again. */
function expectCatchUp(scenario: Scenario): void {
  const { world } = scenario;
  world.run(ELECTION_TIMEOUT_MS);
  const target = Math.max(...world.nodes.map(({ index }) => scenario.decided(index)));
  scenario.injector.heal();
  world.run(RESEND_MS + 2 * ELECTION_TIMEOUT_MS);
  for (const { index } of world.nodes) {
    expect(scenario.decided(index), `node ${index}`).toBeGreaterThanOrEqual(target);
  }
}

describe.each(SEEDS)("seed %i", { timeout: 120_000 }, (seed) => {
  test("quorum loss with 5 nodes: the hub takes over and all follow it", () => {
    const scenario = new Scenario(5, seed);
    const order = scenario.leaderFirst();
    const hub = order[1]!;
    scenario.write(hub);
    scenario.world.run(50);
    scenario.leave(shapeLinks("quorumLoss", order));
    expect(scenario.timeoutsUntilProgress(hub, 10)).toBeLessThanOrEqual(TIMEOUTS_MAX);
    expect(scenario.leader).toBe(hub);
    expectStable(scenario, order);
    expectCatchUp(scenario);
  });

  test("constrained election with 5 nodes: the hub takes over although its log is behind", () => {
    const scenario = new Scenario(5, seed);
    const order = scenario.leaderFirst();
    const [leader, hub] = [order[0]!, order[1]!];
    scenario.write(leader);
    scenario.world.run(50);
    scenario.cut([[leader, hub]]);
    // The hub lags, and nobody has noticed yet.
    scenario.world.run(ELECTION_TIMEOUT_MS / 2);
    expect(scenario.decided(hub)).toBeLessThan(scenario.decided(leader));
    scenario.leave(shapeLinks("constrained", order));
    scenario.write(hub);
    expect(scenario.timeoutsUntilProgress(hub, 10)).toBeLessThanOrEqual(TIMEOUTS_MAX);
    expect(scenario.leader).toBe(hub);
    expectStable(scenario, order.slice(1));
    expectCatchUp(scenario);
  });

  test("constrained election with 3 nodes: one of the two others takes over", () => {
    const scenario = new Scenario(3, seed);
    const order = scenario.leaderFirst();
    const [leader, hub] = [order[0]!, order[1]!];
    scenario.write(leader);
    scenario.world.run(50);
    scenario.cut([[leader, hub]]);
    scenario.world.run(ELECTION_TIMEOUT_MS / 2);
    scenario.leave(shapeLinks("constrained", order));
    scenario.write(hub);
    expect(scenario.timeoutsUntilProgress(hub, 10)).toBeLessThanOrEqual(TIMEOUTS_MAX);
    expect(order.slice(1)).toContain(scenario.leader);
    expectStable(scenario, order.slice(1));
    expectCatchUp(scenario);
  });

  test.each([3, 5])("the leader of %i nodes crashes: another takes over", (nodes) => {
    const scenario = new Scenario(nodes, seed);
    const order = scenario.leaderFirst();
    const hub = order[1]!;
    scenario.write(hub);
    scenario.world.run(50);
    scenario.injector.inject({
      kind: "crash",
      node: order[0]!,
      downMs: 1e6,
      silent: true,
      power: true,
    });
    expect(scenario.timeoutsUntilProgress(hub, 10)).toBeLessThanOrEqual(TIMEOUTS_MAX);
    expect(order.slice(1)).toContain(scenario.leader);
    expectStable(scenario, order.slice(1));
  });

  test.each([3, 5])("the leader of %i nodes is isolated: another takes over", (nodes) => {
    const scenario = new Scenario(nodes, seed);
    const order = scenario.leaderFirst();
    const hub = order[1]!;
    scenario.write(hub);
    scenario.world.run(50);
    scenario.leave(shapeLinks("isolated", order));
    expect(scenario.timeoutsUntilProgress(hub, 10)).toBeLessThanOrEqual(TIMEOUTS_MAX);
    expect(order.slice(1)).toContain(scenario.leader);
    expectStable(scenario, order.slice(1));
    expectCatchUp(scenario);
  });

  test("a line of 5 with the leader at its end: one of the three in the middle takes over", () => {
    const scenario = new Scenario(5, seed);
    const order = scenario.leaderFirst();
    const middle = order[2]!;
    scenario.write(middle);
    scenario.world.run(50);
    scenario.leave(shapeLinks("chained", order));
    expect(scenario.timeoutsUntilProgress(middle, 10)).toBeLessThanOrEqual(TIMEOUTS_MAX);
    expect(order.slice(1, 4)).toContain(scenario.leader);
    expectStable(scenario, order.slice(1, 4));
    expectCatchUp(scenario);
  });

  test.each([
    ["chained", 3],
    ["quorumLoss", 3],
    ["ring", 5],
  ] as const)("%s with %i nodes: the leader stays and loses nothing", (shape, nodes) => {
    const scenario = new Scenario(nodes, seed);
    const order = scenario.leaderFirst();
    const leader = order[0]!;
    scenario.write(leader);
    scenario.world.run(50);
    scenario.leave(shapeLinks(shape, order));
    // The very next write is decided as before.
    expect(scenario.timeoutsUntilProgress(leader, 2)).toBeLessThan(0.5);
    expectStable(scenario, [leader]);
    expect(scenario.leader).toBe(leader);
    expectCatchUp(scenario);
  });
});
