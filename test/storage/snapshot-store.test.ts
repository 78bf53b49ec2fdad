/** Snapshots: whole and verified, or not there at all, whatever crashes and whatever the bytes. */
import { describe, expect, test } from "vitest";
import { silentLogger } from "../../src/machine/ports/logger.ts";
import { SimClock } from "../../src/proof/simulator/sim-clock.ts";
import { SimDisk } from "../../src/proof/simulator/sim-disk.ts";
import { SnapshotGivenUp, SnapshotStore } from "../../src/storage/snapshot-store.ts";
import { StorageError } from "../../src/storage/storage-error.ts";
import type { SnapshotName } from "../../src/protocol/messages/replica-message.ts";
import { seededRandom } from "../conformance/seeded-random.ts";

interface World {
  readonly clock: SimClock;
  readonly disk: SimDisk;
  readonly operations: string[];
  /** The disk for the next process: operations are counted no more. */
  revive(): SimDisk;
}

function newWorld(seed = 1, onOperation: (count: number) => void = () => {}): World {
  const clock = new SimClock();
  const operations: string[] = [];
  let isWatched = true;
  const disk = new SimDisk({
    random: seededRandom(seed),
    schedule: (ms, callback) => void clock.after(ms, callback),
    onOperation: (name, path) => {
      if (!isWatched) return;
      operations.push(`${name} ${path}`);
      onOperation(operations.length);
    },
  });
  const revive = (): SimDisk => {
    isWatched = false;
    return disk;
  };
  return { clock, disk, operations, revive };
}

const open = ({ disk }: World): SnapshotStore =>
  SnapshotStore.open(disk, "snapshots", silentLogger);

function pieces(tag: number, count = 5): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new Uint8Array(3000).fill((tag + i) % 256));
}

function write(
  world: World,
  store: SnapshotStore,
  idx: number,
  chunks = pieces(idx),
): SnapshotName {
  let name: SnapshotName | undefined;
  store.write(idx, chunks.values(), (error, written) => {
    expect(error).toBeNull();
    name = written;
  });
  world.clock.run(1000);
  if (name === undefined) throw new Error("the snapshot was not written");
  return name;
}

const bytesOf = (store: SnapshotStore, name: SnapshotName): Buffer =>
  Buffer.concat([...store.chunks(name)]);

describe("snapshot store", () => {
  test("what was written is there after a loss of power, byte for byte", () => {
    const world = newWorld();
    const name = write(world, open(world), 7);
    expect(name).toMatchObject({ idx: 7, bytes: 15_000 });
    world.disk.crash("power");
    const store = open(world);
    expect(store.has(name)).toBe(true);
    expect(bytesOf(store, name).equals(Buffer.concat(pieces(7)))).toBe(true);
    expect(store.readRaw(name, 3000, 10)).toEqual(pieces(7)[1]!.slice(0, 10));
  });

  test("a crash at any moment leaves the old snapshot, and the new one whole or not at all", () => {
    const counting = newWorld();
    const first = open(counting);
    write(counting, first, 1);
    const before = counting.operations.length;
    write(counting, first, 2);
    const total = counting.operations.length;
    let whole = 0;
    for (let stop = before + 1; stop <= total + 1; stop++) {
      for (const kind of ["power", "process"] as const) {
        let dead = false;
        const world = newWorld(stop, (count) => {
          // The process ends here: nothing it would do from now on happens.
          dead ||= count === stop;
          if (dead) throw new Error("crash");
        });
        const store = open(world);
        const old = write(world, store, 1);
        try {
          store.write(2, pieces(2).values(), () => {});
          world.clock.run(1000);
        } catch {
          expect(dead).toBe(true);
        }
        world.disk.crash(kind);
        const again = SnapshotStore.open(world.revive(), "snapshots", silentLogger);
        expect(bytesOf(again, old).equals(Buffer.concat(pieces(1)))).toBe(true);
        const files = world.disk.list("snapshots");
        expect(files.filter((file) => file.endsWith(".part"))).toEqual([]);
        const file = files.find((name) => name.startsWith("0000000000000002-"));
        if (file === undefined) continue;
        whole += 1;
        const [, bytes = "", crc = ""] = /-(\d+)-([0-9a-f]+)\./.exec(file) ?? [];
        const found = { idx: 2, bytes: Number(bytes), crc: parseInt(crc, 16) };
        expect(bytesOf(again, found).equals(Buffer.concat(pieces(2)))).toBe(true);
      }
    }
    expect(whole).toBeGreaterThan(0);
  });

  test("damage anywhere is found when it is read, and named", () => {
    const world = newWorld();
    const name = write(world, open(world), 3);
    const [file = ""] = world.disk.list("snapshots");
    for (const position of [0, 7000, 14_999]) {
      world.disk.corrupt(`snapshots/${file}`, position, (byte) => byte ^ 1);
      const store = open(world);
      expect(() => bytesOf(store, name)).toThrow(StorageError);
      expect(() => bytesOf(store, name)).toThrow(new RegExp(file));
      world.disk.corrupt(`snapshots/${file}`, position, (byte) => byte ^ 1);
    }
    expect(bytesOf(open(world), name).length).toBe(15_000);
  });

  test("a failed write or sync is reported and leaves nothing behind", () => {
    const world = newWorld();
    const store = open(world);
    world.disk.failSyncs = 1;
    let result: Error | null | undefined;
    store.write(4, pieces(4).values(), (error) => {
      result = error;
    });
    world.clock.run(1000);
    expect(result).toBeInstanceOf(Error);
    expect(world.disk.list("snapshots")).toEqual([]);
    world.disk.capacityBytes = 5000;
    store.write(5, pieces(5).values(), (error) => {
      result = error;
    });
    world.clock.run(1000);
    expect(result?.name).toBe("DiskFullError");
    expect(world.disk.list("snapshots")).toEqual([]);
  });

  test("the newest two stay, and what is still needed", () => {
    const world = newWorld();
    const store = open(world);
    const names = [1, 2, 3, 4, 5].map((idx) => write(world, store, idx));
    store.retain([names[0]!]);
    expect(names.map((name) => store.has(name))).toEqual([true, false, false, true, true]);
    expect(world.disk.list("snapshots")).toHaveLength(3);
  });
});

test("a snapshot that is given up leaves nothing behind, and the next one is written", () => {
  const world = newWorld();
  const store = open(world);
  function* endless(): Generator<Uint8Array, void, undefined> {
    yield* pieces(1);
    throw new SnapshotGivenUp("no memory");
  }
  let result: Error | null = null;
  store.write(7, endless(), (error) => (result = error));
  world.clock.run(1000);
  expect(result).toBeInstanceOf(SnapshotGivenUp);
  expect(world.disk.list("snapshots")).toEqual([]);
  expect(store.has(write(world, store, 8))).toBe(true);
});

describe("a store that is stopped", () => {
  test("gives up what is being written, wherever it is, and touches nothing any more", () => {
    // Before each operation of the disk in turn, until the snapshot is complete.
    let at = 0;
    for (let isWhole = false; !isWhole; at++) {
      let stop = (): void => {};
      const world = newWorld(1, (count) => {
        if (count === at) world.clock.after(0, () => stop());
      });
      const store = open(world);
      const told: string[] = [];
      stop = () => store.stop(() => told.push("stopped"));
      store.write(
        7,
        pieces(7).values(),
        () => told.push("done"),
        (goOn) => void world.clock.after(10, goOn),
      );
      if (at === 0) stop();
      for (let i = 0; i < 500 && !told.includes("stopped") && !told.includes("done"); i++)
        world.clock.run(1);
      isWhole = told.includes("done");
      if (isWhole) break;
      expect(told).toEqual(["stopped"]);
      const files = world.disk.list("snapshots");
      expect(files.filter((file) => file.endsWith(".part"))).toEqual([]);
      const { length } = world.operations;
      world.clock.run(1000);
      expect(told).toEqual(["stopped"]);
      expect(world.operations).toHaveLength(length);
      expect(world.disk.list("snapshots")).toEqual(files);
    }
    expect(at).toBeGreaterThan(5);
  });

  test("stops at once when nothing is open", () => {
    let isStopped = false;
    open(newWorld()).stop(() => (isStopped = true));
    expect(isStopped).toBe(true);
  });
});

test("two processes give their part files different names, and a start removes those of all before it", () => {
  const world = newWorld();
  const names = [3, 4].map((bootId) => {
    const part = SnapshotStore.open(world.disk, "snapshots", silentLogger, bootId).newPart(
      "writing",
    );
    return part instanceof Error ? "" : part.path;
  });
  expect(new Set(names).size).toBe(2);
  expect(world.disk.list("snapshots")).toHaveLength(1);
  open(world);
  expect(world.disk.list("snapshots")).toEqual([]);
});
