/** Rates and latencies from counters that only grow. */
import { describe, expect, test } from "vitest";
import { LATENCY_BUCKETS, latencyBoundMs, latencyBucket } from "../../src/base/latency-buckets.ts";
import type { NodeView, Sample } from "../../src/page/cluster-view.ts";
import { quantileMs, SAMPLE_MS, Sampler, SAMPLES_MAX } from "../../src/page/sampler.ts";
import { statusOf } from "../prompt/admin-fixtures.ts";
import { nodeView } from "./fixtures.ts";

const zeros = (): number[] => Array.from({ length: LATENCY_BUCKETS }, () => 0);

/** A node that is up for so long and has done so much. */
function reading(id: number, uptimeMs: number, commands: number, latency = zeros()): NodeView {
  const served = { commandsApplied: commands, reads: 0, writeLatency: latency };
  return nodeView(id, { status: statusOf(id, { uptimeMs, served }) });
}

function last(sampler: Sampler): Sample {
  return sampler.samples.at(-1)!;
}

describe("latency buckets", () => {
  test("every time falls into the bucket whose bounds hold it", () => {
    for (const ms of [0, 0.05, 0.0999, 0.11, 0.5, 1, 3.3, 50, 1000, 60_000]) {
      const bucket = latencyBucket(ms);
      expect(ms).toBeLessThan(latencyBoundMs(bucket));
      if (bucket > 0) expect(ms).toBeGreaterThanOrEqual(latencyBoundMs(bucket - 1));
    }
    expect(latencyBucket(1e9)).toBe(LATENCY_BUCKETS - 1);
    expect(latencyBucket(-1)).toBe(0);
  });

  test("quantiles lie in the bucket of the value of that rank", () => {
    expect(quantileMs(zeros(), 0.5)).toBeNull();
    const counts = zeros();
    counts[latencyBucket(1)] = 98;
    counts[latencyBucket(200)] = 2;
    expect(latencyBucket(quantileMs(counts, 0.5)!)).toBe(latencyBucket(1));
    expect(latencyBucket(quantileMs(counts, 0.99)!)).toBe(latencyBucket(200));
    const open = zeros();
    open[LATENCY_BUCKETS - 1] = 1;
    expect(quantileMs(open, 0.5)).toBe(latencyBoundMs(LATENCY_BUCKETS - 2));
  });
});

describe("samples", () => {
  test("are not of a node that catches up: the cluster goes no faster for that", () => {
    const sampler = new Sampler();
    const at = (id: number, uptimeMs: number, commands: number, appliedIdx: number): NodeView => {
      const served = { commandsApplied: commands, reads: 0, writeLatency: zeros() };
      return nodeView(id, { status: statusOf(id, { uptimeMs, served, appliedIdx }) });
    };
    sampler.advance(0, [at(1, 1000, 100, 100), at(2, 1000, 1000, 1000)]);
    sampler.advance(SAMPLE_MS, [at(1, 1500, 1010, 1010), at(2, 1500, 1010, 1010)]);
    expect(last(sampler).appliedPerSecond).toBe(20);
  });

  test("are the difference since the sample before, by the node's own time, of the node that applied most where they are equally far", () => {
    const sampler = new Sampler();
    sampler.advance(0, [reading(1, 10_000, 500), reading(2, 77_000, 400)]);
    expect(last(sampler)).toEqual({
      at: 0,
      appliedPerSecond: 0,
      writeP50Ms: null,
      writeP99Ms: null,
    });
    const latency = zeros();
    latency[latencyBucket(2)] = 10;
    sampler.advance(SAMPLE_MS, [reading(1, 10_400, 700, latency), reading(2, 77_500, 500)]);
    expect(last(sampler)).toMatchObject({ at: SAMPLE_MS, appliedPerSecond: 500 });
    expect(latencyBucket(last(sampler).writeP50Ms!)).toBe(latencyBucket(2));
    sampler.advance(2 * SAMPLE_MS, [reading(1, 10_900, 700, latency), reading(2, 78_000, 500)]);
    expect(last(sampler)).toMatchObject({ appliedPerSecond: 0, writeP50Ms: null });
  });

  test("a process that began anew is no negative rate, and one out of sight is none", () => {
    const sampler = new Sampler();
    sampler.advance(0, [reading(1, 10_000, 500)]);
    sampler.advance(SAMPLE_MS, [reading(1, 300, 20)]);
    expect(last(sampler).appliedPerSecond).toBe(0);
    sampler.advance(2 * SAMPLE_MS, [nodeView(1, { reach: "silent" })]);
    sampler.advance(3 * SAMPLE_MS, [reading(1, 1800, 5000)]);
    expect(last(sampler).appliedPerSecond).toBe(0);
    sampler.advance(4 * SAMPLE_MS, [reading(1, 2300, 5050)]);
    expect(last(sampler).appliedPerSecond).toBe(100);
  });

  test("stay evenly spaced when the page was asleep, and are bounded", () => {
    const sampler = new Sampler();
    sampler.advance(0, [reading(1, 1000, 0)]);
    sampler.advance(SAMPLE_MS - 1, [reading(1, 1000, 0)]);
    expect(sampler.samples).toHaveLength(1);
    sampler.advance(4 * SAMPLE_MS + 30, [reading(1, 3000, 200)]);
    expect(sampler.samples.map(({ at }) => at)).toEqual([0, 1, 2, 3, 4].map((i) => i * SAMPLE_MS));
    expect(sampler.samples.slice(1).every((each) => each.appliedPerSecond === 100)).toBe(true);
    sampler.advance(1e9, [reading(1, 4000, 300)]);
    expect(sampler.samples).toHaveLength(SAMPLES_MAX);
    const gaps = sampler.samples.slice(1).map(({ at }, i) => at - sampler.samples[i]!.at);
    expect(new Set(gaps)).toEqual(new Set([SAMPLE_MS]));
    expect(last(sampler).at).toBe(1e9);
  });
});
