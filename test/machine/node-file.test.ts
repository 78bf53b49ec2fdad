/** The second descriptor of a file, which makes durable writes quick, cannot be had. */
import type * as fileSystem from "node:fs";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NodeDisk } from "../../src/machine/host/node-disk.ts";

const system = vi.hoisted(() => ({ refuses: null as string | null }));

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof fileSystem>();
  const openSync: typeof fs.openSync = (path, flags, mode) => {
    const isSecond = typeof flags === "number" && (flags & fs.constants.O_DSYNC) !== 0;
    if (isSecond && system.refuses !== null) {
      const code = system.refuses;
      throw Object.assign(new Error(`${code}: said the system, open`), { code });
    }
    return fs.openSync(path, flags, mode);
  };
  return { ...fs, openSync };
});

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "omnikv-file-"));
});
afterEach(() => rmSync(root, { recursive: true }));

async function writeDurably(): Promise<Error | null> {
  const file = NodeDisk.open(root, "dsync").open("f");
  let isLater = false;
  const error = await new Promise<Error | null>((done) => {
    file.writeDurably(0, Buffer.from("bytes"), (result) => {
      expect(isLater).toBe(true);
      done(result);
    });
    isLater = true;
  });
  await new Promise<void>((done) => file.close(() => done()));
  return error;
}

test.each([null, "EMFILE", "ENFILE"])(
  "for want of descriptors (%s) the slower way is taken",
  async (code) => {
    system.refuses = code;
    expect(await writeDurably()).toBeNull();
    expect(readFileSync(join(root, "f"), "utf8")).toBe("bytes");
  },
);

test("for any other reason, such as a file that was removed, the write fails and nothing is thrown", async () => {
  system.refuses = "ENOENT";
  expect(await writeDurably()).toMatchObject({ name: "StorageError", code: "DIRECTORY_UNUSABLE" });
});
