/**
 * The log of the version before segments had a salt: it is read, and gone on with, and what comes behind it has one. The fixture was
 * made by that version: a cluster of one node, twenty keys, stopped in good order.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { silentLogger } from "../../src/machine/ports/logger.ts";
import { openDataDirectory } from "../../src/storage/data-directory.ts";
import { fileVersion, saltOf } from "../../src/storage/frame.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { append, group, texts, World } from "./world.ts";

const SEGMENT_BYTES = 16 * 1024;
const FIRST = "log/00000001.log";

interface Fixture {
  readonly [path: string]: { readonly bytes: number; readonly gzip: string };
}

function loaded(): World {
  const world = new World(SEGMENT_BYTES);
  const file = new URL("fixtures/unsalted-one-node.json", import.meta.url);
  const fixture = JSON.parse(readFileSync(file, "utf8")) as Fixture;
  world.disk.makeDirectory();
  for (const [path, { bytes, gzip }] of Object.entries(fixture)) {
    const content = new Uint8Array(Math.min(bytes, 2 * SEGMENT_BYTES));
    content.set(gunzipSync(Buffer.from(gzip, "base64")));
    const isWhole = path.endsWith(".log") || content.length === bytes;
    world.disk.replace(path, isWhole ? content : content.subarray(0, bytes));
  }
  return world;
}

function open(world: World): ReturnType<World["open"]> {
  const directory = openDataDirectory(world.disk, {
    clusterId: "omnikv-local",
    nodeId: 1,
    members: [1],
    random: seededRandom(1),
    clock: world.process,
    logger: silentLogger,
    onFailure: (error) => expect.unreachable(error.message),
  });
  world.owner = directory.logOwner;
  world.reached = directory.logEnd;
  return world.open(world.disk, directory.logBegun);
}

const versionsOf = ({ disk }: World): readonly (number | null)[] =>
  disk
    .list("log")
    .filter((name) => name.endsWith(".log"))
    .map((name) => fileVersion(disk.read(`log/${name}`, 0, 16)));

test("a log without salts is gone on with, and new segments have one", () => {
  const world = loaded();
  expect(saltOf(world.disk.read(FIRST, 0, 16))).toBe(0);
  let found: readonly string[] = [];
  let written = 0;
  for (let start = 0; start < 3; start++) {
    const { storage, recovered } = open(world);
    found = texts(recovered!.entries);
    expect(found.filter((text) => text.includes("value20"))).toHaveLength(1);
    expect(found.filter((text) => text.startsWith("more"))).toHaveLength(written);
    world.durable.length = 0;
    for (let seq = 1; seq <= 5; seq++) {
      const entry = `more ${written} ${"x".repeat(2000)}`;
      world.writeAll(storage, [group(seq, append(found.length + seq - 1, entry))]);
      written += 1;
    }
    world.clock.run(1500);
    world.crash();
  }
  const versions = versionsOf(world);
  expect(versions).toContain(3);
  expect(versions).toContain(4);
  const salts = world.disk.list("log").flatMap((name) => {
    const head = name.endsWith(".log") ? world.disk.read(`log/${name}`, 0, 16) : new Uint8Array();
    return fileVersion(head) === 4 ? [saltOf(head)] : [];
  });
  expect(new Set([0, ...salts]).size).toBe(salts.length + 1);
});
