/** Fewer faults and mistakes that still make a run fail: what is left is what matters. */
import { describeFault } from "./fault-plan.ts";
import type { Plan } from "./plan.ts";
import { describeMistake } from "./mistake-plan.ts";

/** Runs that a shrinking may cost. */
const ATTEMPTS_MAX = 300;

/** A plan that still fails, with as few faults and mistakes as were found to do. */
export interface Shrunk {
  readonly plan: Plan;
  /** Which faults of the original plan are left, by position; its mistakes are counted on behind them. */
  readonly kept: readonly number[];
  readonly runs: number;
}

/**
 * Leaves out faults and mistakes as long as the run still fails, larger parts first (delta debugging).
 * @param fails runs the plan anew
 */
export function shrinkFaults(plan: Plan, fails: (plan: Plan) => boolean): Shrunk {
  let kept = Array.from({ length: wrongsOf(plan).length }, (_, index) => index);
  let runs = 0;
  const stillFails = (indexes: readonly number[]): boolean => {
    if (runs >= ATTEMPTS_MAX) return false;
    runs += 1;
    return fails(withFaults(plan, indexes));
  };
  for (let size = Math.ceil(kept.length / 2); size >= 1 && kept.length > 0;) {
    let smaller = false;
    for (let start = 0; start < kept.length;) {
      const rest = [...kept.slice(0, start), ...kept.slice(start + size)];
      if (stillFails(rest)) {
        kept = rest;
        smaller = true;
      } else start += size;
    }
    if (size === 1 && !smaller) break;
    size = smaller && size === 1 ? 1 : Math.floor(size / 2);
    if (size === 0) break;
  }
  return { plan: withFaults(plan, kept), kept, runs };
}

/**
 * A plan with a part of its faults and mistakes.
 *
 * @param indexes positions of the faults that stay, and, counted on behind them, of the mistakes
 */
export function withFaults(plan: Plan, indexes: readonly number[]): Plan {
  const count = plan.faults.length;
  return {
    ...plan,
    faults: plan.faults.filter((_, index) => indexes.includes(index)),
    mistakes: plan.mistakes.filter((_, index) => indexes.includes(count + index)),
  };
}

/** Everything that goes wrong in a plan, a line each for people, by position. */
export function wrongsOf({ faults, mistakes }: Plan): readonly string[] {
  return [...faults.map(describeFault), ...mistakes.map(describeMistake)];
}
