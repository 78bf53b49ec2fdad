/** Goal: the loop keeps exactly so many requests under way and counts what it should. Method: a clock moved by hand. */
import { describe, expect, test } from "vitest";
import { fillKeys } from "../../src/measure/workloads/fill.ts";
import { runClosedLoop, type LoopOptions } from "../../src/measure/workloads/measured-loop.ts";
import type { Finished, Target } from "../../src/measure/workloads/target.ts";
import { benchKey, Workload } from "../../src/measure/workloads/workload.ts";
import type { Clock } from "../../src/machine/ports/clock.ts";

class HandClock implements Clock {
  #now = 0;
  #timers: { readonly due: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { due: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  endOfTurn(callback: () => void): void {
    this.after(0, callback);
  }

  /** Everything that is due until then happens at its time, in order. */
  runUntil(ms: number): void {
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.due - b.due);
      if (next === undefined || next.due > ms) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.due;
      next.callback();
    }
    this.#now = ms;
  }
}

/** Answers each request after a fixed time. */
class SlowTarget implements Target {
  readonly kinds: string[] = [];
  readonly stored = new Map<string, number>();
  underWay = 0;
  mostUnderWay = 0;
  error: string | null = null;
  readonly #clock: HandClock;
  readonly #answerMs: number;

  constructor(clock: HandClock, answerMs: number) {
    this.#clock = clock;
    this.#answerMs = answerMs;
  }

  put(_caller: number, key: Uint8Array, value: Uint8Array, done: Finished): void {
    this.stored.set(Buffer.from(key).toString(), value.length);
    this.#answer("put", done);
  }

  get(_caller: number, _key: Uint8Array, local: boolean, done: Finished): void {
    this.#answer(local ? "local" : "get", done);
  }

  close(): void {}

  #answer(kind: string, done: Finished): void {
    this.kinds.push(kind);
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    this.#clock.after(this.#answerMs, () => {
      this.underWay -= 1;
      done(this.error);
    });
  }
}

const OPTIONS: LoopOptions = {
  operation: "put",
  concurrency: 8,
  keys: 100,
  valueBytes: 10,
  warmUpMs: 100,
  durationMs: 1000,
  seed: 1,
};

describe("the closed loop", () => {
  test("keeps the concurrency, leaves out the warm-up, and ends with nothing under way", async () => {
    const clock = new HandClock();
    const target = new SlowTarget(clock, 10);
    const phases: string[] = [];
    const progress: number[] = [];
    const running = runClosedLoop(
      target,
      OPTIONS,
      clock,
      (phase) => phases.push(`${phase} ${clock.now()}`),
      ({ completed }) => progress.push(completed),
    );
    clock.runUntil(2000);
    const result = await running;
    expect(target.mostUnderWay).toBe(8);
    expect(target.underWay).toBe(0);
    expect(phases).toEqual(["begin 100", "end 1100"]);
    expect(result.seconds).toBe(1);
    // 100 turns of 8 in the measured second, one more or less at its ends.
    expect(result.completed).toBeGreaterThanOrEqual(8 * 99);
    expect(result.completed).toBeLessThanOrEqual(8 * 101);
    expect(result.latency.quantileUs(0.5)).toBeCloseTo(10_000, -3);
    expect(result.latency.maxUs).toBe(10_000);
    expect(result.errors).toEqual({});
    expect(progress.length).toBeGreaterThanOrEqual(3);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  test("counts errors by code, and does not spin on them", async () => {
    const clock = new HandClock();
    const target = new SlowTarget(clock, 0);
    target.error = "OVERLOADED";
    const running = runClosedLoop(target, { ...OPTIONS, concurrency: 1 }, clock);
    clock.runUntil(2000);
    const { completed, errors } = await running;
    expect(completed).toBe(0);
    // One every 10 ms.
    expect(errors["OVERLOADED"]).toBeGreaterThanOrEqual(99);
    expect(errors["OVERLOADED"]).toBeLessThanOrEqual(101);
  });

  test.each([
    ["put", ["put"]],
    ["get", ["get"]],
    ["local", ["local"]],
    ["mix", ["get", "put"]],
  ] as const)("%s asks for what it says", async (operation, kinds) => {
    const clock = new HandClock();
    const target = new SlowTarget(clock, 1);
    const running = runClosedLoop(target, { ...OPTIONS, operation }, clock);
    clock.runUntil(2000);
    await running;
    expect([...new Set(target.kinds)].toSorted()).toEqual(kinds);
    const puts = target.kinds.filter((kind) => kind === "put").length / target.kinds.length;
    if (operation === "mix") expect(Math.abs(puts - 0.5)).toBeLessThan(0.05);
  });
});

describe("filling the store", () => {
  test("writes every key once", async () => {
    const clock = new HandClock();
    const target = new SlowTarget(clock, 1);
    const filled = fillKeys(target, 1000, 10);
    clock.runUntil(100);
    await filled;
    expect(target.kinds.length).toBe(1000);
    expect(target.stored.size).toBe(1000);
    expect(target.stored.get("bench/0000000999")).toBe(10);
  });

  test("ends with the refusal", async () => {
    const clock = new HandClock();
    const target = new SlowTarget(clock, 1);
    target.error = "STORAGE_FULL";
    const filled = fillKeys(target, 1000, 10);
    clock.runUntil(100);
    await expect(filled).rejects.toThrow("filling the store: STORAGE_FULL");
  });
});

describe("the workload", () => {
  test("is the same from the same seed, and stays within the keys", () => {
    const options = { operation: "mix", keys: 50, valueBytes: 20, seed: 7 } as const;
    const take = (seed: number): string[] => {
      const workload = new Workload({ ...options, seed });
      return Array.from({ length: 200 }, () => Buffer.from(workload.nextKey()).toString());
    };
    expect(take(7)).toEqual(take(7));
    expect(take(7)).not.toEqual(take(8));
    const known = new Set(
      Array.from({ length: 50 }, (_, i) => Buffer.from(benchKey(i)).toString()),
    );
    expect(take(7).filter((key) => !known.has(key))).toEqual([]);
    expect(new Set(take(7)).size).toBeGreaterThan(40);
    expect(new Workload(options).nextValue().length).toBe(20);
    expect(benchKey(3).length).toBe(16);
  });
});
