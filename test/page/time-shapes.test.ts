import { describe, expect, test } from "vitest";
import type { Mark, Sample, Stretch } from "../../src/page/cluster-view.ts";
import {
  decadeScale,
  linearScale,
  marksNear,
  lonePoints,
  marksWithin,
  roleAt,
  sampleColumns,
  stretchShapes,
  timeTicks,
} from "../../src/page/views/time-shapes.ts";

const WINDOW = { from: 1000, to: 2000 };

describe("samples", () => {
  const at = (time: number): Sample => ({
    at: time,
    appliedPerSecond: time,
    writeP50Ms: null,
    writeP99Ms: time / 100,
  });

  test("of the window, and the one before it, so that lines begin at the edge", () => {
    const columns = sampleColumns([0, 500, 900, 1100, 1900, 2100].map(at), WINDOW);
    expect(columns.at).toEqual([900, 1100, 1900]);
    expect(columns.applied).toEqual([900, 1100, 1900]);
    expect(columns.p50).toEqual([null, null, null]);
    expect(columns.p99).toEqual([9, 11, 19]);
  });

  test("all of them while the window is not filled yet; none of none", () => {
    expect(sampleColumns([1500, 1600].map(at), WINDOW).at).toEqual([1500, 1600]);
    expect(sampleColumns([], WINDOW).at).toEqual([]);
  });

  test("none when all are older than the window", () => {
    expect(sampleColumns([100, 200].map(at), WINDOW).at).toEqual([]);
  });
});

describe("scales", () => {
  test.each([
    [0, 4],
    [4, 4],
    [4.1, 5],
    [11, 20],
    [30, 40],
    [99, 100],
    [101, 200],
    [8000, 10_000],
  ])("up to %d the axis goes to %d", (value, max) => {
    const scale = linearScale(value);
    expect(scale.max).toBe(max);
    expect(scale.ticks).toEqual([0, max / 2, max]);
  });

  test("latencies lie within whole decades", () => {
    expect(decadeScale([])).toEqual({ min: 1, max: 10, ticks: [1, 10] });
    expect(decadeScale([0.3, null, 420])).toEqual({
      min: 0.1,
      max: 1000,
      ticks: [0.1, 1, 10, 100, 1000],
    });
  });

  test("time has labels that stand still", () => {
    expect(timeTicks(60_000).map(({ label }) => label)).toEqual([
      "−1 min",
      "−45 s",
      "−30 s",
      "−15 s",
      "now",
    ]);
    expect(timeTicks(600_000)[1]).toEqual({ part: 0.25, label: "−7.5 min" });
  });
});

describe("strips", () => {
  const strip: readonly Stretch[] = [
    { from: 0, to: 900, role: "follower" },
    { from: 900, to: 1250, role: "cutOff" },
    { from: 1250, to: null, role: "leader" },
  ];

  test("are cut to the window; what still lasts reaches to now", () => {
    expect(stretchShapes(strip, WINDOW)).toEqual([
      { from: 0, to: 0.25, role: "cutOff" },
      { from: 0.25, to: 1, role: "leader" },
    ]);
  });

  test("say what a node was at a time", () => {
    expect(roleAt(strip, 899)).toBe("follower");
    expect(roleAt(strip, 900)).toBe("cutOff");
    expect(roleAt(strip, 5000)).toBe("leader");
    expect(roleAt([], 5000)).toBeNull();
  });
});

describe("marks", () => {
  const mark = (at: number, ...nodes: number[]): Mark => ({
    at,
    nodes,
    kind: "back",
    text: "is back",
  });
  const marks = [mark(900, 1), mark(1500, 1), mark(1510, 2), mark(1520, 1), mark(2001, 1)];

  test("of the window, and near a point", () => {
    expect(marksWithin(marks, WINDOW).map(({ at }) => at)).toEqual([1500, 1510, 1520]);
    expect(marksNear(marks, 1, 1490, 10).map(({ at }) => at)).toEqual([1500]);
    expect(marksNear(marks, 1, 1500, 20).map(({ at }) => at)).toEqual([1500, 1520]);
  });

  test("of the whole cluster are near every node", () => {
    expect(marksNear([mark(10)], 3, 12, 5)).toHaveLength(1);
  });
});

test("what stands alone gets a point: nothing else shows it", () => {
  expect(lonePoints([0, 2, 0, 0, 4, 4, 0], 0)).toEqual([1]);
  expect(lonePoints([null, 3, null, 5, 6], null)).toEqual([1]);
  expect(lonePoints([7], null)).toEqual([0]);
});
