/** Seeds that once failed, with what they found. Plans change with the fault plan: then a seed is only another seed. */
import { describe, expect, test } from "vitest";
import { runSeed } from "../../src/sim/index.ts";

const FOUND: readonly (readonly [seed: number, what: string])[] = [
  [100_314, "a file name that only the page cache knew, and bytes written over a failed sync"],
  [205_045, "a power cut that tore the header of a new segment and kept its first frame"],
];

describe("seeds that once failed", () => {
  test.each(FOUND)("%i: %s", (seed) => {
    expect(runSeed({ seed }).failure).toBeNull();
  });
});
