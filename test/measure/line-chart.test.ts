import { expect, test } from "vitest";
import { lineChart, type Panel } from "../../src/measure/reports/line-chart.ts";
import { formatValue, linearTicks, logTicks } from "../../src/measure/reports/units.ts";

const SECONDS = { label: "time", unit: "seconds" } as const;
const COUNT = { label: "a second", unit: "count" } as const;

function ends(svg: string, tag: string): string[] {
  return svg.split("\n").filter((line) => line.startsWith(`<${tag} `));
}

function chart(panel: Panel): string {
  return lineChart({ title: "t", x: SECONDS, panels: [panel] });
}

test("ticks enclose the values and stand at values people read easily", () => {
  expect(linearTicks("count", 0, 47_000, 5)).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000]);
  expect(linearTicks("bytes", 0, 100 * 2 ** 20, 4).map((tick) => tick / 2 ** 20)).toEqual([
    0, 32, 64, 96, 128,
  ]);
  expect(linearTicks("seconds", 0, 3500, 6)).toEqual([0, 600, 1200, 1800, 2400, 3000, 3600]);
  expect(linearTicks("count", 0, 0, 5)[0]).toBe(0);
  expect(logTicks("count", 10, 10_000, 4)).toEqual([10, 100, 1000, 10_000]);
  expect(logTicks("ms", 3, 40, 4)).toEqual([2, 5, 10, 20, 50]);
  expect(logTicks("count", 1, 1e9, 4)).toEqual([1, 1e3, 1e6, 1e9]);
  expect(logTicks("count", 7, 7, 4).at(-1)).toBeGreaterThanOrEqual(7);
});

test("values carry their unit", () => {
  const written = [
    formatValue("count", 0),
    formatValue("count", 1_500_000),
    formatValue("bytes", 3 * 2 ** 19),
    formatValue("ms", 0.02),
    formatValue("ms", 2500),
    formatValue("seconds", 600),
    formatValue("seconds", 9000),
  ];
  expect(written).toEqual(["0", "1.5M", "1.5 MiB", "20 µs", "2.5 s", "10 min", "2.5 h"]);
});

test("a peak of one sample in a hundred thousand is still drawn", () => {
  const points = Array.from(
    { length: 100_000 },
    (_, i) => [i, i === 51_234 ? 1000 : 1] as [number, number],
  );
  const svg = chart({ y: COUNT, series: [{ name: "s", points }] });
  const [line = ""] = ends(svg, "path").filter((path) => path.includes("stroke-width"));
  const heights = [...line.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
  expect(heights.length).toBeLessThan(4000);
  const [flat = 0] = heights;
  expect(heights.filter((y) => y < flat - 100)).toHaveLength(1);
});

test("a gap stays a gap, and what a log axis cannot show is left out", () => {
  const series = [
    {
      name: "s",
      points: [
        [0, 1],
        [1, 10],
        [2, null],
        [3, 0],
        [4, 100],
        [5, 10],
      ] as const,
    },
  ];
  const svg = chart({ y: { ...COUNT, scale: "log" }, series });
  const [line = ""] = ends(svg, "path").filter((path) => path.includes("stroke-width"));
  expect(line.match(/M/g)).toHaveLength(2);
  expect(ends(svg, "circle")).toHaveLength(4);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

test("the labels of lines that end at the same height do not overlap", () => {
  const series = ["one", "two", "three"].map((name) => ({
    name,
    points: [
      [0, 1],
      [1, 5],
    ] as const,
  }));
  const labels = ends(chart({ y: COUNT, series }), "text").filter((line) =>
    /one|two|three/.test(line),
  );
  const heights = labels.map((line) => Number(/ y="([\d.]+)"/.exec(line)?.[1]));
  expect(heights).toHaveLength(3);
  for (let i = 1; i < heights.length; i++) {
    expect(heights[i]! - heights[i - 1]!).toBeGreaterThanOrEqual(12);
  }
});

test("names are escaped, and a chart without any points is a chart", () => {
  const svg = lineChart({
    title: "<a & b>",
    x: SECONDS,
    panels: [{ y: COUNT, series: [{ name: "s", points: [] }] }],
    marks: [{ x: 1, label: "<here>" }],
  });
  expect(svg).toContain("&#60;a &#38; b&#62;");
  expect(svg).toContain("&#60;here&#62;");
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});
