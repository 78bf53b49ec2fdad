/** The log: what was reported durable is there again, with one sync at a time, in bounded space. */
import { describe, expect, test } from "vitest";
import { latencyBucket } from "../../src/base/latency-buckets.ts";
import { TooManyFilesError, type Disk, type DiskFile } from "../../src/machine/ports/disk.ts";
import type { LogWrite } from "../../src/storage/log-scalars.ts";
import { append, compact, decided, group, promise, texts, World } from "./world.ts";

describe("log storage", () => {
  test("an empty directory recovers to nothing", () => {
    expect(new World().open().recovered).toBeUndefined();
  });

  test("every kind of write is there again", () => {
    const world = new World();
    const { storage } = world.open();
    const stopSign = {
      nextConfig: { configurationId: 2, nodes: [1, 2, 3], flexibleQuorum: { read: 3, write: 2 } },
      metadata: Uint8Array.of(1, 2, 3),
    };
    const ballot = { configId: 1, n: 2 ** 40, priority: 3, pid: 2 };
    const writes: LogWrite[] = [
      { kind: "promise", promise: ballot },
      { kind: "acceptedRound", acceptedRound: { ...ballot, n: 4 } },
      append(0, "a", "", "c", "d"),
      decided(3),
      compact(2, 3),
      { kind: "stopSign", stopSign },
    ];
    world.writeAll(storage, [group(1, ...writes)]);
    world.crash();
    const { recovered } = world.open();
    expect(recovered).toMatchObject({
      promise: ballot,
      acceptedRound: { ...ballot, n: 4 },
      decidedIdx: 3,
      compactedIdx: 2,
      snapshot: { kind: "complete", idx: 3, value: { idx: 3, bytes: 100, crc: 7 } },
      stopSign,
    });
    expect(texts(recovered!.entries)).toEqual(["c", "d"]);
  });

  test("a suffix is replaced, also across segments", () => {
    const world = new World(1024);
    const { storage } = world.open();
    const long = "x".repeat(700);
    world.writeAll(storage, [
      group(1, append(0, "a", "b", long)),
      group(2, append(3, long)),
      group(3, append(4, long)),
      group(4, append(1, "B", "C")),
      group(5, append(3)),
    ]);
    world.crash();
    expect(texts(world.open().recovered!.entries)).toEqual(["a", "B", "C"]);
  });

  test("groups staged during a sync go together with the next one", () => {
    const world = new World(1 << 20);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, promise(1))]);
    for (let seq = 2; seq <= 20; seq++) {
      storage.stage([group(seq, append(seq - 2, `e${seq}`))]);
      storage.flush();
    }
    world.settle();
    expect(world.durable).toEqual([1, 2, 20]);
    expect(storage.stats).toMatchObject({ syncs: 3, segments: 1 });
  });

  test("decided indexes alone are not urgent", () => {
    const { storage } = new World().open();
    expect(storage.stage([group(1, decided(0))])).toBe(false);
    expect(storage.stage([group(2, decided(0)), group(3, promise(2))])).toBe(true);
  });

  test("nothing is written before flush", () => {
    const world = new World();
    const { storage } = world.open();
    storage.stage([group(1, promise(1))]);
    world.settle();
    expect(world.durable).toEqual([]);
    storage.flush();
    world.settle();
    expect(world.durable).toEqual([1]);
  });

  test("writing goes on behind what was recovered", () => {
    const world = new World(2048);
    for (let run = 0; run < 30; run++) {
      const { storage, recovered } = world.open();
      expect(texts(recovered?.entries ?? [])).toEqual(
        Array.from({ length: run }, (_, i) => `run ${i}`),
      );
      world.durable.length = 0;
      world.writeAll(storage, [group(1, append(run, `run ${run}`))]);
      world.crash(run % 2 === 0 ? "power" : "process");
    }
  });

  test("a group larger than a segment is one piece", () => {
    const world = new World(1024);
    const { storage } = world.open();
    const large = "y".repeat(50_000);
    world.writeAll(storage, [
      group(1, append(0, "a")),
      group(2, append(1, large, large)),
      group(3, append(3, "z")),
    ]);
    world.crash();
    expect(texts(world.open().recovered!.entries)).toEqual(["a", large, large, "z"]);
  });

  test("close writes what is staged", () => {
    const world = new World();
    const { storage } = world.open();
    storage.stage([group(1, append(0, "last words"))]);
    let closed = false;
    storage.close(() => (closed = true));
    world.settle();
    expect(closed).toBe(true);
    expect(texts(world.open().recovered!.entries)).toEqual(["last words"]);
  });

  test("segments below the compacted index are used again: space is bounded", () => {
    const world = new World(4096);
    const { storage } = world.open();
    let most = 0;
    for (let seq = 1; seq <= 600; seq++) {
      const writes = [append(seq - 1, `entry ${seq} ${"z".repeat(100)}`)];
      if (seq % 20 === 0) writes.push(decided(seq), compact(seq - 5, seq));
      world.writeAll(storage, [group(seq, ...writes)]);
      world.settle();
      most = Math.max(most, world.logFileBytes);
    }
    expect(most).toBeLessThanOrEqual(5 * 4096);
    world.crash();
    const { recovered } = world.open();
    expect(recovered).toMatchObject({ compactedIdx: 595, decidedIdx: 600 });
    expect(recovered!.entries).toHaveLength(5);
  });

  test("promises without end do not fill the disk although an old entry must stay", () => {
    const world = new World(1024);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "keep me"))]);
    let most = 0;
    for (let seq = 2; seq <= 1500; seq++) {
      world.writeAll(storage, [group(seq, promise(seq))]);
      most = Math.max(most, world.logFileBytes);
    }
    world.settle();
    expect(most).toBeLessThanOrEqual(12 * 1024);
    world.crash();
    const { recovered } = world.open();
    expect(texts(recovered!.entries)).toEqual(["keep me"]);
    expect(recovered!.promise.n).toBe(1500);
  });

  test("a suffix replaced without end does not fill the disk", () => {
    const world = new World(1024);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "first", "second"))]);
    let most = 0;
    for (let seq = 2; seq <= 800; seq++) {
      world.writeAll(storage, [group(seq, append(1, `${seq}`.repeat(20)))]);
      most = Math.max(most, world.logFileBytes);
    }
    expect(most).toBeLessThanOrEqual(13 * 1024);
    world.crash();
    expect(texts(world.open().recovered!.entries)).toEqual(["first", "800".repeat(20)]);
  });

  test("the segment before stays until the new one is durable, even with nothing but scalars in it", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const world = new World(1024, seed);
      const { storage } = world.open();
      // Larger than a segment, so it is removed rather than used again when it is dropped.
      world.writeAll(storage, [
        group(1, append(0, "x".repeat(5000)), promise(7), decided(1), compact(1, 1)),
      ]);
      world.settle();
      world.disk.jitter = 100;
      storage.stage([group(2, promise(8))]);
      storage.flush();
      world.clock.run(seed / 6);
      world.crash("process");
      expect(world.open().recovered!.promise.n).toBeGreaterThanOrEqual(7);
    }
  });

  test("a follower that takes over a snapshot starts with an empty log there", () => {
    const world = new World();
    const { storage } = world.open();
    world.writeAll(storage, [
      group(1, append(0, "a", "b")),
      group(2, compact(100, 100), decided(100), append(100, "c")),
    ]);
    expect(storage.durableSnapshot).toMatchObject({ idx: 100 });
    world.crash();
    const { recovered } = world.open();
    expect(recovered).toMatchObject({ compactedIdx: 100, decidedIdx: 100 });
    expect(texts(recovered!.entries)).toEqual(["c"]);
  });
});

describe("snapshots that a restart could find", () => {
  test("are those of what is durable, of what is being written and of what waits", () => {
    const world = new World();
    const { storage } = world.open();
    const named = (): number[] => storage.namedSnapshots.map(({ idx }) => idx);
    expect(named()).toEqual([]);
    world.writeAll(storage, [
      group(1, append(0, "a", "b")),
      group(2, compact(100, 100), decided(100), append(100, "c")),
    ]);
    expect(new Set(named())).toEqual(new Set([100]));
    storage.stage([group(3, compact(101, 101))]);
    storage.flush();
    storage.stage([group(4, append(101, "d", "e"), compact(102, 102))]);
    expect(new Set(named())).toEqual(new Set([100, 101, 102]));
    world.settle();
    storage.flush();
    world.settle();
    expect(new Set(named())).toEqual(new Set([102]));
  });
});

describe("a disk that fails", () => {
  test("a failed sync is reported once and nothing is written after it", () => {
    const world = new World();
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "a"))]);
    world.settle();
    world.disk.failSyncs = 1;
    storage.stage([group(2, append(1, "b"))]);
    storage.flush();
    world.settle();
    expect(storage.stage([group(3, append(2, "c"))])).toBe(false);
    storage.flush();
    world.settle();
    expect(world.durable).toEqual([1]);
    expect(world.failures).toHaveLength(1);
    expect(world.failures[0]).toMatchObject({ code: "DISK_FAILED" });
    let closed = false;
    storage.close(() => (closed = true));
    world.settle();
    expect(closed).toBe(true);
  });

  test("what was read back after a failed sync survives a later loss of power", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const world = new World(4096, seed);
      const { storage } = world.open();
      world.writeAll(storage, [group(1, append(0, "a"))]);
      world.settle();
      world.disk.failSyncs = 1;
      storage.stage([group(2, append(1, "b"))]);
      storage.flush();
      world.settle();
      expect(world.failures).toHaveLength(1);
      world.crash("process");
      const seen = texts(world.open().recovered!.entries);
      world.crash("power");
      expect(texts(world.open().recovered!.entries)).toEqual(seen);
    }
  });

  test("a slow disk changes nothing but the time", () => {
    const world = new World();
    world.disk.syncMs = 5000;
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "a")), group(2, append(1, "b"))]);
    expect(world.durable).toEqual([1, 2]);
    const { lastSyncMs, syncMs, syncLatency } = storage.stats;
    expect(lastSyncMs).toBeGreaterThanOrEqual(5000);
    expect(syncMs).toBeGreaterThanOrEqual(2 * 5000);
    expect(syncLatency.reduce((all, count) => all + count, 0)).toBe(2);
    expect(syncLatency[latencyBucket(lastSyncMs ?? 0)]).toBe(2);
  });

  test("no room for the next segment is told at once, while the present one still takes writes", () => {
    const world = new World(1024);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "a"))]);
    world.settle();
    world.disk.capacityBytes = world.disk.usedBytes;
    let seq = 1;
    // One segment is ready, so this goes on for a while after the disk has become full.
    while (storage.hasRoom) {
      seq += 1;
      world.writeAll(storage, [group(seq, append(seq - 1, `entry ${seq} ${"z".repeat(50)}`))]);
    }
    expect(world.room).toEqual([false]);
    seq += 1;
    world.writeAll(storage, [group(seq, promise(seq))]);
    // Far more than fits: it waits, and is not lost.
    const stuck = seq + 1;
    for (let i = 0; i < 40; i++) {
      seq += 1;
      storage.stage([group(seq, promise(seq))]);
      storage.flush();
      world.clock.run(10);
    }
    expect(world.durable.at(-1)).toBeLessThan(seq);
    expect(world.durable.at(-1)).toBeGreaterThanOrEqual(stuck);
    world.disk.capacityBytes = Number.POSITIVE_INFINITY;
    world.clock.run(2000);
    expect(world.durable.at(-1)).toBe(seq);
    expect(world.room).toEqual([false, true]);
    expect(world.failures).toEqual([]);
    world.crash();
    expect(world.open().recovered!.promise.n).toBe(seq);
  });

  test("a full disk during a batch: the batch waits and is written when there is room", () => {
    const world = new World(1024);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "a"))]);
    world.settle();
    world.disk.capacityBytes = world.disk.usedBytes;
    storage.stage([group(2, append(1, "q".repeat(5000)))]);
    storage.flush();
    world.clock.run(3000);
    expect(world.durable).toEqual([1]);
    expect(storage.hasRoom).toBe(false);
    world.disk.capacityBytes = Number.POSITIVE_INFINITY;
    world.settle();
    expect(world.durable).toEqual([1, 2]);
    expect(storage.hasRoom).toBe(true);
    world.crash();
    expect(world.open().recovered!.entries).toHaveLength(2);
  });

  test("no file can be opened for the next segment: it is a full disk until one can", () => {
    const world = new World(1024);
    let opens = true;
    const disk: Disk = new Proxy<Disk>(world.disk, {
      get: (target, property: keyof Disk) => {
        if (property !== "open") return target[property].bind(target);
        return (path: string): DiskFile => {
          if (!opens) throw new TooManyFilesError("too many files are open");
          return target.open(path);
        };
      },
    });
    const { storage } = world.open(disk);
    world.writeAll(storage, [group(1, append(0, "a"))]);
    world.settle();
    opens = false;
    // The next segment is ready, and cannot be opened.
    let seq = 1;
    for (; seq < 41; seq++) {
      storage.stage([group(seq + 1, append(seq, `entry ${seq} ${"z".repeat(50)}`))]);
      storage.flush();
      world.clock.run(10);
    }
    expect(world.durable.at(-1)).toBeLessThan(seq);
    expect(storage.hasRoom).toBe(false);
    world.clock.run(3000);
    expect(world.room).toEqual([false]);
    opens = true;
    world.clock.run(3000);
    expect(world.durable.at(-1)).toBe(seq);
    expect(world.room).toEqual([false, true]);
    expect(world.failures).toEqual([]);
    world.crash();
    expect(world.open().recovered!.entries).toHaveLength(seq);
  });

  test("a full disk does not keep a node from closing", () => {
    const world = new World(1024);
    world.open();
    world.settle();
    world.crash("process");
    world.disk.remove("log/00000001.log");
    world.disk.capacityBytes = 0;
    const { storage } = world.open();
    storage.stage([group(1, append(0, "a"))]);
    let closed = false;
    storage.close(() => (closed = true));
    world.settle();
    expect(closed).toBe(true);
    expect(world.durable).toEqual([]);
  });
});
