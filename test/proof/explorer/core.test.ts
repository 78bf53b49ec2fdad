/** Every world of the smallest clusters. The counts are exact: a change of the core that adds or takes a world shows here. */
import { describe, expect, test } from "vitest";
import {
  coreOptions,
  search,
  walk,
  type CoreOptions,
  type SearchResult,
} from "../../../src/proof/explorer/index.ts";

/** Time stands still: nothing stops a search but its end. */
const now = (): number => 0;
const LIMITS = { states: 1e6, seconds: 1, depth: 1000 };

function all(given: Partial<CoreOptions>, verify = false): SearchResult {
  return search(coreOptions(given), LIMITS, { now }, verify);
}

const counts = ({ ended, states, transitions, depth, violation }: SearchResult): unknown[] => [
  violation?.problem ?? ended,
  states,
  transitions,
  depth,
];

describe("every world of three nodes, one proposal and one leader change", () => {
  test("with messages in order", () => {
    expect(counts(all({}))).toEqual(["all", 4171, 11598, 25]);
  });

  test("with messages in any order", () => {
    expect(counts(all({ order: "any" }))).toEqual(["all", 3076, 7797, 26]);
  });

  test("with a crash, or a session that breaks", () => {
    const given = { disk: "sync", candidates: [1], proposers: [1] } as const;
    expect(counts(all({ ...given, crashes: 1 }))).toEqual(["all", 26762, 83965, 24]);
    expect(counts(all({ ...given, losses: 1 }))).toEqual(["all", 6932, 17506, 22]);
  });
});

describe("every world of two nodes", () => {
  test("whose follower loses its place twice while messages come late", () => {
    const given = { nodes: 2, order: "any", losses: 2, disk: "sync" } as const;
    const one = { candidates: [1], proposers: [1] };
    expect(counts(all({ ...given, ...one }))).toEqual(["all", 3002, 4554, 25]);
  });

  test("with two leader changes, two proposals and a crash", () => {
    const given = { nodes: 2, leaderChanges: 2, proposals: 2, crashes: 1, disk: "sync" } as const;
    expect(counts(all({ ...given, candidates: [1], proposers: [1] }))).toEqual([
      "all",
      5310,
      8848,
      24,
    ]);
  });
});

test("nodes of equal memory do the same, however they came to it", () => {
  const given = { nodes: 2, leaderChanges: 2, crashes: 1, losses: 1, ticks: 1 };
  for (const order of ["fifo", "any"] as const) {
    const options = coreOptions({ ...given, order, disk: "async", proposers: [1] });
    const result = search(options, { ...LIMITS, states: 30_000 }, { now }, true);
    expect(result.violation).toBeNull();
    expect(result.states).toBeGreaterThan(20_000);
  }
});

test("a search stops where it is told to", () => {
  const options = coreOptions({});
  expect(search(options, { ...LIMITS, depth: 5 }, { now })).toMatchObject({
    ended: "depth",
    depth: 5,
  });
  expect(search(options, { ...LIMITS, states: 100 }, { now })).toMatchObject({ ended: "states" });
});

test("the same seed gives the same walks", () => {
  const options = coreOptions({ proposals: 2, leaderChanges: 2, crashes: 1, losses: 1 });
  const limits = { walks: 100, seed: 7, depth: 40, seconds: 1, only: "" };
  const first = walk(options, limits, now);
  expect(first).toMatchObject({ ended: "all", walks: 100, violation: null });
  expect(walk(options, limits, now)).toEqual(first);
  expect(walk(options, { ...limits, seed: 8 }, now).steps).not.toBe(first.steps);
});
