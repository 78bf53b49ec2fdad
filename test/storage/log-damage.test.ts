/** What is not as it was written is an error, or was never reported durable. Never is it taken for something else. */
import { describe, expect, test } from "vitest";
import type { StorageError } from "../../src/storage/storage-error.ts";
import { ByteWriter } from "../../src/base/byte-writer.ts";
import { finishFrame, FRAME_HEADER_BYTES } from "../../src/storage/frame.ts";
import type { LogWrite } from "../../src/storage/log-scalars.ts";
import { LogEnd } from "../../src/storage/log-end.ts";
import { append, compact, decided, END, group, promise, texts, World } from "./world.ts";

/** A log of three segments, and the mark of its end as it was after each batch, the newest last. */
function threeSegments(): { world: World; paths: string[]; marks: Uint8Array[] } {
  const world = new World(1024);
  const { storage } = world.open();
  const marks: Uint8Array[] = [];
  for (let seq = 1; seq <= 22; seq++) {
    world.writeAll(storage, [group(seq, append(seq - 1, `entry ${seq} ${"x".repeat(60)}`))]);
    marks.push(world.endBytes);
  }
  world.settle();
  expect(storage.stats.segments).toBe(3);
  world.crash();
  const paths = world.disk.list("log").map((name) => `log/${name}`);
  return { world, paths: paths.filter((path) => path !== END).slice(0, 3), marks };
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
  test("a copy of a segment beside it is named with it, and taken away again harms nothing", () => {
    const { world, paths } = threeSegments();
    const whole = texts(world.open().recovered!.entries);
    world.crash();
    const [first = ""] = paths;
    const bytes = world.disk.read(first, 0, world.disk.size(first));
    for (const copy of ["log/00000000.log", "log/00000009.log"]) {
      world.disk.replace(copy, bytes);
      const { code, message } = openError(world)!;
      expect(code).toBe("LOG_DAMAGED");
      expect(message).toContain(first);
      expect(message).toContain(copy);
      expect(message).toMatch(/hold the same part of the log .* move the copy out of log\//);
      expect(message).not.toContain("--rejoin");
      world.crash();
      world.disk.remove(copy);
    }
    expect(texts(world.open().recovered!.entries)).toEqual(whole);
  });

  test("any flipped bit of what was durable is noticed", () => {
    const { world, paths } = threeSegments();
    const whole = texts(world.open().recovered!.entries);
    world.crash();
    const bytesOf = (path: string): Uint8Array => world.disk.read(path, 0, world.disk.size(path));
    const originals = new Map([...paths, END].map((path) => [path, bytesOf(path)]));
    let noticed = 0;
    let harmless = 0;
    for (const path of paths) {
      const original = originals.get(path)!;
      for (let at = 0; at < original.length; at++) {
        world.disk.corrupt(path, at, (byte) => byte ^ (1 << (at % 8)));
        const error = openErrorOrEntries(world);
        if (Array.isArray(error)) {
          // What lies behind the end.
          expect(error).toEqual(whole);
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
    expect(noticed).toBeGreaterThan(2400);
    expect(harmless).toBeLessThan(700);
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
    expect(error!.message).toMatch(/log\/00000002\.log, byte \d+.*--rejoin/);
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
    expect(world.warnings).toEqual([
      "the last write before the stop was cut off; nobody was told of it, and it is dropped",
    ]);
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
    const mark = world.endBytes;
    storage.stage([group(2, append(1, "b".repeat(900))), group(3, append(2, "c".repeat(900)))]);
    storage.flush();
    world.settle();
    world.crash();
    world.disk.replace(END, mark);
    for (let at = end; at < end + 512; at++) world.disk.corrupt("log/00000001.log", at, () => 0);
    expect(texts(world.open().recovered!.entries)).toEqual(["a"]);
  });

  test("a log that ends in a seal goes on in the file the seal names, whatever became of it", () => {
    const { world, paths, marks } = threeSegments();
    const newest = paths[2]!;
    const lost = world.open().recovered!.entries.length;
    world.crash();
    // The first batch of the newest segment was cut off by a crash; other files are ready to be used.
    world.disk.replace(END, marks[0]!);
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

describe("everything that was reported durable is missed", () => {
  /** Fifty batches in one segment, the process killed when the last one is noted (END-2). */
  function fifty(kind: "process" | "power" = "process"): { world: World; end: number } {
    const world = new World(64 * 1024);
    const { storage } = world.open();
    for (let seq = 1; seq <= 50; seq++) {
      world.writeAll(storage, [group(seq, append(seq - 1, `entry ${seq} ${"x".repeat(400)}`))]);
    }
    const end = storage.stats.logBytes;
    // A note takes up to 20 ms, and is kept once a second.
    world.clock.run(kind === "power" ? 1500 : 20);
    world.crash(kind);
    return { world, end };
  }

  const PATH = "log/00000001.log";
  const fill = (world: World, from: number, to: number, value: number): void => {
    const bytes = world.disk.read(PATH, 0, world.disk.size(PATH));
    bytes.fill(value, from, to);
    world.disk.replace(PATH, bytes);
  };
  const cut = (world: World, length: number): void =>
    world.disk.replace(PATH, world.disk.read(PATH, 0, length));

  const DAMAGE: Readonly<Record<string, (world: World, end: number) => void>> = {
    emptied: (world) => cut(world, 0),
    "cut to its header": (world) => cut(world, 16),
    removed: (world) => world.disk.remove(PATH),
    "overwritten in the last 4 KiB": (world, end) => fill(world, end - 4096, end, 0xa5),
    "zeroed from 60 % on": (world, end) => fill(world, Math.floor(end * 0.6), end, 0),
    "cut at 60 %": (world, end) => cut(world, Math.floor(end * 0.6)),
    "cut within the last batch": (world, end) => cut(world, end - 1),
    "zeroed in the last byte of the last batch that is not padding": (world, end) =>
      fill(world, end - 9, end, 0),
  };

  test.each(Object.keys(DAMAGE))("the newest segment %s", (name) => {
    for (const kind of ["process", "power"] as const) {
      for (const mustExist of [true, false]) {
        const { world, end } = fifty(kind);
        DAMAGE[name]!(world, end);
        expect(world.openedOrRefused(mustExist)).toBe("LOG_DAMAGED");
      }
    }
  });

  test("a batch is noted at once after a pause, and within 20 ms when one was noted before (END-2)", () => {
    const notedAt: number[] = [];
    const world = new World(64 * 1024, 1, (name) => {
      if (name === "note") notedAt.push(world.clock.now());
    });
    const { storage } = world.open();
    let seq = 0;
    const marked = (): number | undefined => LogEnd.read(world.disk, "log")?.position;
    const write = (): void => {
      seq += 1;
      world.writeAll(storage, [group(seq, append(seq - 1, `entry ${seq}`))]);
      world.clock.run(0);
    };
    for (let i = 0; i < 500; i++) {
      write();
      world.clock.run(i % 7 === 0 ? 3 : 0.3);
    }
    world.clock.run(20);
    expect(marked()).toBe(storage.stats.logBytes);
    const pauses = notedAt.slice(1).map((at, i) => at - notedAt[i]!);
    expect(Math.min(...pauses)).toBeCloseTo(20);
    expect(Math.max(...pauses)).toBeLessThan(21);
    world.clock.run(20);
    for (let i = 0; i < 5; i++) {
      write();
      expect(marked()).toBe(storage.stats.logBytes);
      world.clock.run(20);
    }
  });

  test.each(["fails", "is full"])(
    "a log whose disk %s leaves its mark where it was durable",
    (how) => {
      const world = new World(64 * 1024);
      const { storage } = world.open();
      world.settle();
      world.writeAll(storage, [group(1, append(0, "noted at once"))]);
      world.clock.run(0);
      world.writeAll(storage, [group(2, append(1, "to be noted in 20 ms"))]);
      const end = storage.stats.logBytes;
      expect(LogEnd.read(world.disk, "log")?.position).toBeLessThan(end);
      if (how === "fails") world.disk.failSyncs = 1;
      else world.disk.capacityBytes = 0;
      const size = how === "fails" ? 1 : 100 * 1024;
      storage.stage([group(3, append(2, "x".repeat(size)))]);
      storage.flush();
      world.clock.run(1);
      let closed = false;
      storage.close(() => (closed = true));
      world.settle();
      expect(closed).toBe(true);
      expect(world.durable).toEqual([1, 2]);
      expect(LogEnd.read(world.disk, "log")).toMatchObject({ position: end, clean: false });
    },
  );

  test("the text says how much, and the way out", () => {
    const { world, end } = fifty();
    cut(world, 16);
    expect(openError(world)!.message).toContain(
      `nothing of it is here; byte ${end} of segment 1 had been durable`,
    );
    const again = fifty();
    fill(again.world, again.end - 4096, again.end, 0xa5);
    expect(openError(again.world)!.message).toMatch(
      /the log ends at byte \d+ of segment 1; byte \d+ of segment 1 had been durable .*--rejoin/,
    );
  });

  test("the mark of its end, missing or damaged", () => {
    const missing = fifty().world;
    missing.disk.remove(END);
    expect(missing.openedOrRefused(true)).toBe("LOG_DAMAGED");
    // The log itself shows that it was written by a version that kept a mark.
    expect(missing.openedOrRefused(false)).toBe("LOG_DAMAGED");
    for (const bytes of [new Uint8Array(0), new Uint8Array(5 * 4096), new Uint8Array(4096)]) {
      const { world } = fifty();
      world.disk.replace(END, bytes);
      expect(world.openedOrRefused()).toBe("LOG_DAMAGED");
    }
  });

  test("any changed byte of the mark loses nothing: another slot stands in", () => {
    const { world } = fifty("power");
    const whole = world.openedOrRefused();
    world.crash("process");
    const mark = world.endBytes;
    const segment = world.disk.read(PATH, 0, world.disk.size(PATH));
    for (let slot = 0; slot < 5; slot++) {
      for (let at = slot * 4096; at < slot * 4096 + 44; at++) {
        world.disk.replace(END, mark);
        world.disk.corrupt(END, at, (byte) => byte ^ (1 << (at % 8)));
        expect(world.openedOrRefused()).toEqual(whole);
        world.crash("process");
        world.disk.replace(END, mark);
        world.disk.corrupt(END, at, (byte) => byte ^ (1 << (at % 8)));
        world.disk.replace(PATH, segment.subarray(0, 16));
        expect(world.openedOrRefused()).toBe("LOG_DAMAGED");
        world.crash("process");
        world.disk.replace(PATH, segment);
      }
    }
  });

  test("a log that goes on behind a clean stop is not the one that was stopped", () => {
    const { world } = fifty();
    const { storage } = world.open();
    storage.close(() => {});
    world.settle();
    const stopped = world.endBytes;
    const again = world.open();
    world.durable.length = 0;
    world.writeAll(again.storage, [group(1, append(50, "one more"))]);
    world.crash("process");
    world.disk.replace(END, stopped);
    expect(openError(world)!.message).toContain("the log goes on to byte");
  });
});

describe("whose log it is", () => {
  function written(owner: number, texts: readonly string[]): World {
    const world = new World(64 * 1024);
    world.owner = owner;
    const { storage } = world.open();
    for (const [i, text] of texts.entries()) {
      world.writeAll(storage, [group(i + 1, append(i, text))]);
    }
    world.settle();
    world.crash();
    return world;
  }

  test("the log of another directory is refused, with its mark or without", () => {
    for (const name of ["00000001.log", "end"]) {
      const mine = written(7, ["a", "b"]);
      const theirs = written(8, ["a", "b", "c"]);
      const path = `log/${name}`;
      mine.disk.replace(path, theirs.disk.read(path, 0, theirs.disk.size(path)));
      const error = openError(mine);
      expect(error).toMatchObject({ code: "FOREIGN_LOG" });
      expect(error!.message).toMatch(/another node or another data directory.*belongs.*--rejoin/);
    }
    const foreign = written(8, ["a"]);
    foreign.owner = 7;
    expect(foreign.openedOrRefused()).toBe("FOREIGN_LOG");
  });

  test("a log of the same owner that is not the one that was marked is refused", () => {
    const mine = written(7, ["a", "b"]);
    const other = written(7, ["a", "B", "c"]);
    mine.disk.replace("log/00000001.log", other.disk.read("log/00000001.log", 0, 64 * 1024));
    expect(openError(mine)!.message).toContain("not where it was");
  });
});

describe("no false alarm", () => {
  test("zeros that were never used may go, wherever they are cut", () => {
    const world = new World(4096);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "a"))]);
    world.settle();
    const end = storage.stats.logBytes;
    for (let length = 4096; length >= end; length -= length < end + 64 ? 1 : 97) {
      world.crash();
      world.disk.replace("log/00000001.log", world.disk.read("log/00000001.log", 0, length));
      expect(world.openedOrRefused()).toEqual(["a"]);
    }
    expect(world.warnings).toEqual([]);
  });
});

/** Values that look like frames of a segment to come, at each place at which one of them may come to lie (FRAME-2). */
test("what clients write is not taken for a part of the log", () => {
  const SEGMENT = 256 * 1024;
  const VALUE = 32 * 1024;
  const imitation = (position: number): Uint8Array => {
    const out = new ByteWriter();
    out.zeros(FRAME_HEADER_BYTES + 8);
    finishFrame(out, 0, { salt: 0, segment: 0xffff_ffff, position, previousCrc: 0, groups: 1 });
    return out.copy();
  };
  const world = new World(SEGMENT);
  const { storage } = world.open();
  let seq = 0;
  for (let entry = 0; entry < 60; entry++) {
    const value = new Uint8Array(VALUE);
    for (let at = 0, guess = 0; at + 32 <= VALUE; at += 32, guess++) {
      const place = at + (guess % 7) * (VALUE + 32) + 64 + Math.floor(guess / 7);
      value.set(imitation(place - (place % 8)), at);
    }
    const write: LogWrite = { kind: "append", fromIdx: entry, entries: [value] };
    world.writeAll(storage, [group((seq += 1), write)]);
    if (entry % 5 === 4) world.writeAll(storage, [group((seq += 1), compact(entry + 1))]);
  }
  storage.close(() => {});
  world.settle();
  expect(world.openedOrRefused()).toEqual([]);
});
