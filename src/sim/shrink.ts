/** Fewer faults that still make a run fail: what is left is what matters. */
import type { Plan, TimedFault } from "./fault-plan.ts";

/** Runs that a shrinking may cost. */
const ATTEMPTS_MAX = 300;

export interface Shrunk {
  readonly plan: Plan;
  /** Which faults of the original plan are left, by position. */
  readonly kept: readonly number[];
  readonly runs: number;
}

/**
 * Leaves out faults as long as the run still fails, larger parts first (delta debugging).
 * @param fails runs the plan anew
 */
export function shrinkFaults(plan: Plan, fails: (plan: Plan) => boolean): Shrunk {
  let kept = plan.faults.map((_, index) => index);
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

/** @param indexes positions of the faults that stay */
export function withFaults(plan: Plan, indexes: readonly number[]): Plan {
  const faults = indexes.flatMap((index): TimedFault[] => {
    const fault = plan.faults[index];
    return fault === undefined ? [] : [fault];
  });
  return { ...plan, faults };
}
