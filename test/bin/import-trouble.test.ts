/** What an import says of several lines that are wrong, or were not written. */
import { expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import { failedLinesText, WrongLines } from "../../src/bin/files/import-trouble.ts";

test("the first wrong line says what is wrong, and the others are counted", () => {
  const wrong = new WrongLines();
  expect(wrong.none).toBe(true);
  wrong.add(3, "this is no JSON");
  expect(wrong.text("2 lines were written")).toBe(
    "line 3: this is no JSON; before it, 2 lines were written",
  );
  wrong.add(7, "a key is at least one byte long");
  expect(wrong.text("2 lines were written")).toBe(
    "line 3: this is no JSON; before it, 2 lines were written; line 7 is wrong too",
  );
  for (let line = 8; line < 18; line++) wrong.add(line, "this is no JSON");
  expect(wrong.text("no lines were written")).toMatch(
    /; lines 7, 8, 9, 10, 11 and 6 more are wrong too$/,
  );
});

test("lines of which nobody knows are told apart from those that were not written", () => {
  const lost = new KvError("CONNECTION_LOST", "lost", { definite: false });
  const full = new KvError("NO_SPACE", "full");
  const say = (...failed: readonly (readonly [number, KvError])[]): string =>
    failedLinesText(
      failed.map(([line, error]) => ({ line, error })),
      ({ code }) => code,
    );
  expect(say([4, full])).toBe("line 4 was not written: NO_SPACE");
  expect(say([4, lost])).toBe("line 4 may or may not have been written: CONNECTION_LOST");
  expect(say([4, full], [5, lost], [6, lost], [8, full])).toBe(
    "lines 5, 6 may or may not have been written: CONNECTION_LOST; lines 4, 8 were not written: NO_SPACE",
  );
});
