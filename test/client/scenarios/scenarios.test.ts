/** The scenarios break the links that the paper names, and say rightly who can lead then. */
import { describe, expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import {
  ableToLead,
  leadText,
  planCloudflare,
  planOrder,
  allPairs,
  isBroken,
  NAMED_SCENARIOS,
  parseGroups,
  planIsolation,
  planPartition,
  planScenario,
  type NamedScenario,
  type Scenario,
} from "../../../src/client/scenarios/index.ts";

const NODES = { 3: [1, 2, 3], 5: [1, 2, 3, 4, 5], 7: [1, 2, 3, 4, 5, 6, 7] } as const;

function whole(scenario: Scenario, nodes: readonly number[]): string[] {
  const broken = scenario.steps.at(-1)?.broken ?? [];
  return allPairs(nodes)
    .filter((pair) => !isBroken(broken, pair))
    .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
    .sort();
}

// Leader 3, hub 1. Among three nodes the hub and the leader are a quorum.
const EXPECTED: readonly [NamedScenario, 3 | 5 | 7, string, readonly number[]][] = [
  ["quorum-loss", 5, "1-2 1-3 1-4 1-5", [1]],
  ["quorum-loss", 3, "1-2 1-3", [3]],
  ["constrained", 5, "1-2 1-4 1-5", [1]],
  ["constrained", 3, "1-2", [1, 2]],
  ["chain", 3, "1-2 1-3", [3]],
  ["chain", 5, "1-2 1-3 2-4 4-5", [1, 2, 4]],
  ["chain", 7, "1-2 1-3 2-4 4-5 5-6 6-7", []],
  ["cloudflare", 3, "1-2 1-3", [3]],
  ["ring", 5, "1-2 1-3 2-4 3-5 4-5", [3]],
  ["full-partition", 3, "1-2", [1, 2]],
  ["full-partition", 5, "1-4 1-5 2-3 4-5", [1, 4, 5]],
];

describe("scenarios", () => {
  test.each(EXPECTED)("%s of %i nodes", (name, count, links, canLead) => {
    const scenario = planScenario(name, { nodes: NODES[count], leader: 3, hub: 1 });
    expect(whole(scenario, NODES[count]).join(" ")).toBe(links);
    expect(scenario.canLead).toEqual(canLead);
  });

  test("the hub of constrained is cut from the leader first", () => {
    const { steps } = planScenario("constrained", { nodes: NODES[5], leader: 2, hub: 4 });
    expect(steps.map(({ broken }) => broken.length)).toEqual([1, 7]);
    expect(steps[0]?.broken).toEqual([[2, 4]]);
    expect(steps[1]?.afterMs).toBeGreaterThan(0);
  });

  test("every scenario has a summary and a default hub", () => {
    for (const name of Object.keys(NAMED_SCENARIOS) as NamedScenario[]) {
      for (const leader of NODES[5]) {
        const { summary, name: planned } = planScenario(name, { nodes: NODES[5], leader });
        expect(summary).not.toBe("");
        expect(planned).toBe(name);
      }
    }
  });

  test("partition: groups, and the rest is a group", () => {
    expect(whole(planPartition([[1, 2], [3]], NODES[3], 1), NODES[3])).toEqual(["1-2"]);
    expect(whole(planPartition([[4, 2]], NODES[5], 2), NODES[5])).toEqual([
      "1-3",
      "1-5",
      "2-4",
      "3-5",
    ]);
    expect(planPartition([[1], [2]], NODES[3], 1).canLead).toEqual([]);
    expect(planPartition([[1]], NODES[3], 1).canLead).toEqual([2, 3]);
  });

  test("groups as people write them", () => {
    expect(parseGroups("1,2 | 3")).toEqual([[1, 2], [3]]);
    expect(parseGroups(" 1 2|3, 4|")).toEqual([[1, 2], [3, 4], []]);
    expect(() => parseGroups("1,x")).toThrow(/"x" is no node/);
    expect(() => parseGroups("1-2 | 3")).toThrow(KvError);
  });

  test("isolate: one node alone", () => {
    const isolated = planIsolation(2, NODES[3], 1);
    expect(whole(isolated, NODES[3])).toEqual(["1-3"]);
    expect(isolated.canLead).toEqual([1]);
    expect(planIsolation(1, NODES[3], null).canLead).toEqual([2, 3]);
  });

  test("what cannot be is refused with the reason", () => {
    const codeOf = (act: () => unknown): string => {
      try {
        act();
      } catch (error) {
        return error instanceof KvError ? error.code : "?";
      }
      return "none";
    };
    expect(codeOf(() => planScenario("chain", { nodes: [1, 2], leader: 1 }))).toBe("BAD_REQUEST");
    expect(codeOf(() => planScenario("chain", { nodes: NODES[3], leader: 9 }))).toBe(
      "UNKNOWN_NODE",
    );
    expect(codeOf(() => planScenario("chain", { nodes: NODES[3], leader: 1, hub: 1 }))).toBe(
      "BAD_REQUEST",
    );
    expect(codeOf(() => planPartition([[1, 2], [2]], NODES[3], 1))).toBe("BAD_REQUEST");
    expect(codeOf(() => planPartition([[1, 2, 3]], NODES[3], 1))).toBe("BAD_REQUEST");
    expect(codeOf(() => planPartition([[7]], NODES[3], 1))).toBe("UNKNOWN_NODE");
    expect(codeOf(() => planIsolation(7, NODES[3], 1))).toBe("UNKNOWN_NODE");
  });
});

describe("orders, pairs and who can lead", () => {
  test("a line or a ring in any order names every node once", () => {
    const line = planOrder("chain", [2, 1, 3], NODES[3], 3);
    expect(whole(line, NODES[3])).toEqual(["1-2", "1-3"]);
    expect(line).toMatchObject({ name: "chain", summary: "a line: 2 – 1 – 3", canLead: [3] });
    const ring = planOrder("ring", [1, 3, 5, 2, 4], NODES[5], null);
    expect(whole(ring, NODES[5])).toEqual(["1-3", "1-4", "2-4", "2-5", "3-5"]);
    expect(ring.canLead).toEqual([1, 2, 3, 4, 5]);
    expect(() => planOrder("chain", [1, 2], NODES[3], 3)).toThrow("node 3 is missing");
    expect(() => planOrder("chain", [1, 2, 3, 1], NODES[3], 3)).toThrow("node 1 is named twice");
    expect(() => planOrder("ring", [1, 2, 9], NODES[3], 3)).toThrow("there is no node 9");
  });

  test("any two nodes can lose each other", () => {
    const scenario = planCloudflare([2, 3], NODES[3], 1);
    expect(whole(scenario, NODES[3])).toEqual(["1-2", "1-3"]);
    expect(scenario.canLead).toEqual([1]);
    expect(() => planCloudflare([2, 2], NODES[3], 1)).toThrow("no link to itself");
  });

  test("nodes that are down count for nobody", () => {
    expect(ableToLead(NODES[3], [], 1, [3])).toEqual([1]);
    expect(ableToLead(NODES[3], [[1, 2]], 1, [3])).toEqual([]);
    expect(ableToLead(NODES[5], [[1, 2]], 1, [5, 4])).toEqual([3]);
  });

  test("who can lead is said in words", () => {
    expect(leadText([3], 3)).toBe("node 3 keeps the lead");
    expect(leadText([3], 1)).toBe("only node 3 can lead");
    expect(leadText([1, 2, 4], 3)).toBe("node 1, 2 or 4 can lead");
    expect(leadText([], 3)).toContain("writes wait");
  });
});
