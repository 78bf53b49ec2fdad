/** The process behind `SteadyLoad`: run by it, not by hand. Ends when its owner is gone. */
import { createClient } from "../../src/api/index.ts";
import { fillKeys } from "../../src/bench/closed-loop.ts";
import { LatencyHistogram } from "../../src/bench/histogram.ts";
import { createOmnikvTarget } from "../../src/bench/target.ts";
import { Workload } from "../../src/bench/workload.ts";
import type { LoadOrder, LoadPlan, LoadReport } from "./load.ts";

const TIMEOUT_MS = 30_000;
/** What fails at once is asked again after this pause: a closed loop must not spin on refusals. */
const ERROR_PAUSE_MS = 10;

const plan = JSON.parse(process.argv[2]!) as LoadPlan;
const { nodes, pinned, clusterId, keys, valueBytes, concurrency, windowMs } = plan;
const target = createOmnikvTarget(
  pinned.map((node) => ({
    client: createClient({ nodes, clusterId, secret: null, timeoutMs: TIMEOUT_MS }),
    node,
  })),
);
const workload = new Workload({ operation: "put", keys, valueBytes, seed: 1 });
const report = (message: LoadReport): void => {
  process.send?.(message);
};

let latency = new LatencyHistogram();
let errors: Record<string, number> = {};
let windowBeganMs = 0;
let stopping = false;
let running = 0;

function issue(lane: number): void {
  if (stopping) {
    running -= 1;
    if (running === 0) report({ kind: "stopped" });
    return;
  }
  const startedMs = performance.now();
  target.put(lane, workload.nextKey(), workload.nextValue(), (error) => {
    if (error === null) {
      latency.record((performance.now() - startedMs) * 1000);
      issue(lane);
    } else {
      errors[error] = (errors[error] ?? 0) + 1;
      setTimeout(() => issue(lane), ERROR_PAUSE_MS);
    }
  });
}

function endWindow(): void {
  const nowMs = performance.now();
  report({
    kind: "window",
    window: {
      endedAtMs: performance.timeOrigin + nowMs,
      seconds: (nowMs - windowBeganMs) / 1000,
      completed: latency.count,
      latency: latency.toData(),
      errors,
    },
  });
  latency = new LatencyHistogram();
  errors = {};
  windowBeganMs = nowMs;
}

process.on("message", (order: LoadOrder) => {
  if (order === "stop") {
    stopping = true;
    return;
  }
  windowBeganMs = performance.now();
  setInterval(endWindow, windowMs);
  running = concurrency;
  for (let lane = 0; lane < concurrency; lane++) issue(lane);
});
process.on("disconnect", () => process.exit(0));

try {
  await fillKeys(target, keys, valueBytes);
  report({ kind: "filled" });
} catch (error) {
  report({ kind: "failed", text: error instanceof Error ? error.message : String(error) });
}
