import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../../src/prompt/terminal/duration.ts";

describe("durations", () => {
  test.each([
    [0, "0.0 ms"],
    [1.26, "1.3 ms"],
    [9.94, "9.9 ms"],
    [9.96, "10 ms"],
    [999.4, "999 ms"],
    [999.6, "1 s"],
    [1250, "1.25 s"],
    [5000, "5 s"],
    [59_990, "59.99 s"],
    [59_996, "1 min 0 s"],
    [3_725_000, "1 h 2 min"],
    [200_000_000, "2 d 7 h"],
  ])("%d ms reads %j", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test.each([
    ["500ms", 500],
    ["2s", 2000],
    ["1.5min", 90_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["2d", 172_800_000],
    ["7", 7000],
    ["soon", null],
    ["-1s", null],
    ["1 s", null],
    ["", null],
  ])("%j is %j ms, in seconds where no unit is named", (text, ms) => {
    expect(parseDuration(text, "s")).toBe(ms);
  });

  test("needs a unit where none is understood", () => {
    expect(parseDuration("7", null)).toBe(null);
  });
});
