/** How a node ends: once, and nothing of it goes on afterwards. */
import { crc32c } from "@node-rs/crc32";
import { afterEach, describe, expect, test, vi } from "vitest";
import { KvError } from "../../../src/base/index.ts";
import { silentLogger } from "../../../src/machine/ports/logger.ts";
import { SeededRandom } from "../../../src/machine/ports/seeded-random.ts";
import { SimClock } from "../../../src/proof/simulator/sim-clock.ts";
import { SimDisk } from "../../../src/proof/simulator/sim-disk.ts";
import { Node } from "../../../src/server/node/node.ts";
import { NODE_DEFAULTS } from "../../../src/server/node/options.ts";
import { LogStorage } from "../../../src/storage/log-storage.ts";
import { Scenario } from "../../proof/simulator/scenario.ts";

/** Names and contents. */
const files = (disk: SimDisk): string[] =>
  [...disk.copy()].map(([path, bytes]) => `${path} ${bytes.length} ${crc32c(bytes)}`);

/** A node alone, without a network, what it says, and which files it closes twice. */
function alone() {
  const clock = new SimClock();
  const random = new SeededRandom(1);
  const disk = new SimDisk({ random, schedule: (ms, callback) => void clock.after(ms, callback) });
  const told: string[] = [];
  const twice: string[] = [];
  const open = disk.open.bind(disk);
  disk.open = (path) => {
    const file = open(path);
    const close = file.close.bind(file);
    let isClosed = false;
    file.close = (done) => {
      if (isClosed) twice.push(path);
      isClosed = true;
      close(done);
    };
    return file;
  };
  const address = { host: "here", port: 1 };
  const node = Node.open(
    {
      ...NODE_DEFAULTS,
      ...{ nodeId: 1, clusterId: "alone", version: "0" },
      ...{ peerAddresses: new Map([[1, address]]), clientAddress: address },
    },
    {
      ...{ clock, random, disk, logger: silentLogger },
      network: {
        dial: () => {
          throw new Error("a node alone has nobody to dial");
        },
        listen: (where, _channels, _accept, ready) =>
          ready({ address: where, close: (done) => void clock.after(0, done) }),
      },
    },
    {
      onListening: () => {},
      onFatal: ({ message }) => told.push(`fatal: ${message}`),
      onFailedClosed: () => told.push("closed"),
    },
  );
  node.start();
  const stop = (): void => node.stop(() => told.push("stopped"));
  return { clock, node, told, twice, stop };
}

/** From now on the disk fails whenever something is to be staged. @returns how often the log is flushed after that */
function failWhenStaged(node: Node): () => number {
  const flush = vi.spyOn(LogStorage.prototype, "flush");
  vi.spyOn(LogStorage.prototype, "stage").mockImplementation(() => {
    flush.mockClear();
    node.fail(new Error("no disk"));
    return true;
  });
  return () => flush.mock.calls.length;
}

describe("a node that fails", () => {
  afterEach(() => void vi.restoreAllMocks());

  test("in the turn that ends it says so, and closes each file once", () => {
    const { clock, node, told, twice, stop } = alone();
    clock.run(1000);
    node.replica.endTurn = () => {
      throw new KvError("INTERNAL", "no log");
    };
    stop();
    clock.run(1000);
    expect(told).toEqual(["fatal: no log", "closed"]);
    expect(twice).toEqual([]);
  });

  test("when its last writes are staged says so, and closes each file once; to stop it again does nothing", () => {
    const { clock, node, told, twice, stop } = alone();
    clock.run(1000);
    const flushes = failWhenStaged(node);
    stop();
    stop();
    clock.run(1000);
    stop();
    clock.run(1000);
    expect(told).toEqual(["fatal: no disk", "closed"]);
    expect(twice).toEqual([]);
    // When it is closed.
    expect(flushes()).toBe(1);
  });

  test("when writes of a turn are staged does not go on with the turn", () => {
    const { clock, node, told, twice } = alone();
    const flushes = failWhenStaged(node);
    clock.run(1000);
    expect(told).toEqual(["fatal: no disk", "closed"]);
    expect(twice).toEqual([]);
    expect(flushes()).toBe(1);
  });
});

describe("a node that stops while it writes a snapshot", () => {
  test("leaves no part of it behind, and touches the disk no more", () => {
    const { world } = new Scenario(1, 1, { snapshotEntries: 10 });
    const { disk, node } = world.nodes[0]!;
    const client = world.newProbe(9, 1);
    for (let i = 0; i < 9; i++) {
      let isDone = false;
      const value = "v".repeat(100_000);
      client.submit({ kind: "write", key: `k${i}`, value }, () => (isDone = true));
      expect(world.runUntil(() => isDone, 5000)).toBe(true);
    }
    client.submit({ kind: "write", key: "last", value: "" }, () => {});
    const isWriting = (): boolean => disk.list("snapshots").some((name) => name.endsWith(".part"));
    expect(world.runUntil(isWriting, 5000)).toBe(true);
    // As in a program that goes on: the clock of the node's process does, too.
    let isStopped = false;
    node!.stop(() => (isStopped = true));
    expect(world.runUntil(() => isStopped, 5000)).toBe(true);
    const before = files(disk);
    expect(before.filter((text) => text.includes(".part"))).toEqual([]);
    world.run(3000);
    expect(files(disk)).toEqual(before);
  });
});
