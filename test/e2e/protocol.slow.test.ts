/** What strangers and faulty programs may send to the ports of a real server. */
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { dialWithHandshake } from "../../src/links/handshake/handshake-connection.ts";
import { GroupWriter } from "../../src/store/index.ts";
import { nodeClock } from "../../src/machine/runtime/node-clock.ts";
import { createNodeRandom } from "../../src/machine/runtime/node-random.ts";
import { WsNetwork } from "../../src/machine/network/ws-network.ts";
import type { Channel, Connection } from "../../src/machine/ports/network.ts";
import { decodeAnswers, takeWritesFrame } from "../../src/protocol/client/client.ts";
import { eventually, TestCluster } from "./cluster.ts";

let cluster: TestCluster;
afterEach(() => cluster.dispose());

/** A connection past the handshake; frames that come in are collected. */
async function rawConnection(
  port: number,
  channel: Channel = "client",
): Promise<{ connection: Connection; frames: Uint8Array[]; closed: Promise<string> }> {
  const frames: Uint8Array[] = [];
  let onClosed: (reason: string) => void = () => {};
  const closed = new Promise<string>((resolve) => {
    onClosed = resolve;
  });
  const network = new WsNetwork();
  return new Promise((resolve, reject) => {
    dialWithHandshake((handlers) => network.dial({ host: "127.0.0.1", port }, channel, handlers), {
      clock: nodeClock,
      random: createNodeRandom(),
      timeoutMs: 5000,
      handshake: {
        self: {
          channel,
          clusterId: null,
          nodeId: null,
          targetId: null,
          incarnation: null,
          origin: null,
          configurationId: null,
          peer: null,
        },
        secret: null,
      },
      established: (connection) => {
        resolve({ connection, frames, closed });
        return { onFrame: (frame) => frames.push(frame.slice()), onClose: onClosed };
      },
      failed: (failure) => reject(new Error(failure.text)),
    });
  });
}

async function expectServing(): Promise<void> {
  const client = cluster.client();
  await client.write("alive", "yes");
  for (const { id } of cluster.nodes) {
    expect((await client.read("alive", { node: id })).found).toBe(true);
  }
}

describe("garbage", () => {
  test("raw bytes on both ports close that connection and hurt nobody else", async () => {
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    const { port, peerPort } = cluster.nodes[0]!;
    for (const target of [port, peerPort]) {
      for (const bytes of ["\0\0\0\0", "GET / HTTP/1.1\r\n\r\n", "x".repeat(100_000)]) {
        await new Promise<void>((done) => {
          const socket = connect(target, "127.0.0.1", () => socket.end(bytes));
          socket.on("data", () => {});
          socket.on("error", () => {});
          socket.on("close", () => done());
        });
      }
    }
    await expectServing();
  }, 240_000);

  test("frames that are no handshake, no frames, too large or of another version are refused with a logged reason", async () => {
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    const { port, peerPort } = cluster.nodes[0]!;
    const paths = [
      `ws://127.0.0.1:${port}/client`,
      `ws://127.0.0.1:${port}/admin`,
      `ws://127.0.0.1:${peerPort}/peer`,
    ];
    const otherVersion = Buffer.concat([Buffer.from("OMKV"), Buffer.from([1, 0, 99, 0x90])]);
    for (const path of paths) {
      for (const frame of [
        Buffer.alloc(0),
        Buffer.alloc(100, 7),
        otherVersion,
        Buffer.alloc(5_000_000),
      ]) {
        await new Promise<void>((done, failed) => {
          const socket = new WebSocket(path);
          socket.on("open", () => socket.send(frame));
          socket.on("error", () => {});
          socket.on("close", () => done());
          setTimeout(() => failed(new Error(`${path} was left open`)), 15_000).unref();
        });
      }
    }
    expect(cluster.log(1)).toMatch(/warn .*refused/);
    await expectServing();
  }, 240_000);

  test("a client that sends nonsense after its handshake loses its connection, with a reason", async () => {
    cluster = await TestCluster.create(1);
    await cluster.startAll();
    for (const frame of [Buffer.from([77]), Buffer.from([1, 0]), Buffer.from([2, 9, 9])]) {
      const { connection, closed } = await rawConnection(cluster.nodes[0]!.port);
      connection.send(frame);
      expect(await closed).toContain("malformed frame");
    }
    expect(cluster.log(1)).toContain("malformed frame from a client");
    const admin = await rawConnection(cluster.nodes[0]!.port, "admin");
    admin.connection.send(Buffer.from([0xc1]));
    expect(await admin.closed).toContain("malformed request");
    await expectServing();
  }, 240_000);

  test("a web page of another site may not open a connection", async () => {
    cluster = await TestCluster.create(1);
    await cluster.startAll();
    const status = await new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${cluster.nodes[0]!.port}/admin`, {
        origin: "https://elsewhere.example",
      });
      socket.on("unexpected-response", (_, response) => resolve(response.statusCode));
      socket.on("open", () => resolve("open"));
      socket.on("error", () => {});
    });
    expect(status).toBe(403);
  }, 240_000);
});

describe("repeated requests", () => {
  test("the same session and number take effect once, through whichever node, and get the first answer", async () => {
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    await expectServing();
    const writer = new GroupWriter();
    const bytes = (text: string): Uint8Array => Buffer.from(text);
    const first = await rawConnection(cluster.nodes[0]!.port);
    let session = 0;
    const answers: { sequence: number; status: number; revision: number }[] = [];
    const collect = (frames: readonly Uint8Array[]): void => {
      for (const frame of frames) {
        decodeAnswers(frame, {
          appliedIdx: () => {},
          write: (_, sequence, status, revision) => {
            answers.push({ sequence, status, revision });
          },
          opened: (_, __, id) => {
            session = id;
          },
          refused: () => {},
          value: () => {},
          missing: () => {},
          unread: () => {},
        });
      }
    };
    writer.add(1, { kind: "openSession", nonce: createNodeRandom().bytes(16) });
    first.connection.send(takeWritesFrame(writer, 0, 0));
    await eventually("the session is open", () => {
      collect(first.frames.splice(0));
      return session > 0;
    });
    const cas = (): Uint8Array => {
      writer.add(1, { kind: "casAbsent", key: bytes("once"), value: bytes("mine") });
      return takeWritesFrame(writer, session, 0);
    };
    first.connection.send(cas());
    first.connection.send(cas());
    const second = await rawConnection(cluster.nodes[1]!.port);
    second.connection.send(cas());
    await eventually("three answers", () => {
      collect(first.frames.splice(0));
      collect(second.frames.splice(0));
      return answers.length >= 3;
    });
    expect(new Set(answers.map(({ status, revision }) => `${status} ${revision}`)).size).toBe(1);
    expect(answers[0]!.status).toBe(0);
    const read = await cluster.client().read("once");
    expect(read).toMatchObject({ found: true, version: 1 });
    first.connection.destroy();
    second.connection.destroy();
  }, 240_000);
});

describe("the secret", () => {
  test("peers, clients and management need it; the wrong one is refused in words", async () => {
    cluster = await TestCluster.create(3, { secret: "c0rrect-h0rse-battery-staple-0451" });
    await cluster.startAll();
    await expectServing();
    const wrong = cluster.client({
      secret: "wr0ng-h0rse-battery-staple-0451",
      failFast: true,
      timeoutMs: 3000,
    });
    await expect(wrong.read("alive", { node: 1 })).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    const none = cluster.client({ secret: null, failFast: true, timeoutMs: 3000 });
    await expect(none.read("alive", { node: 1 })).rejects.toThrow(/secret/);
  }, 240_000);

  test("binding beyond this machine without one is refused with the reason", async () => {
    cluster = await TestCluster.create(1);
    await cluster.start(1, { flags: ["--host", "0.0.0.0"] });
    expect(cluster.exitCode(1)).toBe(2);
    expect(cluster.log(1)).toContain("--secret-file");
  }, 240_000);
});
