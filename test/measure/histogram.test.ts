/** Goal: quantiles are within a bucket (1.6 %) of those of the sorted values, whatever the values; merging loses nothing. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { LatencyHistogram } from "../../src/measure/reports/histogram.ts";

const FRACTIONS = [0.5, 0.9, 0.99, 0.999, 1];
const values = fc.array(fc.integer({ min: 0, max: 2 ** 35 }), { minLength: 1, maxLength: 300 });

function histogramOf(numbers: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const number of numbers) histogram.record(number);
  return histogram;
}

test("a quantile is that of the sorted values, to 1 in 64", () => {
  fc.assert(
    fc.property(values, (numbers) => {
      const histogram = histogramOf(numbers);
      const sorted = numbers.toSorted((a, b) => a - b);
      for (const fraction of FRACTIONS) {
        const exact = sorted[Math.max(1, Math.ceil(fraction * sorted.length)) - 1]!;
        expect(Math.abs(histogram.quantileUs(fraction) - exact)).toBeLessThanOrEqual(exact / 64);
      }
      expect(histogram.maxUs).toBe(sorted.at(-1));
      expect(histogram.count).toBe(numbers.length);
    }),
  );
});

test("histograms of several generators, through JSON, add up to that of all values", () => {
  fc.assert(
    fc.property(values, values, (some, others) => {
      const merged = new LatencyHistogram();
      for (const part of [some, others]) {
        merged.add(JSON.parse(JSON.stringify(histogramOf(part).toData())));
      }
      expect(merged.toData()).toEqual(histogramOf([...some, ...others]).toData());
      expect(merged.count).toBe(some.length + others.length);
    }),
  );
});

test("an empty one answers 0, and what is out of range is kept at the ends", () => {
  expect(new LatencyHistogram().quantileUs(0.99)).toBe(0);
  const histogram = histogramOf([-5, 2 ** 40]);
  expect(histogram.quantileUs(0.5)).toBe(0);
  expect(histogram.maxUs).toBe(2 ** 40);
  expect(histogram.count).toBe(2);
});
