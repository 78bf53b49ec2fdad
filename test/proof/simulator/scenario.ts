/** A cluster without faults of its own, whose links are cut by hand: for what section 8 of the protocol notes promises. */
import { assert } from "../../../src/base/assert.ts";
import { FaultInjector } from "../../../src/proof/simulator/fault-injector.ts";
import type { Plan } from "../../../src/proof/simulator/plan.ts";
import { SeededRandom } from "../../../src/machine/ports/seeded-random.ts";
import { brokenPairs, type LinkPair } from "../../../src/proof/simulator/shapes.ts";
import type { SimClient } from "../../../src/proof/simulator/sim-client.ts";
import { SimWorld } from "../../../src/proof/simulator/sim-world.ts";

export const ELECTION_TIMEOUT_MS = 100;
export const RESEND_MS = 200;

export function quietPlan(nodes: number, random: SeededRandom): Plan {
  return {
    nodes,
    clients: 0,
    keys: 1,
    operationsPerClient: 0,
    pipeline: 1,
    thinkMsMax: 5,
    newcomerOperations: 0,
    valueBytes: 0,
    delayMinMs: 0.2,
    delayMaxMs: 0.5,
    quantumMs: 0,
    startsMs: Array.from({ length: nodes }, () => random.below(ELECTION_TIMEOUT_MS)),
    skews: Array.from({ length: nodes }, () => 1),
    snapshotEntries: 100_000,
    retainedEntries: 0,
    segmentBytes: 1 << 20,
    tickMs: 10,
    electionTimeoutMs: ELECTION_TIMEOUT_MS,
    requestWaitMs: 500,
    syncMs: 0.2,
    loadSliceBytes: 50,
    longMessageBytes: 1000,
    loadPauseMs: 1,
    faultsMs: 0,
    faults: [],
    mistakes: [],
  };
}

export class Scenario {
  readonly world: SimWorld;
  readonly injector: FaultInjector;
  readonly random: SeededRandom;
  #attempts = 0;

  /** @param print gets the trace, a line an event; null: nobody reads along */
  constructor(
    nodes: number,
    seed: number,
    changes: Partial<Plan> = {},
    print: ((line: string) => void) | null = null,
  ) {
    this.random = new SeededRandom(seed).fork("scenario");
    this.world = new SimWorld(seed, { ...quietPlan(nodes, this.random), ...changes }, print);
    this.injector = new FaultInjector(this.world);
    this.world.start();
    // Stable, and cut at any phase of the heartbeat rounds.
    assert(
      this.world.runUntil(() => this.leader !== null, 2000),
      "somebody leads",
    );
    this.world.run(1000 + this.random.below(ELECTION_TIMEOUT_MS));
  }

  /** The node that leads with the highest ballot, by position. */
  get leader(): number | null {
    return this.world.leader;
  }

  /** All nodes, the leader first, the others in an order that the seed draws. */
  leaderFirst(): number[] {
    const leader = this.leader!;
    const others = this.world.nodes.map(({ index }) => index).filter((node) => node !== leader);
    const start = this.random.below(others.length);
    return [leader, ...others.slice(start), ...others.slice(0, start)];
  }

  /** Only these links stay whole, for a long time. */
  leave(links: readonly LinkPair[]): void {
    this.injector.inject({ kind: "shape", name: "split", links, via: "dropTable", ms: 1e6 });
  }

  cut(pairs: readonly LinkPair[]): void {
    const broken = pairs.map(([a, b]) => `${Math.min(a, b)} ${Math.max(a, b)}`);
    const all = brokenPairs(this.world.nodes.length, []);
    this.leave(all.filter(([a, b]) => !broken.includes(`${a} ${b}`)));
  }

  decided(node: number): number {
    return this.world.nodes[node]!.node!.replica.core.decidedIdx;
  }

  promise(node: number): string {
    return JSON.stringify(this.world.nodes[node]!.node!.replica.core.promise);
  }

  /** Asks one node for writes, one after the other, for ever. */
  write(node: number): SimClient {
    const client = this.world.newProbe(node, node + 1);
    const next = (): void =>
      client.submit({ kind: "write", key: `k${node}`, value: `${node}-${this.#attempts++}` }, () =>
        this.world.clock.after(5, next),
      );
    next();
    return client;
  }

  /** Election time-outs until the node decides something new. */
  timeoutsUntilProgress(node: number, mostTimeouts: number): number {
    const { world } = this;
    const start = world.clock.now();
    // What was on its way when the links were cut is not new.
    world.run(3);
    const before = this.decided(node);
    world.runUntil(() => this.decided(node) > before, mostTimeouts * ELECTION_TIMEOUT_MS);
    return this.decided(node) > before
      ? (world.clock.now() - start) / ELECTION_TIMEOUT_MS
      : Number.POSITIVE_INFINITY;
  }
}
