/** Web sockets on the loopback device: the port's promises, and what strangers may send to it. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import {
  CLIENT_FRAME_BYTES_MAX,
  HANDSHAKE_BYTES_MAX,
  PEER_FRAME_BYTES_MAX,
} from "../../src/base/limits.ts";
import type { Channel, Connection, Listener } from "../../src/ports/network.ts";
import { truncateReason } from "../../src/platform/ws-connection.ts";
import { WsNetwork, type WsNetworkOptions } from "../../src/platform/ws-network.ts";
import { networkSuite } from "../conformance/network.suite.ts";
import { until } from "../conformance/wait.ts";

networkSuite("web sockets", () => ({
  server: new WsNetwork(),
  client: new WsNetwork(),
  address: { host: "127.0.0.1", port: 0 },
  until,
  close: () => Promise.resolve(),
}));

interface Accepted {
  readonly channel: Channel;
  readonly connection: Connection;
  readonly frames: Uint8Array[];
  closed: string | null;
}

let cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const each of cleanUp) await each();
  cleanUp = [];
});

async function serve(options: WsNetworkOptions = {}, admits = true) {
  const rejected: string[] = [];
  const accepted: Accepted[] = [];
  const network = new WsNetwork({ onRejected: (_, reason) => rejected.push(reason), ...options });
  const listener = await new Promise<Listener>((resolve, reject) => {
    network.listen(
      { host: "127.0.0.1", port: 0 },
      ["peer", "client", "admin"],
      (connection, channel) => {
        const entry: Accepted = { channel, connection, frames: [], closed: null };
        accepted.push(entry);
        if (admits) connection.admit();
        return {
          onFrame: (frame) => entry.frames.push(frame),
          onClose: (reason) => (entry.closed = reason),
        };
      },
      (result) => (result instanceof Error ? reject(result) : resolve(result)),
    );
  });
  cleanUp.push(() => new Promise((resolve) => listener.close(resolve)));
  const { port } = listener.address;
  return { network, listener, accepted, rejected, port };
}

/** A raw TCP client. */
function raw(port: number): { socket: Socket; text: () => string; closed: () => boolean } {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  let closed = false;
  socket.on("data", (data) => (text += data.toString("latin1")));
  socket.on("error", () => {});
  socket.on("close", () => (closed = true));
  return { socket, text: () => text, closed: () => closed };
}

function upgradeRequest(path: string, headers: Record<string, string> = {}): string {
  const lines = {
    Host: "x",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  return [
    `GET ${path} HTTP/1.1`,
    ...Object.entries(lines).map(([k, v]) => `${k}: ${v}`),
    "",
    "",
  ].join("\r\n");
}

async function openRaw(port: number, path: string) {
  const client = raw(port);
  client.socket.write(upgradeRequest(path));
  await until(() => client.text().includes("\r\n\r\n"));
  expect(client.text()).toMatch(/^HTTP\/1.1 101/);
  return client;
}

/** Another connection that must live through what happens to the first. */
async function bystander(network: WsNetwork, server: Awaited<ReturnType<typeof serve>>) {
  let open = false;
  let closed = false;
  const connection = network.dial(server.listener.address, "client", {
    onOpen: () => (open = true),
    onFrame: () => {},
    onClose: () => (closed = true),
  });
  await until(() => open && server.accepted.length > 0);
  const entry = server.accepted.at(-1)!;
  return {
    check: async (): Promise<void> => {
      const before = entry.frames.length;
      connection.send(Uint8Array.of(1));
      await until(() => entry.frames.length === before + 1);
      expect(closed).toBe(false);
    },
  };
}

describe("what strangers send", () => {
  const CHANNELS: readonly Channel[] = ["peer", "client", "admin"];
  const maskedHeader = (opcode: number, length: number): Buffer => {
    const header = Buffer.alloc(14);
    header[0] = 0x80 | opcode;
    header[1] = 0x80 | 127;
    header.writeBigUInt64BE(BigInt(length), 2);
    return header;
  };
  const LIMIT = {
    peer: PEER_FRAME_BYTES_MAX,
    client: CLIENT_FRAME_BYTES_MAX,
    admin: CLIENT_FRAME_BYTES_MAX,
  };

  test.each(CHANNELS)(
    "garbage, oversized and truncated frames on /%s end that connection alone",
    async (channel) => {
      // A stranger may not answer the close either.
      const server = await serve({ closeTimeoutMs: 20 });
      const other = await bystander(server.network, server);
      const cases: { name: string; bytes: Buffer; end: boolean; reason: RegExp }[] = [
        {
          name: "reserved bits",
          bytes: Buffer.from([0xff, 0xff, 1, 2, 3]),
          end: false,
          reason: /RSV/,
        },
        { name: "unmasked", bytes: Buffer.from([0x82, 1, 7]), end: false, reason: /MASK/ },
        {
          name: "too long",
          bytes: maskedHeader(2, LIMIT[channel] + 1),
          end: false,
          reason: /Max payload size exceeded/,
        },
        {
          name: "text",
          bytes: Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]),
          end: false,
          reason: /text frame/,
        },
        {
          name: "truncated",
          bytes: Buffer.from([0x82, 0x85, 0, 0, 0, 0, 1, 2]),
          end: true,
          reason: /connection ended \(1006\)/,
        },
      ];
      for (const { bytes, end, reason } of cases) {
        const client = await openRaw(server.port, `/${channel}`);
        const entry = server.accepted.at(-1)!;
        expect(entry.channel).toBe(channel);
        client.socket.write(bytes);
        if (end) client.socket.end();
        await until(() => entry.closed !== null);
        expect(entry.closed).toMatch(reason);
        expect(entry.frames).toEqual([]);
        client.socket.destroy();
        await other.check();
      }
    },
  );

  test("the largest frame allowed is delivered", async () => {
    const server = await serve();
    let open = false;
    const connection = server.network.dial(server.listener.address, "peer", {
      onOpen: () => (open = true),
      onFrame: () => {},
      onClose: () => {},
    });
    await until(() => open);
    connection.send(new Uint8Array(PEER_FRAME_BYTES_MAX));
    await until(() => server.accepted[0]?.frames.length === 1);
    expect(server.accepted[0]!.frames[0]!.length).toBe(PEER_FRAME_BYTES_MAX);
  });

  test("an unknown path is answered 404", async () => {
    const server = await serve();
    const client = raw(server.port);
    client.socket.write(upgradeRequest("/nothing"));
    await until(client.closed);
    expect(client.text()).toMatch(/^HTTP\/1.1 404/);
    expect(server.rejected).toEqual(["no such channel: /nothing"]);
    expect(server.accepted).toEqual([]);
  });

  test("what is not HTTP is answered 400 and forgotten", async () => {
    const server = await serve();
    const client = raw(server.port);
    client.socket.write(Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 37) & 0xff)));
    await until(client.closed);
    expect(client.text()).toMatch(/^HTTP\/1.1 400/);
    expect(server.rejected).toHaveLength(1);
  });

  test("an upgrade request without a key is refused", async () => {
    const server = await serve();
    const client = raw(server.port);
    client.socket.write(
      "GET /peer HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    );
    await until(client.closed);
    expect(client.text()).toMatch(/^HTTP\/1.1 400/);
    expect(server.rejected).toHaveLength(1);
  });

  test("a plain request is told to upgrade, or goes to the handler that was given", async () => {
    const plain = await serve();
    expect((await fetch(`http://127.0.0.1:${plain.port}/`)).status).toBe(426);
    const handled = await serve({ onRequest: (_, response) => response.end("page") });
    expect(await (await fetch(`http://127.0.0.1:${handled.port}/`)).text()).toBe("page");
  });

  test("a stream that breaks off in the middle of its upgrade hurts nobody", async () => {
    const server = await serve();
    const other = await bystander(server.network, server);
    for (let i = 0; i < 20; i++) {
      const client = raw(server.port);
      client.socket.write(upgradeRequest(i % 2 === 0 ? "/peer" : "/nothing"));
      if (i % 3 === 0) client.socket.resetAndDestroy();
      else client.socket.end();
    }
    await other.check();
    await until(() => server.accepted.length > 1);
    await until(() => server.accepted.slice(1).every((entry) => entry.closed !== null));
    await other.check();
    expect(server.accepted[0]!.closed).toBeNull();
  });
});

describe("a connection that is not read", () => {
  test("has the other side wait, is not given up for it, and goes on", async () => {
    const server = await serve({ pingIntervalMs: 20, pingMissesMax: 2 });
    const client = await openRaw(server.port, "/client");
    const entry = server.accepted[0]!;
    entry.connection.pause();
    // Five frames of 200,000 bytes: more than one piece, so that most of it stays on the wire.
    const frame = Buffer.concat([
      Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 3, 0x0d, 0x40, 0, 0, 0, 0]),
      Buffer.alloc(200_000),
    ]);
    for (let i = 0; i < 5; i++) client.socket.write(frame);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(entry.frames).toEqual([]);
    expect(entry.closed).toBeNull();
    entry.connection.resume();
    await until(() => entry.frames.length === 5);
  });

  test("and takes nothing of what it is sent is given up", async () => {
    const server = await serve({ pingIntervalMs: 10, pingMissesMax: 2 });
    const client = await openRaw(server.port, "/client");
    client.socket.pause();
    const entry = server.accepted[0]!;
    for (let i = 0; i < 16; i++) entry.connection.send(new Uint8Array(1024 * 1024));
    entry.connection.pause();
    await until(() => entry.closed !== null);
    expect(entry.closed).toBe("reads nothing of what it asked for");
  });

  test("floods of pings end the connection that sends them", async () => {
    const server = await serve();
    const client = await openRaw(server.port, "/client");
    for (let i = 0; i < 500; i++) client.socket.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0]));
    await until(() => server.accepted[0]!.closed !== null);
    expect(server.accepted[0]!.closed).toBe("too many pings");
  });
});

describe("strangers", () => {
  const CHANNELS: readonly Channel[] = ["peer", "client", "admin"];

  test.each(CHANNELS)("who prove nothing on /%s fill no frame", async (channel) => {
    const server = await serve({ closeTimeoutMs: 50 }, false);
    const client = await openRaw(server.port, `/${channel}`);
    const { connection } = server.accepted[0]!;
    // The frame is announced with a length that the channel allows, and comes piece by piece.
    client.socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xf0, 0, 1, 2, 3, 4]));
    let most = 0;
    for (let i = 0; i < 50 && !client.closed(); i++) {
      client.socket.write(Buffer.alloc(1024));
      await new Promise((resolve) => setTimeout(resolve, 1));
      most = Math.max(most, connection.unfinishedBytes());
    }
    await until(client.closed);
    expect(server.accepted[0]!.closed).toBe("too much before the handshake");
    expect(most).toBeLessThanOrEqual(HANDSHAKE_BYTES_MAX + 64 * 1024);
  });

  test("what comes in one piece with the last frame of the handshake is not lost", async () => {
    const server = await serve({}, false);
    const client = await openRaw(server.port, "/client");
    const entry = server.accepted[0]!;
    let admitted = false;
    const push = entry.frames.push.bind(entry.frames);
    entry.frames.push = (...frames) => {
      if (!admitted) entry.connection.admit();
      admitted = true;
      return push(...frames);
    };
    const large = Buffer.alloc(40_000);
    const header = Buffer.from([0x82, 0xfe, 40_000 >> 8, 40_000 & 0xff, 0, 0, 0, 0]);
    client.socket.write(
      Buffer.concat([Buffer.from([0x82, 0x81, 0, 0, 0, 0, 7]), header, large, header, large]),
    );
    await until(() => entry.frames.length === 3);
    expect(entry.frames.map((frame) => frame.length)).toEqual([1, 40_000, 40_000]);
    expect(entry.connection.unfinishedBytes()).toBe(0);
  });

  test("hold no places: the oldest goes, and the admitted stay", async () => {
    const server = await serve({ strangersMax: 30 }, false);
    const other = await bystander(server.network, server);
    server.accepted[0]!.connection.admit();
    const silent = Array.from({ length: 50 }, () => raw(server.port));
    const halfMade = await Promise.all(
      Array.from({ length: 5 }, () => openRaw(server.port, "/peer")),
    );
    await until(() => silent.filter(({ closed }) => closed()).length >= 35);
    expect(halfMade.map(({ closed }) => closed())).toEqual(Array(5).fill(false));
    expect(server.rejected).toContain("too many from one address");
    await other.check();
    for (const { socket } of [...silent, ...halfMade]) socket.destroy();
  });

  test.each(["nothing at all", "half a request", "an upgrade and nothing more"])(
    "who send %s are gone after the deadline",
    async (what) => {
      const server = await serve({ strangerTimeoutMs: 200 }, false);
      const begun = performance.now();
      const client =
        what === "an upgrade and nothing more"
          ? await openRaw(server.port, "/admin")
          : raw(server.port);
      if (what === "half a request") client.socket.write("GET / HTTP/1.1\r\nHost:");
      await until(client.closed);
      expect(performance.now() - begun).toBeLessThan(1000);
      expect(server.rejected).toEqual(["proved nothing in time"]);
    },
  );
});

describe("pages of other origins", () => {
  async function statusFor(
    port: number,
    headers: Record<string, string>,
    path = "/client",
  ): Promise<string> {
    const client = raw(port);
    client.socket.write(upgradeRequest(path, headers));
    await until(() => client.text().includes("\r\n\r\n"));
    client.socket.destroy();
    return client.text().slice(9, 12);
  }

  test("a browser's request is taken from a page of this server only", async () => {
    const { port, rejected } = await serve({ hostNames: ["kv.example"] });
    const own = `127.0.0.1:${port}`;
    expect(await statusFor(port, { Host: own, Origin: `http://${own}` })).toBe("101");
    expect(
      await statusFor(port, { Host: `localhost:${port}`, Origin: `http://localhost:${port}` }),
    ).toBe("101");
    expect(await statusFor(port, { Host: `[::1]:${port}`, Origin: `http://[::1]:${port}` })).toBe(
      "101",
    );
    expect(
      await statusFor(port, { Host: `kv.example:${port}`, Origin: `http://kv.example:${port}` }),
    ).toBe("101");
    expect(await statusFor(port, { Host: own })).toBe("101");
    expect(rejected).toEqual([]);
    for (const origin of ["http://evil.example", "http://127.0.0.1:1", "null", "nonsense"]) {
      expect(await statusFor(port, { Host: own, Origin: origin })).toBe("403");
    }
    expect(rejected).toHaveLength(4);
  });

  test.each(["client", "admin"])(
    "pages of other nodes may open /%s, nobody else's",
    async (channel) => {
      const { port, rejected } = await serve({
        pageAddresses: [
          { host: "127.0.0.1", port: 4102 },
          { host: "kv3.example", port: 4103 },
        ],
      });
      const headers = (origin: string) => ({ Host: `127.0.0.1:${port}`, Origin: origin });
      const ours = ["127.0.0.1:4102", "localhost:4102", "[::1]:4102", "kv3.example:4103"];
      for (const page of ours) {
        expect(await statusFor(port, headers(`http://${page}`), `/${channel}`)).toBe("101");
      }
      expect(rejected).toEqual([]);
      const foreign = [
        "http://evil.example",
        "http://evil.example:4102",
        "http://localhost:4103",
        "http://localhost",
        "https://127.0.0.1:4102",
        "http://10.0.0.1:4102",
        "http://kv3.example",
        "http://kv3.example.evil.example:4103",
        "null",
      ];
      for (const origin of foreign) {
        expect(await statusFor(port, headers(origin), `/${channel}`)).toBe("403");
      }
      expect(rejected).toHaveLength(foreign.length);
    },
  );

  test("a foreign name that resolves to this machine is refused", async () => {
    const { port } = await serve();
    const host = `rebound.example:${port}`;
    expect(await statusFor(port, { Host: host, Origin: `http://${host}` })).toBe("403");
  });
});

describe("half-open connections", () => {
  /** Accepts the upgrade, then never says a word: no pong either. */
  async function deafServer(): Promise<{ server: Server; port: number; sockets: Socket[] }> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.once("data", (data) => {
        const key = /sec-websocket-key: (\S+)/i.exec(data.toString())![1]!;
        const accept = createHash("sha1")
          .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest("base64");
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanUp.push(
      () =>
        new Promise((resolve) => {
          for (const socket of sockets) socket.destroy();
          server.close(() => resolve());
        }),
    );
    return { server, port: (server.address() as { port: number }).port, sockets };
  }

  test("a server that does not answer pings is given up", async () => {
    const { port } = await deafServer();
    const network = new WsNetwork({ pingIntervalMs: 20, pingMissesMax: 3 });
    const events: string[] = [];
    network.dial({ host: "127.0.0.1", port }, "peer", {
      onOpen: () => events.push("open"),
      onFrame: () => {},
      onClose: (reason) => events.push(reason),
    });
    await until(() => events.length === 2);
    expect(events).toEqual(["open", "no answer to 3 pings"]);
  });

  test("a client that does not answer pings is given up", async () => {
    const server = await serve({ pingIntervalMs: 20, pingMissesMax: 3 });
    await openRaw(server.port, "/client");
    await until(() => server.accepted[0]?.closed !== null && server.accepted.length === 1);
    expect(server.accepted[0]!.closed).toBe("no answer to 3 pings");
  });

  test("a connection that answers pings stays, however little it says", async () => {
    const server = await serve({ pingIntervalMs: 10, pingMissesMax: 3 });
    const ws = new WebSocket(`ws://127.0.0.1:${server.port}/client`);
    cleanUp.push(async () => ws.terminate());
    let pings = 0;
    ws.on("ping", () => (pings += 1));
    await until(() => pings >= 12);
    expect(server.accepted[0]!.closed).toBeNull();
  });

  test("a server that never answers the upgrade is given up", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    cleanUp.push(async () => void silent.close());
    const { port } = silent.address() as { port: number };
    let reason: string | null = null;
    new WsNetwork({ dialTimeoutMs: 50 }).dial({ host: "127.0.0.1", port }, "peer", {
      onOpen: () => {},
      onFrame: () => {},
      onClose: (text) => (reason = text),
    });
    await until(() => reason !== null);
    expect(reason).toBe("Opening handshake has timed out");
  });

  test("a peer that reads nothing shows in the buffered bytes", async () => {
    const { port, sockets } = await deafServer();
    let open = false;
    const connection = new WsNetwork().dial({ host: "127.0.0.1", port }, "peer", {
      onOpen: () => (open = true),
      onFrame: () => {},
      onClose: () => {},
    });
    await until(() => open);
    sockets[0]!.pause();
    for (let i = 0; i < 32; i++) connection.send(new Uint8Array(1024 * 1024));
    await until(() => connection.bufferedBytes() > 8 * 1024 * 1024);
    expect(connection.bufferedBytes()).toBeLessThanOrEqual(33 * 1024 * 1024);
    connection.destroy();
  });
});

test("reasons are cut to whole characters", () => {
  expect(truncateReason("short")).toBe("short");
  expect(truncateReason("a".repeat(121))).toBe("a".repeat(120));
  expect(truncateReason(`${"a".repeat(119)}é`)).toBe("a".repeat(119));
  expect(truncateReason("😀".repeat(40), 10)).toBe("😀😀");
});
