/**
 * A violation in words, with as few operations as still cannot be ordered.
 *
 * Leaving an operation out must not make things look worse than they are: without the write that it saw, any read would
 * look wrong. So this never simply removes an operation, but sets it free: it may take effect at any time after its call, or
 * never; a read that is set free constrains nothing. No order explains the remaining operations, for any effects of the free ones.
 */
import { describeAnswer, describeRequest, describeTimes, describeValue } from "./describe.ts";
import { Timer } from "./linearizability.ts";
import type { Machine, Model } from "./model.ts";
import type { Operation, TimeUnit } from "./operation.ts";
import { createProblem } from "./problem.ts";
import { ProductMachine } from "./product-machine.ts";
import type { PartitionResult } from "./result.ts";
import { search, type SearchProblem } from "./search.ts";

/** How long `explain` may take, and the unit of times in its text. */
export interface ExplainOptions {
  /** A clock in milliseconds. Needed for a time limit. */
  readonly now?: () => number;
  /** For finding the smallest set. Default: none. */
  readonly timeLimitMs?: number;
  /** @default "events" */
  readonly unit?: TimeUnit;
}

/** A smallest set of operations that cannot all have been answered as they were. */
export interface Explanation {
  readonly key: string | null;
  /** No order explains these, for any effects of the other operations. In the order of their calls. */
  readonly operations: readonly Operation[];
  /** True: each of them is needed. False: a limit was reached before that was certain. */
  readonly isMinimal: boolean;
  /** Several lines. */
  readonly text: string;
}

/** Enough for all but strange cases; what takes longer stays in. */
const STEPS_PER_TRIAL = 300_000;
const STEPS_IN_ALL = 60_000_000;
const TRIAL_CACHE_BYTES = 128 * 1024 * 1024;

/**
 * Says in few operations why a history is not linearizable.
 *
 * @param partition one whose verdict is "violation", from checkLinearizable with the same model
 * @throws TypeError for another verdict
 */
export function explain(
  model: Model,
  partition: PartitionResult,
  options: ExplainOptions = {},
): Explanation {
  if (partition.verdict !== "violation") {
    throw new TypeError(`only a violation can be explained, this is "${partition.verdict}"`);
  }
  const shrinker = new Shrinker(model, partition, new Timer(options));
  const operations = shrinker.shrink();
  return {
    key: partition.key,
    operations,
    isMinimal: shrinker.isMinimal,
    text: inWords(partition, operations, shrinker.isMinimal, options.unit ?? "events"),
  };
}

class Shrinker {
  isMinimal = true;
  readonly #model: Model;
  readonly #timer: Timer;
  readonly #all: readonly Operation[];
  readonly #blocked: Operation | null;
  #stepsLeft = STEPS_IN_ALL;

  constructor(model: Model, partition: PartitionResult, timer: Timer) {
    this.#model = model;
    this.#timer = timer;
    this.#all = partition.operations;
    this.#blocked = partition.blocked === null ? null : (this.#all[partition.blocked] ?? null);
  }

  shrink(): readonly Operation[] {
    let kept = this.#cutEnd();
    // Operations far before the end rarely matter: large pieces first.
    for (let size = Math.ceil(kept.length / 2); ; size = Math.floor(size / 2)) {
      for (let end = kept.length; end > 0; end -= size) {
        const start = Math.max(0, end - size);
        // With the last ones in hand, try to do without all that came before.
        const rest = [...kept.slice(0, start), ...kept.slice(end)];
        if (rest.length > 0 && this.#isViolation(rest)) kept = rest;
      }
      if (size <= 1) break;
    }
    return kept;
  }

  /** The shortest beginning that is already wrong: what was called after the answer that broke it is not to blame. */
  #cutEnd(): readonly Operation[] {
    const ends = this.#all
      .filter(({ outcome }) => outcome === "ok")
      .map(({ end }) => end)
      .sort((a, b) => a - b);
    // Most often it is the answer at which the longest order got stuck.
    const guess = this.#blocked === null ? null : this.#beginning(this.#blocked.end);
    let low = 0;
    let high = ends.length - 1;
    if (guess !== null && this.#isViolation(guess)) {
      high = ends.lastIndexOf(this.#blocked?.end ?? 0);
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isViolation(this.#beginning(ends[middle] as number))) high = middle;
      else low = middle + 1;
    }
    const kept = this.#beginning(ends[high] as number);
    return this.#isViolation(kept) ? kept : this.#all;
  }

  /** What had been answered by then. */
  #beginning(time: number): readonly Operation[] {
    return this.#all.filter(({ outcome, end }) => outcome === "ok" && end <= time);
  }

  /** Whether these cannot be ordered with all others set free. */
  #isViolation(kept: readonly Operation[]): boolean {
    if (this.#stepsLeft <= 0 || this.#timer.isUp()) {
      this.isMinimal = false;
      return false;
    }
    const outcome = search(this.#relax(new Set(kept)), {
      stepsMax: Math.min(STEPS_PER_TRIAL, this.#stepsLeft),
      cacheBytesMax: TRIAL_CACHE_BYTES,
      isTimeUp: () => this.#timer.isUp(),
      wantsOrder: false,
    });
    this.#stepsLeft -= outcome.steps;
    if (outcome.verdict === "unknown") this.isMinimal = false;
    return outcome.verdict === "violation";
  }

  #relax(kept: ReadonlySet<Operation>): SearchProblem {
    const operations: Operation[] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (const { end } of kept) last = Math.max(last, end);
    for (const operation of this.#all) {
      // The list is in the order of calls: what follows cannot have mattered to those that are kept.
      if (operation.call > last) break;
      if (kept.has(operation)) operations.push(operation);
      else if (canWrite(operation)) operations.push(setFree(operation));
    }
    const machine: Machine = new ProductMachine(this.#model, operations);
    return createProblem(machine, operations, { trackName: null, useRevisions: false });
  }
}

/** It keeps its revision: the store's word about the order of writes still counts. */
function setFree(operation: Operation): Operation {
  const { request } = operation;
  return {
    ...operation,
    // A cas that swapped is known to have written.
    request: request.kind === "cas" ? { kind: "write", value: request.value } : request,
    answer: null,
    outcome: "unknown",
    end: Number.POSITIVE_INFINITY,
  };
}

function canWrite({ request, answer }: Operation): boolean {
  if (request.kind === "read") return false;
  if (answer?.kind === "cas") return answer.swapped;
  return answer?.kind !== "deleted" || answer.existed !== false;
}

function inWords(
  { key, operations: all, order }: PartitionResult,
  core: readonly Operation[],
  isMinimal: boolean,
  unit: TimeUnit,
): string {
  const start = all[0]?.call ?? 0;
  const where = key === null || key === "" ? "" : `key ${JSON.stringify(key)}: `;
  const lines = core.map((operation, number) => {
    const what = `client ${operation.process}: ${describeRequest(operation.request, key === null ? operation.key : "")}`;
    return `  ${number + 1}. ${what}, ${describeAnswer(operation)}   [${describeTimes(operation, unit, start)}]`;
  });
  const count = core.length === 1 ? "this operation has" : `these ${core.length} operations have`;
  const others = `even if each of the other ${all.length - core.length} took effect at any time after its call, or never`;
  const size = isMinimal ? "" : " (there may be a smaller set: the search for it was cut short)";
  const reasons = reasonsOf(core, all).map((reason) => `  ${reason}`);
  return [
    `${where}${count} no explanation, ${others}${size}:`,
    ...lines,
    ...reasons,
    `  The longest order that explains the answers holds ${order.length} of ${all.length} operations.`,
  ].join("\n");
}

function reasonsOf(core: readonly Operation[], all: readonly Operation[]): string[] {
  const [only] = core;
  if (core.length === 1 && only?.answer?.kind === "value" && only.answer.value !== null) {
    const { value } = only.answer;
    const isWritten = all.some(
      ({ request }) => "value" in request && request.kind !== "append" && request.value === value,
    );
    return [
      isWritten
        ? `${describeValue(value)} was written, but it cannot have been there.`
        : `No operations of this history together lead to ${describeValue(value)}.`,
    ];
  }
  const before: string[] = [];
  core.forEach((second, at) => {
    core.forEach((first, number) => {
      if (first.end >= second.call) return;
      // Only what does not follow from two others.
      const isImplied = core.some((middle) => first.end < middle.call && middle.end < second.call);
      if (!isImplied) before.push(`${number + 1} before ${at + 1}`);
    });
  });
  return before.length === 0
    ? ["All of them overlap in time: their answers alone contradict each other."]
    : [`Real time demands ${before.join(", ")}; no order with that gives these answers.`];
}
