import { expect, test } from "vitest";
import { readFlags } from "../../src/measure/experiments/flags.ts";

const DEFAULTS = {
  keys: 10,
  ramp: [1, 2],
  only: ["a"],
  dataDir: null,
  quick: false,
  text: "x",
} as const;

test("flags are read as what their defaults are", () => {
  expect(readFlags("help", DEFAULTS, [])).toEqual(DEFAULTS);
  const given = ["--keys", "7", "--ramp", "3, 0.5", "--only", "b,c", "--data-dir", "/d", "--quick"];
  expect(readFlags("help", DEFAULTS, given)).toEqual({
    ...{ keys: 7, ramp: [3, 0.5], only: ["b", "c"], dataDir: "/d", quick: true, text: "x" },
  });
});

test.each([
  [["--keys", "many"], '--keys: expected a number from 0 on, got "many"'],
  [["--keys", "-1"], "--keys"],
  [["--ramp", "1,,2"], "--ramp: expected"],
  [["--colour", "red"], "--colour"],
] as const)("%j is refused", (args, text) => {
  expect(() => readFlags("help", DEFAULTS, args)).toThrow(text);
});
