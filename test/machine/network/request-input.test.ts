/** Requests with bodies, and what is no request at all: by how much of it is read. */
import { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Strangers } from "../../../src/machine/network/strangers.ts";
import { WsNetwork, type WsNetworkOptions } from "../../../src/machine/network/ws-network.ts";
import type { Channel, Listener } from "../../../src/machine/ports/network.ts";
import { fixedTls } from "../../../src/machine/tls/tls-side.ts";
import { until } from "../../conformance/wait.ts";
import { Certificates, hasOpenssl } from "../certificates.ts";
import { atEnd, raw, upgradeRequest } from "../ws-world.ts";

const certificates = hasOpenssl ? new Certificates() : null;

/** Most of what Node.js reads of a socket before anybody can tell it to stop: a few pieces of 64 KiB, and in TLS some of its own. */
const READ_MAX = 6 * 64 * 1024;
const FLOOD_BYTES = 8 * 1024 * 1024;
const CHUNKED = "Host: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n";

/** What listeners have accepted. */
let accepted: Socket[] = [];

const add = Object.getOwnPropertyDescriptor(Strangers.prototype, "add") ?? {};

beforeAll(() => {
  Object.defineProperty(Strangers.prototype, "add", {
    ...add,
    value(this: Strangers, socket: Socket): void {
      accepted.push(socket);
      Reflect.apply(add.value as (socket: Socket) => void, this, [socket]);
    },
  });
});

afterAll(() => {
  Object.defineProperty(Strangers.prototype, "add", add);
});

beforeEach(() => {
  accepted = [];
});

const FRONTS = ["of clients", "of nodes", "of clients in TLS"] as const;
type Front = (typeof FRONTS)[number];
const fronts = FRONTS.filter((front) => front !== "of clients in TLS" || hasOpenssl);

async function listen(front: Front, options: WsNetworkOptions = {}) {
  const tls = front === "of clients in TLS" ? certificates : null;
  const rejected: string[] = [];
  const frames: Uint8Array[] = [];
  const network = new WsNetwork({
    clientTls: tls === null ? null : fixedTls(tls.material(["127.0.0.1"])),
    onRejected: (_, reason) => rejected.push(reason),
    ...options,
  });
  const channels: readonly Channel[] = front === "of nodes" ? ["peer"] : ["client", "admin"];
  const listener = await new Promise<Listener>((resolve, reject) => {
    network.listen(
      { host: "127.0.0.1", port: 0 },
      channels,
      (connection) => {
        connection.admit();
        return { onFrame: (frame) => frames.push(frame), onClose: () => {} };
      },
      (result) => (result instanceof Error ? reject(result) : resolve(result)),
    );
  });
  atEnd(() => new Promise((resolve) => listener.close(resolve)));
  const { port } = listener.address;
  const open = () => {
    const socket =
      tls === null
        ? connect(port, "127.0.0.1")
        : connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    let text = "";
    let closed = false;
    socket.on("data", (data: Buffer) => (text += data.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => (closed = true));
    atEnd(async () => void socket.destroy());
    return { socket, text: () => text, closed: () => closed };
  };
  return { port, open, rejected, frames };
}

/** Sends it on and on. */
function pour(socket: Socket, unit: string): void {
  const piece = Buffer.from(unit.repeat(Math.floor(60_000 / unit.length)));
  for (let bytes = 0; bytes < FLOOD_BYTES; bytes += piece.length) socket.write(piece);
}

describe.each(fronts)("at the port %s", (front) => {
  test.each([
    ["POST", `POST / HTTP/1.1\r\n${CHUNKED}\r\n`],
    ["GET", `GET / HTTP/1.1\r\n${CHUNKED}\r\n`],
    ["which it asks whether to send", `PUT / HTTP/1.1\r\n${CHUNKED}Expect: 100-continue\r\n\r\n`],
    ["with wishes that nobody knows", `POST / HTTP/1.1\r\n${CHUNKED}Expect: wonders\r\n\r\n`],
    ["of an upgrade", upgradeRequest("/client", { "Transfer-Encoding": "chunked" })],
  ])("a body in chunks of a byte is hardly read: %s", async (_, head) => {
    const { open } = await listen(front);
    const push = vi.spyOn(IncomingMessage.prototype, "push");
    atEnd(async () => push.mockRestore());
    const client = open();
    client.socket.write(head);
    pour(client.socket, "1\r\nx\r\n");
    await until(() => accepted[0]?.destroyed === true);
    expect(accepted[0]?.bytesRead).toBeLessThan(READ_MAX);
    // What came within the same kilobyte as the head.
    expect(push.mock.calls.length).toBeLessThan(1024 / 6);
  });

  test.each([
    ["empty lines", "\r\n"],
    ["a header without end", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: x"],
  ])("no more than the limit is read of %s", async (_, begin) => {
    const { open, rejected } = await listen(front);
    const client = open();
    client.socket.write(begin);
    pour(client.socket, begin === "\r\n" ? begin : "x");
    await until(() => accepted[0]?.destroyed === true);
    expect(accepted[0]?.bytesRead).toBeLessThan(READ_MAX);
    expect(rejected).toHaveLength(1);
  });

  test("whoever sends a body, and reads, is told that none is taken", async () => {
    const { open } = await listen(front);
    const client = open();
    client.socket.write("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n");
    client.socket.write("x".repeat(100_000));
    await until(client.closed);
    expect(client.text()).toMatch(/^HTTP\/1.1 405 .*\r\nConnection: close\r\nAllow: GET, HEAD\r\n/);
    expect(client.text().match(/HTTP\/1.1/g)).toHaveLength(1);
  });

  test("requests without a body are answered one after the other, however many bytes they are altogether", async () => {
    const { open } = await listen(front, {
      onRequest: (_, response) => response.writeHead(426).end("answer"),
    });
    const client = open();
    const padding = "x".repeat(4000);
    for (let i = 1; i <= 10; i++) {
      client.socket.write(
        `GET /${i} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nX: ${padding}\r\n\r\n`,
      );
      await until(() => client.text().match(/HTTP\/1.1 426/g)?.length === i);
    }
    expect(client.closed()).toBe(false);
  });

  test("frames that come in one piece with the upgrade are not lost", async () => {
    const { open, frames } = await listen(front);
    const client = open();
    const path = front === "of nodes" ? "/peer" : "/client";
    const head = Buffer.from([0x82, 0xfe, 3000 >> 8, 3000 & 0xff, 0, 0, 0, 0]);
    const frame = (byte: number): Buffer => Buffer.concat([head, Buffer.alloc(3000, byte)]);
    client.socket.write(
      Buffer.concat([Buffer.from(upgradeRequest(path)), frame(1), frame(2), frame(3)]),
    );
    await until(() => frames.length === 3);
    expect(frames.map((bytes) => [bytes.length, bytes[0], bytes[2999]])).toEqual(
      [1, 2, 3].map((byte) => [3000, byte, byte]),
    );
  });
});

test("a few requests at once are answered, though the answers are large and read late", async () => {
  const { open } = await listen("of clients", {
    onRequest: (_, response) => response.end("y".repeat(3_000_000)),
  });
  const client = open();
  client.socket.pause();
  const padding = "x".repeat(1500);
  client.socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${padding}\r\n\r\n`.repeat(6));
  await until(() => accepted.length === 1 && accepted[0]!.bytesRead > 9000);
  client.socket.resume();
  await until(() => client.text().match(/HTTP\/1.1 200/g)?.length === 6);
  await until(() => client.text().length > 18_000_000);
});

test.skipIf(!hasOpenssl)(
  "plain text at a port in TLS is told so, and read no further",
  async () => {
    const { port } = await listen("of clients in TLS");
    const { socket, text } = raw(port);
    pour(socket, "POST / HTTP/1.1\r\n");
    await until(() => accepted[0]?.destroyed === true);
    expect(accepted[0]?.bytesRead).toBeLessThan(READ_MAX);
    expect(text()).toMatch(/^HTTP\/1.1 426 /);
  },
);
