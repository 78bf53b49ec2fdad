/** What the torture of locks finds: each violation is planted in a history that is well otherwise. */
import { expect, test } from "vitest";
import {
  checkLocks,
  type LeaseEnd,
  type LockNote,
  type SeenChange,
} from "../../../src/proof/harm/torture/lock-notes.ts";

const MS = 1000;
const change = (revision: number): SeenChange => ({ revision, type: "put", key: "guarded" });
const seen = (revision: number): LockNote => ({ event: "seen", ...change(revision) });

/** Two holders, one after the other, and a lease that ended when it should. */
const WELL: readonly LockNote[] = [
  { event: "held", token: 10, atUs: 1 * MS },
  { event: "believes", token: 10, atUs: 5 * MS },
  { event: "wrote", token: 10, revision: 12 },
  { event: "refused", token: 10 },
  { event: "over", token: 10, atUs: 9 * MS, how: "released" },
  { event: "held", token: 20, atUs: 10 * MS },
  { event: "wrote", token: 20, revision: 21 },
  { event: "renewed", lease: 1, ttlMs: 1000, sentUs: 0, ackUs: 1 * MS },
  { event: "renewed", lease: 1, ttlMs: 1000, sentUs: 500 * MS, ackUs: 510 * MS },
  ...[11, 12, 21].map(seen),
];
const STEADY = [5, 11, 12, 21].map(change);
const ENDS: readonly LeaseEnd[] = [{ lease: 1, atUs: 1700 * MS }];

function violations(more: readonly LockNote[], ends = ENDS, steady = STEADY): readonly string[] {
  return checkLocks({ notes: [...more, ...WELL], ends, steady }).violations;
}

test("nothing is found where nothing is wrong, and what was seen is counted", () => {
  expect(violations([])).toEqual([]);
  const { text } = checkLocks({ notes: WELL, ends: ENDS, steady: STEADY });
  expect(text).toContain("2 holders, 2 guarded writes, 1 refused");
  expect(text).toContain("late by 190 ms (half of them)");
});

test.each<[string, LockNote, string]>([
  ["a token twice", { event: "held", token: 20, atUs: 50 * MS }, "two holders have the token 20"],
  [
    "a late write that is made",
    { event: "wrote", token: 10, revision: 20 },
    "a write with the token 10",
  ],
  ["a write before its token", { event: "wrote", token: 20, revision: 15 }, "token 20"],
  [
    "two who believe at once",
    { event: "believes", token: 10, atUs: 15 * MS },
    "token 20 was held 5 ms before",
  ],
  [
    "a lease that is missing early",
    { event: "missing", lease: 1, atUs: 1400 * MS },
    "lease 1 ended 100 ms early",
  ],
])("%s is found", (_, note, text) => {
  expect(violations([note])).toEqual([expect.stringContaining(text)]);
});

test("a lease whose key goes early is found", () => {
  expect(violations([], [{ lease: 1, atUs: 1499 * MS - 1 }])).toEqual([
    expect.stringContaining("early"),
  ]);
});

test("a watch that has missed, doubled or turned round something is found", () => {
  const told = (revisions: readonly number[]): readonly string[] =>
    checkLocks({ notes: revisions.map(seen), ends: [], steady: STEADY }).violations;
  expect(told([11, 12, 21])).toEqual([]);
  expect(told([11, 21])).toEqual([
    "the watcher was told put guarded at 21 instead of put guarded at 12",
  ]);
  expect(told([11, 12])).toHaveLength(1);
  expect(told([11, 11, 12, 21])).toHaveLength(1);
  expect(told([12, 11, 21])).toHaveLength(1);
  expect(told([])).toHaveLength(1);
});
