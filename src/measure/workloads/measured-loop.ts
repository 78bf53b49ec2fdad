/** A closed loop that is measured for a while, after a while in which it is not. */
import type { Clock } from "../../machine/ports/index.ts";
import { LatencyHistogram } from "../reports/histogram.ts";
import { startClosedLoop } from "./closed-loop.ts";
import type { Target } from "./target.ts";
import { askNext, Workload, type BenchOperation } from "./workload.ts";

export interface LoopOptions {
  readonly operation: BenchOperation;
  readonly concurrency: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** Not counted. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly seed: number;
}

export interface LoopProgress {
  readonly elapsedMs: number;
  readonly completed: number;
}

export interface LoopResult {
  /** Answered well within the measured time. */
  readonly completed: number;
  readonly seconds: number;
  readonly latency: LatencyHistogram;
  /** How often each code was answered, within the measured time. */
  readonly errors: Readonly<Record<string, number>>;
}

const PROGRESS_MS = 250;

/**
 * A request counts when its answer comes within the measured time, wherever it began.
 * @param onMeasure called when the warm-up is over, and when the measured time is over
 */
export async function runClosedLoop(
  target: Target,
  options: LoopOptions,
  clock: Clock,
  onMeasure: (phase: "begin" | "end") => void = () => {},
  onProgress: (progress: LoopProgress) => void = () => {},
): Promise<LoopResult> {
  const workload = new Workload(options);
  const latency = new LatencyHistogram();
  const errors: Record<string, number> = {};
  let phase: "warmUp" | "measure" | "end" = "warmUp";
  let beganMs = 0;
  let seconds = 0;
  const progress = (): void => {
    if (phase !== "measure") return;
    onProgress({ elapsedMs: clock.now() - beganMs, completed: latency.count });
    clock.after(PROGRESS_MS, progress);
  };
  const measured = new Promise<void>((over) => {
    clock.after(options.warmUpMs, () => {
      phase = "measure";
      beganMs = clock.now();
      onMeasure("begin");
      clock.after(PROGRESS_MS, progress);
      clock.after(options.durationMs, () => {
        phase = "end";
        seconds = (clock.now() - beganMs) / 1000;
        onMeasure("end");
        over();
      });
    });
  });
  const loop = startClosedLoop({
    callers: options.concurrency,
    clock,
    ask: (caller, done) => phase !== "end" && askNext(workload, target, caller, done),
    answered: (_caller, error, startedMs) => {
      if (phase !== "measure") return;
      if (error === null) latency.record((clock.now() - startedMs) * 1000);
      else errors[error] = (errors[error] ?? 0) + 1;
    },
  });
  await measured;
  await loop.ended;
  return { completed: latency.count, seconds, latency, errors };
}
