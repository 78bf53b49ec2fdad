/**
 * Whole clusters on simulated clocks, networks and disks: `runSeed({ seed })` gives the same run each time.
 *
 * @module omnikv/sim
 */
export { EXPECTED, neverHit } from "./coverage-report.ts";
export { coverageReport } from "./coverage-text.ts";
export { Coverage } from "./coverage.ts";
export { describeFault, FAULT_KINDS } from "./fault-plan.ts";
export type { Fault, Plan, TimedFault } from "./plan.ts";
export { planOf, runSeed, type RunFailure, type RunOptions, type RunResult } from "./run.ts";
export { MISTAKE_KINDS, type MistakeShare } from "./mistake-plan.ts";
export { shrinkFaults, withFaults, wrongsOf, type Shrunk } from "./shrink.ts";
