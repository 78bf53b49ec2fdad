import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { systemReason } from "../../src/base/system-error.ts";

const reasonOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return systemReason(error);
  }
};

test("says what the system refuses without naming the file once more", () => {
  expect(reasonOf("/nowhere/it's 'a', file")).toBe("no such file or directory (ENOENT)");
  expect(reasonOf("/")).toBe("illegal operation on a directory (EISDIR)");
  expect(systemReason(new Error("EX: something, else"))).toBe("EX: something, else");
  expect(systemReason("a text")).toBe("a text");
});
