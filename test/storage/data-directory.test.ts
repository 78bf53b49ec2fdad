/** Whose directory it is: found again after a restart, refused to others, and never believed when it is damaged. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openNode } from "../../src/server/node/open-node.ts";
import { NODE_DEFAULTS } from "../../src/server/node/options.ts";
import { silentLogger } from "../../src/machine/ports/logger.ts";
import { type DataDirectory } from "../../src/storage/data-directory.ts";
import { metPeer, type RememberedPeer } from "../../src/storage/peer-memory.ts";
import { StorageError } from "../../src/storage/storage-error.ts";
import { RUNS_MAX, type MarkRun } from "../../src/storage/told-marks.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { openDirectory as open } from "./open-directory.ts";
import { append, group, texts, World } from "./world.ts";

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

  test("a mark that was read is durable, though the process that set it died before its sync", () => {
    class Stop extends Error {}
    for (const mark of ["logBegun", "joined"] as const) {
      for (let seed = 0; seed < 30; seed++) {
        let armed = false;
        const world = new World(1024, seed, (name, path) => {
          if (armed && name === "syncNow" && path === "identity.json") throw new Stop();
        });
        const first = open(world, 1, { rejoin: true });
        armed = true;
        expect(() => (mark === "joined" ? first.join() : first.beginLog())).toThrow(Stop);
        armed = false;
        world.crash("process");
        const told = open(world, 2)[mark];
        world.crash("power");
        expect(open(world, 3)[mark]).toBe(told);
      }
    }
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
    const later = identityText(world).replace('"format":2', '"format":7');
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
    const text = `{"format":2,"crc":${String(0x297bd0aa)},"content":{},"logBegun":0,"joined":1}\n`;
    world.disk.replace("identity.json", Buffer.from(text));
    const error = refusal(() => open(world));
    expect(error.code).toBe("IDENTITY_DAMAGED");
    expect(error.message).toContain("a field");
  });
});

describe("a log that has begun", () => {
  function begun(): World {
    const world = new World();
    const directory = open(world);
    world.owner = directory.logOwner;
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
      expect(error.message).toMatch(/nothing of it is here.*--rejoin/);
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
          peerAddresses: new Map([1, 2, 3].map((id) => [id, { host: "a", port: id }])),
          clientAddress: { host: "a", port: 9 },
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

describe("members", () => {
  test("are noted when the directory is made, in any order; a cluster of others is refused with both lists", () => {
    const world = new World();
    open(world, 1, { members: [3, 1, 2] });
    world.crash();
    open(world, 1, { members: [2, 3, 1] });
    for (const members of [[1, 2, 3, 4, 5], [1], [1, 2, 4]]) {
      const error = refusal(() => open(world, 1, { members }));
      expect(error.code).toBe("MEMBERS_MISMATCH");
      expect(error.message).toContain("belongs to a cluster of nodes 1, 2, 3;");
      expect(error.message).toContain(`one of ${members.join(", ")}: start it with the right`);
    }
  });
});

describe("a node that joins", () => {
  test("takes part from the start, unless it is to take everything from the others first", () => {
    const world = new World();
    expect(open(world).joined).toBe(true);
    world.crash();
    // On a directory that exists the flag changes nothing.
    expect(open(world, 1, { rejoin: true }).joined).toBe(true);

    const empty = new World();
    expect(open(empty, 1, { rejoin: true }).joined).toBe(false);
    empty.crash();
    const again = open(empty);
    expect(again).toMatchObject({ joined: false, logBegun: false });
    empty.disk.capacityBytes = empty.disk.usedBytes;
    again.join();
    again.join();
    expect(again).toMatchObject({ joined: true, logBegun: false });
    empty.crash();
    const third = open(empty);
    expect(third).toMatchObject({ joined: true, logBegun: false });
    third.beginLog();
    empty.crash();
    expect(open(empty)).toMatchObject({ joined: true, logBegun: true });
  });
});

/** What a peer hears at the begin of a session with this process. */
function hears({ peers }: DataDirectory, peer = 2): MarkRun | undefined {
  const last = peers.introduce(peer).at(-1);
  peers.met(peer);
  return last;
}

function knows({ peers }: DataDirectory, { boot, to }: MarkRun): boolean {
  return peers.introduce(2).some((run) => run.boot === boot && to <= run.to);
}

describe("marks", () => {
  test("what a peer is told when it is met is durable before, and known for ever", () => {
    const world = new World();
    const heard: MarkRun[] = [];
    for (let boot = 1; boot <= 100; boot++) {
      const directory = open(world, boot);
      const before = heard.at(-1);
      if (before !== undefined) expect(knows(directory, before)).toBe(true);
      heard.push(hears(directory)!);
      world.clock.run(110);
      world.crash("process");
    }
    expect(new Set(heard.map(({ to }) => to)).size).toBe(100);
    expect(new Set(heard.map(({ boot }) => boot)).size).toBe(100);
  });

  test("starts that meet nobody use nothing up, be there ever so many", () => {
    const world = new World();
    const met = hears(open(world, 1))!;
    for (let boot = 2; boot <= 71; boot++) open(world, boot).flush(() => {});
    world.crash();
    const again = open(world, 72);
    expect(knows(again, met)).toBe(true);
    expect(again.peers.introduce(2)).toEqual([met, expect.objectContaining({ from: 2, to: 2 })]);
  });

  test("nor does meeting others; and an older copy that met others lately is told from the original", () => {
    const world = new World();
    const directory = open(world, 1);
    hears(directory);
    const copy = world.disk.read("memory", 0, world.disk.size("memory"));
    directory.peers.markSoon();
    world.clock.run(1500);
    const mark = directory.peers.markFor(2);
    const boot = directory.bootId;
    expect(mark).toBe(2);
    expect(knows(open(world, 2), { boot, from: 1, to: mark })).toBe(true);
    world.crash();
    world.disk.replace("memory", copy);
    for (let start = 3; start <= 80; start++) {
      const copied = open(world, start);
      hears(copied, 3);
      copied.peers.markSoon();
      world.clock.run(1500);
      world.crash();
    }
    const copied = open(world, 81);
    expect(knows(copied, { boot, from: 1, to: mark })).toBe(false);
    expect(knows(copied, { boot, from: 1, to: 1 })).toBe(true);
  });

  test("after more starts that began to talk and came to no session than fit, what was heard is still known", () => {
    const world = new World();
    const first = open(world, 1).peers.introduce(2).at(-1)!;
    for (let boot = 2; boot <= 40; boot++) open(world, boot).peers.introduce(2);
    const last = open(world, 41);
    expect(knows(last, first)).toBe(true);
    // It goes on as the last that had room, and tells nothing new.
    expect(last.peers.introduce(2)).toHaveLength(RUNS_MAX);
    const { to } = last.peers.introduce(2).at(-1)!;
    last.peers.markSoon();
    world.clock.run(1500);
    expect(last.peers.markFor(2)).toBe(to);
    last.peers.met(2);
    world.clock.run(1500);
    const next = open(world, 42);
    expect(next.peers.introduce(2)).toMatchObject([{ to }, { boot: next.bootId }]);
  });

  test("one that is due is told no sooner than it is durable, wherever the process dies", () => {
    for (let ms = 0; ms <= 1100; ms += 25) {
      for (const kind of ["process", "power"] as const) {
        const world = new World();
        const directory = open(world, 1);
        hears(directory);
        directory.peers.markSoon();
        world.clock.run(ms);
        const told = { boot: directory.bootId, from: 1, to: directory.peers.markFor(2) };
        world.crash(kind);
        expect(knows(open(world, 2), told)).toBe(true);
      }
    }
  });

  test("at most one a second, in one write with what peers have told; and none when nothing is due", () => {
    const operations: string[] = [];
    const world = new World(4096, 1, (name, path) => operations.push(`${name} ${path}`));
    const { peers } = open(world);
    peers.introduce(2);
    peers.introduce(3);
    world.settle();
    operations.length = 0;
    for (let i = 0; i < 500; i++) {
      peers.markSoon();
      peers.update(2, { ...metPeer("aa"), acceptedIdx: i });
      world.clock.run(10);
    }
    world.clock.run(2000);
    const kept = operations.filter((operation) => /sync|durabl/i.test(operation));
    expect(peers.markFor(2)).toBe(peers.markFor(3));
    expect(peers.markFor(2)).toBeGreaterThanOrEqual(5);
    expect(peers.markFor(2)).toBeLessThanOrEqual(8);
    expect(kept.length).toBeLessThanOrEqual(8);
    operations.length = 0;
    world.clock.run(60_000);
    expect(operations).toEqual([]);
  });
});

describe("peers", () => {
  const peer = (incarnation: string, decidedIdx = 0): RememberedPeer => ({
    ...metPeer(incarnation),
    decidedIdx,
    promise: { configId: 1, n: 2 ** 40, priority: 0, pid: 3 },
  });

  test("are remembered durably, also on a full disk", () => {
    const world = new World();
    const { peers } = open(world);
    expect(peers.get(2)).toBeUndefined();
    world.disk.capacityBytes = world.disk.usedBytes;
    peers.set(2, peer("aa"));
    peers.set(3, { ...peer("bb", 7), waits: true });
    peers.set(2, peer("cc"));
    world.crash();
    const again = open(world).peers;
    expect([...again.all()]).toEqual([
      [2, peer("cc")],
      [3, { ...peer("bb", 7), waits: true }],
    ]);
  });

  test("what is updated is noted within 100 ms, and durable within a second", () => {
    const known = (world: World): number | undefined => open(world).peers.get(2)?.decidedIdx;
    for (const [ms, kind, expected] of [
      [110, "process", 9],
      [1010, "power", 9],
      [0, "process", 1],
    ] as const) {
      const world = new World();
      const { peers } = open(world);
      peers.set(2, peer("aa", 1));
      peers.update(2, peer("aa", 5));
      peers.update(2, peer("aa", 9));
      expect(peers.get(2)?.decidedIdx).toBe(9);
      world.clock.run(ms);
      world.crash(kind);
      expect(known(world)).toBe(expected);
    }
  });

  test("what is updated is durable after flush and close, and what is set takes it along", () => {
    for (const way of ["flush", "close", "set"] as const) {
      const world = new World();
      const directory = open(world);
      directory.peers.update(2, peer("aa", 5));
      if (way === "set") {
        directory.peers.set(2, peer("aa", 5));
      } else {
        let done = false;
        directory[way](() => (done = true));
        world.clock.run(10);
        expect(done).toBe(true);
      }
      world.crash();
      expect(open(world).peers.get(2)?.decidedIdx).toBe(5);
    }
  });

  test("what does not change is not written", () => {
    const operations: string[] = [];
    const world = new World(4096, 1, (name, path) => operations.push(`${name} ${path}`));
    const { peers } = open(world);
    peers.set(2, peer("aa", 5));
    operations.length = 0;
    peers.set(2, peer("aa", 5));
    peers.update(2, peer("aa", 5));
    world.settle();
    expect(operations).toEqual([]);
  });

  test("a failing disk is told", () => {
    const world = new World();
    const errors: Error[] = [];
    const { peers } = open(world, 1, { onFailure: (error) => errors.push(error) });
    world.disk.failSyncs = 1;
    peers.update(2, peer("aa", 5));
    world.settle();
    expect(errors).toMatchObject([{ code: "DISK_FAILED" }]);
  });

  test("nine of them with the largest of numbers and strangest of names fit", () => {
    const world = new World();
    const members = Array.from({ length: 9 }, (_, i) => 91 + i);
    const largest = Number.MAX_SAFE_INTEGER;
    const ballot = { configId: largest, n: largest, priority: largest, pid: largest };
    const strange: RememberedPeer = {
      incarnation: "\u0001".repeat(256),
      generation: largest,
      bootId: largest,
      mark: largest,
      promise: ballot,
      acceptedRound: ballot,
      acceptedIdx: largest,
      decidedIdx: largest,
      waits: true,
    };
    for (let boot = 0; boot < 64; boot++) {
      const { peers } = open(world, boot, { nodeId: 91, members });
      for (const id of members) peers.introduce(id);
    }
    const { peers } = open(world, 64, { nodeId: 91, members });
    for (const id of members) peers.set(id, strange);
    world.crash();
    expect(open(world, 65, { nodeId: 91, members }).peers.get(99)).toEqual(strange);
  });

  test("a record that is missing, damaged or another's is refused: it is what tells a peer that came back empty", () => {
    const make = (seed: number): World => {
      const world = new World();
      open(world, seed).peers.set(2, peer("aa"));
      return world;
    };
    const other = make(2);
    const damages: readonly ((world: World) => void)[] = [
      ({ disk }) => disk.remove("memory"),
      ({ disk }) => disk.replace("memory", new Uint8Array(0)),
      ({ disk }) => disk.replace("memory", new Uint8Array(disk.size("memory"))),
      ({ disk }) => disk.replace("memory", other.disk.read("memory", 0, other.disk.size("memory"))),
    ];
    for (const damage of damages) {
      const world = make(1);
      damage(world);
      const error = refusal(() => open(world));
      expect(error.code).toBe("IDENTITY_DAMAGED");
      expect(error.message).toMatch(/^memory.*--rejoin/);
    }
  });

  test("no flipped bit takes what was set", () => {
    const world = new World();
    open(world).peers.set(2, peer("aa"));
    const sound = world.disk.read("memory", 0, world.disk.size("memory"));
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.nat(7), (at, bit) => {
        const bytes = sound.slice();
        bytes[at]! ^= 1 << bit;
        world.disk.replace("memory", bytes);
        expect(open(world).peers.get(2)).toEqual(peer("aa"));
      }),
      { numRuns: 300 },
    );
  });
});
