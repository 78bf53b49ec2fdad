/**
 * Is there one order of all operations, of all keys, that keeps each session's own order, and in which a single copy of
 * the store could have answered so? Between sessions real time does not count: a local read may lag.
 *
 * Deciding this is NP-hard, hence bounded. Revisions make it easy: they say in which order the writes took effect.
 */
import { refuseForeign, partitionResult, summary, Timer } from "./linearizability.ts";
import type { Model } from "./model.ts";
import type { History } from "./operation.ts";
import { createProblem, selectOperations } from "./problem.ts";
import { ProductMachine } from "./product-machine.ts";
import { CACHE_LIMIT_BYTES, type CheckOptions, type CheckResult } from "./result.ts";
import { search } from "./search.ts";

/** Without a limit a hard history would take for ever. */
const STEP_LIMIT = 50_000_000;

/**
 * Judges local and linearizable operations alike. Operations of one session that overlap have no order between them.
 * @param options stepLimit defaults to 50 million when there is no time limit
 * @throws as checkLinearizable
 */
export function checkSequential(
  model: Model,
  history: History,
  options: CheckOptions = {},
): CheckResult {
  const timer = new Timer(options);
  const { operations, leftOut } = selectOperations(history.operations, true);
  refuseForeign(model, operations);
  const machine = new ProductMachine(model, operations);
  const problem = createProblem(machine, operations, {
    trackName: ({ session }) => session,
    useRevisions: model.ordersByRevision,
  });
  const noLimit = options.timeLimitMs === undefined ? STEP_LIMIT : Number.POSITIVE_INFINITY;
  const outcome = search(problem, {
    stepsMax: options.stepLimit ?? noLimit,
    cacheBytesMax: options.cacheLimitBytes ?? CACHE_LIMIT_BYTES,
    isTimeUp: () => timer.isUp(),
    wantsOrder: true,
  });
  const partition = partitionResult({ key: null, operations }, outcome, machine, timer.elapsed());
  return {
    ...summary([partition]),
    property: "sequential consistency",
    model: model.name,
    partitions: [partition],
    leftOut,
    elapsedMs: timer.elapsed(),
  };
}
