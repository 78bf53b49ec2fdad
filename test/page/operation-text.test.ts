import { expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import {
  casOutcome,
  deleteOutcome,
  failureOutcome,
  readOutcome,
  writeOutcome,
} from "../../src/page/views/operation-text.ts";

const FOUND = { found: true, text: "1", hex: "31", createRevision: 3, modRevision: 9, version: 2 };

test("a read tells value and revisions; bytes that are no text in hexadecimal", () => {
  expect(readOutcome(FOUND)).toEqual({
    ok: true,
    text: "found",
    value: "1",
    more: "created at revision 3, changed at 9, version 2",
  });
  expect(readOutcome({ ...FOUND, text: null, hex: "ff00" }).value).toBe("0xff00");
  expect(readOutcome({ ...FOUND, found: false, text: null }).text).toBe("no such key");
});

test("an empty value is a value", () => {
  expect(readOutcome({ ...FOUND, text: "" }).value).toBe("");
});

test("writes, deletions and swaps say what happened", () => {
  expect(writeOutcome({ revision: 1200 }).text).toBe("written at revision 1\u2009200");
  expect(deleteOutcome({ existed: false }).text).toBe("there was no such key");
  expect(casOutcome({ swapped: true, found: null }).text).toBe("swapped");
  expect(casOutcome({ swapped: false, found: "2" })).toMatchObject({
    text: "not swapped: found",
    value: "2",
  });
  expect(casOutcome({ swapped: false, found: null }).text).toContain("no such key");
});

test("a failure says its code, and whether it may have happened all the same", () => {
  expect(failureOutcome(new KvError("NO_QUORUM", "nobody leads"))).toEqual({
    ok: false,
    text: "NO_QUORUM: nobody leads",
    value: null,
    more: "it certainly did not happen; trying again may help",
  });
  expect(failureOutcome(new KvError("TIMEOUT", "no answer")).more).toContain("unknown");
  expect(failureOutcome(new Error("broken")).text).toBe("INTERNAL: broken");
});
