/** No client takes the server from the others: attacks over real sockets on a real node. */
import { afterEach, describe, expect, test } from "vitest";
import { GroupWriter } from "../../../src/store/index.ts";
import { encodeAdminRequest } from "../../../src/protocol/admin/admin.ts";
import {
  decodeAnswers,
  ReadsWriter,
  takeWritesFrame,
  type AnswerHandler,
} from "../../../src/protocol/client/client.ts";
import { until } from "../../conformance/wait.ts";
import { startGateWorld, type GateWorld } from "./world.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

let world: GateWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const keyOf = (i: number): Uint8Array => Buffer.from(`key/${i}`);

function readsFrame(count: number, minIdx: number, local = true, key = keyOf(0)): Uint8Array {
  const writer = new ReadsWriter();
  for (let i = 1; i <= count; i++) writer.read(i, key);
  return writer.take(local, minIdx);
}

/** What a connection was told, by kind of record. */
function answersIn(frames: readonly Uint8Array[]): {
  refused: string[];
  unread: string[];
} {
  const told = { refused: [] as string[], unread: [] as string[] };
  const handler: AnswerHandler = {
    ...{ appliedIdx: () => {}, value: () => {}, missing: () => {}, opened: () => {} },
    write: () => {},
    refused: (_session, _first, _count, code) => told.refused.push(code),
    unread: (_request, code) => told.unread.push(code),
  };
  for (const frame of frames) decodeAnswers(frame, handler);
  return told;
}

describe("management", () => {
  test("whose answers are not read is answered no further, and takes no memory", async () => {
    world = await startGateWorld();
    // Each answer to listKeys is a megabyte.
    const long = (i: number): string => `${i}`.padEnd(4 * KIB, "k");
    await Promise.all(Array.from({ length: 300 }, (_, i) => world!.client.write(long(i), "")));
    const { connection } = await world.attack("admin");
    connection.pause();
    const request = encodeAdminRequest(1, "listKeys", {
      prefix: new Uint8Array(0),
      after: null,
      limit: 1000,
    });
    for (let sent = 0; sent < 128 * KIB; sent += request.length) connection.send(request);
    let most = 0;
    const server = world.accepted.at(-1)!;
    for (let i = 0; i < 50; i++) {
      await sleep(10);
      most = Math.max(most, server.bufferedBytes());
    }
    expect(most).toBeLessThan(3 * MIB);
    expect((await world.admin.call(1, "status", {})).nodeId).toBe(1);
    expect(server.unfinishedBytes()).toBeLessThan(128 * KIB);
  });

  test("requests beyond a rate wait, and those of others do not wait behind them", async () => {
    world = await startGateWorld();
    const flood = await world.attack("admin");
    const request = encodeAdminRequest(1, "status", {});
    for (let i = 0; i < 20_000; i++) flood.connection.send(request);
    await sleep(20);
    const begunMs = performance.now();
    for (let i = 0; i < 10; i++) await world.admin.call(1, "status", {});
    expect(performance.now() - begunMs).toBeLessThan(5000);
    expect(flood.frames.length).toBeLessThan(1000);
    expect(flood.closed()).toBeNull();
  });

  test("what changed a moment ago is in the next answer", async () => {
    world = await startGateWorld();
    const before = await world.admin.call(1, "status", {});
    expect((await world.admin.call(1, "getLinks", {})).links).toEqual(before.links);
  });
});

describe("reads", () => {
  test("that wait for what nobody has applied leave room for those of others", async () => {
    world = await startGateWorld();
    const ahead = world.node.replica.appliedIdx + 1_000_000;
    const hogs = await Promise.all([1, 2, 3].map(() => world!.attack("client")));
    for (const { connection } of hogs) {
      for (let i = 0; i < 50; i++) connection.send(readsFrame(4096, ahead));
    }
    await sleep(100);
    for (let i = 0; i < 20; i++) {
      const { found } = await world.client.read("first");
      expect(found).toBe(true);
    }
    // Somebody who has a reason to wait may.
    const waiting = await world.attack("client");
    waiting.connection.send(readsFrame(100, world.node.replica.appliedIdx + 1));
    await world.client.write("next", "value");
    await until(() => waiting.frames.length > 0);
    expect(answersIn(waiting.frames).unread).toEqual([]);
  });

  test("for an index that no node can have are refused", async () => {
    world = await startGateWorld();
    const liar = await world.attack("client");
    liar.connection.send(readsFrame(1, Number.MAX_SAFE_INTEGER));
    await until(() => liar.frames.length > 0);
    expect(answersIn(liar.frames).unread).toEqual(["BAD_REQUEST"]);
  });
});

describe("writes", () => {
  /** Without a session of its own: its commands are answered all the same. */
  function writesFrame(count: number, first: number, valueBytes: number): Uint8Array {
    const writer = new GroupWriter();
    const value = new Uint8Array(valueBytes);
    for (let i = 0; i < count; i++) writer.add(first + i, { kind: "write", key: keyOf(i), value });
    return takeWritesFrame(writer, 999, 0);
  }

  test("of one connection in frames as large as there are do not have others refused", async () => {
    world = await startGateWorld();
    const hog = await world.attack("client");
    for (let i = 0; i < 60; i++) hog.connection.send(writesFrame(4096, 1 + i * 4096, 0));
    await sleep(20);
    for (let i = 0; i < 30; i++) await world.client.write(`mine/${i}`, "value");
    expect(hog.closed()).toBeNull();
  });

  test("are all answered, once, in their order, however a frame was taken apart", async () => {
    world = await startGateWorld();
    const writer = await world.attack("client");
    const total = 3 * 4096;
    for (let i = 0; i < 3; i++) writer.connection.send(writesFrame(4096, 1 + i * 4096, 10));
    const sequences: number[] = [];
    const handler = {
      ...{ appliedIdx: () => {}, value: () => {}, missing: () => {}, opened: () => {} },
      ...{ unread: () => {}, refused: () => {} },
      write: (_session: number, sequence: number) => sequences.push(sequence),
    } as AnswerHandler;
    let read = 0;
    await until(() => {
      for (; read < writer.frames.length; read++) decodeAnswers(writer.frames[read]!, handler);
      return sequences.length >= total;
    });
    expect(sequences).toEqual(Array.from({ length: total }, (_, i) => i + 1));
  });
});

describe("memory of all connections together", () => {
  test("counts frames that are never finished", async () => {
    world = await startGateWorld({ bufferBytesMax: 8 * MIB });
    const hogs = await Promise.all(Array.from({ length: 6 }, () => world!.attack("client")));
    const servers = world.accepted.slice(-6);
    for (const { connection } of hogs) {
      // A frame of 3 MiB, which a slow network has brought to all but the end: the socket is paused in its middle.
      connection.send(readsFrame(4096, 2 ** 40, true, new Uint8Array(700)));
    }
    await sleep(300);
    // A busy machine may take a while to end those that are too many.
    const held = (): number => servers.reduce((sum, each) => sum + each.unfinishedBytes(), 0);
    await until(() => held() <= 8 * MIB);
    expect((await world.client.read("first")).found).toBe(true);
  });
});

describe("what strangers make a server write", () => {
  test("is bounded in length and number", async () => {
    world = await startGateWorld();
    const text = "\u001b[2Jhello".repeat(1000);
    const before = world.lines.length;
    for (let i = 0; i < 40; i++) {
      const liar = await world.attack("admin");
      liar.connection.send(Buffer.from(text));
      await until(() => liar.closed() !== null);
    }
    const lines = world.lines.slice(before).filter((line) => line.startsWith("warn"));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(10);
    for (const line of lines) expect(line.length).toBeLessThan(600);
  });
});
