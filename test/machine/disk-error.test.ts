/** What the system refuses becomes a sentence: which file, why, and what to do. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StorageError } from "../../src/base/storage-error.ts";
import { diskError } from "../../src/machine/host/disk-error.ts";
import { NodeDisk } from "../../src/machine/host/node-disk.ts";
import { DiskFullError, TooManyFilesError } from "../../src/machine/ports/disk.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: said the system, open`), { code, syscall: "open" });
}

test.each([
  ["ENOSPC", "DiskFullError", "the disk is full", "Make room"],
  ["EDQUOT", "DiskFullError", "quota", "Make room"],
  ["EMFILE", "TooManyFilesError", "this process has as many files", "ulimit -n"],
  ["ENFILE", "TooManyFilesError", "all programs together", "fs.file-max"],
  ["EROFS", "DIRECTORY_UNUSABLE", "read-only", "Make it writable"],
  ["EACCES", "DIRECTORY_UNUSABLE", "permission", "own the data directory"],
  ["EPERM", "DIRECTORY_UNUSABLE", "permission", "--data-dir"],
  ["ENOENT", "DIRECTORY_UNUSABLE", "no such file", "put it back"],
  ["ENOTDIR", "DIRECTORY_UNUSABLE", "a file where a directory", "Move that file away"],
  ["EISDIR", "DIRECTORY_UNUSABLE", "a directory where a file", "Move that directory away"],
  ["EIO", "DISK_FAILED", "input/output error", "Check the disk"],
  ["EUCLEAN", "DISK_FAILED", "said the system", "Check the disk"],
])("%s", (code, kind, what, wayOut) => {
  const cause = systemError(code);
  const error = diskError(cause, "write", "/data/node1/log/00000001.log");
  expect(error instanceof StorageError ? error.code : error.name).toBe(kind);
  for (const part of ["cannot write /data/node1/log/00000001.log", code, what, wayOut]) {
    expect(error.message).toContain(part);
  }
  expect(error.message).not.toContain("\n");
  expect(error.cause).toBe(cause);
  expect(error instanceof DiskFullError).toBe(
    ["ENOSPC", "EDQUOT", "EMFILE", "ENFILE"].includes(code),
  );
});

test("what is no refusal of the system stays what it is", () => {
  const bug = new RangeError("out of range");
  expect(diskError(bug, "read", "/x")).toBe(bug);
  const own = Object.assign(new TypeError("not a path"), { code: "ERR_INVALID_ARG_TYPE" });
  expect(diskError(own, "read", "/x")).toBe(own);
  const already = new TooManyFilesError("told");
  expect(diskError(already, "read", "/x")).toBe(already);
});

describe("a real file system", () => {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "omnikv-disk-error-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const unusable = { name: "StorageError", code: "DIRECTORY_UNUSABLE" };

  test("a file where a directory has to be, and the other way round", () => {
    writeFileSync(join(root, "log"), "");
    mkdirSync(join(root, "identity.json"));
    const disk = NodeDisk.open(root);
    const thrown: (() => unknown)[] = [
      () => disk.makeDirectory("log"),
      () => disk.list("log"),
      () => disk.open("log/1"),
      () => disk.read("identity.json", 0, 1),
      () => disk.writeNow("identity.json", 0, Uint8Array.of(1)),
      () => disk.replace("identity.json", Uint8Array.of(1)),
      () => NodeDisk.open(join(root, "log")),
    ];
    for (const deed of thrown) {
      expect(deed).toThrow(expect.objectContaining(unusable));
      expect(deed).toThrow(root);
    }
  });

  test("what cannot be looked at does not count as missing", () => {
    const disk = NodeDisk.open(root);
    const name = "x".repeat(300);
    // Too long a name: the system cannot say whether it is there.
    expect(() => disk.exists(name)).toThrow(/ENAMETOOLONG/);
    expect(disk.exists("nothing")).toBe(false);
  });

  test("the errors of an open file name it", async () => {
    const disk = NodeDisk.open(root);
    const file = disk.open("f");
    await new Promise<void>((done) => file.close(() => done()));
    const error = await new Promise<Error | null>((done) => file.write(0, Uint8Array.of(1), done));
    expect(error).toMatchObject({ name: "StorageError", code: "DISK_FAILED" });
    expect(error?.message).toContain(join(root, "f"));
  });
});
