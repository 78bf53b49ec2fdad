/** What is edited: a value never under another key, nor over a change that was not seen. */
import { expect, test } from "vitest";
import {
  afterConflict,
  afterDelete,
  afterFailedRead,
  afterRead,
  afterSave,
  boxText,
  chosen,
  EMPTY_DRAFT,
  isDirty,
  isMixed,
  jsonLook,
  keepMine,
  saveCondition,
  takeTheirs,
  whyNotEdited,
  withKey,
  withTyped,
  withValue,
  type Draft,
} from "../../src/page/key-draft.ts";
import type { ShownRead } from "../../src/page/page-actions.ts";

function found(text: string | null, modRevision: number): ShownRead {
  return { found: true, text, hex: "", createRevision: 1, modRevision, version: 2, node: 1 };
}
const ABSENT: ShownRead = {
  found: false,
  text: null,
  hex: "",
  createRevision: 0,
  modRevision: 0,
  version: 0,
  node: 1,
};
const read = (key: string, text: string | null, revision: number): Draft =>
  afterRead(chosen(key), key, found(text, revision));

test("another key never has the former one's value, chosen or typed", () => {
  const draft = read("a", "of a", 5);
  expect(draft.value).toBe("of a");
  expect(chosen("b").value).toBe("");
  expect(withKey(draft, "ab")).toEqual({ ...EMPTY_DRAFT, key: "ab" });
  const written = afterSave(withValue(withKey(EMPTY_DRAFT, "a"), "1"), "a", "1", 9);
  expect(withKey(written, "b").value).toBe("");
});

test("a value typed before its key stays", () => {
  const typed = withValue(EMPTY_DRAFT, "new");
  expect(withKey(typed, "k")).toMatchObject({ key: "k", value: "new", seen: null });
});

test("an answer for a key that was left changes nothing", () => {
  const draft = chosen("b");
  expect(afterRead(draft, "a", found("of a", 5))).toBe(draft);
  expect(afterSave(draft, "a", "of a", 6)).toBe(draft);
  expect(afterConflict(draft, "a", null)).toBe(draft);
  expect(afterDelete(draft, "a")).toBe(draft);
  expect(afterFailedRead(draft, "a")).toBe(draft);
});

test("while a value is on the way there is nothing to type over", () => {
  expect(withValue(chosen("a"), "x")).toEqual(chosen("a"));
  expect(withValue(afterFailedRead(chosen("a"), "a"), "x").value).toBe("x");
});

test("what was read is saved under the condition that nobody changed it", () => {
  expect(saveCondition(withValue(EMPTY_DRAFT, "x"))).toBeNull();
  expect(saveCondition(read("a", "1", 5))).toEqual({ revision: 5 });
  expect(saveCondition(afterRead(chosen("a"), "a", ABSENT))).toEqual({ absent: true });
  const saved = afterSave(withValue(read("a", "1", 5), "2"), "a", "2", 8);
  expect(saveCondition(saved)).toEqual({ revision: 8 });
  expect(saved.seen).toMatchObject({ created: 1, version: 3 });
  expect(isDirty(saved)).toBe(false);
  expect(saveCondition(afterDelete(saved, "a"))).toEqual({ absent: true });
});

test("what was typed while it was being saved is not taken for saved", () => {
  const draft = withValue(withValue(read("a", "1", 5), "2"), "23");
  const saved = afterSave(draft, "a", "2", 8);
  expect(saved.value).toBe("23");
  expect(isDirty(saved)).toBe(true);
});

test("a conflict is decided: theirs, or mine over theirs and nothing newer", () => {
  const mine = withValue(read("a", "1", 5), "mine");
  const conflict = afterConflict(mine, "a", { text: "theirs", revision: 7 });
  expect(conflict.value).toBe("mine");
  expect(takeTheirs(conflict)).toMatchObject({ value: "theirs", conflict: null });
  expect(saveCondition(takeTheirs(conflict))).toEqual({ revision: 7 });
  expect(keepMine(conflict)).toMatchObject({ value: "mine", conflict: null });
  expect(saveCondition(keepMine(conflict))).toEqual({ revision: 7 });
  const gone = afterConflict(mine, "a", null);
  expect(saveCondition(keepMine(gone))).toEqual({ absent: true });
  expect(takeTheirs(gone).value).toBe("");
});

test("a save whose answer was lost is no conflict with oneself", () => {
  const mine = withValue(read("a", "1", 5), "mine");
  const again = afterConflict(mine, "a", { text: "mine", revision: 7 });
  expect(again.conflict).toBeNull();
  expect(saveCondition(again)).toEqual({ revision: 7 });
});

test("reading again shows what is new, but not over what was typed", () => {
  const draft = read("a", "1", 5);
  expect(afterRead(draft, "a", found("2", 6)).value).toBe("2");
  const typed = withValue(draft, "mine");
  expect(afterRead(typed, "a", found("1", 5))).toBe(typed);
  expect(afterRead(typed, "a", found("2", 6))).toMatchObject({
    value: "mine",
    conflict: { text: "2", revision: 6 },
  });
  const unread = withValue(withKey(EMPTY_DRAFT, "a"), "mine");
  expect(afterRead(unread, "a", found("1", 5))).toBe(unread);
});

test("bytes that are no text are not edited as if they were", () => {
  expect(whyNotEdited(read("a", null, 5))).toMatch(/no text.* omnikv put KEY -/);
  expect(whyNotEdited(read("a", "", 5))).toBeNull();
});

/** What a text box tells when `more` is typed at the end of what it shows. */
const append = (draft: Draft, more: string): Draft => withTyped(draft, boxText(draft.value) + more);

test("a value with CRLF is saved with CRLF, in new lines, too", () => {
  const draft = read("a", "l1\r\nl2\r\n", 5);
  expect(boxText(draft.value)).toBe("l1\nl2\n");
  expect(whyNotEdited(draft)).toBeNull();
  expect(isDirty(append(draft, ""))).toBe(false);
  expect(append(draft, "x").value).toBe("l1\r\nl2\r\nx");
  expect(append(append(draft, "x\n"), "y\n").value).toBe("l1\r\nl2\r\nx\r\ny\r\n");
  const oneLine = withTyped(draft, "l1");
  expect(append(oneLine, "\nl2").value).toBe("l1\r\nl2");
});

test("a value with LF, one line or a new key has LF", () => {
  expect(append(read("a", "l1\n", 5), "l2\n").value).toBe("l1\nl2\n");
  expect(append(read("a", "l1", 5), "\nl2").value).toBe("l1\nl2");
  expect(withTyped(EMPTY_DRAFT, "l1\nl2").value).toBe("l1\nl2");
  // An older version, with other line ends than the present one.
  const older = withValue(read("a", "l1\r\n", 5), "l0\n");
  expect(append(older, "x\n").value).toBe("l0\nx\n");
});

test("a value whose line ends a text box would change is not edited there", () => {
  for (const text of ["a\r\nb\n", "a\nb\r\n", "a\rb", "a\r", "a\r\r\nb", "\r\r\n\n"]) {
    expect(isMixed(text)).toBe(true);
    const draft = read("a", text, 5);
    expect(whyNotEdited(draft)).toMatch(/mixed line ends.* omnikv put KEY -/);
    expect(draft.value).toBe(text);
  }
});

test("JSON is formatted only if nothing but spaces changes", () => {
  expect(jsonLook("plain")).toEqual({ kind: "text" });
  expect(jsonLook("12")).toEqual({ kind: "text" });
  expect(jsonLook('{"a b":[1, "x  y"]}')).toEqual({
    kind: "json",
    pretty: '{\n  "a b": [\n    1,\n    "x  y"\n  ]\n}',
  });
  expect(jsonLook('{"id":12345678901234567890}')).toEqual({ kind: "json", pretty: null });
  expect(jsonLook('{"a":1,"a":2}')).toEqual({ kind: "json", pretty: null });
  expect(jsonLook('["\\"  \\\\"]')).toMatchObject({ kind: "json", pretty: expect.any(String) });
  expect(jsonLook("{").kind).toBe("broken");
});
