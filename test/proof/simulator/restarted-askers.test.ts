/**
 * A node asks a peer, restarts, and is answered as if it had not: its new process has asked the same numbers for something
 * else. Built by hand, on the wire alone.
 */
import { describe, expect, test } from "vitest";
import { assert } from "../../../src/base/assert.ts";
import type { Plan } from "../../../src/proof/simulator/plan.ts";
import type { Outcome } from "../../../src/proof/simulator/history.ts";
import type { SimClient } from "../../../src/proof/simulator/sim-client.ts";
import { hostOf } from "../../../src/proof/simulator/sim-world.ts";
import { ELECTION_TIMEOUT_MS, Scenario } from "./scenario.ts";

const SEEDS = Array.from({ length: 6 }, (_, i) => i + 1);
const KEYS = 60;
const READ_TIMEOUT_MS = 5000;

class Stage {
  readonly scenario: Scenario;
  readonly order: readonly number[];
  #clients = 0;

  constructor(nodes: number, seed: number, changes: Partial<Plan>) {
    this.scenario = new Scenario(nodes, seed, changes);
    this.order = this.scenario.leaderFirst();
  }

  until(condition: () => boolean): void {
    assert(this.scenario.world.runUntil(condition, 5000), `not within 5 s: ${String(condition)}`);
  }

  /** A client process of its own: its first request has number 1. */
  client(node: number): SimClient {
    return this.scenario.world.newProbe(10 + this.#clients++, node + 1);
  }

  write(client: SimClient, key: string, value: string): void {
    let outcome = { kind: "unknown" } as Outcome;
    client.submit({ kind: "write", key, value }, (record) => (outcome = record.outcome));
    this.until(() => client.isIdle);
    assert(outcome.kind === "written", `a write comes back: ${outcome.kind}`);
  }

  read(client: SimClient, key: string): () => Outcome {
    let outcome = { kind: "unknown" } as Outcome;
    client.submit(
      { kind: "read", key, local: false },
      (record) => (outcome = record.outcome),
      READ_TIMEOUT_MS,
    );
    return () => outcome;
  }

  /** Until one more of them was sent (or received). */
  untilOneMore(what: string): void {
    const { coverage } = this.scenario.world;
    const before = coverage.count(what);
    this.until(() => coverage.count(what) > before);
  }

  /** Both ways. */
  blackHole(a: number, b: number): void {
    const { network } = this.scenario.world;
    network.setPath(hostOf(a), hostOf(b), { cut: "blackHole" });
    network.setPath(hostOf(b), hostOf(a), { cut: "blackHole" });
  }

  slow(from: number, to: number, ms: number): void {
    const delay = { delayMinMs: ms, delayMaxMs: ms };
    this.scenario.world.network.setPath(hostOf(from), hostOf(to), delay);
  }

  /** The process dies and the next one starts at once. */
  restart(node: number): void {
    this.scenario.world.nodes[node]!.crash({ silent: false, power: false, downMs: 0 });
    this.until(() => this.scenario.world.nodes[node]!.node !== null);
  }

  connected(a: number, b: number): boolean {
    const links = this.scenario.world.nodes[a]!.node?.links.status() ?? [];
    return links.some(({ peer, state }) => peer === b + 1 && state === "connected");
  }
}

describe.each(SEEDS)("seed %i", (seed) => {
  test("what a neighbour was to tell a client of an earlier process, no client of the next one hears", () => {
    const stage = new Stage(3, seed, {
      ...{ requestWaitMs: 3000, snapshotEntries: KEYS, loadSliceBytes: 200, loadPauseMs: 40 },
    });
    const { scenario } = stage;
    const { world } = scenario;
    const [leader, neighbour, asker] = stage.order as [number, number, number];
    const writer = stage.client(leader);
    // The neighbour falls behind, is fed a snapshot, and is busy loading it: it follows, and reads wait there.
    scenario.leave([[leader, asker]]);
    stage.write(writer, "mine", "mine".repeat(30));
    for (let i = 0; i < KEYS; i++) stage.write(writer, `k${i}`, "filler".repeat(30));
    stage.write(writer, "secret", "secret".repeat(30));
    const behind = world.nodes[neighbour]!.node!.replica;
    stage.until(() => world.nodes[leader]!.node!.replica.core.compactedIdx > behind.appliedIdx);
    scenario.injector.heal();
    stage.until(() => (behind.core.storedSnapshot?.idx ?? 0) > behind.appliedIdx);
    // So that everybody is content with the leader when the link breaks.
    world.run(3 * ELECTION_TIMEOUT_MS);

    scenario.leave([
      [leader, neighbour],
      [neighbour, asker],
    ]);
    // What the asker cannot learn of but through the neighbour.
    stage.write(writer, "k0", "newer");
    world.run(4 * ELECTION_TIMEOUT_MS);
    const first = stage.client(asker);
    stage.read(first, "secret");
    stage.untilOneMore("received relayRequest");
    stage.restart(asker);
    first.close();
    const second = stage.client(asker);
    const seen = stage.read(second, "mine");
    // What it asks is held up on its way: the first client's read has been there for long, and is answered first.
    const toNeighbour = (cut: "blackHole" | "none"): void =>
      world.network.setPath(hostOf(asker), hostOf(neighbour), { cut });
    world.run(2.8 * ELECTION_TIMEOUT_MS);
    toNeighbour("blackHole");
    stage.untilOneMore("sent relayRequest");
    expect(behind.state.appliedIdx).toBeLessThan(behind.core.storedSnapshot!.idx);
    stage.until(() => behind.state.appliedIdx >= behind.core.storedSnapshot!.idx);
    world.run(5);
    toNeighbour("none");
    stage.until(() => second.isIdle);
    expect(seen()).toMatchObject({ kind: "found", value: "mine".repeat(30) });
  });

  test("an index that an earlier process asked for serves no read of the next one", () => {
    const stage = new Stage(5, seed, { requestWaitMs: 3000 });
    const { world } = stage.scenario;
    const [leader, asker, ...rest] = stage.order as [number, number, ...number[]];
    const atRest = stage.client(rest[0]!);
    stage.write(atRest, "x", "old");
    world.run(2 * ELECTION_TIMEOUT_MS);

    // Round 1 of the asker. What confirms it reaches the leader late.
    const LATE_MS = 1.3 * ELECTION_TIMEOUT_MS;
    for (const node of rest) stage.slow(node, leader, LATE_MS);
    const first = stage.client(asker);
    stage.read(first, "x");
    stage.untilOneMore("received readRequest");
    stage.restart(asker);
    first.close();
    stage.until(() => stage.connected(leader, asker) && stage.connected(asker, leader));

    // The answer, if there is one, is held up on its way. Behind the back of both a write is acknowledged.
    const toAsker = (cut: "blackHole" | "none"): void =>
      world.network.setPath(hostOf(leader), hostOf(asker), { cut });
    toAsker("blackHole");
    world.run(LATE_MS);
    for (const node of rest) {
      stage.blackHole(node, leader);
      stage.blackHole(node, asker);
    }
    stage.write(atRest, "x", "fresh");
    // Round 1 of the next process.
    const second = stage.client(asker);
    const seen = stage.read(second, "x");
    stage.untilOneMore("sent readRequest");
    toAsker("none");
    world.runUntil(() => second.isIdle, READ_TIMEOUT_MS + 1000);
    if (seen().kind === "found") expect(seen()).toMatchObject({ value: "fresh" });
  });
});
