/** The same seed gives the same run, byte for byte: without it no failure could be replayed. */
import { expect, test } from "vitest";
import { planOf, runSeed, type RunResult } from "../../../src/proof/simulator/index.ts";
import { seeds } from "../../repetitions.ts";

const SEEDS = seeds(2, 20).map((i) => 6999 + i);
const [SEED = 0, OTHER_SEED = 0] = SEEDS;

/** The first run of each seed, with no reader. */
const silent = new Map<number, RunResult>();
function silentRun(seed: number): RunResult {
  const run = silent.get(seed) ?? runSeed({ seed });
  silent.set(seed, run);
  return run;
}

test("seeds that run twice give the same traces", { timeout: 120_000 }, () => {
  const first = SEEDS.map(silentRun);
  const second = SEEDS.map((seed) => runSeed({ seed }));
  expect(second.map(({ hash }) => hash)).toEqual(first.map(({ hash }) => hash));
  expect(second.map(({ steps }) => steps)).toEqual(first.map(({ steps }) => steps));
  expect(new Set(first.map(({ hash }) => hash)).size).toBe(SEEDS.length);
  expect(first.flatMap(({ failure }) => failure ?? [])).toEqual([]);
});

test("reading along changes nothing, and two readers read the same lines", () => {
  const [first = [], second = []] = [0, 1].map(() => {
    const lines: string[] = [];
    const read = runSeed({ seed: SEED, print: (line) => lines.push(line) });
    expect(read.hash).toBe(silentRun(SEED).hash);
    return lines;
  });
  expect(first.length).toBeGreaterThan(100);
  expect(second.join("\n")).toBe(first.join("\n"));
});

test("one byte more in one value is another trace", () => {
  const plan = planOf(OTHER_SEED);
  const longer = { ...plan, valueBytes: plan.valueBytes + 1 };
  expect(runSeed({ seed: OTHER_SEED, plan: longer }).hash).not.toBe(silentRun(OTHER_SEED).hash);
});

test("plans are drawn from the seed alone", () => {
  expect(planOf(7003)).toEqual(planOf(7003));
  expect(planOf(7003)).not.toEqual(planOf(7004));
});
