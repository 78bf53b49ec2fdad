/** Web sockets on the loopback device: the port's promises, and what strangers may send to it. */
import { createServer, type Server, type Socket } from "node:net";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { CLIENT_FRAME_BYTES_MAX, PEER_FRAME_BYTES_MAX } from "../../../src/base/limits.ts";
import type { Address, Channel, Listener } from "../../../src/machine/ports/network.ts";
import { wrongPortText } from "../../../src/base/index.ts";
import { truncateReason } from "../../../src/machine/network/close-reason.ts";
import { WsNetwork } from "../../../src/machine/network/ws-network.ts";
import { networkSuite } from "../../conformance/network.suite.ts";
import { until } from "../../conformance/wait.ts";
import { atEnd, bystander, openRaw, raw, serve, upgradeRequest } from "../ws-world.ts";

networkSuite("web sockets", () => ({
  server: new WsNetwork(),
  client: new WsNetwork(),
  address: { host: "127.0.0.1", port: 0 },
  until,
  close: () => Promise.resolve(),
}));

/** Why a dial comes to nothing. */
function failureOf(address: Address): Promise<string> {
  return new Promise((onClose) => {
    const onOpen = () => onClose("opened");
    const network = new WsNetwork({ dialTimeoutMs: 500 });
    network.dial(address, "peer", { onOpen, onFrame: () => {}, onClose });
  });
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

  test("who dials the port for nodes as a client is told what it is", async () => {
    const network = new WsNetwork();
    const listener = await new Promise<Listener>((resolve, reject) => {
      network.listen(
        { host: "127.0.0.1", port: 0 },
        ["peer"],
        () => {
          throw new Error("nobody is let in");
        },
        (result) => (result instanceof Error ? reject(result) : resolve(result)),
      );
    });
    const reason = await new Promise<string>((onClose) => {
      const onOpen = () => onClose("opened");
      new WsNetwork().dial(listener.address, "client", { onOpen, onFrame: () => {}, onClose });
    });
    await new Promise<void>((resolve) => listener.close(resolve));
    expect(reason).toBe(wrongPortText("clients", 404));
    expect(reason).toContain("no port of omnikv for clients, but may be the one for nodes");
  });

  test.each(["10.0.0.256", "fe80::1::2", "a b", ""])(
    "a dial to %j fails like any other",
    async (host) => {
      const address = { host, port: 4101 };
      const reason = await new Promise<string>((onClose) => {
        const onOpen = () => onClose("opened");
        new WsNetwork().dial(address, "peer", { onOpen, onFrame: () => {}, onClose });
      });
      expect(reason).toBe(`"${host}" is neither a host name nor an address`);
    },
  );

  test("a name that only some versions of Node.js ask the system for ends no process", async () => {
    const reason = await failureOf({ host: "xn--a", port: 4101 });
    expect(reason).toMatch(
      /^("xn--a" is neither a host name nor an address|getaddrinfo .* xn--a)$/,
    );
  });

  test("an address that names the way out is dialed, too", async () => {
    // No system has that way out: it says so, or, from Node.js 22 on, is asked to find another one in vain.
    const reason = await failureOf({ host: "fe80::1%no-such-interface", port: 9 });
    expect(reason).toMatch(/fe80::1%no-such-interface|Opening handshake has timed out/);
  });

  test("what is not HTTP is answered 400 and forgotten", async () => {
    const server = await serve();
    const client = raw(server.port);
    client.socket.write(Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 37) & 0xff)));
    await until(client.closed);
    expect(client.text()).toMatch(/^HTTP\/1.1 400/);
    expect(server.rejected).toHaveLength(1);
  });

  test("a connection that asks for nothing is ended without a word, half a request is told that it is late", async () => {
    const server = await serve();
    const [idle, half] = [raw(server.port), raw(server.port)];
    half.socket.write("GET / HTTP/1.1\r\nHost:");
    await until(() => idle.closed() && half.closed());
    expect(idle.text()).toBe("");
    expect(half.text()).toMatch(/^HTTP\/1.1 408/);
    expect(server.rejected).toEqual(["Request timeout"]);
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

  test.each(["h2c", "HTTP/2.0", "TLS/1.0"])(
    "a request that offers to go on in %s is answered as if it had not",
    async (upgrade) => {
      const server = await serve({
        onRequest: (request, response) => response.end(`${request.method} ${request.url}`),
      });
      const client = raw(server.port);
      const headers = { Upgrade: upgrade, Connection: "Upgrade, HTTP2-Settings" };
      client.socket.write(upgradeRequest("/livez?verbose", { ...headers, "HTTP2-Settings": "AA" }));
      await until(client.closed);
      expect(client.text()).toMatch(/^HTTP\/1.1 200 OK\r\n/);
      expect(client.text()).toContain("\r\nConnection: close\r\n");
      expect(client.text()).toMatch(/\r\n\r\nGET \/livez\?verbose$/);
      expect(server.rejected).toEqual([]);
    },
  );

  test("neither a body nor an earlier request gets by with the offer of another protocol", async () => {
    const server = await serve({ onRequest: () => {} });
    const [posts, early] = [raw(server.port), raw(server.port)];
    const offer = upgradeRequest("/", { Upgrade: "h2c" });
    posts.socket.write(offer.replace("GET", "POST"));
    await until(posts.closed);
    expect(posts.text()).toMatch(/^HTTP\/1.1 405/);
    early.socket.write(`GET / HTTP/1.1\r\nHost: x\r\n\r\n${offer}`);
    await until(early.closed);
    expect(early.text()).toBe("");
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
    atEnd(
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
    atEnd(async () => ws.terminate());
    let pings = 0;
    ws.on("ping", () => (pings += 1));
    await until(() => pings >= 12);
    expect(server.accepted[0]!.closed).toBeNull();
  });

  test("a server that never answers the upgrade is given up", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    atEnd(async () => void silent.close());
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

describe("more connections than there may be", () => {
  test("are refused, those that are there stay, and it is said once until there is room again", async () => {
    const said: string[] = [];
    const server = await serve({ connectionsMax: 4, onCrowded: (reason) => said.push(reason) });
    const other = await bystander(new WsNetwork(), server);
    const crowd = async (): Promise<void> => {
      const sockets = Array.from({ length: 10 }, () => raw(server.port));
      await until(() => sockets.filter(({ closed }) => closed()).length >= 7);
      await other.check();
      for (const { socket } of sockets) socket.destroy();
      // Gone on the server's side too: then another one is let in.
      for (let isLetIn = false; !isLetIn;) {
        const again = raw(server.port);
        again.socket.write(upgradeRequest("/client"));
        await until(() => again.closed() || again.text().includes("101"));
        isLetIn = !again.closed();
        again.socket.destroy();
      }
    };
    await crowd();
    expect(said).toEqual(["4 are open, which is the most"]);
    await until(() => server.accepted.filter(({ closed }) => closed === null).length === 1);
    await crowd();
    expect(said).toHaveLength(2);
  });
});

test("reasons are cut to whole characters", () => {
  expect(truncateReason("short")).toBe("short");
  expect(truncateReason("a".repeat(121))).toBe("a".repeat(120));
  expect(truncateReason(`${"a".repeat(119)}é`)).toBe("a".repeat(119));
  expect(truncateReason("😀".repeat(40), 10)).toBe("😀😀");
});
