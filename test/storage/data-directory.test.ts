/** Whose directory it is: found again after a restart, refused to others, and never believed when it is damaged. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openNode } from "../../src/node/open-node.ts";
import { NODE_DEFAULTS } from "../../src/node/options.ts";
import { DiskFullError } from "../../src/ports/disk.ts";
import { silentLogger } from "../../src/ports/logger.ts";
import { openDataDirectory, type DataDirectory } from "../../src/storage/data-directory.ts";
import { StorageError } from "../../src/storage/storage-error.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { append, group, texts, World } from "./world.ts";

function open(world: World, seed = 1, owner: { clusterId?: string; nodeId?: number } = {}) {
  const { clusterId = "blue", nodeId = 1 } = owner;
  return openDataDirectory(world.disk, { clusterId, nodeId, random: seededRandom(seed) });
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

function identityText(world: World): string {
  return Buffer.from(
    world.disk.read("identity.json", 0, world.disk.size("identity.json")),
  ).toString();
}

describe("identity", () => {
  test("is drawn once and survives a loss of power", () => {
    const world = new World();
    const first = open(world, 1);
    expect(first).toMatchObject({ isNew: true, logBegun: false });
    expect(first.incarnation).toMatch(/^[0-9a-f]{32}$/);
    world.crash();
    const again = open(world, 2);
    expect(again).toMatchObject({ isNew: false, logBegun: false });
    expect(again.incarnation).toBe(first.incarnation);
  });

  test("another directory has another incarnation", () => {
    expect(open(new World(), 1).incarnation).not.toBe(open(new World(), 2).incarnation);
  });

  test("another cluster's or node's directory is refused; the text names both", () => {
    const world = new World();
    open(world);
    const cluster = refusal(() => open(world, 1, { clusterId: "green" }));
    expect(cluster.code).toBe("CLUSTER_MISMATCH");
    expect(cluster.message).toMatch(/"blue".*"green".*--data-dir/);
    const node = refusal(() => open(world, 1, { nodeId: 3 }));
    expect(node.code).toBe("NODE_MISMATCH");
    expect(node.message).toMatch(/node 1.*node 3.*--data-dir/);
  });

  test("another version's directory is refused with its number", () => {
    const world = new World();
    open(world);
    const later = identityText(world).replace('"format":1', '"format":7');
    world.disk.replace("identity.json", Buffer.from(later));
    const error = refusal(() => open(world));
    expect(error.code).toBe("UNKNOWN_FORMAT");
    expect(error.message).toContain("format 7");
  });

  test("any changed byte is noticed, or changes nothing that counts", () => {
    const world = new World();
    const { incarnation } = open(world);
    const whole = Buffer.from(identityText(world));
    let noticed = 0;
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Uint8Array.from(whole);
        bytes[at] = bytes[at]! ^ change;
        world.disk.replace("identity.json", bytes);
        let found: DataDirectory | null = null;
        try {
          found = open(world);
        } catch (error) {
          expect(error).toBeInstanceOf(StorageError);
          expect((error as Error).message).toContain("identity.json");
          noticed += 1;
        }
        if (found !== null) expect(found.incarnation).toBe(incarnation);
      }),
      { numRuns: 1000 },
    );
    expect(noticed).toBeGreaterThan(800);
  });

  test("content with the right checksum and the wrong fields is damage, not a crash", () => {
    const world = new World();
    open(world);
    // CRC32C of "{}", so that only the fields are wrong.
    const text = `{"format":1,"crc":${String(0x297bd0aa)},"content":{},"logBegun":0}\n`;
    world.disk.replace("identity.json", Buffer.from(text));
    const error = refusal(() => open(world));
    expect(error.code).toBe("IDENTITY_DAMAGED");
    expect(error.message).toContain("a field");
  });

  test("a log without an identity is refused", () => {
    const world = new World();
    open(world);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "a"))]);
    world.crash();
    world.disk.remove("identity.json");
    world.disk.syncDirectory("");
    expect(refusal(() => open(world)).code).toBe("IDENTITY_DAMAGED");
  });
});

describe("a log that has begun", () => {
  function begun(): World {
    const world = new World();
    const directory = open(world);
    const { storage } = world.open();
    world.writeAll(storage, [group(1, append(0, "a"))]);
    directory.beginLog();
    world.settle();
    world.crash();
    return world;
  }

  test("is remembered through a loss of power, and opens", () => {
    const world = begun();
    expect(open(world).logBegun).toBe(true);
    expect(texts(world.open(world.disk, true).recovered!.entries)).toEqual(["a"]);
  });

  test("is missed when all of it, or the only segment with something in it, is taken away", () => {
    for (const taken of [/./, /00000001/]) {
      const world = begun();
      const names = world.disk.list("log");
      expect(names.length).toBeGreaterThan(1);
      for (const name of names.filter((one) => taken.test(one))) world.disk.remove(`log/${name}`);
      world.disk.syncDirectory("log");
      expect(open(world).logBegun).toBe(true);
      const error = refusal(() => world.open(world.disk, true));
      expect(error.code).toBe("LOG_DAMAGED");
      expect(error.message).toMatch(/nothing of it is here.*all forget/);
    }
  });

  test("is marked before anybody is told that something is durable, and looked for at the next start", () => {
    const world = new World();
    const marks: boolean[] = [];
    const start = (): ReturnType<typeof openNode> =>
      openNode(
        {
          ...NODE_DEFAULTS,
          segmentBytes: 4096,
          nodeId: 1,
          clusterId: "blue",
          version: "test",
          peerAddresses: new Map([[1, { host: "a", port: 1 }]]),
          clientAddress: { host: "a", port: 2 },
        },
        {
          clock: world.process,
          random: seededRandom(1),
          disk: world.disk,
          logger: silentLogger,
          network: {
            dial: () => expect.unreachable("nothing is dialled"),
            listen: () => expect.unreachable("nothing listens"),
          },
        },
        {
          onDurable: () => void marks.push(open(world).logBegun),
          onFailure: (error) => expect.unreachable(error.message),
          onRoom: () => {},
          wake: () => {},
        },
      );
    const { storage } = start();
    expect(open(world).logBegun).toBe(false);
    storage.stage([group(1, append(0, "a"))]);
    storage.flush();
    world.settle();
    expect(marks).toEqual([true]);
    world.crash();
    for (const name of world.disk.list("log")) world.disk.remove(`log/${name}`);
    world.disk.syncDirectory("log");
    expect(refusal(start).code).toBe("LOG_DAMAGED");
  });

  test("is marked although the disk is full", () => {
    const world = new World();
    const directory = open(world);
    world.disk.capacityBytes = world.disk.usedBytes;
    directory.beginLog();
    world.crash();
    expect(open(world).logBegun).toBe(true);
  });
});

describe("peers", () => {
  test("are remembered and forgotten durably", () => {
    const world = new World();
    const { peers } = open(world);
    expect(peers.known(2)).toBeUndefined();
    peers.remember(2, "aa");
    peers.remember(3, "bb");
    peers.remember(2, "cc");
    world.crash();
    const again = open(world).peers;
    expect([again.known(1), again.known(2), again.known(3)]).toEqual([undefined, "cc", "bb"]);
    again.forget(2);
    again.forget(9);
    world.crash();
    const third = open(world).peers;
    expect([third.known(2), third.known(3)]).toEqual([undefined, "bb"]);
  });

  test("a full disk changes neither what is known nor what is stored", () => {
    const world = new World();
    const { peers } = open(world);
    peers.remember(2, "aa");
    world.disk.capacityBytes = world.disk.usedBytes;
    expect(() => peers.remember(3, "bb")).toThrow(DiskFullError);
    expect(() => peers.forget(2)).toThrow(DiskFullError);
    expect([peers.known(2), peers.known(3)]).toEqual(["aa", undefined]);
    world.crash();
    const again = open(world).peers;
    expect([again.known(2), again.known(3)]).toEqual(["aa", undefined]);
  });

  test("a damaged record is refused: forgetting a peer would let it come back empty", () => {
    const world = new World();
    open(world).peers.remember(2, "aa");
    world.disk.corrupt("peers.json", 35, (byte) => byte ^ 1);
    const error = refusal(() => open(world));
    expect(error.code).toBe("IDENTITY_DAMAGED");
    expect(error.message).toContain("peers.json");
  });
});
