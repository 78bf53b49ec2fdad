import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DiskPace } from "../../src/machine/host/disk-pace.ts";
import { NodeDisk } from "../../src/machine/host/node-disk.ts";

const PROBATION = 8;

function quickPace(): DiskPace {
  const pace = new DiskPace();
  for (let i = 0; i < PROBATION; i++) pace.took(0.1);
  return pace;
}

test("nobody waits for a disk that has not shown yet that it is quick", () => {
  const pace = new DiskPace();
  for (let i = 0; i < PROBATION; i++) {
    expect(pace.mayBlock(100)).toBe(false);
    pace.took(0.1);
  }
  expect(pace.mayBlock(100)).toBe(true);
});

test("one slow write ends it, until the disk has been quick for a while", () => {
  const pace = quickPace();
  pace.took(25);
  expect(pace.mayBlock(100)).toBe(false);
  for (let i = 0; i < PROBATION - 1; i++) pace.took(0.1);
  expect(pace.mayBlock(100)).toBe(false);
  pace.took(3);
  for (let i = 0; i < PROBATION; i++) pace.took(0.1);
  expect(pace.mayBlock(100)).toBe(true);
});

test("large writes never stop the node", () => {
  expect(quickPace().mayBlock(1024 * 1024)).toBe(false);
});

test("small and large durable writes, waited for or not, arrive in order and call back later", async () => {
  const root = mkdtempSync(join(tmpdir(), "omnikv-pace-"));
  try {
    const disk = NodeDisk.open(root);
    const file = disk.open("f");
    let position = 0;
    let within = false;
    for (let i = 0; i < 100; i++) {
      const bytes = new Uint8Array(i % 10 === 9 ? 64 * 1024 : 100).fill(i);
      await new Promise<void>((resolve, reject) => {
        within = true;
        file.writeDurably(position, bytes, (error) => {
          if (error !== null) reject(error);
          else if (within) reject(new Error("called back from within the call"));
          else resolve();
        });
        within = false;
      });
      position += bytes.length;
    }
    const written = disk.read("f", 0, position + 1);
    expect(written.length).toBe(position);
    let at = 0;
    for (let i = 0; i < 100; i++) {
      const length = i % 10 === 9 ? 64 * 1024 : 100;
      expect(written.subarray(at, at + length).every((byte) => byte === i)).toBe(true);
      at += length;
    }
    await new Promise<void>((resolve, reject) => {
      file.close((error) => (error === null ? resolve() : reject(error)));
    });
  } finally {
    rmSync(root, { recursive: true });
  }
});
