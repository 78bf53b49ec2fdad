/**
 * Data directories that omnikv 0.1 wrote are taken over: all of it or nothing, and only when the members are sure. The
 * fixtures were made by that version: clusters of one and of three nodes, twenty keys, stopped in good order.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { nodeClock } from "../../src/machine/runtime/node-clock.ts";
import { NodeDisk } from "../../src/machine/host/node-disk.ts";
import type { Disk } from "../../src/machine/ports/disk.ts";
import { silentLogger } from "../../src/machine/ports/logger.ts";
import {
  openDataDirectory,
  type DataDirectory,
  type DirectoryOwner,
} from "../../src/storage/data-directory.ts";
import { fileVersion } from "../../src/storage/frame.ts";
import { LogStorage } from "../../src/storage/log-storage.ts";
import { metPeer } from "../../src/storage/peer-memory.ts";
import { StorageError } from "../../src/storage/storage-error.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { append, group, texts, World } from "./world.ts";

const ONE = "v0.1-one-node";
const THREE = ["v0.1-three-nodes-1", "v0.1-three-nodes-2", "v0.1-three-nodes-3"] as const;
/** Enough for what is used; the rest of the files is zeros. */
const SEGMENT_BYTES = 16 * 1024;

interface Fixture {
  readonly [path: string]: { readonly bytes: number; readonly gzip: string };
}

function load(disk: Disk, name: string, bytesMax: number): void {
  const file = new URL(`fixtures/${name}.json`, import.meta.url);
  const fixture = JSON.parse(readFileSync(file, "utf8")) as Fixture;
  disk.makeDirectory("log");
  for (const [path, { bytes, gzip }] of Object.entries(fixture)) {
    const content = new Uint8Array(Math.min(bytes, bytesMax));
    content.set(gunzipSync(Buffer.from(gzip, "base64")));
    disk.replace(path, content);
  }
}

function loaded(name: string, onOperation?: (name: string, path: string) => void): World {
  const world = new World(SEGMENT_BYTES, 1, onOperation);
  load(world.disk, name, SEGMENT_BYTES);
  return world;
}

interface Opened {
  readonly directory: DataDirectory;
  readonly storage: LogStorage;
  readonly entries: readonly string[];
}

function ownerOf(nodeId: number, members: readonly number[]): DirectoryOwner {
  return {
    clusterId: "fixture",
    nodeId,
    members,
    random: seededRandom(nodeId),
    clock: nodeClock,
    logger: silentLogger,
    onFailure: (error) => expect.unreachable(error.message),
  };
}

/** As a node does. */
function open(world: World, owner: DirectoryOwner): Opened {
  const directory = openDataDirectory(world.disk, { ...owner, clock: world.process });
  world.owner = directory.logOwner;
  const { storage, recovered } = world.open(world.disk, directory.logBegun);
  return { directory, storage, entries: texts(recovered!.entries) };
}

function refusal(body: () => unknown): StorageError {
  try {
    body();
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

const identity = ({ disk }: World): string =>
  Buffer.from(disk.read("identity.json", 0, disk.size("identity.json"))).toString();

describe("a directory of omnikv 0.1", () => {
  test.each([[ONE, 1, [1]] as const, ...THREE.map((name, i) => [name, i + 1, [1, 2, 3]] as const)])(
    "%s is taken over, and keeps everything",
    (name, nodeId, members) => {
      const world = loaded(name);
      const before = identity(world);
      const incarnation = /"incarnation":"([0-9a-f]+)"/.exec(before)![1]!;
      const lines: string[] = [];
      const logger = { ...silentLogger, info: (text: string): void => void lines.push(text) };
      const owner = { ...ownerOf(nodeId, members), logger };
      const { directory, entries } = open(world, owner);
      expect(lines).toEqual(["the data directory of omnikv 0.1 is taken over"]);
      expect(directory).toMatchObject({ incarnation, isNew: false, logBegun: true, joined: true });
      expect([...directory.peers.all().keys()].sort((a, b) => a - b)).toEqual(
        members.filter((id) => id !== nodeId),
      );
      expect(entries.filter((text) => text.includes("value20"))).toHaveLength(1);
      expect(identity(world)).toContain('"format":2');
      expect(world.disk.list("")).toEqual(["identity.json", "memory"]);

      world.crash();
      const again = open(world, owner);
      expect(again.entries).toEqual(entries);
      expect(lines).toHaveLength(1);
      // The old segment is gone on with; new ones say whose they are.
      const large = "x".repeat(SEGMENT_BYTES / 3);
      const from = entries.length + 1;
      world.durable.length = 0;
      for (let i = 0; i < 5; i++) {
        world.writeAll(again.storage, [group(i + 1, append(from - 1 + i, `${i}${large}`))]);
      }
      world.settle();
      world.crash();
      const third = open(world, owner);
      expect(third.entries).toHaveLength(entries.length + 5);
      const versions = world.disk
        .list("log")
        .filter((file) => file.endsWith(".log"))
        .map((file) => fileVersion(world.disk.read(`log/${file}`, 0, 16)));
      expect(versions).toContain(2);
      expect(versions).toContain(4);
      world.crash();
      world.owner += 1;
      expect(refusal(() => world.open())).toMatchObject({ code: "FOREIGN_LOG" });
    },
  );

  test("remembers its peers as it did", () => {
    const world = loaded(THREE[1]);
    const other = /"incarnation":"([0-9a-f]+)"/.exec(identity(loaded(THREE[2])))![1]!;
    const { directory } = open(world, ownerOf(2, [1, 2, 3]));
    expect(directory.peers.get(3)).toEqual(metPeer(other));
  });

  test("on a real disk, with segments of full size", async () => {
    const root = mkdtempSync(join(tmpdir(), "omnikv-first-format-"));
    roots.push(root);
    const disk = NodeDisk.open(root);
    load(disk, THREE[0], Number.POSITIVE_INFINITY);
    for (let start = 1; start <= 2; start++) {
      const directory = openDataDirectory(disk, ownerOf(1, [1, 2, 3]));
      const { storage, recovered } = LogStorage.open(
        disk,
        "log",
        {
          segmentBytes: 16 * 1024 * 1024,
          owner: directory.logOwner,
          mustExist: true,
          random: seededRandom(1),
        },
        { onDurable: () => {}, onFailure: () => {}, onRoom: () => {} },
        silentLogger,
        nodeClock,
      );
      expect(directory.peers.introduce(2)).toHaveLength(1);
      expect(texts(recovered!.entries).filter((text) => text.includes("value20"))).toHaveLength(1);
      await new Promise<void>((closed) => storage.close(closed));
      await new Promise<unknown>((closed) => directory.close(closed));
    }
  });

  test("is refused to a cluster of other nodes, and stays as it is", () => {
    const cases = [
      // It has met a node that is none of them.
      { name: THREE[0], members: [1], code: "MEMBERS_MISMATCH" },
      { name: THREE[0], members: [1, 2, 4], code: "MEMBERS_MISMATCH" },
      // It has not met all of them.
      { name: THREE[0], members: [1, 2, 3, 4, 5], code: "MEMBERS_UNCONFIRMED" },
      { name: ONE, members: [1, 2, 3], code: "MEMBERS_UNCONFIRMED" },
    ];
    for (const { name, members, code } of cases) {
      const world = loaded(name);
      const before = identity(world);
      const error = refusal(() => open(world, ownerOf(1, members)));
      expect(error.code).toBe(code);
      expect(error.message).toContain(`as one of ${members.join(", ")}`);
      expect(identity(world)).toBe(before);
      expect(world.disk.list("")).not.toContain("memory");
    }
    const error = refusal(() => open(loaded(THREE[0]), ownerOf(1, [1, 2, 3, 4, 5])));
    expect(error.message).toContain("It has met nodes 2, 3;");
    expect(error.message).toContain("--confirm-members");
  });

  test("is taken over by one who vouches for its members, or when it never held anything", () => {
    const vouched = loaded(THREE[0]);
    vouched.disk.remove("peers.json");
    expect(refusal(() => open(vouched, ownerOf(1, [1, 2, 3]))).code).toBe("MEMBERS_UNCONFIRMED");
    open(vouched, { ...ownerOf(1, [1, 2, 3]), confirmMembers: true });
    vouched.crash();
    open(vouched, ownerOf(1, [1, 2, 3]));
    // What it has met is no matter of opinion.
    const sure = { ...ownerOf(1, [1]), confirmMembers: true };
    expect(refusal(() => open(loaded(THREE[0]), sure)).code).toBe("MEMBERS_MISMATCH");

    const fresh = loaded(ONE);
    for (const file of fresh.disk.list("log")) fresh.disk.remove(`log/${file}`);
    const text = identity(fresh).replace('"logBegun":1', '"logBegun":0');
    fresh.disk.replace("identity.json", Buffer.from(text));
    const owner = { ...ownerOf(1, [1, 2, 3]), clock: fresh.process };
    expect(openDataDirectory(fresh.disk, owner).logBegun).toBe(false);
  });

  test("a damaged record of its peers is refused", () => {
    const world = loaded(THREE[0]);
    world.disk.corrupt("peers.json", 35, (byte) => byte ^ 1);
    const error = refusal(() => open(world, ownerOf(1, [1, 2, 3])));
    expect(error.code).toBe("IDENTITY_DAMAGED");
    expect(error.message).toContain("peers.json");
  });

  test("a crash at any moment of the first start leaves a directory that opens", () => {
    class Stop extends Error {}
    let crashes = 0;
    for (const kind of ["process", "power"] as const) {
      for (let at = 1; at < 100; at++) {
        let left = Number.POSITIVE_INFINITY;
        const world = loaded(THREE[0], () => {
          left -= 1;
          if (left <= 0) throw new Stop();
        });
        const owner = ownerOf(1, [1, 2, 3]);
        const expected = open(loaded(THREE[0]), owner).entries;
        left = at;
        let crashed = false;
        try {
          open(world, owner);
        } catch (error) {
          if (!(error instanceof Stop)) throw error;
          crashed = true;
          crashes += 1;
        }
        left = Number.POSITIVE_INFINITY;
        world.crash(kind);
        const again = open(world, owner);
        expect(again.entries).toEqual(expected);
        expect([...again.directory.peers.all().keys()].sort((a, b) => a - b)).toEqual([2, 3]);
        if (!crashed) break;
      }
    }
    expect(crashes).toBeGreaterThan(10);
  });
});

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});
