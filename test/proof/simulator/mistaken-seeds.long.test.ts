/** Whole clusters under drawn faults and mistakes of people in each run: a fixed set of seeds. */
import { expect, test } from "vitest";
import { MISTAKE_KINDS } from "../../../src/proof/simulator/index.ts";
import { firstSeeds } from "./expect-sound.ts";

const FIXED_WITH_MISTAKES = 40;
/** Names that even a small campaign with mistakes in each run must come across. */
const HIT_BY_MISTAKES = [
  ...MISTAKE_KINDS.map((kind) => `mistake ${kind}`),
  "noticed LOG_DAMAGED",
  "noticed FOREIGN_LOG",
  "noticed LOST_IDENTITY",
  "noticed WENT_BACK",
  "noticed MEMBERS_MISMATCH",
  "operator rejoin",
  "operator putBack",
  "an empty disk has its place",
  "beyond: noticed",
];

test(`the first ${FIXED_WITH_MISTAKES} seeds with mistakes`, { timeout: 600_000 }, () => {
  const coverage = firstSeeds(FIXED_WITH_MISTAKES, "always");
  expect(HIT_BY_MISTAKES.filter((name) => coverage.count(name) === 0)).toEqual([]);
});
