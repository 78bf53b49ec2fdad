import { expect, test } from "vitest";
import { parseFlags, parseWords } from "../../src/measure/experiments/flags.ts";

const DEFAULTS = {
  keys: 10,
  ramp: [1, 2],
  only: ["a"],
  dataDir: null,
  quick: false,
  text: "x",
} as const;

test("flags are read as what their defaults are", () => {
  expect(parseFlags(DEFAULTS, [])).toEqual(DEFAULTS);
  const given = ["--keys", "7", "--ramp", "3, 0.5", "--only", "b,c", "--data-dir", "/d", "--quick"];
  expect(parseFlags(DEFAULTS, given)).toEqual({
    ...{ keys: 7, ramp: [3, 0.5], only: ["b", "c"], dataDir: "/d", quick: true, text: "x" },
  });
});

test.each([
  [["--keys", "many"], '--keys: expected a number from 0 on, got "many"'],
  [["--keys", "-1"], "--keys"],
  [["--ramp", "1,,2"], "--ramp: expected"],
  [["--colour", "red"], "--colour"],
] as const)("%j is refused", (args, text) => {
  expect(() => parseFlags(DEFAULTS, args)).toThrow(text);
});

test("a list that is empty by default takes texts as they are, one a flag", () => {
  expect(parseFlags({ only: [] }, [])).toEqual({ only: [] });
  expect(parseFlags({ only: [] }, ["--only", "a, b", "--only", "c"])).toEqual({
    only: ["a, b", "c"],
  });
});

test("words are read in the order of their defaults", () => {
  const defaults = { directory: null, runs: 20, only: [] } as const;
  expect(parseWords(defaults, [])).toEqual(defaults);
  expect(parseWords(defaults, ["d", "3", "a", "b"])).toEqual({
    ...{ directory: "d", runs: 3, only: ["a", "b"] },
  });
  expect(() => parseWords(defaults, ["d", "many"])).toThrow("runs: expected a number from 0 on");
  expect(() => parseWords({ runs: 1 }, ["1", "2"])).toThrow("Unexpected argument '2'");
  expect(() => parseWords({ runs: 1 }, ["--fast"])).toThrow("--fast");
});
