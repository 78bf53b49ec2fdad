/** The same seed gives the same run, byte for byte: without it no failure could be replayed. */
import { expect, test } from "vitest";
import { planOf, runSeed } from "../../../src/proof/simulator/index.ts";
import { seeds } from "../../repetitions.ts";

const SEEDS = seeds(3, 20).map((i) => 6999 + i);

test("seeds that run twice give the same traces", { timeout: 120_000 }, () => {
  const first = SEEDS.map((seed) => runSeed({ seed }));
  const second = SEEDS.map((seed) => runSeed({ seed }));
  expect(second.map(({ hash }) => hash)).toEqual(first.map(({ hash }) => hash));
  expect(second.map(({ steps }) => steps)).toEqual(first.map(({ steps }) => steps));
  expect(new Set(first.map(({ hash }) => hash)).size).toBe(SEEDS.length);
  expect(first.flatMap(({ failure }) => failure ?? [])).toEqual([]);
});

test("reading along changes nothing", () => {
  const lines: string[] = [];
  const silent = runSeed({ seed: 7000 });
  const read = runSeed({ seed: 7000, print: (line) => lines.push(line) });
  expect(read.hash).toBe(silent.hash);
  expect(lines.length).toBeGreaterThan(100);
});

test("two readers of one run read the same lines", () => {
  const [first, second] = [0, 1].map(() => {
    const lines: string[] = [];
    runSeed({ seed: 7001, print: (line) => lines.push(line) });
    return lines.join("\n");
  });
  expect(second).toBe(first);
});

test("one byte more in one value is another trace", () => {
  const plan = planOf(7002);
  const longer = { ...plan, valueBytes: 40 };
  expect(runSeed({ seed: 7002, plan: longer }).hash).not.toBe(runSeed({ seed: 7002, plan }).hash);
});

test("plans are drawn from the seed alone", () => {
  expect(planOf(7003)).toEqual(planOf(7003));
  expect(planOf(7003)).not.toEqual(planOf(7004));
});
