/** What a start of the server refuses, whoever only looks refuses too. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NodeDisk } from "../../../src/machine/host/node-disk.ts";
import { verifyDirectory } from "../../../src/storage/backup/index.ts";
import { leaveDirectory, WrittenLog } from "./left-directory.ts";

test("a directory in the place of the next segment is refused by both", async () => {
  const root = mkdtempSync(join(tmpdir(), "omnikv-verify-"));
  try {
    const { entries } = new WrittenLog().write("a");
    const node = { entries, acceptedRound: { n: 2, pid: 1 }, decidedIdx: 2 };
    await leaveDirectory(root, node);
    expect(verifyDirectory(new NodeDisk(root)).state.size).toBe(1);
    rmSync(join(root, "log/00000002.log"), { force: true });
    mkdirSync(join(root, "log/00000002.log"));
    const text = "log/00000002.log is no file, and one of the log has to be there";
    expect(() => verifyDirectory(new NodeDisk(root))).toThrow(text);
    await expect(leaveDirectory(root, node)).rejects.toThrow(text);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
