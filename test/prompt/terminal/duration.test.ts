import { describe, expect, test } from "vitest";
import { formatDuration } from "../../../src/prompt/terminal/duration.ts";

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
});
