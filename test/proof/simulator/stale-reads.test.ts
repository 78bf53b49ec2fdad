/**
 * A leader that was deposed behind its back must not answer reads (ADR 0002): interleavings of a few milliseconds that are
 * too rare to wait for, built by hand.
 */
import { describe, expect, test } from "vitest";
import { assert } from "../../../src/base/assert.ts";
import type { Replica } from "../../../src/replica/replica.ts";
import type { Outcome } from "../../../src/proof/simulator/history.ts";
import type { SimClient } from "../../../src/proof/simulator/sim-client.ts";
import { hostOf } from "../../../src/proof/simulator/sim-world.ts";
import { Scenario } from "./scenario.ts";

const SEEDS = Array.from({ length: 8 }, (_, i) => i + 1);
const QUANTUM_MS = 10;
const LATE_MS = 600;

/** Three nodes, the leader first, and a client at each that has had a write acknowledged: sessions and leases are there. */
class Stage {
  readonly scenario: Scenario;
  readonly order: readonly [leader: number, second: number, third: number];
  readonly atLeader: SimClient;
  readonly atSecond: SimClient;
  readonly atThird: SimClient;

  constructor(seed: number, quantumMs = 0) {
    this.scenario = new Scenario(3, seed, { quantumMs });
    this.order = this.scenario.leaderFirst() as [number, number, number];
    const client = (node: number): SimClient => this.scenario.world.newProbe(10 + node, node + 1);
    this.atLeader = client(this.order[0]);
    this.atSecond = client(this.order[1]);
    this.atThird = client(this.order[2]);
    for (const each of [this.atSecond, this.atLeader, this.atThird]) this.write(each, "old");
  }

  /** Until it is acknowledged. */
  write(client: SimClient, value: string): void {
    let outcome = { kind: "unknown" } as Outcome;
    client.submit({ kind: "write", key: "x", value }, (record) => (outcome = record.outcome));
    this.scenario.world.runUntil(() => client.isIdle, 3000);
    assert(outcome.kind === "written", `a write comes back: ${outcome.kind}`);
  }

  /** Asks now. @returns what comes, if anything does */
  read(client: SimClient): () => Outcome {
    let outcome = { kind: "unknown" } as Outcome;
    client.submit({ kind: "read", key: "x", local: false }, (record) => (outcome = record.outcome));
    return () => outcome;
  }

  path(from: number, to: number, cut: "blackHole" | "none"): void {
    this.scenario.world.network.setPath(hostOf(from), hostOf(to), { cut });
    this.scenario.world.network.setPath(hostOf(to), hostOf(from), { cut });
  }
}

/** Finding nobody in time is no wrong answer; an older value would be. */
function expectFreshOrNothing(outcome: Outcome): void {
  if (outcome.kind === "found") expect(outcome.value).toBe("fresh");
  else expect(["refused", "unknown"]).toContain(outcome.kind);
}

test("what a follower promised when it asked confirms no read that came later", () => {
  const stage = new Stage(5, QUANTUM_MS);
  const { world } = stage.scenario;
  const [leader, second, third] = stage.order;

  // From here on the leader hears everything late. A follower asks it for a read index while both follow it.
  for (const node of [second, third]) {
    world.network.setPath(hostOf(node), hostOf(leader), {
      delayMinMs: LATE_MS,
      delayMaxMs: LATE_MS,
    });
  }
  const askedBefore = world.coverage.count("sent readRequest");
  stage.read(stage.atSecond);
  const asked = (): boolean => world.coverage.count("sent readRequest") > askedBefore;
  expect(world.runUntil(asked, 100)).toBe(true);
  const arrival = Math.ceil((world.clock.now() + LATE_MS) / QUANTUM_MS) * QUANTUM_MS;

  // Behind its back the other two elect a leader and acknowledge a write.
  stage.write(stage.atThird, "fresh");
  expect(world.clock.now()).toBeLessThan(arrival - 2);
  expect(world.nodes[leader]!.node!.replica.core.role).toBe("leader");

  // A read that comes to the deposed leader in the same turn as the follower's question.
  world.run(arrival - 2 - world.clock.now());
  const receivedBefore = world.coverage.count("received readRequest");
  const seen = stage.read(stage.atLeader);
  world.run(3);
  expect(world.coverage.count("received readRequest")).toBeGreaterThan(receivedBefore);
  world.runUntil(() => stage.atLeader.isIdle, 3000);
  expectFreshOrNothing(seen());
});

describe.each(SEEDS)("seed %i", (seed) => {
  test("a follower that has promised more than its election knows of confirms nothing", () => {
    const stage = new Stage(seed);
    const { scenario } = stage;
    const { world } = scenario;
    const [leader, second, third] = stage.order;
    const core = (node: number): Replica["core"] => world.nodes[node]!.node!.replica.core;
    stage.path(leader, second, "blackHole");
    stage.path(leader, third, "blackHole");
    const old = scenario.promise(leader);
    // One of the two takes over; the other has just promised it, and its heartbeat round is still under way.
    const promised = (): boolean => [second, third].every((node) => scenario.promise(node) !== old);
    expect(world.runUntil(promised, 2000)).toBe(true);
    const successor = core(second).promise.pid - 1;
    const follower = successor === second ? third : second;
    stage.path(leader, follower, "none");
    stage.write(successor === second ? stage.atSecond : stage.atThird, "fresh");
    // Nobody has told the old leader yet, nor the follower's election, which still names it.
    expect(core(leader).adoptedIdx).not.toBeNull();
    expect(JSON.stringify(core(follower).bleLeader)).toBe(old);
    const probesBefore = world.coverage.count("received readProbe");
    const seen = stage.read(stage.atLeader);
    // It may ask the successor first, in vain; two ticks later it asks the follower.
    world.run(25);
    expect(world.coverage.count("received readProbe")).toBeGreaterThan(probesBefore);
    world.runUntil(() => stage.atLeader.isIdle, 3000);
    expectFreshOrNothing(seen());
  });
});
