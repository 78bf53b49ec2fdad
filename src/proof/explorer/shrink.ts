/** Runs that a shrinking may cost. */
const RUNS_MAX = 3000;

/**
 * Leaves out steps as long as what is left still fails, larger parts first (delta debugging).
 * @param fails goes through the steps, leaving out those that are impossible by then
 */
export function shrinkSteps<Step>(
  steps: readonly Step[],
  fails: (steps: readonly Step[]) => boolean,
): readonly Step[] {
  let kept = steps;
  let runs = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1;) {
    let smaller = false;
    // From the end: what comes last depends on what comes first.
    for (let end = kept.length; end > 0 && runs < RUNS_MAX;) {
      const start = Math.max(0, end - size);
      const rest = [...kept.slice(0, start), ...kept.slice(end)];
      runs += 1;
      if (fails(rest)) {
        kept = rest;
        smaller = true;
      }
      end = start;
    }
    if (runs >= RUNS_MAX || (size === 1 && !smaller)) break;
    if (size > 1) size = Math.ceil(size / 2);
  }
  return kept;
}
