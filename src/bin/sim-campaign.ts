/** Many runs, in one process or several. */
import { fork, type ChildProcess } from "node:child_process";
import { Coverage, runSeed, type MistakeShare } from "../proof/simulator/index.ts";

export interface Failed {
  readonly seed: string;
  readonly phase: string;
  readonly message: string;
}

export interface CampaignResult {
  readonly from: number;
  readonly done: number;
  readonly seconds: number;
  readonly steps: number;
  readonly operations: number;
  readonly simulatedMs: number;
  readonly coverage: Readonly<Record<string, number>>;
  /** In order of seeds. */
  readonly failed: readonly Failed[];
}

export interface CampaignOptions {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly stopAtFailure: boolean;
  readonly mistakes: MistakeShare;
  /** About once a second, and at the end. */
  readonly onProgress: (done: number, text: string) => void;
  /** At once: a user who runs it for hours wants to look at the failure before the end. */
  readonly onFailure: (failed: Failed) => void;
}

/** From parent to worker: runs these. */
interface Order {
  readonly from: number;
  readonly seeds: number;
  readonly mistakes: MistakeShare;
}

type Part = Omit<CampaignResult, "seconds" | "from">;

/** Seeds that a worker gets at a time. */
const ORDER_SEEDS = 10;
const PROGRESS_MS = 1000;
const PROGRESS_MS_IN_A_FILE = 10_000;

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { from, seeds, jobs, stopAtFailure, mistakes, onProgress, onFailure } = options;
  const started = performance.now();
  const sum = new Sum();
  let next = from;
  let told = started;
  const take = (): Order | null => {
    const left = from + seeds - next;
    if (left <= 0 || (stopAtFailure && sum.failed.length > 0)) return null;
    const order = { from: next, seeds: Math.min(left, ORDER_SEEDS), mistakes };
    next += order.seeds;
    return order;
  };
  const give = (part: Part): void => {
    sum.add(part);
    for (const failed of part.failed) onFailure(failed);
    const now = performance.now();
    const every = process.stderr.isTTY ? PROGRESS_MS : PROGRESS_MS_IN_A_FILE;
    if (now - told < every && sum.done < seeds) return;
    told = now;
    const rate = (sum.done / ((now - started) / 1000)).toFixed(1);
    onProgress(sum.done, `${rate}/s · ${sum.failed.length} failures`);
  };
  if (jobs === 1) {
    for (let order = take(); order !== null; order = take()) {
      give(carryOut(order, stopAtFailure));
      // So that Ctrl-C is heard.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } else await Promise.all(Array.from({ length: jobs }, () => runWorker(take, give)));
  const failed = sum.failed.toSorted((a, b) => Number(a.seed) - Number(b.seed));
  return { ...sum.result(), failed, from, seconds: (performance.now() - started) / 1000 };
}

/** This process is a worker: runs what the parent says, until it says no more. */
export function serveCampaign(): Promise<void> {
  return new Promise((resolve) => {
    // If there was no work for this worker the parent may have left before it listened.
    if (!process.connected) return resolve();
    // When the parent is gone nothing reads the answer, and `disconnect` ends this process.
    const ignore = (): void => {};
    process.on("message", (order: Order) =>
      process.send?.(carryOut(order, false), undefined, {}, ignore),
    );
    process.on("disconnect", resolve);
  });
}

function runWorker(take: () => Order | null, give: (part: Part) => void): Promise<void> {
  const [, script = ""] = process.argv;
  const child: ChildProcess = fork(script, ["sim", "--worker"]);
  return new Promise((resolve, reject) => {
    const order = (): void => {
      const work = take();
      if (work === null) child.disconnect();
      else child.send(work);
    };
    child.on("message", (part: Part) => {
      give(part);
      order();
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with ${signal ?? code}`));
    });
    order();
  });
}

function carryOut({ from, seeds, mistakes }: Order, stopAtFailure: boolean): Part {
  const sum = new Sum();
  for (let seed = from; seed < from + seeds; seed++) {
    const run = runSeed({ seed, mistakes });
    const { steps, operations, simulatedMs, coverage, failure } = run;
    const failed =
      failure === null ? [] : [{ seed: run.seed, phase: failure.phase, message: failure.message }];
    sum.add({ done: 1, steps, operations, simulatedMs, coverage, failed });
    if (stopAtFailure && failure !== null) break;
  }
  return { ...sum.result(), failed: sum.failed };
}

class Sum {
  done = 0;
  readonly failed: Failed[] = [];
  readonly #coverage = new Coverage();
  #steps = 0;
  #operations = 0;
  #simulatedMs = 0;

  add(part: Part): void {
    this.done += part.done;
    this.#steps += part.steps;
    this.#operations += part.operations;
    this.#simulatedMs += part.simulatedMs;
    this.#coverage.merge(part.coverage);
    this.failed.push(...part.failed);
  }

  result(): Omit<Part, "failed"> {
    return {
      done: this.done,
      steps: this.#steps,
      operations: this.#operations,
      simulatedMs: this.#simulatedMs,
      coverage: this.#coverage.toRecord(),
    };
  }
}
