/** A minute of nearly right frames on every channel of a built server, from a fresh seed each time. */
import { expect, test } from "vitest";
import { fuzz, MEMORY_MAX } from "../../src/proof/harm/fuzz/fuzz.ts";

test("a server serves on, whatever is nearly right", { timeout: 150_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`fuzz: npx tsx scripts/fuzz.ts --seconds 60 --seed ${seed}`);
  const result = await fuzz({ seed, seconds: 60 });
  expect(result.failures).toEqual([]);
  expect(result.alive).toBe(true);
  expect(result.frames).toBeGreaterThan(1000);
  expect(result.peakBytes).toBeLessThan(MEMORY_MAX);
  // A machine that runs all tests at once is slow by itself; scripts/fuzz.ts wants half a second.
  expect(result.slowestMs).toBeLessThan(2000);
});
