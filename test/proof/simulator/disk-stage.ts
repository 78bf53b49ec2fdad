/** A quiet cluster whose disks are changed by hand, and clients that remember what they were told. */
import { assert } from "../../../src/base/assert.ts";
import type { Plan } from "../../../src/proof/simulator/plan.ts";
import type { Outcome } from "../../../src/proof/simulator/history.ts";
import type { Ending } from "../../../src/proof/simulator/mistake-plan.ts";
import type { LinkPair } from "../../../src/proof/simulator/shapes.ts";
import type { DiskImage, Invocation, SimNode } from "../../../src/proof/simulator/sim-node.ts";
import { ELECTION_TIMEOUT_MS, Scenario } from "./scenario.ts";

const EMPTY: DiskImage = { files: new Map(), lives: [] };
const WAIT_MS = 3000;
/** Everybody has met everybody, and has said what there is to say. */
const MEETING_MS = 20 * ELECTION_TIMEOUT_MS;

export class DiskStage {
  readonly scenario: Scenario;
  /** By position; the leader first. */
  readonly order: readonly number[];
  /** Acknowledged values by key. */
  readonly written = new Map<string, string>();
  #clients = 100;
  #writes = 0;

  constructor(nodes: number, seed: number, changes: Partial<Plan> = {}) {
    this.scenario = new Scenario(nodes, seed, changes);
    this.order = this.scenario.leaderFirst();
    for (const node of this.order) this.write(node);
  }

  node(index: number): SimNode {
    return this.scenario.world.nodes[index]!;
  }

  /** By default for as long as it takes all to meet. */
  run(ms = MEETING_MS): void {
    this.scenario.world.run(ms);
  }

  until(condition: () => boolean): void {
    assert(this.scenario.world.runUntil(condition, WAIT_MS), `within 3 s: ${String(condition)}`);
  }

  down(index: number, ends: Ending = "kill"): void {
    let isDown = false;
    this.node(index).hold(ends, () => (isDown = true));
    this.until(() => isDown);
  }

  up(index: number, invocation: Invocation = {}): void {
    this.node(index).release(invocation);
  }

  restart(index: number, ends: Ending = "stop"): void {
    this.down(index, ends);
    this.up(index);
    this.run();
  }

  /** While it is down: the disk becomes that. `isShown`: the directory itself tells. */
  put(index: number, { files, lives }: DiskImage, isShown = false): void {
    this.node(index).changeDisk(files, { isShown, lives, forgets: true });
  }

  /** Only these links stay whole, on the wire, until the injector heals them. */
  leave(links: readonly LinkPair[]): void {
    const { injector } = this.scenario;
    injector.heal();
    injector.inject({ kind: "shape", name: "split", links, via: "wire", ms: 1e6 });
  }

  wipe(index: number): void {
    this.put(index, EMPTY);
  }

  get leader(): number | null {
    return this.scenario.leader;
  }

  /** @returns why the node has stopped for good; null: it runs, or is down for another reason */
  noticed(index: number): string | null {
    if (!this.node(index).isOut) return null;
    return this.scenario.world.trust.notices.findLast(({ node }) => node === index)?.code ?? null;
  }

  isPlaced(index: number): boolean {
    return this.node(index).node?.replica.joining === null;
  }

  /** @returns whether it was acknowledged within its time */
  write(index: number, key = `key ${this.#writes}`): boolean {
    const value = `value ${this.#writes++}`;
    const outcome = this.#ask(index, { kind: "write", key, value });
    if (outcome.kind === "written") this.written.set(key, value);
    return outcome.kind === "written";
  }

  decidedAt(index: number): number {
    return this.node(index).node?.replica.core.decidedIdx ?? 0;
  }

  /** Keys whose acknowledged values this node does not give, or "refused". */
  lostAt(index: number): readonly string[] {
    return [...this.written].flatMap(([key, value]) => {
      const outcome = this.#ask(index, { kind: "read", key, local: false });
      if (outcome.kind === "found" && outcome.value === value) return [];
      return outcome.kind === "refused" ? ["refused"] : [key];
    });
  }

  #ask(
    index: number,
    operation: Parameters<ReturnType<Scenario["world"]["newProbe"]>["submit"]>[0],
  ): Outcome {
    const { world } = this.scenario;
    const client = world.newProbe(this.#clients++, index + 1);
    let outcome: Outcome | null = null;
    client.submit(operation, (record) => (outcome = record.outcome));
    world.runUntil(() => outcome !== null, WAIT_MS);
    client.close();
    return outcome ?? { kind: "unknown" };
  }
}
