/** What the torture of transactions finds: each violation is planted in notes that are well otherwise. */
import { expect, test, vi } from "vitest";
import { judgeStore } from "../../../src/proof/harm/torture/store-load.ts";
import {
  ACCOUNT_PREFIX,
  ACCOUNTS,
  BALANCE,
  Carried,
  COUNTER,
  noted,
  SET_PREFIX,
  StoreNotes,
  told,
} from "../../../src/proof/harm/torture/store-notes.ts";
import type { FoundKey } from "../../../src/proof/checker/index.ts";

const found = (key: string, value: string, modRevision = 2): FoundKey => ({
  key,
  value,
  modRevision,
  version: null,
});
const accounts = (first = BALANCE): FoundKey[] =>
  Array.from({ length: ACCOUNTS }, (_, i) =>
    found(`${ACCOUNT_PREFIX}${i}`, `${i === 0 ? first : BALANCE}`),
  );
const MEMBER = found(`${SET_PREFIX}a`, "", 3);

function violations(tell: (notes: StoreNotes) => void): readonly string[] {
  vi.spyOn(console, "log").mockReturnValue();
  const notes = new StoreNotes();
  notes.filled(3);
  tell(notes);
  vi.restoreAllMocks();
  return notes.violations;
}

test("what is well", () => {
  const found = violations((notes) => {
    notes.state(accounts(), 2, "a");
    notes.state([...accounts(), MEMBER], 3, "a");
    notes.state(accounts(), null, "a");
    notes.counted(1, "a");
    notes.counted(2, "b");
    notes.refused({ asked: 4, oldest: 5 }, "a");
  });
  expect(found).toEqual([]);
});

test.each<[string, RegExp, (notes: StoreNotes) => void]>([
  ["money from nowhere", /601 at revision 2/, (notes) => notes.state(accounts(101), 2, "a")],
  ["an account is gone", /5 accounts/, (notes) => notes.state(accounts().slice(1), null, "a")],
  ["an empty set", /empty set at revision 4/, (notes) => notes.state(accounts(), 4, "a")],
  [
    "a number twice",
    /b was given 7, as a was/,
    (notes) => {
      notes.counted(7, "a");
      notes.counted(7, "b");
    },
  ],
  [
    "refused, and kept",
    /refused revision 5/,
    (notes) => notes.refused({ asked: 5, oldest: 5 }, "a"),
  ],
])("%s", (_, expected, tell) => {
  expect(violations(tell).join()).toMatch(expected);
});

/** Reads the counter as it says, and puts the next number. */
function counted(before: FoundKey | null, next: string): Carried {
  const carried = new Carried();
  carried.read(COUNTER, before);
  carried.put(COUNTER, next);
  return carried;
}

function judged(second: Carried, secondRevision: number | null): readonly string[] {
  const notes = new StoreNotes();
  const add = ({ request, results }: Carried, callUs: number, revision: number | null): void =>
    notes.add(noted("a", callUs, { request: { ...request, conditions: [] }, revision, results }));
  add(counted(null, "1"), 0, 5);
  add(second, 0, secondRevision);
  const request = { kind: "range", range: { start: COUNTER, end: null }, limit: 0, at: 9 } as const;
  const results = [told([found(COUNTER, "2", 9)])];
  notes.add(noted("b", 0, { request, revision: 9, results }));
  return judgeStore(notes).violations;
}

test("from answers alone: a read that was overtaken, a revision twice, a write that was lost", () => {
  expect(judged(counted(found(COUNTER, "1", 5), "2"), 9)).toEqual([]);
  expect(judged(counted(found(COUNTER, "1", 5), "2"), null)).toEqual([]);
  expect(judged(counted(null, "2"), 9).join()).toMatch(/is missing/);
  expect(judged(counted(found(COUNTER, "1", 5), "2"), 5).join()).toMatch(/two took revision 5/);
  expect(judged(counted(found(COUNTER, "1", 5), "3"), null).join()).toMatch(
    /nobody took revision 9/,
  );
});
