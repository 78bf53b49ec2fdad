import { describe, expect, test } from "vitest";
import {
  formatBytes,
  formatCount,
  formatMs,
  formatRate,
  formatSpan,
} from "../../src/page/views/format.ts";

describe("numbers for people", () => {
  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1\u2009000"],
    [1234567, "1\u2009234\u2009567"],
  ])("count %d is %s", (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  test.each([
    [0, "0"],
    [0.04, "0"],
    [0.05, "0.1"],
    [4, "4"],
    [9.94, "9.9"],
    [9.96, "10"],
    [100, "100"],
    [999.4, "999"],
    [999.6, "1k"],
    [1234, "1.2k"],
    [35_499, "35k"],
    [1_250_000, "1.3M"],
    [20_000_000, "20M"],
  ])("rate %d is %s", (rate, text) => {
    expect(formatRate(rate)).toBe(text);
  });

  test.each([
    [0.42, "0.42 ms"],
    [0.1, "0.1 ms"],
    [1, "1 ms"],
    [9.97, "10 ms"],
    [100, "100 ms"],
    [1000, "1 s"],
    [10_000, "10 s"],
    [1340, "1.3 s"],
  ])("a duration of %d ms is %s", (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });

  test.each([
    [-5, "0 s"],
    [3999, "3 s"],
    [60_000, "1 min"],
    [3_600_000, "1 h"],
    [7_500_000, "2 h 5 min"],
    [273_600_000, "3 d 4 h"],
  ])("a stretch of %d ms is %s", (ms, text) => {
    expect(formatSpan(ms)).toBe(text);
  });

  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [100 * 1024, "100 KiB"],
    [64 * 1024 * 1024, "64 MiB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
