/** A closed loop of puts without an end, told window by window. */
import type { Clock } from "../../machine/ports/index.ts";
import { LatencyHistogram, type HistogramData } from "../reports/histogram.ts";
import { startClosedLoop, type ClosedLoop } from "./closed-loop.ts";
import type { Target } from "./target.ts";
import { askNext, Workload } from "./workload.ts";

export interface SteadyOptions {
  /** Each put takes one at random. */
  readonly keys: number;
  readonly valueBytes: number;
  /** Puts under way at any time. */
  readonly concurrency: number;
  readonly windowMs: number;
}

export interface LoadWindow {
  /** Since the epoch. */
  readonly endedAtMs: number;
  readonly seconds: number;
  /** Puts acknowledged within the window. */
  readonly completed: number;
  readonly latency: HistogramData;
  /** How often each code was answered. */
  readonly errors: Readonly<Record<string, number>>;
}

const SEED = 1;

/** The window that is open when the loop has been stopped is told of no more. */
export function startSteadyLoop(
  target: Target,
  options: SteadyOptions,
  clock: Clock,
  onWindow: (window: LoadWindow) => void,
): ClosedLoop {
  const { keys, valueBytes, concurrency, windowMs } = options;
  const workload = new Workload({ operation: "put", keys, valueBytes, seed: SEED });
  let latency = new LatencyHistogram();
  let errors: Record<string, number> = {};
  let beganMs = clock.now();
  const endWindow = (): void => {
    const nowMs = clock.now();
    onWindow({
      endedAtMs: performance.timeOrigin + nowMs,
      seconds: (nowMs - beganMs) / 1000,
      completed: latency.count,
      latency: latency.toData(),
      errors,
    });
    latency = new LatencyHistogram();
    errors = {};
    beganMs = nowMs;
    cancel = clock.after(windowMs, endWindow);
  };
  let cancel = clock.after(windowMs, endWindow);
  const loop = startClosedLoop({
    callers: concurrency,
    clock,
    ask: (caller, done) => askNext(workload, target, caller, done),
    answered: (_caller, error, startedMs) => {
      if (error === null) latency.record((clock.now() - startedMs) * 1000);
      else errors[error] = (errors[error] ?? 0) + 1;
    },
  });
  return {
    ended: loop.ended,
    stop() {
      cancel();
      return loop.stop();
    },
  };
}
