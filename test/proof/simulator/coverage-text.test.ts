/** The report of what simulations have met, for terminals of any width and for none. */
import { expect, test } from "vitest";
import { coverageReport } from "../../../src/proof/simulator/coverage-text.ts";

const COUNTS = {
  "access: turnOn done": 6,
  "access: turnOff done": 1,
  "fault crash": 18,
  "fault crashAll": 7,
  "fault reset": 1204,
  "fault stop": 4,
  "healed within 1 s": 16,
  'log "a text: with a colon"': 2,
  'log "became leader"': 67,
};

/** Without what was never hit. */
const sections = (width: number | null): string[] =>
  coverageReport(COUNTS, width)
    .split(/^never hit/m)[0]
    ?.trimEnd()
    .split("\n") ?? [];

test("one fact a line where there is no terminal, in sections", () => {
  expect(sections(null)).toEqual([
    "access",
    "  6 turnOn done",
    "  1 turnOff done",
    "fault",
    "    18 crash",
    "     7 crashAll",
    "  1204 reset",
    "     4 stop",
    "log",
    '   2 "a text: with a colon"',
    '  67 "became leader"',
    "others",
    "  16 healed within 1 s",
  ]);
});

test("at a terminal in as few lines as fit, read downwards", () => {
  expect(sections(36).slice(0, 5)).toEqual([
    "access",
    "  6 turnOn done   1 turnOff done",
    "fault",
    "    18 crash      1204 reset",
    "     7 crashAll      4 stop",
  ]);
  expect(sections(200)).toContain("    18 crash      7 crashAll   1204 reset      4 stop");
  expect(sections(20)).toContain("     4 stop");
  for (const width of [60, 80, 133]) {
    const [facts = ""] = coverageReport(COUNTS, width).split(/^out of reach/m);
    for (const line of facts.split("\n")) expect(line.length).toBeLessThanOrEqual(width);
  }
});

test("what was never hit is counted, and what cannot be has its reason", () => {
  const text = coverageReport(COUNTS, 80);
  expect(text).toMatch(/^never hit: \d+\n {2}fault \w+/m);
  expect(text).toMatch(/^out of reach: \d+, for these reasons$/m);
  expect(text).toMatch(/^ {2}error INTERNAL +would be a failure$/m);
  expect(text).not.toContain("undefined");
});
