/** What is not as it was written is an error, or was never reported durable. Never is it taken for something else. */
import { describe, expect, test } from "vitest";
import type { StorageError } from "../../src/storage/storage-error.ts";
import { append, compact, decided, group, promise, texts, World } from "./world.ts";

/** A log of three segments, closed cleanly: [path, bytes written] from the oldest. */
function threeSegments(): { world: World; paths: string[] } {
  const world = new World(1024);
  const { storage } = world.open();
  for (let seq = 1; seq <= 22; seq++) {
    world.writeAll(storage, [group(seq, append(seq - 1, `entry ${seq} ${"x".repeat(60)}`))]);
  }
  world.settle();
  expect(storage.stats.segments).toBe(3);
  world.crash();
  const paths = world.disk.list("log").map((name) => `log/${name}`);
  return { world, paths: paths.slice(0, 3) };
}

function openError(world: World): StorageError | null {
  try {
    world.open();
    return null;
  } catch (error) {
    return error as StorageError;
  }
}

describe("a damaged log", () => {
  test("any flipped bit before the last batch is noticed", () => {
    const { world, paths } = threeSegments();
    const whole = texts(world.open().recovered!.entries);
    world.crash();
    const bytesOf = (path: string): Uint8Array => world.disk.read(path, 0, world.disk.size(path));
    const originals = new Map(paths.map((path) => [path, bytesOf(path)]));
    let noticed = 0;
    let harmless = 0;
    for (const path of paths) {
      const original = originals.get(path)!;
      for (let at = 0; at < original.length; at++) {
        world.disk.corrupt(path, at, (byte) => byte ^ (1 << (at % 8)));
        const error = openErrorOrEntries(world);
        if (Array.isArray(error)) {
          // Only what lies behind the end, or the last batch, which looks like one that was cut off.
          expect(whole.slice(0, 21)).toEqual(error.slice(0, 21));
          expect(error.length).toBeGreaterThanOrEqual(21);
          harmless += 1;
        } else {
          expect(["LOG_DAMAGED", "UNKNOWN_FORMAT"]).toContain(error.code);
          expect(error.message).toContain("log/");
          noticed += 1;
        }
        world.crash();
        for (const [restored, bytes] of originals) world.disk.replace(restored, bytes);
      }
    }
    expect(noticed).toBeGreaterThan(2000);
    expect(harmless).toBeLessThan(1024);
  });

  function openErrorOrEntries(world: World): StorageError | string[] {
    try {
      return texts(world.open().recovered?.entries ?? []);
    } catch (error) {
      return error as StorageError;
    }
  }

  test("the error says where, and what to do", () => {
    const { world, paths } = threeSegments();
    world.disk.corrupt(paths[1]!, 300, (byte) => byte ^ 4);
    const error = openError(world);
    expect(error).toMatchObject({ name: "StorageError", code: "LOG_DAMAGED" });
    expect(error!.message).toMatch(/log\/00000002\.log, byte \d+.*all forget/);
  });

  test("a missing segment is noticed, be it the first, a middle one or the newest", () => {
    for (const missing of [0, 1, 2]) {
      const { world, paths } = threeSegments();
      world.disk.remove(paths[missing]!);
      world.disk.syncDirectory("log");
      expect(openError(world), `segment ${missing}`).toMatchObject({ code: "LOG_DAMAGED" });
    }
  });

  test("a segment in the place of another is noticed", () => {
    const { world, paths } = threeSegments();
    world.disk.replace(paths[1]!, world.disk.read(paths[0]!, 0, 1024));
    expect(openError(world)).toMatchObject({ code: "LOG_DAMAGED" });
  });

  test("a segment cut short is noticed", () => {
    const { world, paths } = threeSegments();
    world.disk.replace(paths[1]!, world.disk.read(paths[1]!, 0, 500));
    expect(openError(world)).toMatchObject({ code: "LOG_DAMAGED" });
  });

  test("a segment of nothing but zeros is noticed", () => {
    const { world, paths } = threeSegments();
    world.disk.replace(paths[1]!, new Uint8Array(1024));
    expect(openError(world)).toMatchObject({ code: "LOG_DAMAGED" });
  });

  test("another version's log is refused with its number", () => {
    const { world, paths } = threeSegments();
    for (const path of paths) world.disk.corrupt(path, 8, () => 99);
    const error = openError(world);
    expect(error).toMatchObject({ code: "UNKNOWN_FORMAT" });
    expect(error!.message).toContain("log format 99");
  });

  test("a batch the disk lost although it was synced is noticed by the one behind it", () => {
    const world = new World(4096);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, promise(1))]);
    const before = storage.stats.logBytes;
    world.writeAll(storage, [group(2, promise(2))]);
    const after = storage.stats.logBytes;
    world.writeAll(storage, [group(3, promise(3))]);
    world.crash();
    for (let at = before; at < after; at++) world.disk.corrupt("log/00000001.log", at, () => 0);
    expect(openError(world)).toMatchObject({ code: "LOG_DAMAGED" });
  });
});

describe("the end of the log", () => {
  test("rubbish behind it is overwritten, and told", () => {
    const world = new World(4096);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "a"))]);
    world.settle();
    const end = storage.stats.logBytes;
    world.crash();
    // A header as the next batch would have it, and then nothing that fits it.
    const path = "log/00000001.log";
    const header = world.disk.read(path, 16, 24);
    header[12] = end;
    header.forEach((byte, i) => world.disk.corrupt(path, end + i, () => byte));
    for (let i = 24; i < 500; i++) world.disk.corrupt(path, end + i, () => (i * 37) & 0xff);
    const again = world.open();
    expect(texts(again.recovered!.entries)).toEqual(["a"]);
    expect(world.warnings).toEqual(["the last write before the stop was cut off; it is dropped"]);
    world.durable.length = 0;
    world.writeAll(again.storage, [group(1, append(1, "b"))]);
    world.crash();
    expect(texts(world.open().recovered!.entries)).toEqual(["a", "b"]);
  });

  test("a batch of which only the end reached the disk is dropped, not called damage", () => {
    const world = new World(8192);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "a"))]);
    const end = storage.stats.logBytes;
    storage.stage([group(2, append(1, "b".repeat(900))), group(3, append(2, "c".repeat(900)))]);
    storage.flush();
    world.settle();
    world.crash();
    for (let at = end; at < end + 512; at++) world.disk.corrupt("log/00000001.log", at, () => 0);
    expect(texts(world.open().recovered!.entries)).toEqual(["a"]);
  });

  test("a log that ends in a seal goes on in the file the seal names, whatever became of it", () => {
    const { world, paths } = threeSegments();
    const newest = paths[2]!;
    const lost = world.open().recovered!.entries.length;
    world.crash();
    // The first batch of the newest segment was cut off by a crash; other files are ready to be used.
    world.disk.replace(newest, world.disk.read(newest, 0, 90));
    for (const name of ["00000004", "00000005"]) {
      world.disk.replace(`log/${name}.log`, new Uint8Array(1024));
    }
    for (let run = 0; run < 3; run++) {
      const { recovered } = world.open();
      expect(recovered!.entries.length).toBeLessThan(lost);
      world.crash();
      expect(world.disk.exists(newest)).toBe(true);
    }
    const { storage, recovered } = world.open();
    const next = recovered!.entries.length;
    world.durable.length = 0;
    world.writeAll(storage, [group(1, append(next, "goes on"))]);
    world.crash();
    expect(texts(world.open().recovered!.entries).at(-1)).toBe("goes on");
  });

  test("what a segment held before it was used again is not taken for part of the log", () => {
    const world = new World(1024);
    const { storage } = world.open();
    let most = 0;
    for (let seq = 1; seq <= 200; seq++) {
      const writes = [append(seq - 1, "same length every time"), decided(seq), compact(seq, seq)];
      world.writeAll(storage, [group(seq, ...writes)]);
      world.settle();
      most = Math.max(most, world.disk.list("log").length);
    }
    expect(most).toBeLessThanOrEqual(4);
    world.crash();
    expect(world.open().recovered).toMatchObject({ compactedIdx: 200, entries: [] });
  });
});
