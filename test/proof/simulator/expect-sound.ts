import { type RunResult, wrongsOf } from "../../../src/proof/simulator/index.ts";

/** @param flag that the command needs to draw the same plan. @throws Error that says how to see it again */
export function expectSound({ seed, plan, failure }: RunResult, flag = ""): void {
  if (failure === null) return;
  const wrongs = wrongsOf(plan).join("\n  ");
  throw new Error(
    `seed ${seed} fails (${failure.phase}): ${failure.message}\n  ${wrongs}\n` +
      `replay: omnikv sim${flag} --replay ${seed} --print; shrink: omnikv sim${flag} --from ${seed} --seeds 1`,
  );
}
