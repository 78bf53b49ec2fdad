/** Receiving a snapshot: whole and right, or not there at all; on a slow or full disk too, and tried again. */
import { expect, test } from "vitest";
import { DiskFullError, type Disk, type DiskFile } from "../../src/machine/ports/disk.ts";
import { silentLogger, type Logger } from "../../src/machine/ports/logger.ts";
import { SnapshotReceiver } from "../../src/storage/snapshot-receiver.ts";
import { SnapshotStore } from "../../src/storage/snapshot-store.ts";
import type { SnapshotName } from "../../src/protocol/messages/replica-message.ts";
import { World } from "./world.ts";

const PIECE_BYTES = 256 * 1024;
const MIB = 1024 * 1024;
const PIECES = 200;

/** A snapshot in another node's store. */
function source(pieces = PIECES): { name: SnapshotName; piece: (offset: number) => Uint8Array } {
  const world = new World();
  const store = SnapshotStore.open(world.disk, "snapshots", silentLogger);
  const chunks = Array.from({ length: pieces }, (_, i) => new Uint8Array(PIECE_BYTES).fill(i));
  let name: SnapshotName | undefined;
  store.write(9, chunks.values(), (error, written) => {
    expect(error).toBeNull();
    name = written;
  });
  world.settle();
  const known = name!;
  return { name: known, piece: (offset) => store.readRaw(known, offset, PIECE_BYTES)! };
}

/** Notes what the receiver says. */
class Receiving {
  readonly store: SnapshotStore;
  readonly receiver: SnapshotReceiver;
  readonly whole: SnapshotName[] = [];
  readonly failed: Error[] = [];
  readonly kept: number[] = [];

  constructor(disk: Disk, logger: Logger = silentLogger) {
    this.store = SnapshotStore.open(disk, "snapshots", logger);
    this.receiver = new SnapshotReceiver(this.store, logger, {
      onKept: (_, bytes) => this.kept.push(bytes),
      onWhole: (name) => this.whole.push(name),
      onFailed: (_, error) => this.failed.push(error),
    });
  }

  /** Hands over pieces from here on, until there are no more or one could not be kept. @returns how many */
  take({ name, piece }: ReturnType<typeof source>, from = 0, after: () => void = () => {}): number {
    const failures = this.failed.length;
    let offset = from;
    for (; offset < name.bytes && this.failed.length === failures; offset += PIECE_BYTES) {
      this.receiver.receive(name, offset, piece(offset));
      after();
    }
    return (offset - from) / PIECE_BYTES;
  }
}

const all = (store: SnapshotStore, name: SnapshotName): Buffer =>
  Buffer.concat([...store.chunks(name)]);

test("what came in pieces is a snapshot when it is durable, byte for byte, and stays one", () => {
  const from = source(3);
  const world = new World();
  const node = new Receiving(world.disk);
  node.take(from);
  expect(node.store.has(from.name)).toBe(false);
  expect(node.whole).toEqual([]);
  world.settle();
  expect(node.whole).toEqual([from.name]);
  expect(all(node.store, from.name)).toEqual(
    Buffer.concat([0, 1, 2].map((i) => from.piece(i * PIECE_BYTES))),
  );
  world.disk.crash("power");
  expect(new Receiving(world.disk).store.has(from.name)).toBe(true);
});

test("what came damaged is refused, forgotten, and can be fetched again", () => {
  const from = source(1);
  const world = new World();
  const node = new Receiving(world.disk);
  const spoilt = Buffer.from(from.piece(0));
  spoilt[100]! ^= 1;
  node.receiver.receive(from.name, 0, spoilt);
  world.settle();
  expect(node.failed.map(({ message }) => message)).toEqual([
    expect.stringContaining("checksum") as string,
  ]);
  expect(world.disk.list("snapshots")).toEqual([]);
  node.take(from);
  world.settle();
  expect(node.whole).toEqual([from.name]);
});

test("each MiB is synced alone, and told as soon as it is durable", () => {
  const from = source();
  const world = new World();
  const node = new Receiving(world.disk);
  node.take(from, 0, () => world.settle());
  const parts = from.name.bytes / MIB;
  // The end of the last one is told by `onWhole`.
  expect(node.kept).toEqual(Array.from({ length: parts - 1 }, (_, i) => (i + 1) * MIB));
  expect(node.whole).toEqual([from.name]);
});

test("a disk that becomes full: it is known before all was sent, the room is given back, and it is tried again", () => {
  const from = source();
  const world = new World();
  world.disk.capacityBytes = 10 * PIECE_BYTES;
  const said: string[] = [];
  const note = (text: string): void => void said.push(text);
  const node = new Receiving(world.disk, { ...silentLogger, warn: note, info: note });
  for (let attempt = 0; attempt < 5; attempt++) {
    expect(node.take(from, 0, () => world.settle())).toBe(11);
    expect(node.failed).toHaveLength(attempt + 1);
    // What is on its way still is of an attempt that failed.
    node.take(from, 11 * PIECE_BYTES, () => world.settle());
    expect(node.failed).toHaveLength(attempt + 1);
    expect(world.disk.usedBytes).toBe(0);
  }
  expect(node.failed.every((error) => error instanceof DiskFullError)).toBe(true);
  // However often it is tried.
  expect(said).toEqual([
    "a snapshot from a peer cannot be kept; it is asked for again until it can",
  ]);
  world.disk.capacityBytes = Number.POSITIVE_INFINITY;
  expect(node.take(from, 0, () => world.settle())).toBe(PIECES);
  expect(node.whole).toEqual([from.name]);
  expect(said.slice(1)).toEqual(["snapshots from peers can be kept again"]);
});

test("a disk that fails with the last pieces leaves no snapshot", () => {
  const from = source(2);
  const world = new World();
  const node = new Receiving(world.disk);
  world.disk.capacityBytes = PIECE_BYTES;
  node.take(from);
  world.settle();
  expect(node.failed).toHaveLength(1);
  expect(node.whole).toEqual([]);
  expect(world.disk.list("snapshots")).toEqual([]);
});

test("a disk too full for another file refuses a snapshot, written or received, and nothing is thrown", () => {
  const from = source(2);
  const world = new World();
  const full: { now: boolean } = { now: true };
  const disk: Disk = new Proxy<Disk>(world.disk, {
    get: (target, property: keyof Disk) => {
      if (property !== "open") return target[property].bind(target);
      return (path: string): DiskFile => {
        if (full.now) throw new DiskFullError("no inodes");
        return target.open(path);
      };
    },
  });
  const node = new Receiving(disk);
  const errors: (string | undefined)[] = [];
  node.store.write(1, [Uint8Array.of(1)].values(), (error) => errors.push(error?.name));
  world.settle();
  expect(errors).toEqual(["DiskFullError"]);
  expect(node.take(from)).toBe(1);
  expect(node.failed.map(({ name }) => name)).toEqual(["DiskFullError"]);
  full.now = false;
  node.take(from);
  world.settle();
  expect(node.whole).toEqual([from.name]);
});

test("only the first piece of another snapshot takes the place of the one being received, without a word", () => {
  const from = source();
  const world = new World();
  const node = new Receiving(world.disk);
  node.receiver.receive(from.name, 0, from.piece(0));
  const other = { idx: 10, bytes: 500, crc: 1 };
  node.receiver.receive(other, 100, new Uint8Array(10));
  node.receiver.receive(from.name, PIECE_BYTES, from.piece(PIECE_BYTES));
  node.receiver.receive(other, 0, new Uint8Array(10));
  for (let offset = 2 * PIECE_BYTES; offset < 8 * PIECE_BYTES; offset += PIECE_BYTES) {
    node.receiver.receive(from.name, offset, from.piece(offset));
  }
  world.settle();
  expect(world.disk.list("snapshots")).toHaveLength(1);
  expect([node.kept, node.whole, node.failed]).toEqual([[], [], []]);
});

test.each([1, 3])(
  "a receiver that stops after %i of 3 pieces leaves nothing behind, and says nothing any more",
  (count) => {
    const from = source(3);
    const world = new World();
    const node = new Receiving(world.disk);
    for (let i = 0; i < count; i++) {
      node.receiver.receive(from.name, i * PIECE_BYTES, from.piece(i * PIECE_BYTES));
    }
    let stopped = false;
    node.receiver.stop();
    node.store.stop(() => (stopped = true));
    world.settle();
    expect(stopped).toBe(true);
    expect(world.disk.list("snapshots")).toEqual([]);
    expect([node.whole, node.failed, node.kept]).toEqual([[], [], []]);
  },
);
