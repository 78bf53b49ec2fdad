/** Samples for the plots: what the cluster did between two moments, half a second apart. */
import { LATENCY_BUCKETS, latencyBoundMs } from "../base/index.ts";
import type { AdminStatus } from "../protocol/admin/index.ts";
import type { NodeView, Sample } from "./cluster-view.ts";
import { follows, perSecond } from "./node-meter.ts";

export const SAMPLE_MS = 500;
/** Ten minutes. */
export const SAMPLES_MAX = 1200;

export class Sampler {
  #samples: readonly Sample[] = [];
  #nextAt: number | null = null;
  /** By node: the reading that the last sample ended with. */
  readonly #before = new Map<number, AdminStatus>();

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Called often. A page that was asleep gets the mean for every sample it missed. */
  advance(now: number, nodes: readonly NodeView[]): void {
    this.#nextAt ??= now;
    if (now < this.#nextAt) return;
    const due = Math.floor((now - this.#nextAt) / SAMPLE_MS) + 1;
    const first = this.#nextAt;
    this.#nextAt += due * SAMPLE_MS;
    const measured = this.#measure(nodes);
    const missed = Math.max(0, due - SAMPLES_MAX);
    const added = Array.from({ length: due - missed }, (_, i) => ({
      ...measured,
      at: first + (missed + i) * SAMPLE_MS,
    }));
    this.#samples = [...this.#samples, ...added].slice(-SAMPLES_MAX);
  }

  #measure(nodes: readonly NodeView[]): Omit<Sample, "at"> {
    let appliedPerSecond = 0;
    // A node that is behind catches up faster than the cluster goes on: only the node that was furthest tells the cluster's speed.
    let furthest = -1;
    const latencies = Array.from({ length: LATENCY_BUCKETS }, () => 0);
    for (const { id, reach, status } of nodes) {
      const before = this.#before.get(id);
      if (reach !== "live" || status === null) {
        this.#before.delete(id);
        continue;
      }
      this.#before.set(id, status);
      if (before === undefined || !follows(status, before)) continue;
      const commands = status.served.commandsApplied - before.served.commandsApplied;
      const rate = perSecond(commands, status.uptimeMs - before.uptimeMs);
      if (before.appliedIdx > furthest) appliedPerSecond = rate;
      else if (before.appliedIdx === furthest) appliedPerSecond = Math.max(appliedPerSecond, rate);
      furthest = Math.max(furthest, before.appliedIdx);
      for (let i = 0; i < LATENCY_BUCKETS; i++) {
        const added = (status.served.writeLatency[i] ?? 0) - (before.served.writeLatency[i] ?? 0);
        latencies[i] = (latencies[i] ?? 0) + added;
      }
    }
    return {
      appliedPerSecond,
      writeP50Ms: quantileMs(latencies, 0.5),
      writeP99Ms: quantileMs(latencies, 0.99),
    };
  }
}

/** Within its bucket a value is taken to lie in proportion. Null: nothing was counted. */
export function quantileMs(counts: readonly number[], quantile: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = quantile * total;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const from = bucket === 0 ? 0 : latencyBoundMs(bucket - 1);
      if (bucket === LATENCY_BUCKETS - 1) return from;
      return from + ((latencyBoundMs(bucket) - from) * (rank - below)) / count;
    }
    below += count;
  }
  return latencyBoundMs(LATENCY_BUCKETS - 2);
}
