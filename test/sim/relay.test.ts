/** A node that no leader feeds serves its clients through a neighbour (ADR 0003). */
import { describe, expect, test } from "vitest";
import type { SimClient } from "../../src/sim/sim-client.ts";
import { ELECTION_TIMEOUT_MS, Scenario } from "./scenario.ts";

const SEEDS = Array.from({ length: 6 }, (_, i) => i + 1);

/** A line of three with the leader at one end, for so long that the other end relays; and a client there. */
function line(seed: number): {
  readonly scenario: Scenario;
  readonly middle: number;
  readonly end: number;
  readonly client: SimClient;
} {
  const scenario = new Scenario(3, seed);
  const [leader, middle, end] = scenario.leaderFirst() as [number, number, number];
  scenario.leave([
    [leader, middle],
    [middle, end],
  ]);
  scenario.world.run(5 * ELECTION_TIMEOUT_MS);
  return { scenario, middle, end, client: scenario.world.newProbe(9, end + 1) };
}

describe.each(SEEDS)("seed %i", (seed) => {
  test("writes and reads at the end of the line are served", () => {
    const { scenario, client } = line(seed);
    const outcomes: string[] = [];
    client.submit({ kind: "write", key: "k", value: "v" }, ({ outcome }) => {
      outcomes.push(outcome.kind);
      client.submit({ kind: "read", key: "k", local: false }, (read) =>
        outcomes.push(read.outcome.kind),
      );
    });
    scenario.world.runUntil(() => outcomes.length === 2, 2000);
    expect(outcomes).toEqual(["written", "found"]);
    expect(scenario.world.coverage.count("sent relayRequest")).toBeGreaterThan(0);
  });

  test("while the link to the neighbour is down, requests wait for it instead of getting lost", () => {
    const { scenario, middle, end, client } = line(seed);
    const { world } = scenario;
    const outcomes: string[] = [];
    const write = (value: string): void =>
      client.submit({ kind: "write", key: "k", value }, ({ outcome }) =>
        outcomes.push(outcome.kind),
      );
    write("before");
    expect(world.runUntil(() => outcomes.length === 1, 2000)).toBe(true);
    // Shorter than a heartbeat round: the neighbour still counts as heard.
    scenario.injector.inject({ kind: "reset", a: middle, b: end, ms: ELECTION_TIMEOUT_MS / 2 });
    world.run(1);
    write("meanwhile");
    world.runUntil(() => outcomes.length === 2, 5000);
    expect(outcomes).toEqual(["written", "written"]);
  });
});
