/** A follower that fell behind loads a large snapshot over many turns, and takes part in the cluster meanwhile. */
import { describe, expect, test } from "vitest";
import { assert } from "../../../src/base/assert.ts";
import type { Replica } from "../../../src/replica/replica.ts";
import type { Outcome } from "../../../src/proof/simulator/history.ts";
import type { SimClient } from "../../../src/proof/simulator/sim-client.ts";
import { seeds } from "../../repetitions.ts";
import { ELECTION_TIMEOUT_MS, Scenario } from "./scenario.ts";

const SEEDS = seeds(1, 4);
const KEYS = 60;
const FOREVER_MS = 1e6;
const FETCH_OVER_MS = 10 * 500;

/** A leader, a follower that was cut off while the others wrote and forgot their log, and the third. */
class Behind {
  readonly scenario: Scenario;
  readonly leader: number;
  readonly behind: number;
  readonly third: number;
  readonly client: SimClient;

  constructor(seed: number, loadPauseMs: number) {
    this.scenario = new Scenario(3, seed, {
      loadSliceBytes: 200,
      loadPauseMs,
      snapshotEntries: KEYS,
    });
    const [leader, behind, third] = this.scenario.leaderFirst() as [number, number, number];
    [this.leader, this.behind, this.third] = [leader, behind, third];
    this.client = this.scenario.world.newProbe(9, leader + 1);
    this.fill("old");
    this.until(() => this.replica(behind).appliedIdx === this.replica(leader).appliedIdx);
    this.isolate();
    this.fill("new");
    this.untilCutAbove(this.replica(behind).appliedIdx);
  }

  /** The leader has taken a snapshot and no longer has the entry at idx. */
  untilCutAbove(idx: number): void {
    this.until(() => this.replica(this.leader).core.compactedIdx > idx);
  }

  replica(node: number): Replica {
    return this.scenario.world.nodes[node]!.node!.replica;
  }

  isolate(): void {
    this.scenario.leave([[this.leader, this.third]]);
  }

  fill(value: string): void {
    for (let i = 0; i < KEYS; i++) {
      const done = this.ask(this.client, { kind: "write", key: `k${i}`, value: value.repeat(30) });
      this.until(() => done.length > 0);
      assert(done[0] === "written", "nothing is in the way of a write");
    }
  }

  /** Outcomes, when they are known. */
  ask(client: SimClient, operation: Parameters<SimClient["submit"]>[0]): Outcome["kind"][] {
    const done: Outcome["kind"][] = [];
    client.submit(operation, ({ outcome }) => done.push(outcome.kind));
    return done;
  }

  until(condition: () => boolean): void {
    assert(this.scenario.world.runUntil(condition, 5000), `not within 5 s: ${String(condition)}`);
  }

  /** The links are whole again, and the follower has taken the snapshot over, but not loaded it. */
  reconnect(): void {
    this.scenario.injector.heal();
    this.until(() => this.isLoading);
  }

  get isLoading(): boolean {
    const { core, appliedIdx } = this.replica(this.behind);
    return (core.storedSnapshot?.idx ?? 0) > appliedIdx;
  }
}

describe.each(SEEDS)("seed %i", (seed) => {
  test("while it loads, a follower sends heartbeats, accepts and answers local reads; then it serves everything", () => {
    const set = new Behind(seed, 10);
    const { scenario, leader, behind, third } = set;
    const { world } = scenario;
    set.reconnect();
    const before = set.replica(behind);
    const { appliedIdx, state } = before;
    const snapshotIdx = before.core.storedSnapshot!.idx;
    const ballot = set.replica(leader).core.promise;
    const heartbeats = world.coverage.count("received heartbeatReply");
    // Nothing is decided now without the follower that loads.
    scenario.leave([[leader, behind]]);
    const write = set.ask(set.client, { kind: "write", key: "k0", value: "newest" });
    const stale = set.ask(world.newProbe(10, behind + 1), { kind: "read", key: "k1", local: true });
    const fresh = set.ask(world.newProbe(11, behind + 1), {
      kind: "read",
      key: "k1",
      local: false,
    });
    world.run(3 * ELECTION_TIMEOUT_MS);
    expect(set.isLoading).toBe(true);
    expect([before.appliedIdx, before.state === state]).toEqual([appliedIdx, true]);
    expect([write, stale, fresh]).toEqual([["written"], ["found"], []]);
    expect(before.core.decidedIdx).toBeGreaterThan(snapshotIdx);
    expect(world.coverage.count("received heartbeatReply")).toBeGreaterThan(heartbeats + 3);
    expect(set.replica(leader).core.promise).toEqual(ballot);
    expect(scenario.leader).toBe(leader);
    set.until(() => fresh.length > 0);
    expect(fresh).toEqual(["found"]);
    expect(before.appliedIdx).toBeGreaterThan(snapshotIdx);
    scenario.injector.heal();
    set.until(() => set.replica(third).appliedIdx === before.appliedIdx);
    expect(before.state.hash()).toBe(set.replica(third).state.hash());
    expect(world.coverage.count("in slices: a snapshot from a peer is loaded")).toBe(1);
  });

  test("a newer snapshot takes the place of one that is being loaded", () => {
    const set = new Behind(seed, 2000);
    const { world } = set.scenario;
    set.reconnect();
    const first = set.replica(set.behind).core.storedSnapshot!.idx;
    set.isolate();
    // Until then the leader keeps the log behind what it takes to be still on its way.
    world.run(FETCH_OVER_MS);
    set.fill("newer");
    set.untilCutAbove(first);
    set.scenario.injector.heal();
    set.until(() => (set.replica(set.behind).core.storedSnapshot?.idx ?? 0) > first);
    expect(set.isLoading).toBe(true);
    set.until(() => world.coverage.count('log "the loading of a snapshot is called off"') === 1);
    expect(world.runUntil(() => !set.isLoading, FOREVER_MS)).toBe(true);
    set.until(() => set.replica(set.behind).appliedIdx === set.replica(set.leader).appliedIdx);
    expect(set.replica(set.behind).state.hash()).toBe(set.replica(set.leader).state.hash());
  });

  test("a follower that falls behind again and again keeps no more snapshots than it needs", () => {
    const set = new Behind(seed, 1);
    const { world, injector } = set.scenario;
    for (let round = 0; round < 5; round++) {
      set.reconnect();
      set.until(() => set.replica(set.behind).appliedIdx === set.replica(set.leader).appliedIdx);
      // Above what the leader keeps of its log for one that fetches.
      set.isolate();
      world.run(FETCH_OVER_MS);
      const { appliedIdx } = set.replica(set.behind);
      set.fill(`${round}`);
      set.untilCutAbove(appliedIdx);
    }
    injector.heal();
    const { disk } = world.nodes[set.behind]!;
    expect(world.coverage.count("in slices: a snapshot from a peer is loaded")).toBe(5);
    // The newest two, and one more that the log names until the next one.
    expect(disk.list("snapshots").length).toBeLessThanOrEqual(3);
  });

  test("the log behind a snapshot that is being fetched is kept: one is enough", () => {
    const set = new Behind(seed, 20);
    const { scenario, leader, behind } = set;
    set.reconnect();
    const first = set.replica(behind).core.storedSnapshot!.idx;
    set.isolate();
    set.fill("newer");
    set.until(() => set.replica(leader).core.storedSnapshot!.idx > first);
    expect(set.replica(leader).core.compactedIdx).toBeLessThanOrEqual(first);
    scenario.injector.heal();
    set.until(() => set.replica(behind).appliedIdx === set.replica(leader).appliedIdx);
    expect(scenario.world.coverage.count("in slices: a snapshot from a peer is loaded")).toBe(1);
  });

  test("a node that is stopped or dies while it loads starts from the snapshot", () => {
    for (const kind of ["stop", "crash"] as const) {
      const set = new Behind(seed, 100);
      const { injector } = set.scenario;
      set.reconnect();
      const { idx } = set.replica(set.behind).core.storedSnapshot!;
      if (kind === "stop") injector.inject({ kind, node: set.behind, downMs: 50 });
      else injector.inject({ kind, node: set.behind, downMs: 50, silent: false, power: false });
      set.until(() => set.scenario.world.nodes[set.behind]!.node === null);
      set.until(() => set.scenario.world.nodes[set.behind]!.node !== null);
      set.until(() => set.replica(set.behind).appliedIdx >= idx);
      set.until(() => set.replica(set.behind).appliedIdx === set.replica(set.leader).appliedIdx);
      expect(set.replica(set.behind).state.hash()).toBe(set.replica(set.leader).state.hash());
    }
  });
});
