import { execFileSync } from "node:child_process";
import type * as fileSystem from "node:fs";
import {
  existsSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StorageError } from "../../src/base/storage-error.ts";
import { AuditFile } from "../../src/machine/host/audit-file.ts";
import type { AuditRecord } from "../../src/machine/ports/audit.ts";
import { silentLogger, type Logger } from "../../src/machine/ports/logger.ts";
import { until } from "../conformance/wait.ts";

/** A disk that is full takes so many bytes more. */
const disk = vi.hoisted(() => ({ isFull: false, roomBytes: 0 }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof fileSystem>();
  const write = (
    descriptor: number,
    bytes: Buffer,
    ...rest: [number, number, null, Done]
  ): void => {
    if (!disk.isFull) return fs.write(descriptor, bytes, ...rest);
    const error = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
    });
    const [start, length, position, done] = rest;
    const room = Math.min(disk.roomBytes, length);
    if (room > 0) {
      disk.roomBytes = 0;
      return fs.write(descriptor, bytes, start, room, position, done);
    }
    setImmediate(() => done(error, 0, bytes));
  };
  return { ...fs, write };
});
type Done = (error: NodeJS.ErrnoException | null, written: number, bytes: Buffer) => void;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-audit-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const RECORD: AuditRecord = {
  ...{ user: "ann", from: "127.0.0.1:1", operation: "write", keys: "a/1", allowed: true },
};
const linesIn = (path: string): unknown[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);

describe("the audit log", () => {
  test("has a line of JSON for each record, for its owner only", async () => {
    const path = join(directory, "audit.log");
    const file = AuditFile.open({ path, logger: silentLogger, bytesMax: 1e6, wallMs: () => 0 });
    for (let i = 0; i < 100; i++) file.record({ ...RECORD, keys: `k${i}` });
    await until(() => linesIn(path).length === 100);
    expect(linesIn(path)[99]).toEqual({ time: "1970-01-01T00:00:00.000Z", ...RECORD, keys: "k99" });
    expect(statSync(path).mode & 0o077).toBe(0);
    file.close();
  });

  test("what is refused to strangers has a rate of its own, and what users did is never left out for it", async () => {
    const path = join(directory, "audit.log");
    let nowMs = 1000;
    const options = { path, logger: silentLogger, bytesMax: 64e6, wallMs: () => nowMs };
    const file = AuditFile.open(options);
    const stranger = { ...RECORD, user: null, keys: "k".repeat(800), allowed: false, times: 2 };
    const claim = { ...RECORD, keys: "k".repeat(800), allowed: false, isClaim: true };
    const user = { ...RECORD, allowed: false };
    for (let i = 0; i < 4000; i++) {
      file.record(i % 2 === 0 ? stranger : claim);
      if (i % 100 === 0) {
        file.record(user);
        // What is written no longer waits.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    nowMs += 10_000;
    for (let i = 0; i < 100; i++) file.record(stranger);
    file.record(user);
    type Line = { readonly keys?: string; readonly leftOut?: number; readonly times?: number };
    const lines = (): Line[] => linesIn(path) as Line[];
    await until(() => lines().filter(({ keys }) => keys === RECORD.keys).length === 41);
    const ofStrangers = lines().filter(({ keys }) => keys?.startsWith("k") === true);
    const bytes = ofStrangers.reduce((sum, line) => sum + JSON.stringify(line).length + 1, 0);
    expect(bytes).toBeGreaterThan(1e6);
    expect(bytes).toBeLessThanOrEqual(1024 * 1024 + 10 * 1024);
    const written = ofStrangers.reduce((sum, { times = 1 }) => sum + times, 0);
    const leftOut = lines().reduce((sum, line) => sum + (line.leftOut ?? 0), 0);
    expect(written + leftOut).toBe(2 * 2000 + 2000 + 2 * 100);
    file.close();
  });

  test("is set aside when it is large, and only so many are kept", async () => {
    const path = join(directory, "audit.log");
    const file = AuditFile.open({ path, logger: silentLogger, bytesMax: 500, wallMs: () => 0 });
    for (let i = 0; i < 60; i++) {
      file.record(RECORD);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await until(() => existsSync(`${path}.5`));
    expect(existsSync(`${path}.6`)).toBe(false);
    expect(statSync(`${path}.1`).size).toBeLessThan(1000);
    file.close();
  });

  test.each([
    ["removed", (path: string) => rmSync(path)],
    ["moved away", (path: string) => renameSync(path, `${path}.old`)],
    ["cut short", (path: string) => truncateSync(path)],
  ] as const)("that is %s is missed, said once, and begun anew", async (what, take) => {
    const path = join(directory, "audit.log");
    const errors: unknown[] = [];
    const logger: Logger = {
      ...silentLogger,
      error: (message, fields) => errors.push({ message, ...fields }),
    };
    const file = AuditFile.open({ path, logger, bytesMax: 1e6, wallMs: () => 0 });
    file.record({ ...RECORD, keys: "before" });
    await until(() => linesIn(path).length === 1);
    take(path);
    for (const keys of ["after", "later"]) {
      file.record({ ...RECORD, keys });
      await until(() => existsSync(path) && readFileSync(path, "utf8").includes(keys));
    }
    const time = "1970-01-01T00:00:00.000Z";
    expect(linesIn(path)).toEqual([
      { time, before: what },
      { time, ...RECORD, keys: "after" },
      { time, ...RECORD, keys: "later" },
    ]);
    expect(errors).toEqual([
      {
        message: "the audit log was taken away while it was written: another one begins",
        path,
        what,
      },
    ]);
    expect(statSync(path).mode & 0o077).toBe(0);
    file.close();
  });

  test("in a directory that is not there is refused with a sentence", () => {
    const path = join(directory, "missing", "audit.log");
    const options = { path, logger: silentLogger, bytesMax: 1e6, wallMs: () => 0 };
    expect(() => AuditFile.open(options)).toThrow(StorageError);
    expect(() => AuditFile.open(options)).toThrow(
      `--audit-log: cannot write ${path} (ENOENT): its directory is not there, make it first`,
    );
  });

  test("that is no regular file is refused with a sentence: it could not be set aside", () => {
    const path = join(directory, "pipe");
    execFileSync("mkfifo", [path]);
    for (const other of [path, directory]) {
      const options = { path: other, logger: silentLogger, bytesMax: 1e6, wallMs: () => 0 };
      expect(() => AuditFile.open(options)).toThrow(StorageError);
      expect(() => AuditFile.open(options)).toThrow(
        `--audit-log: ${other} is no regular file: it is set aside when it has grown`,
      );
    }
    expect(statSync(path).isFIFO()).toBe(true);
  });

  test.runIf(existsSync("/proc/self/fd"))("nor is it a name like /dev/stdout", () => {
    const descriptor = openSync(join(directory, "output"), "a");
    const path = `/proc/self/fd/${descriptor}`;
    const options = { path, logger: silentLogger, bytesMax: 1e6, wallMs: () => 0 };
    expect(() => AuditFile.open(options)).toThrow("is no regular file");
    closeSync(descriptor);
  });

  test("on a full disk it says so once, and nobody waits", async () => {
    const path = join(directory, "audit.log");
    const errors: string[] = [];
    const logger: Logger = { ...silentLogger, error: (message) => errors.push(message) };
    const file = AuditFile.open({ path, logger, bytesMax: 1e6, wallMs: () => 0 });
    disk.isFull = true;
    try {
      for (let i = 0; i < 50; i++) {
        file.record(RECORD);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await until(() => errors.length > 0);
    } finally {
      disk.isFull = false;
    }
    expect(errors).toEqual(["the audit log cannot be written: records are left out until it can"]);
    expect(readFileSync(path, "utf8")).toBe("");
    file.close();
  });

  test("that was left out for a full disk is counted when there is room, though nothing more happens; and no line is torn", async () => {
    const path = join(directory, "audit.log");
    const file = AuditFile.open({ path, logger: silentLogger, bytesMax: 1e6, wallMs: () => 0 });
    const time = "1970-01-01T00:00:00.000Z";
    const line = { time, ...RECORD };
    file.record(RECORD);
    await until(() => linesIn(path).length === 1);
    disk.isFull = true;
    try {
      for (let i = 0; i < 10; i++) file.record(RECORD);
      await new Promise((resolve) => setTimeout(resolve, 50));
      // Room for two lines and a half.
      disk.roomBytes = 2.5 * (JSON.stringify(line).length + 1);
      for (let i = 0; i < 10; i++) file.record(RECORD);
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      disk.isFull = false;
    }
    type Line = { readonly lost?: number };
    const lost = (): number =>
      (linesIn(path) as Line[]).reduce((sum, each) => sum + (each.lost ?? 0), 0);
    await until(() => lost() + linesIn(path).length > 20);
    const written = (linesIn(path) as Line[]).filter((each) => each.lost === undefined);
    expect(written.every((each) => JSON.stringify(each) === JSON.stringify(line))).toBe(true);
    expect(written.length + lost()).toBe(21);
    file.record({ ...RECORD, keys: "later" });
    await until(() => readFileSync(path, "utf8").includes("later"));
    expect(linesIn(path).at(-1)).toEqual({ ...line, keys: "later" });
    file.close();
  });

  test("that was moved away from a full disk says both when there is room: what became of it, and how many are missing", async () => {
    const path = join(directory, "audit.log");
    const file = AuditFile.open({ path, logger: silentLogger, bytesMax: 1e6, wallMs: () => 0 });
    file.record(RECORD);
    await until(() => linesIn(path).length === 1);
    disk.isFull = true;
    try {
      renameSync(path, `${path}.old`);
      for (let i = 0; i < 3; i++) {
        file.record(RECORD);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      disk.isFull = false;
    }
    const time = "1970-01-01T00:00:00.000Z";
    await until(() => existsSync(path) && linesIn(path).length === 2);
    expect(linesIn(path)).toEqual([
      { time, before: "moved away" },
      { time, lost: 3 },
    ]);
    expect(linesIn(`${path}.old`)).toHaveLength(1);
    file.close();
  });
});
