import { expect, test } from "vitest";
import {
  planOf,
  shrinkFaults,
  withFaults,
  type Plan,
  type TimedFault,
} from "../../../src/proof/simulator/index.ts";

const crash = (node: number): TimedFault => ({
  atMs: node,
  fault: { kind: "crash", node, downMs: 0, silent: false, power: false },
});

function planWith(count: number): Plan {
  return { ...planOf(1), faults: Array.from({ length: count }, (_, node) => crash(node)) };
}

test("only the faults that are needed are left", () => {
  const needed = [3, 11];
  const isHit = ({ faults }: Plan): boolean =>
    needed.every((node) => faults.some(({ atMs }) => atMs === node));
  for (const count of [12, 13, 16, 31]) {
    const { kept, plan, runs } = shrinkFaults(planWith(count), isHit);
    expect(kept).toEqual(needed);
    expect(plan.faults).toEqual(needed.map(crash));
    expect(runs).toBeLessThan(120);
  }
});

test("a failure that needs no fault loses all of them", () => {
  expect(shrinkFaults(planWith(9), () => true).kept).toEqual([]);
});

test("a failure that needs all of them keeps them", () => {
  const all = ({ faults }: Plan): boolean => faults.length === 7;
  expect(shrinkFaults(planWith(7), all).kept).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test("faults are named by their position in the whole plan", () => {
  const plan = planWith(5);
  expect(withFaults(plan, [0, 4, 9]).faults).toEqual([plan.faults[0], plan.faults[4]]);
});
