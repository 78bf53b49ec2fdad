import { Coverage, runSeed, type RunResult, wrongsOf } from "../../../src/proof/simulator/index.ts";

/** @param flag that the command needs to draw the same plan. @throws Error that says how to see it again */
export function expectSound({ seed, plan, failure }: RunResult, flag = ""): void {
  if (failure === null) return;
  const wrongs = wrongsOf(plan).join("\n  ");
  throw new Error(
    `seed ${seed} fails (${failure.phase}): ${failure.message}\n  ${wrongs}\n` +
      `replay: omnikv sim${flag} --replay ${seed} --print; shrink: omnikv sim${flag} --from ${seed} --seeds 1`,
  );
}

/**
 * The seeds from 1 on.
 * @param mistakes there are mistakes of people in each run
 * @returns what they came across
 * @throws Error at the first that fails
 */
export function firstSeeds(count: number, mistakes?: "always"): Coverage {
  const coverage = new Coverage();
  for (let seed = 1; seed <= count; seed++) {
    const run = runSeed(mistakes === undefined ? { seed } : { seed, mistakes });
    expectSound(run, mistakes === undefined ? "" : " --mistakes");
    coverage.merge(run.coverage);
  }
  return coverage;
}
