/** A closed loop: so many lanes, each with one request under way, the next one when its answer is there. */
import type { Clock } from "../ports/clock.ts";
import { LatencyHistogram } from "./histogram.ts";
import type { Target } from "./target.ts";
import { benchKey, Workload, type BenchOperation } from "./workload.ts";

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
/** What fails at once is asked again after this pause: a closed loop must not spin on refusals. */
const ERROR_PAUSE_MS = 10;

/**
 * A request counts when its answer comes within the measured time, wherever it began.
 * @param onMeasure called when the warm-up is over, and when the measured time is over
 */
export function runClosedLoop(
  target: Target,
  options: LoopOptions,
  clock: Clock,
  onMeasure: (phase: "begin" | "end") => void = () => {},
  onProgress: (progress: LoopProgress) => void = () => {},
): Promise<LoopResult> {
  const workload = new Workload(options);
  const latency = new LatencyHistogram();
  const errors: Record<string, number> = {};
  const local = options.operation === "local";
  let phase: "warmUp" | "measure" | "end" = "warmUp";
  let beganMs = 0;
  let seconds = 0;
  let running = options.concurrency;
  return new Promise((resolve) => {
    const issue = (lane: number): void => {
      if (phase === "end") {
        running -= 1;
        if (running === 0) resolve({ completed: latency.count, seconds, latency, errors });
        return;
      }
      const startedMs = clock.now();
      const done = (error: string | null): void => {
        if (error !== null) {
          if (phase === "measure") errors[error] = (errors[error] ?? 0) + 1;
          clock.after(ERROR_PAUSE_MS, () => issue(lane));
          return;
        }
        if (phase === "measure") latency.record((clock.now() - startedMs) * 1000);
        issue(lane);
      };
      if (workload.nextIsPut()) target.put(lane, workload.nextKey(), workload.nextValue(), done);
      else target.get(lane, workload.nextKey(), local, done);
    };
    const progress = (): void => {
      if (phase !== "measure") return;
      onProgress({ elapsedMs: clock.now() - beganMs, completed: latency.count });
      clock.after(PROGRESS_MS, progress);
    };
    clock.after(options.warmUpMs, () => {
      phase = "measure";
      beganMs = clock.now();
      onMeasure("begin");
      clock.after(PROGRESS_MS, progress);
      clock.after(options.durationMs, () => {
        phase = "end";
        seconds = (clock.now() - beganMs) / 1000;
        onMeasure("end");
      });
    });
    for (let lane = 0; lane < options.concurrency; lane++) issue(lane);
  });
}

const FILL_CONCURRENCY = 256;
/** Under way at once: a node refuses what goes far beyond. */
const FILL_BYTES = 8 * 1024 * 1024;

/** Writes every key once, so that reads find something. Rejects with the first refusal. */
export function fillKeys(target: Target, keys: number, valueBytes: number): Promise<void> {
  const values = new Workload({ operation: "put", keys, valueBytes, seed: 0 });
  let next = 0;
  const fitting = Math.max(1, Math.floor(FILL_BYTES / Math.max(1, valueBytes)));
  let running = Math.min(FILL_CONCURRENCY, fitting, keys);
  return new Promise((resolve, reject) => {
    const issue = (lane: number): void => {
      if (next >= keys) {
        running -= 1;
        if (running === 0) resolve();
        return;
      }
      target.put(lane, benchKey(next++), values.nextValue(), (error) => {
        if (error === null) issue(lane);
        else reject(new Error(`filling the store: ${error}`));
      });
    };
    for (let lane = running; lane > 0; lane--) issue(lane);
  });
}
