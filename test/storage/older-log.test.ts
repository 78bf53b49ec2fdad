/** How far the log has come is written down beside it too, so an older one that is put back alone is noticed. */
import { crc32c } from "@node-rs/crc32";
import { expect, test } from "vitest";
import { silentLogger } from "../../src/machine/ports/logger.ts";
import { openDataDirectory, type DataDirectory } from "../../src/storage/data-directory.ts";
import { lookIntoDirectory } from "../../src/storage/look-into-directory.ts";
import { SnapshotReceiver } from "../../src/storage/snapshot-receiver.ts";
import { SnapshotStore } from "../../src/storage/snapshot-store.ts";
import type { SnapshotName } from "../../src/protocol/messages/replica-message.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { append, group, World } from "./world.ts";

function open(world: World): DataDirectory {
  return openDataDirectory(world.disk, {
    clusterId: "blue",
    nodeId: 1,
    members: [1, 2, 3],
    random: seededRandom(1),
    clock: world.process,
    logger: silentLogger,
    onFailure: (error) => expect.unreachable(error.message),
  });
}

test("a log is missed when an older one is put back alone, with the mark of its end", () => {
  for (const end of ["a second later", "at a clean stop"]) {
    const world = new World();
    const directory = open(world);
    world.owner = directory.logOwner;
    directory.beginLog();
    const { storage } = world.open();
    const isOfLog = (path: string): boolean => path.startsWith("log/");
    world.writeAll(storage, [group(1, append(0, "told"))]);
    directory.logReached(storage.durableEnd);
    world.clock.run(5000);
    const older = [...world.disk.copy()].filter(([path]) => isOfLog(path));
    world.writeAll(storage, [group(2, append(1, "told later"))]);
    directory.logReached(storage.durableEnd);
    if (end === "at a clean stop") directory.close(() => {});
    else world.clock.run(1100);
    // Reports of what became durable while the node stopped do no harm.
    if (end === "at a clean stop") directory.logReached({ segment: 9, position: 9, crc: 9 });
    world.settle();
    world.crash();

    const rest = [...world.disk.copy()].filter(([path]) => !isOfLog(path));
    const whole = world.disk.copy();
    world.reached = open(world).logEnd;
    expect(world.openedOrRefused()).toEqual(["told", "told later"]);
    world.crash();
    world.disk.restore(new Map([...rest, ...older]));
    world.reached = open(world).logEnd;
    expect(world.openedOrRefused()).toBe("LOG_DAMAGED");
    expect(() => world.open()).toThrow('had been durable, as "memory" says: an older log may');
    expect(() => lookIntoDirectory(world.disk, silentLogger)).toThrow('as "memory" says');
    world.crash();
    world.disk.restore(whole);
    expect(lookIntoDirectory(world.disk, silentLogger).log?.entries).toHaveLength(2);
  }
});

test("a log is missed when that of a copy is put in its place, which had run on by itself and is longer", () => {
  const world = new World();
  const directory = open(world);
  world.owner = directory.logOwner;
  directory.beginLog();
  const isOfLog = (path: string): boolean => path.startsWith("log/");
  const { storage } = world.open();
  world.writeAll(storage, [group(1, append(0, "told"))]);
  directory.logReached(storage.durableEnd);
  directory.close(() => {});
  world.settle();
  world.crash();
  const common = world.disk.copy();
  const run = (entries: readonly string[]): Map<string, Uint8Array> => {
    world.disk.restore(common);
    const resumed = open(world);
    world.reached = resumed.logEnd;
    const { storage: log } = world.open();
    world.writeAll(
      log,
      entries.map((entry, i) => group(2 + i, append(1 + i, entry))),
    );
    resumed.logReached(log.durableEnd);
    resumed.close(() => {});
    world.settle();
    world.crash();
    return new Map(world.disk.copy());
  };
  const original = run(["acknowledged"]);
  const copy = run(["of the copy", "and more", "and more still"]);
  world.disk.restore(
    new Map([
      ...[...original].filter(([path]) => !isOfLog(path)),
      ...[...copy].filter(([path]) => isOfLog(path)),
    ]),
  );
  world.reached = open(world).logEnd;
  expect(world.openedOrRefused()).toBe("LOG_DAMAGED");
  const said =
    /a batch that was durable is not where it was; "memory" knows of it: an older log, or that of a copy/;
  expect(() => world.open()).toThrow(said);
  expect(() => lookIntoDirectory(world.disk, silentLogger)).toThrow(said);
});

test("a log may end below a snapshot: one that was fetched is there before the log says so", () => {
  const world = new World();
  const directory = open(world);
  world.owner = directory.logOwner;
  const { storage } = world.open();
  world.writeAll(storage, [group(1, append(0, "told"))]);
  directory.logReached(storage.durableEnd);
  const snapshots = SnapshotStore.open(world.disk, "snapshots", silentLogger);
  const name = { idx: 180, bytes: 1, crc: crc32c(Buffer.from("x")) };
  const whole: SnapshotName[] = [];
  const receiver = new SnapshotReceiver(snapshots, silentLogger, {
    onKept: () => {},
    onWhole: (received) => whole.push(received),
    onFailed: (_, error) => expect.unreachable(error.message),
  });
  receiver.receive(name, 0, Buffer.from("x"));
  world.clock.run(5000);
  expect(whole).toEqual([name]);
  world.crash();
  world.reached = open(world).logEnd;
  expect(world.reached.segment).toBe(1);
  expect(world.openedOrRefused()).toEqual(["told"]);
});
