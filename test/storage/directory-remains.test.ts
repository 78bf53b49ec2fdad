/** A directory whose identity is missing: new, or what is left of one. */
import { expect, test } from "vitest";
import { metPeer } from "../../src/storage/index.ts";
import type { SimDisk } from "../../src/proof/simulator/sim-disk.ts";
import { openDirectory as open } from "./open-directory.ts";
import { append, group, World } from "./world.ts";

function removeAll(disk: SimDisk, directory: string, ending: string): void {
  for (const name of disk.list(directory)) {
    if (name.endsWith(`.${ending}`)) disk.remove(`${directory}/${name}`);
  }
}

test.each<[string, (disk: SimDisk) => void]>([
  ["a log", () => {}],
  ["a log", (disk) => disk.replace("log/00000001.log", new Uint8Array(0))],
  ["a snapshot", (disk) => removeAll(disk, "log", "log")],
  [
    "the mark of a log's end",
    (disk) => {
      removeAll(disk, "log", "log");
      removeAll(disk, "snapshots", "snapshot");
    },
  ],
])("%s without an identity is refused: the rest was taken away", (what, take) => {
  const world = new World();
  const directory = open(world);
  world.owner = directory.logOwner;
  const { storage } = world.open();
  world.writeAll(storage, [group(1, append(0, "a"))]);
  world.settle();
  world.disk.replace(`snapshots/${"1".padStart(16, "0")}-3-00000000.snapshot`, Buffer.from("abc"));
  world.crash();
  take(world.disk);
  for (const file of ["identity.json", "memory"]) world.disk.remove(file);
  world.disk.syncDirectory("");
  expect(() => open(world)).toThrow(`identity.json: it is missing beside ${what}`);
});

test("what is remembered of the others, without an identity, is refused: alone, and beside a log that was not begun", () => {
  const alone = new World();
  open(alone);
  for (const file of ["identity.json", "log/end"]) alone.disk.remove(file);
  expect(() => open(alone)).toThrow(
    "identity.json: it is missing beside what the node remembered of the others",
  );
  const used = new World();
  open(used).peers.set(2, metPeer("the disk of node 2"));
  used.disk.remove("identity.json");
  expect(() => open(used)).toThrow(
    "identity.json: it is missing beside what the node remembered of the others",
  );
});

test("a first start that was cut off is made anew", () => {
  const world = new World();
  open(world);
  world.disk.remove("identity.json");
  expect(open(world, 2)).toMatchObject({ isNew: true, logBegun: false });
  world.disk.remove("identity.json");
  world.disk.replace("log/end", new Uint8Array(5));
  expect(open(world, 3)).toMatchObject({ isNew: true });
});
