import { expect, test } from "vitest";
import { NOTHING_TOLD, ToldMarks } from "../../src/storage/told-marks.ts";

const PEER = 2;

test("the first run of all with a peer begins at 1, whatever was told to others before", () => {
  const before = new ToldMarks(NOTHING_TOLD, 11);
  before.introduce(3);
  for (let i = 0; i < 20; i++) before.draw();
  const marks = new ToldMarks(before.content(), 12);
  expect(marks.introduce(PEER)).toBe(true);
  marks.onDurable(marks.last);
  // So a peer that remembers any mark of this directory, although this one has never told it any, has met another copy.
  expect(marks.runs(PEER)).toEqual([{ boot: 12, from: 1, to: 22 }]);
  const later = new ToldMarks(marks.content(), 13);
  later.introduce(PEER);
  later.onDurable(later.last);
  expect(later.runs(PEER)).toEqual([
    { boot: 12, from: 1, to: 22 },
    { boot: 13, from: 23, to: 23 },
  ]);
  later.met(PEER);
  expect(later.runs(PEER)).toEqual([{ boot: 13, from: 23, to: 23 }]);
});
