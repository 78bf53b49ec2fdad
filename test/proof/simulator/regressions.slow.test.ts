/**
 * Runs that once failed, with their plans, so that they stay what they were when the drawing of plans changes; and one
 * whose plan finds nothing any more, as a seed like any other.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Plan } from "../../../src/proof/simulator/plan.ts";
import { runSeed } from "../../../src/proof/simulator/index.ts";

interface Found {
  readonly seed: number;
  readonly what: string;
  readonly plan?: Plan;
}

const DIRECTORY = join(import.meta.dirname, "regressions");
const FOUND: readonly Found[] = [
  ...readdirSync(DIRECTORY).map(
    (name) => JSON.parse(readFileSync(join(DIRECTORY, name), "utf8")) as Found,
  ),
  {
    seed: 100_314,
    what: "a file name that only the page cache knew, and bytes written over a failed sync",
  },
];

describe("runs that once failed", () => {
  test.each(FOUND)("$seed: $what", ({ seed, plan }) => {
    expect(runSeed({ seed, ...(plan === undefined ? {} : { plan }) }).failure).toBeNull();
  });
});
