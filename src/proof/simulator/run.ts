/** One run of a seed, from the first start of the nodes to the verdict. */
import { formatJsonLines } from "../checker/index.ts";
import { checkedHistory } from "./checker-view.ts";
import { drawPlan } from "./fault-plan.ts";
import type { Plan } from "./plan.ts";
import { FaultInjector } from "./fault-injector.ts";
import { MistakeInjector } from "./mistake-injector.ts";
import type { MistakeShare } from "./mistake-plan.ts";
import { SeededRandom } from "../../machine/ports/index.ts";
import { SimWorld } from "./sim-world.ts";
import { judge, type Phase } from "./verdict.ts";

/** Which run: a seed says all, unless a plan is given. */
export interface RunOptions {
  readonly seed: string | number;
  /** Which seeds have mistakes in their plans. Default: some. */
  readonly mistakes?: MistakeShare;
  /** Default: what the seed draws. */
  readonly plan?: Plan;
  /** Gets the trace, one line an event. Default: no trace. */
  readonly print?: (line: string) => void;
  /** Gets the clients' requests for single keys and their answers, as `omnikv check` reads them: docs/history-format.md. */
  readonly history?: (text: string) => void;
}

/** The outcome of a run. */
export interface RunResult {
  readonly seed: string;
  readonly plan: Plan;
  /** Null: nothing is wrong. */
  readonly failure: RunFailure | null;
  /** A hash over everything that happened. */
  readonly hash: string;
  readonly coverage: Readonly<Record<string, number>>;
  readonly steps: number;
  readonly operations: number;
  readonly simulatedMs: number;
}

/** What is wrong, and which check found it. */
export interface RunFailure {
  /** Which check found it. */
  readonly phase: Phase;
  readonly message: string;
  readonly stack: string;
}

/**
 * Draws what a run does, the same for the same seed.
 *
 * @param mistakes which seeds have mistakes in their plans. Default: some
 */
export function planOf(seed: string | number, mistakes: MistakeShare = "some"): Plan {
  return drawPlan(new SeededRandom(seed).fork("plan"), mistakes);
}

/**
 * Runs a whole cluster under the faults of its plan and checks what its clients saw. The same options give the same run, event
 * for event. Never throws for what is wrong with the cluster: that is `failure`.
 */
export function runSeed({
  seed,
  mistakes: share = "some",
  plan = planOf(seed, share),
  print,
  history,
}: RunOptions): RunResult {
  const world = new SimWorld(seed, plan, print ?? null);
  let phase: Phase = "faults";
  let failure: RunFailure | null = null;
  try {
    const injector = new FaultInjector(world);
    const mistakes = new MistakeInjector(world, (links) => injector.leave(links));
    world.start();
    injector.schedule(plan.faults);
    mistakes.schedule(plan.mistakes);
    world.run(plan.faultsMs);
    world.close();
    mistakes.heal();
    injector.heal();
    judge(world, mistakes, (next) => (phase = next));
  } catch (error) {
    const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    world.trace.remark("verdict", `${phase}: ${message}`);
    failure = { phase, message, stack };
  }
  for (const node of world.nodes) node.countCore();
  history?.(formatJsonLines(checkedHistory(world.history.operations)));
  return {
    seed: String(seed),
    plan,
    failure,
    hash: world.trace.hash(),
    coverage: world.coverage.toRecord(),
    steps: world.steps,
    operations: world.history.operations.length,
    simulatedMs: world.clock.now(),
  };
}
