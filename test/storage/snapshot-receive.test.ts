/** Receiving a snapshot on a disk that is slow or full: memory stays bounded, the node goes on, and it is tried again. */
import { expect, test } from "vitest";
import { DiskFullError, type Disk, type DiskFile } from "../../src/machine/ports/disk.ts";
import { silentLogger, type Logger } from "../../src/machine/ports/logger.ts";
import { SnapshotStore } from "../../src/storage/snapshot-store.ts";
import type { SnapshotName } from "../../src/protocol/messages/replica-message.ts";
import { World } from "./world.ts";

const PIECE_BYTES = 256 * 1024;
const PIECES = 200;

/** A snapshot in another node's store. */
function source(): { name: SnapshotName; piece: (offset: number) => Uint8Array } {
  const world = new World();
  const store = SnapshotStore.open(world.disk, "snapshots", silentLogger);
  const chunks = Array.from({ length: PIECES }, (_, i) => new Uint8Array(PIECE_BYTES).fill(i));
  let name: SnapshotName | undefined;
  store.write(9, chunks.values(), (error, written) => {
    expect(error).toBeNull();
    name = written;
  });
  world.settle();
  const known = name!;
  return { name: known, piece: (offset) => store.readRaw(known, offset, PIECE_BYTES)! };
}

/** Appends until a piece is refused. @returns how many were taken */
function appendAll(
  store: SnapshotStore,
  { name, piece }: ReturnType<typeof source>,
  after: () => void = () => {},
): number {
  let taken = 0;
  while (store.receivedBytes(name) < name.bytes) {
    const offset = store.receivedBytes(name);
    if (!store.append(name, offset, piece(offset))) break;
    taken += 1;
    after();
  }
  return taken;
}

function finish(world: World, store: SnapshotStore, name: SnapshotName): Error | null {
  let result: Error | null | undefined;
  store.finish(name, (error) => (result = error));
  world.settle();
  if (result === undefined) throw new Error("finish did not call back");
  return result;
}

test("a disk slower than the network: pieces are refused until it has caught up", () => {
  const from = source();
  const world = new World();
  world.disk.writeMs = 50;
  const store = SnapshotStore.open(world.disk, "snapshots", silentLogger);
  let most = 0;
  let rounds = 0;
  while (store.receivedBytes(from.name) < from.name.bytes) {
    rounds += 1;
    most = Math.max(most, appendAll(store, from));
    expect(store.hasRoom(from.name)).toBe(false);
    world.settle();
    expect(store.hasRoom(from.name)).toBe(true);
  }
  // 2 MiB of 50.
  expect(most * PIECE_BYTES).toBe(2 * 1024 * 1024);
  expect(rounds).toBe(25);
  expect(finish(world, store, from.name)).toBeNull();
  expect(Buffer.concat([...store.chunks(from.name)])).toHaveLength(from.name.bytes);
});

test("a disk that becomes full: it is known before all was sent, the room is given back, and it is tried again", () => {
  const from = source();
  const world = new World();
  world.disk.capacityBytes = 10 * PIECE_BYTES;
  const said: string[] = [];
  const note = (text: string): void => void said.push(text);
  const logger: Logger = { ...silentLogger, warn: note, info: note };
  const store = SnapshotStore.open(world.disk, "snapshots", logger);
  expect(store.receivesIntoFullDisk).toBe(false);
  for (let attempt = 0; attempt < 5; attempt++) {
    const taken = appendAll(store, from, () => world.settle());
    expect(taken).toBe(11);
    world.settle();
    expect(store.receivedBytes(from.name)).toBe(0);
    expect(world.disk.usedBytes).toBe(0);
    expect(store.receivesIntoFullDisk).toBe(true);
  }
  // However often it is tried.
  expect(said).toEqual([
    "a snapshot from a peer cannot be kept; it is asked for again until it can",
  ]);
  world.disk.capacityBytes = Number.POSITIVE_INFINITY;
  expect(appendAll(store, from, () => world.settle())).toBe(PIECES);
  expect(finish(world, store, from.name)).toBeNull();
  expect(store.has(from.name)).toBe(true);
  expect(store.receivesIntoFullDisk).toBe(false);
  expect(said.slice(1)).toEqual(["snapshots from peers can be kept again"]);
});

test("a disk too full for another file refuses a snapshot, written or received, and nothing is thrown", () => {
  const from = source();
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
  const store = SnapshotStore.open(disk, "snapshots", silentLogger);
  const errors: (string | undefined)[] = [];
  store.write(1, [Uint8Array.of(1)].values(), (error) => errors.push(error?.name));
  world.settle();
  expect(errors).toEqual(["DiskFullError"]);
  expect(store.append(from.name, 0, from.piece(0))).toBe(false);
  full.now = false;
  expect(store.append(from.name, 0, from.piece(0))).toBe(true);
});

test("a piece of another snapshot that is not its first does not disturb the one being received", () => {
  const from = source();
  const world = new World();
  const store = SnapshotStore.open(world.disk, "snapshots", silentLogger);
  expect(store.append(from.name, 0, from.piece(0))).toBe(true);
  const other = { idx: 10, bytes: 500, crc: 1 };
  expect(store.append(other, 100, new Uint8Array(10))).toBe(false);
  expect(store.receivedBytes(from.name)).toBe(PIECE_BYTES);
  expect(store.append(other, 0, new Uint8Array(10))).toBe(true);
  expect(store.receivedBytes(from.name)).toBe(0);
  world.settle();
  expect(world.disk.list("snapshots")).toHaveLength(1);
});
