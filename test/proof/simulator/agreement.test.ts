/**
 * One replica applies the log to another state than the others do, by a defect planted in its process alone. The checks
 * that look in from outside are out of the way: the product itself is to notice.
 */
import { describe, expect, test } from "vitest";
import { assert } from "../../../src/base/assert.ts";
import type { ClientOperation } from "../../../src/proof/simulator/history.ts";
import { entryOf } from "../../store/helpers.ts";
import { seeds } from "../../repetitions.ts";
import { ELECTION_TIMEOUT_MS, Scenario } from "./scenario.ts";

const SEEDS = seeds(1, 6);

class Stage {
  readonly scenario: Scenario;
  /** Everything that happened, a line each. */
  readonly lines: string[] = [];

  constructor(nodes: number, seed: number) {
    this.scenario = new Scenario(nodes, seed);
    this.scenario.world.safety.allowDivergence();
    const { trace, nodes: all } = this.scenario.world;
    const event = trace.event.bind(trace);
    trace.event = (who, what) => {
      this.lines.push(`${who} ${what}`);
      event(who, what);
    };
    for (const { index } of all) this.scenario.write(index);
    this.run(300);
  }

  run(ms: number): void {
    this.scenario.world.run(ms);
  }

  /** From now on the node's process loses every seventh entry. */
  spoil(node: number): void {
    const { state } = this.replica(node);
    const apply = state.apply.bind(state);
    const nothing = entryOf({ session: 0, floor: 0, commands: [[1, { op: "noop" }]] });
    state.apply = (entry, idx, sink) => apply(idx % 7 === 0 ? nothing : entry, idx, sink);
  }

  isUp(node: number): boolean {
    return this.scenario.world.nodes[node]!.node !== null;
  }

  replica(node: number): NonNullable<Scenario["world"]["nodes"][number]["node"]>["replica"] {
    const running = this.scenario.world.nodes[node]!.node;
    assert(running !== null, `node ${node} runs`);
    return running.replica;
  }

  verdict(node: number): string {
    return this.isUp(node) ? this.replica(node).verdict.kind : "stopped";
  }

  verdicts(): readonly string[] {
    return this.scenario.world.nodes.map(({ index }) => this.verdict(index));
  }

  /** Until some node has applied something wrong, and from then on as long as it may take all to notice. */
  runUntilNoticed(spoilt: readonly number[]): void {
    const { world } = this.scenario;
    const starts = spoilt.map((node) => this.replica(node).appliedIdx);
    const isSpoilt = (node: number, start: number): boolean =>
      this.verdict(node) !== "agrees" || this.replica(node).appliedIdx > start + 7;
    const passed = (): boolean => spoilt.every((node, i) => isSpoilt(node, starts[i] ?? 0));
    assert(world.runUntil(passed, 2000), "a wrong state comes about");
    this.run(2 * ELECTION_TIMEOUT_MS);
  }

  /** @returns what comes of it, or the code of the error */
  ask(node: number, operation: ClientOperation): string {
    const { world } = this.scenario;
    const client = world.newProbe(50 + node, node + 1);
    let kind = "";
    client.submit(operation, ({ outcome }) => (kind = outcome.kind));
    world.runUntil(() => kind !== "", 3000);
    client.close();
    if (kind !== "refused") return kind;
    const line = this.lines.findLast((each) => each.startsWith(`${client.host} gets`)) ?? "";
    return / ([A-Z_]+): /.exec(line)?.[1] ?? line;
  }
}

const WRITE: ClientOperation = { kind: "write", key: "k0", value: "probe" };
const read = (local: boolean): ClientOperation => ({ kind: "read", key: "k0", local });

describe.each(SEEDS)("seed %i", (seed) => {
  test("of three, the one stops within two election time-outs, and the two go on with an alarm", () => {
    const stage = new Stage(3, seed);
    const bad = seed % 3;
    const good = [0, 1, 2].filter((node) => node !== bad);
    stage.spoil(bad);
    stage.runUntilNoticed([bad]);
    expect(stage.isUp(bad)).toBe(false);
    for (const node of good) {
      expect(stage.verdict(node)).toBe("prevails");
      const [alarm, ...others] = stage.replica(node).alarms;
      expect(others).toEqual([]);
      expect(alarm?.peer).toBe(bad + 1);
      expect(alarm?.agreedIdx).toBeLessThan(alarm?.differsIdx ?? 0);
    }
    // Whoever led: the two elect a leader and serve.
    stage.run(10 * ELECTION_TIMEOUT_MS);
    for (const node of good) {
      expect(stage.ask(node, WRITE)).toBe("written");
      expect(stage.ask(node, read(false))).toBe("found");
      expect(stage.ask(node, read(true))).toBe("found");
    }
    // Its log is sound, and in a new process so is what comes of it: the alarm ends.
    stage.scenario.world.nodes[bad]!.start();
    stage.run(10 * ELECTION_TIMEOUT_MS);
    expect(stage.verdicts()).toEqual(["agrees", "agrees", "agrees"]);
    expect(stage.ask(bad, read(false))).toBe("found");
  });

  test("of five, the two that differ stop, each in its own way wrong", () => {
    const stage = new Stage(5, seed);
    for (const bad of [1, 3]) stage.spoil(bad);
    stage.runUntilNoticed([1, 3]);
    stage.run(2 * ELECTION_TIMEOUT_MS);
    expect(stage.verdicts()).toEqual(["prevails", "stopped", "prevails", "stopped", "prevails"]);
  });

  test("of two that run, both refuse all requests, until the third decides", () => {
    const stage = new Stage(3, seed);
    const { nodes } = stage.scenario.world;
    const away = seed % 3;
    const [bad = 0, good = 0] = [0, 1, 2].filter((node) => node !== away);
    nodes[away]!.crash({ silent: false, power: false, downMs: 1e9 });
    stage.run(10 * ELECTION_TIMEOUT_MS);
    stage.spoil(bad);
    stage.runUntilNoticed([bad]);
    for (const node of [good, bad]) {
      expect(stage.verdict(node)).toBe("undecided");
      for (const operation of [WRITE, read(false), read(true)]) {
        expect(stage.ask(node, operation)).toBe("DIVERGED");
      }
    }
    nodes[away]!.start();
    stage.run(20 * ELECTION_TIMEOUT_MS);
    expect(stage.verdict(bad)).toBe("stopped");
    for (const node of [good, away]) expect(["prevails", "agrees"]).toContain(stage.verdict(node));
    expect(stage.verdict(good)).toBe("prevails");
    for (const node of [good, away]) expect(stage.ask(node, WRITE)).toBe("written");
  });

  test("nobody differs, and nobody says so", () => {
    const stage = new Stage(3, seed);
    for (let i = 0; i < 20; i++) {
      stage.run(ELECTION_TIMEOUT_MS);
      expect(stage.verdicts()).toEqual(["agrees", "agrees", "agrees"]);
    }
  });
});

test("the error says which nodes, which indexes and what to do", () => {
  const stage = new Stage(3, 1);
  stage.spoil(1);
  stage.runUntilNoticed([1]);
  const [last = ""] = stage.lines.filter((line) => line.startsWith("n2 cannot go on"));
  expect(last).toMatch(
    /the state of node 2 is not that of nodes 1 and 3, .*: by log index the same at \d+, different at \d+\..*--rejoin/,
  );
  expect(
    stage.lines.some((line) =>
      line.startsWith("n1 error: node 2 applied the same log to another state"),
    ),
  ).toBe(true);
});
