/** Whole clusters under drawn faults, from fresh seeds each time. */
import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { runSeed } from "../../../src/proof/simulator/index.ts";
import { expectSound } from "./expect-sound.ts";

const FRESH_MS = 20_000;
const FRESH_MIN = 20;

test("fresh seeds", { timeout: 600_000 }, () => {
  const first = randomInt(2 ** 40);
  const end = performance.now() + FRESH_MS;
  let seed = first;
  for (; seed < first + FRESH_MIN || performance.now() < end; seed++)
    expectSound(runSeed({ seed }));
  process.stdout.write(`simulated seeds ${first} to ${seed - 1}\n`);
  expect(seed - first).toBeGreaterThanOrEqual(FRESH_MIN);
});
