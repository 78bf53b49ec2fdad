import { describe, expect, test } from "vitest";
import { withoutRoom } from "../../src/bin/files/output.ts";
import { diskError } from "../../src/machine/host/disk-error.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: the system's words, write`), { code });
}

describe("what a command could not write", () => {
  test.each([
    ["ENOSPC", "the disk is full (ENOSPC)"],
    ["EDQUOT", "the disk quota of this user is used up (EDQUOT)"],
  ])("for lack of room (%s) is told with its file, and what became of it", (code, lack) => {
    expect(withoutRoom(systemError(code), "/mnt/a", "No backup was made,")).toMatchObject({
      code: "DISK_FULL",
      message: `cannot write /mnt/a: ${lack}. No backup was made, and nothing of it is left: make room there, or give a place on another disk`,
    });
  });

  test("for lack of room at the machine's port is told the same way", () => {
    const error = diskError(systemError("ENOSPC"), "write", "/mnt/a");
    expect(withoutRoom(error, "/mnt/a", "No backup was made,")).toMatchObject({
      code: "DISK_FULL",
      message: expect.stringContaining("cannot write /mnt/a: the disk is full (ENOSPC). No backup"),
    });
  });

  test("for another reason is left as it is, and so is the standard output, of which nothing can be removed", () => {
    for (const [code, file] of [
      ["EIO", "/mnt/a"],
      ["ENOSPC", "-"],
    ] as const) {
      const error = systemError(code);
      expect(withoutRoom(error, file, "No backup was made,")).toBe(error);
    }
  });
});
