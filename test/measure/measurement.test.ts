import { expect, test } from "vitest";
import { usAsMs } from "../../src/measure/reports/format.ts";
import { renderTable, type Measurement } from "../../src/measure/reports/measurement.ts";
import { renderRatios } from "../../src/measure/reports/ratios.ts";

const MEASUREMENT: Measurement = {
  system: "omnikv",
  operation: "put",
  concurrency: 64,
  valueBytes: 100,
  keys: 10,
  generators: 1,
  connections: 3,
  seconds: 2,
  completed: 24_690,
  operationsPerSecond: 12_345.4,
  latency: { p50Us: 512, p90Us: 9994, p99Us: 12_345, p999Us: 123_456, maxUs: 200_000 },
  errors: {},
  servers: [
    { name: "node 1", cpuSeconds: 1.234, peakRssBytes: 100 * 2 ** 20 },
    { name: "node 2", cpuSeconds: 0.5, peakRssBytes: 90 * 2 ** 20 },
  ],
  client: { name: "client", cpuSeconds: 0.25, peakRssBytes: 80 * 2 ** 20 },
};

test("the table has a line for each measurement, aligned, and says what is not known", () => {
  const unknown = {
    ...MEASUREMENT,
    operation: "mix",
    errors: { TIMEOUT: 3, OVERLOADED: 1 },
    servers: null,
    client: null,
  } as const;
  const lines = renderTable([MEASUREMENT, unknown]).split("\n");
  expect(lines.length).toBe(3);
  expect(lines[1]!.split(/ {2,}/)).toEqual([
    ...["put", "64", "12,345", "0.51", "9.99", "12.3", "123", "200", "0"],
    ...["1.23 0.50", "100 90", "0.25", "80"],
  ]);
  expect(lines[2]).toContain("3 TIMEOUT, 1 OVERLOADED");
  expect(lines[2]!.match(/\?/g)?.length).toBe(4);
  const end = lines[0]!.indexOf("ops/s") + "ops/s".length;
  expect(lines[1]!.slice(0, end)).toMatch(/12,345$/);
});

test("milliseconds have three digits that count", () => {
  expect([64, 9994, 12_345, 123_456].map(usAsMs)).toEqual(["0.06", "9.99", "12.3", "123"]);
});

test("ratios are of the same cell, and left out where one of the two is missing", () => {
  const slower = {
    ...{ ...MEASUREMENT, system: "other", operationsPerSecond: 6172.7 },
    latency: { ...MEASUREMENT.latency, p50Us: 1024 },
  };
  const alone = { ...MEASUREMENT, concurrency: 1 };
  const lines = renderRatios([MEASUREMENT, alone, slower], "omnikv", "other").split("\n");
  expect(lines[0]).toBe("other, as ratios to omnikv; µs/op: omnikv : other");
  const us = "70.2 : 70.2";
  expect(lines.slice(2).map((line) => line.split(/ {2,}/))).toEqual([
    ["put", "64", "0.50", "2.00", "1.00", "1.00", us, "1.00", "10.1 : 10.1"],
  ]);
});

test("ratios of several rounds are the median of those of each pair", () => {
  const rate = (system: string, operationsPerSecond: number): Measurement => {
    return { ...MEASUREMENT, system, operationsPerSecond, servers: null };
  };
  // The machine is half as fast in the second round; the third one has the other system first.
  const rounds = [rate("a", 100), rate("b", 50), rate("a", 50), rate("b", 30)];
  const lines = renderRatios([...rounds, rate("b", 80), rate("a", 100)], "a", "b").split("\n");
  expect(lines.slice(2).map((line) => line.split(/ {2,}/).slice(0, 7))).toEqual([
    ["put", "64", "0.60", "1.00", "1.00", "-", "-"],
  ]);
});
