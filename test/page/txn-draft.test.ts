/** A transaction put together by hand: what can be carried out, and how it is told. */
import { expect, test } from "vitest";
import {
  EMPTY_CHANGE,
  EMPTY_CHECK,
  EMPTY_TXN,
  txnText,
  whyNotRun,
  withLine,
} from "../../src/page/txn-draft.ts";
import { commitOutcome } from "../../src/page/views/operation-text.ts";

const put = { kind: "put", key: "a", value: "1" } as const;

test("nothing that is half filled in is carried out", () => {
  expect(whyNotRun(EMPTY_TXN)).toBe("A line has no key");
  expect(whyNotRun({ checks: [], changes: [] })).toBe("Nothing would be changed");
  expect(whyNotRun({ checks: [EMPTY_CHECK], changes: [put] })).toBe("A line has no key");
  for (const operand of ["", "0", "x", "1.5"]) {
    const checks = [{ ...EMPTY_CHECK, key: "b", operand }];
    expect(whyNotRun({ checks, changes: [put] })).toBe("The revision of b is a number, 1 or more");
  }
  expect(whyNotRun({ checks: [], changes: [put, { ...EMPTY_CHANGE, key: "a" }] })).toBe(
    "a would be changed twice",
  );
  const checks = [
    { kind: "revision", key: "b", operand: "7" },
    { kind: "absent", key: "c", operand: "" },
    { kind: "value", key: "d", operand: "" },
  ] as const;
  expect(whyNotRun({ checks, changes: [put] })).toBeNull();
});

test("it is told as the prompt takes it", () => {
  const checks = [
    { kind: "revision", key: "b", operand: "7" },
    { kind: "absent", key: "c", operand: "" },
    { kind: "value", key: "d", operand: "x" },
  ] as const;
  const changes = [put, { kind: "delete", key: "e", value: "" }] as const;
  expect(txnText({ checks, changes })).toBe("txn if b@7 !c d=x then put a 1 del e");
  expect(txnText({ checks: [], changes: [put] })).toBe("txn then put a 1");
});

test("lines are replaced and taken away where they stand", () => {
  expect(withLine(["a", "b", "c"], 1, "x")).toEqual(["a", "x", "c"]);
  expect(withLine(["a", "b", "c"], 1, null)).toEqual(["a", "c"]);
});

test("what did not hold is told with what is there, and that nothing was changed", () => {
  expect(commitOutcome({ committed: true, revision: 9, node: 2 })).toMatchObject({
    ...{ ok: true, text: "committed at revision 9", by: 2 },
  });
  const conflicts = [
    { key: "a", revision: 123 },
    { key: "b", revision: null },
  ];
  expect(commitOutcome({ committed: false, conflicts, node: 1 })).toMatchObject({
    ok: false,
    text: "not committed: a was last changed at revision 123; there is no b",
    more: "nothing was changed",
  });
});
