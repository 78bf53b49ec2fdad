/** The measure of an experiment: for how long nothing was acknowledged. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Acknowledgements, longestGap, perSlot } from "../../src/measure/faults/gaps.ts";

const at = (...times: number[]): Float64Array => Float64Array.from(times);

describe("the longest gap", () => {
  test("lies between two acknowledgements, or between one and an end", () => {
    expect(longestGap(at(11, 12, 40, 45), 10, 50)).toEqual({ fromMs: 12, ms: 28, open: false });
    expect(longestGap(at(30, 31, 45), 10, 50)).toEqual({ fromMs: 10, ms: 20, open: false });
    expect(longestGap(at(11, 12, 13), 10, 50)).toEqual({ fromMs: 13, ms: 37, open: true });
  });

  test("is all the time when nothing was acknowledged", () => {
    expect(longestGap(at(), 10, 50)).toEqual({ fromMs: 10, ms: 40, open: true });
  });

  test("takes no notice of what lies outside", () => {
    expect(longestGap(at(1, 9, 20, 51, 90), 10, 50)).toEqual({ fromMs: 20, ms: 30, open: true });
  });

  test("is as long as the longest pause found by looking at every pair", () => {
    const times = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 30 });
    fc.assert(
      fc.property(times, (values) => {
        const sorted = values.toSorted((a, b) => a - b);
        const bounded = [20, ...sorted.filter((ms) => ms >= 20 && ms <= 80), 80];
        const pauses = bounded.slice(1).map((ms, i) => ms - bounded[i]!);
        expect(longestGap(at(...sorted), 20, 80).ms).toBe(Math.max(...pauses));
      }),
    );
  });
});

describe("acknowledgements", () => {
  test("are found by time, however many there are", () => {
    const all = new Acknowledgements();
    for (let ms = 0; ms < 5000; ms++) all.add(ms);
    expect(all.count).toBe(5000);
    expect([...all.between(4000, 4003)]).toEqual([4000, 4001, 4002]);
    expect([...all.between(4998.5, 9999)]).toEqual([4999]);
    expect([...all.between(6000, 7000)]).toEqual([]);
    expect(all.between(-5, 10_000)).toHaveLength(5000);
  });

  test("are counted in slots, the last of which may be short", () => {
    expect(perSlot(at(-1, 0, 9.9, 10, 24, 25), 0, 25, 10)).toEqual([2, 1, 1]);
    expect(perSlot(at(), 0, 25, 10)).toEqual([0, 0, 0]);
  });
});
