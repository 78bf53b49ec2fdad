import { expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import {
  casOutcome,
  deleteOutcome,
  failureOutcome,
  readOutcome,
  saveOutcome,
  writeOutcome,
} from "../../src/page/views/operation-text.ts";

const FOUND = {
  found: true,
  text: "1",
  hex: "31",
  createRevision: 3,
  modRevision: 9,
  version: 2,
  node: 3,
};

test("a read tells value and revisions; bytes that are no text in hexadecimal", () => {
  expect(readOutcome(FOUND)).toEqual({
    ok: true,
    text: "found",
    value: "1",
    more: "created at revision 3, changed at 9, version 2",
    by: 3,
  });
  expect(readOutcome({ ...FOUND, text: null, hex: "ff00" }).value).toBe("0xff00");
  expect(readOutcome({ ...FOUND, found: false, text: null }).text).toBe("no such key");
});

test("an empty value is a value", () => {
  expect(readOutcome({ ...FOUND, text: "" }).value).toBe("");
});

test("writes, deletions and swaps say what happened, and who answered", () => {
  expect(writeOutcome({ revision: 1200, node: 2 })).toMatchObject({
    text: "written at revision 1200",
    by: 2,
  });
  expect(deleteOutcome({ existed: false, node: 2 }).text).toBe("there was no such key");
  expect(casOutcome({ swapped: true, revision: 4, node: 2 }).text).toBe("swapped");
  const found = { text: "2", revision: 3 };
  expect(casOutcome({ swapped: false, found, node: 2 })).toMatchObject({
    text: "not swapped: found",
    value: "2",
  });
  expect(casOutcome({ swapped: false, found: null, node: 2 }).text).toContain("no such key");
});

test("a save that somebody else was faster than is a failure; one that is there already is none", () => {
  const found = { text: "theirs", revision: 7 };
  expect(saveOutcome({ swapped: false, found, node: 1 }, "mine")).toMatchObject({
    ok: false,
    text: "somebody else changed it meanwhile, at revision 7",
    more: "nothing was written",
  });
  expect(saveOutcome({ swapped: false, found, node: 1 }, "theirs").ok).toBe(true);
  expect(saveOutcome({ swapped: false, found: null, node: 1 }, "mine").text).toBe(
    "somebody else deleted it meanwhile",
  );
  expect(saveOutcome({ swapped: true, revision: 8, node: 1 }, "mine").text).toContain("8");
});

test("a failure says its code, and whether it may have happened all the same", () => {
  expect(failureOutcome(new KvError("NO_QUORUM", "nobody leads"))).toEqual({
    ok: false,
    text: "NO_QUORUM: nobody leads",
    value: null,
    more: "it certainly did not happen; trying again may help",
    by: null,
  });
  expect(failureOutcome(new KvError("TIMEOUT", "no answer")).more).toContain("unknown");
  expect(failureOutcome(new Error("broken")).text).toBe("INTERNAL: broken");
});
