/** Is there one order of all operations, within their intervals, that a single copy of the store could have answered so? */
import { WrongModelError } from "./errors.ts";
import type { Model } from "./model.ts";
import type { History, Operation } from "./operation.ts";
import { createProblem, selectOperations } from "./problem.ts";
import { ProductMachine } from "./product-machine.ts";
import {
  CACHE_LIMIT_BYTES,
  type CheckOptions,
  type CheckResult,
  type PartitionResult,
} from "./result.ts";
import { search, type SearchOutcome } from "./search.ts";

/** How far `checkLinearizability` goes, and what for. */
export interface LinearizabilityOptions extends CheckOptions {
  /**
   * Judge each key on its own: the same verdict (a history is linearizable if each key's is), found much faster.
   * @default true
   */
  readonly partition?: boolean;
  /** Leave the other keys alone after the first violation. @default true */
  readonly stopAtViolation?: boolean;
}

/** A hard key must not use up the time of the others: in the first round each has so many steps. */
const FIRST_ROUND_STEPS = 200_000;

interface Task {
  readonly key: string | null;
  readonly operations: readonly Operation[];
}

/**
 * Reads without an answer, failed operations and local reads are left out; other operations without an answer may take
 * effect at any time after their call, or never.
 * @throws WrongModelError when an operation is not one of the model, TypeError for a time limit without a clock
 */
export function checkLinearizable(
  model: Model,
  history: History,
  options: LinearizabilityOptions = {},
): CheckResult {
  const timer = new Timer(options);
  const { operations, leftOut } = selectOperations(history.operations, false);
  refuseForeign(model, operations);
  const tasks = options.partition === false ? [{ key: null, operations }] : byKey(operations);
  const stop = options.stopAtViolation ?? true;
  const partitions = checkTasks(model, tasks, options, timer, stop);
  return {
    ...summary(partitions),
    property: "linearizability",
    model: model.name,
    partitions,
    leftOut,
    elapsedMs: timer.elapsed(),
  };
}

function checkTasks(
  model: Model,
  tasks: readonly Task[],
  options: LinearizabilityOptions,
  timer: Timer,
  stopAtViolation: boolean,
): readonly PartitionResult[] {
  const results: (PartitionResult | null)[] = tasks.map(() => null);
  const stepLimit = options.stepLimit ?? Number.POSITIVE_INFINITY;
  const firstRound = Math.min(stepLimit, FIRST_ROUND_STEPS);
  const rounds = tasks.length > 1 && firstRound < stepLimit ? [firstRound, stepLimit] : [stepLimit];
  let isOver = false;
  for (const stepsMax of rounds) {
    let undecided = results.filter((result) => result === null || isOpen(result)).length;
    for (const [number, task] of tasks.entries()) {
      const before = results[number] ?? null;
      if (isOver || (before !== null && !isOpen(before))) continue;
      const isTimeUp = timer.share(undecided--);
      const result = checkTask(model, task, { stepsMax, isTimeUp, options, timer });
      results[number] = result;
      if (result.verdict === "violation" && stopAtViolation) isOver = true;
    }
  }
  return results.map((result, number) => result ?? skipped(tasks[number] as Task));
}

function isOpen(result: PartitionResult): boolean {
  return result.verdict === "unknown" && (result.reason === "steps" || result.reason === "time");
}

interface TaskLimits {
  readonly stepsMax: number;
  readonly isTimeUp: () => boolean;
  readonly options: CheckOptions;
  readonly timer: Timer;
}

function checkTask(model: Model, task: Task, limits: TaskLimits): PartitionResult {
  const { key, operations } = task;
  const startedMs = limits.timer.elapsed();
  const machine = key === null ? new ProductMachine(model, operations) : model.prepare(operations);
  const problem = createProblem(machine, operations, {
    trackName: null,
    useRevisions: model.ordersByRevision,
  });
  const outcome = search(problem, {
    stepsMax: limits.stepsMax,
    cacheBytesMax: limits.options.cacheLimitBytes ?? CACHE_LIMIT_BYTES,
    isTimeUp: limits.isTimeUp,
    wantsOrder: true,
  });
  return partitionResult(task, outcome, machine, limits.timer.elapsed() - startedMs);
}

export function partitionResult(
  { key, operations }: Task,
  outcome: SearchOutcome,
  machine: {
    readonly initial: number;
    step(state: number, position: number): number;
    describe(state: number): string;
  },
  elapsedMs: number,
): PartitionResult {
  const { verdict, reason, blocked, steps, configurations } = outcome;
  let state: string | null = null;
  const order = Array.from(outcome.order);
  return {
    key,
    verdict,
    reason,
    operations,
    order,
    blocked: blocked === -1 ? null : blocked,
    // Only asked for by those who show it.
    get state(): string {
      state ??= machine.describe(
        order.reduce((at, position) => machine.step(at, position), machine.initial),
      );
      return state;
    },
    steps,
    configurations,
    elapsedMs,
  };
}

function skipped({ key, operations }: Task): PartitionResult {
  const nothing = {
    order: [],
    blocked: null,
    state: "",
    steps: 0,
    configurations: 0,
    elapsedMs: 0,
  };
  return { key, operations, verdict: "unknown", reason: "skipped", ...nothing };
}

/** @throws WrongModelError */
export function refuseForeign(model: Model, operations: readonly Operation[]): void {
  for (const operation of operations) {
    const reason = model.refuses(operation);
    if (reason === null) continue;
    const where = operation.line === null ? `operation ${operation.id}` : `line ${operation.line}`;
    throw new WrongModelError(`${where}: ${reason}`);
  }
}

function byKey(operations: readonly Operation[]): Task[] {
  const keys = new Map<string, Operation[]>();
  for (const operation of operations) {
    const list = keys.get(operation.key);
    if (list === undefined) keys.set(operation.key, [operation]);
    else list.push(operation);
  }
  return [...keys].map(([key, list]) => ({ key, operations: list }));
}

export function summary(
  partitions: readonly PartitionResult[],
): Pick<CheckResult, "verdict" | "reason"> {
  if (partitions.some(({ verdict }) => verdict === "violation")) {
    return { verdict: "violation", reason: null };
  }
  const open = partitions.find(({ verdict }) => verdict === "unknown");
  return open === undefined
    ? { verdict: "ok", reason: null }
    : { verdict: "unknown", reason: open.reason };
}

/** The clock that was handed in, and what is left of the time limit. */
export class Timer {
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #endMs: number;

  /** @throws TypeError for a time limit without a clock */
  constructor({ now, timeLimitMs }: CheckOptions) {
    if (now === undefined && timeLimitMs !== undefined) {
      throw new TypeError("timeLimitMs needs a clock: hand in `now`");
    }
    this.#now = now ?? (() => 0);
    this.#startMs = this.#now();
    this.#endMs = this.#startMs + (timeLimitMs ?? Number.POSITIVE_INFINITY);
  }

  elapsed(): number {
    return this.#now() - this.#startMs;
  }

  isUp(): boolean {
    return this.#now() >= this.#endMs;
  }

  /** A deadline for the next of so many that share what is left. */
  share(parts: number): () => boolean {
    const nowMs = this.#now();
    const deadlineMs = nowMs + Math.max(0, this.#endMs - nowMs) / Math.max(1, parts);
    return () => this.#now() >= deadlineMs;
  }
}
