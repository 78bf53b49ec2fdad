import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeDirectoryNow, NodeDisk } from "../../src/machine/host/node-disk.ts";
import { diskSuite } from "../conformance/disk.suite.ts";
import { until } from "../conformance/wait.ts";
import { World } from "./world.ts";

for (const durableWrites of ["dsync", "fdatasync"] as const) {
  diskSuite(`file system, ${durableWrites}`, () => {
    const root = mkdtempSync(join(tmpdir(), "omnikv-disk-"));
    const close = (): void => rmSync(root, { recursive: true });
    return { disk: NodeDisk.open(join(root, "data"), durableWrites), until, close };
  });

  test(`a file that was taken away is an error of the write, not of the program (${durableWrites})`, async () => {
    const root = mkdtempSync(join(tmpdir(), "omnikv-disk-"));
    const file = NodeDisk.open(root, durableWrites).open("f");
    rmSync(root, { recursive: true });
    const results: (Error | null)[] = [];
    file.writeDurably(0, Uint8Array.of(1), (error) => results.push(error));
    file.close((error) => results.push(error));
    await until(() => results.length === 2);
    // By a descriptor that is open the system writes on.
    expect(results[0] !== null).toBe(durableWrites === "dsync");
    if (durableWrites === "dsync")
      expect(results[0]?.message).toMatch(/f: .*(no such|ENOENT|gone|removed)/i);
    expect(results[1]).toBe(null);
  });

  test.skipIf(!existsSync("/dev/full"))(
    `a full disk is told from a broken one (${durableWrites}; needs /dev/full)`,
    async () => {
      const errors: (string | undefined)[] = [];
      const file = NodeDisk.open("/dev", durableWrites).open("full");
      file.write(0, Uint8Array.of(1), (error) => errors.push(error?.name));
      file.writeDurably(0, Uint8Array.of(1), (error) => errors.push(error?.name));
      file.close((error) => errors.push(error?.name));
      await until(() => errors.length === 3);
      expect(errors).toEqual(["DiskFullError", "DiskFullError", undefined]);
    },
  );
}

diskSuite("simulated", () => {
  const world = new World();
  const advance = async (condition: () => boolean): Promise<void> => {
    await Promise.resolve();
    if (!world.clock.runUntil(condition, 60_000)) throw new Error("waited in vain");
  };
  return { disk: world.disk, until: advance, close: () => {} };
});

test.runIf(process.platform === "linux")(
  "a directory that cannot be made is an error at once, under /proc too, and several levels are made",
  () => {
    // Asked for all levels at once, Node.js never returns here.
    expect(() => makeDirectoryNow("/proc/omnikv/data")).toThrow("cannot create /proc/omnikv/data");
    const root = mkdtempSync(join(tmpdir(), "omnikv-levels-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    makeDirectoryNow(join(root, "a/b/c"));
    makeDirectoryNow(join(root, "a/b/c"));
    expect(statSync(join(root, "a/b/c")).mode & 0o777).toBe(0o700);
    writeFileSync(join(root, "file"), "");
    for (const path of ["file", "file/below"]) {
      expect(() => makeDirectoryNow(join(root, path))).toThrow(
        "a file where a directory has to be",
      );
    }
  },
);

describe("the simulated disk", () => {
  const full = Uint8Array.from({ length: 3000 }, () => 0xff);

  function crashed(seed: number, sync: boolean, kind: "power" | "process"): Uint8Array | null {
    const world = new World(1024, seed);
    const { disk } = world;
    const file = disk.open("d/f");
    file.write(0, full, () => {});
    if (sync) file.sync(() => disk.syncDirectory("d"));
    world.settle();
    disk.crash(kind);
    return disk.exists("d/f") ? disk.read("d/f", 0, disk.size("d/f")) : null;
  }

  test("power takes unsynced bytes wholly, in part, or not at all, and names too", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const bytes = crashed(seed, false, "power");
      const ones = bytes?.filter((byte) => byte === 0xff).length ?? 0;
      if (bytes === null) seen.add("no file");
      else if (ones === 0) seen.add("nothing");
      else if (ones === full.length) seen.add("all");
      else seen.add(bytes.subarray(0, ones).every((byte) => byte === 0xff) ? "cut" : "pieces");
    }
    expect([...seen].sort()).toEqual(["all", "cut", "no file", "nothing", "pieces"]);
  });

  test("what was synced stays, and a process takes nothing along", () => {
    for (let seed = 0; seed < 50; seed++) {
      expect(crashed(seed, true, "power")).toEqual(full);
      expect(crashed(seed, false, "process")).toEqual(full);
    }
  });

  test("a note survives the process, and power may take it", () => {
    let lost = 0;
    for (let seed = 0; seed < 40; seed++) {
      const world = new World(1024, seed);
      world.disk.replace("d/f", new Uint8Array(8));
      const noted = (): boolean => world.disk.read("d/f", 0, 8).every((byte) => byte === 0xff);
      expect(world.disk.open("d/f").note(0, full.subarray(0, 8))).toBeNull();
      world.disk.crash("process");
      expect(noted()).toBe(true);
      world.disk.crash("power");
      if (!noted()) lost += 1;
    }
    expect(lost).toBeGreaterThan(5);
    expect(lost).toBeLessThan(40);
  });

  test("a write that a crash interrupts may be there in part", () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 100; seed++) {
      const world = new World(1024, seed);
      world.disk.open("d/f").write(0, full, () => expect.unreachable("the process is dead"));
      world.disk.crash("process");
      world.settle();
      lengths.add(world.disk.size("d/f"));
    }
    expect(lengths.has(3000)).toBe(true);
    expect(lengths.size).toBeGreaterThan(10);
  });

  test("a full disk takes what fits and says so; what is there can be overwritten", () => {
    const world = new World();
    world.disk.capacityBytes = 1000;
    const file = world.disk.open("d/f");
    const errors: (string | undefined)[] = [];
    file.write(0, full, (error) => errors.push(error?.name));
    file.write(0, full.subarray(0, 1000), (error) => errors.push(error?.name));
    world.settle();
    expect(errors).toEqual(["DiskFullError", undefined]);
    expect(world.disk.size("d/f")).toBe(1000);
    expect(() => world.disk.replace("d/g", full)).toThrow("no space");
  });

  test("bytes whose sync failed look written and are not durable", () => {
    let lost = 0;
    for (let seed = 0; seed < 50; seed++) {
      const world = new World(1024, seed);
      world.disk.replace("d/f", new Uint8Array(100));
      const file = world.disk.open("d/f");
      world.disk.failSyncs = 1;
      const errors: (string | undefined)[] = [];
      file.writeDurably(0, full.subarray(0, 100), (error) => errors.push(error?.message));
      file.sync((error) => errors.push(error?.message));
      world.settle();
      expect(errors).toEqual(["input/output error (simulated)", undefined]);
      expect(world.disk.read("d/f", 0, 1)[0]).toBe(0xff);
      world.disk.crash("power");
      if (world.disk.read("d/f", 0, 1)[0] !== 0xff) lost += 1;
    }
    expect(lost).toBeGreaterThan(5);
  });

  test("the same seed gives the same crash", () => {
    for (let seed = 0; seed < 20; seed++) {
      expect(crashed(seed, false, "power")).toEqual(crashed(seed, false, "power"));
    }
  });
});
