/** Walks of whole replicas, and what walks once found: each trace fails again when its repair is taken back. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  replayCore,
  replayReplicas,
  walkReplicas,
  type CoreOptions,
  type CoreStep,
  type ReplicaSetup,
  type ReplicaStep,
} from "../../../src/proof/explorer/index.ts";
import { shrinkSteps } from "../../../src/proof/explorer/shrink.ts";

const TRACES = join(import.meta.dirname, "traces");
const now = (): number => 0;

type Trace =
  | { readonly explore: "core"; readonly options: CoreOptions; readonly steps: CoreStep[] }
  | { readonly explore: "replicas"; readonly setup: ReplicaSetup; readonly steps: ReplicaStep[] };

test.each(readdirSync(TRACES))("what was found once is gone: %s", (file) => {
  const trace = JSON.parse(readFileSync(join(TRACES, file), "utf8")) as Trace;
  const { problem, steps } =
    trace.explore === "core"
      ? replayCore(trace.options, trace.steps)
      : replayReplicas(trace.setup, trace.steps);
  expect(problem).toBeNull();
  expect(steps.length).toBeGreaterThan(10);
});

test("the same seed gives the same walks, and nothing is wrong with them", () => {
  const limits = { walks: 12, seed: 3, depth: 120, seconds: 1, only: "" };
  const first = walkReplicas([3, 5], limits, now);
  expect(first).toMatchObject({ ended: "all", walks: 12, violation: null });
  expect(walkReplicas([3, 5], limits, now)).toEqual(first);
});

test("a shrinking keeps what is needed, and nothing else", () => {
  const steps = Array.from({ length: 50 }, (_, i) => i);
  const fails = (rest: readonly number[]): boolean => rest.includes(7) && rest.includes(41);
  expect(shrinkSteps(steps, fails)).toEqual([7, 41]);
});
