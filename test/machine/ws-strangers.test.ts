/** Connections that nobody reads, and sockets that have proved nothing. */
import { describe, expect, test, vi } from "vitest";
import { HANDSHAKE_BYTES_MAX } from "../../src/base/limits.ts";
import { wsOfServers } from "../../src/machine/network/load-ws.ts";
import { WsConnection } from "../../src/machine/network/ws-connection.ts";
import type { Channel } from "../../src/machine/ports/network.ts";
import { until } from "../conformance/wait.ts";
import { atEnd, bystander, openRaw, raw, serve } from "./ws-world.ts";

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
});

describe("floods of pings and pongs", () => {
  const FLOODS = [
    { event: "ping", byte: 0x89, allowed: 100, reason: "too many pings" },
    { event: "pong", byte: 0x8a, allowed: 8, reason: "too many pongs that nobody asked for" },
  ] as const;
  const WHOM = ["peer", "client", "admin"] as const;

  test.each(FLOODS.flatMap((flood) => WHOM.map((channel) => ({ ...flood, channel }))))(
    "$event on /$channel: one too many ends the connection, and no other is looked at",
    async ({ event, byte, allowed, reason, channel }) => {
      const emit = vi.spyOn(wsOfServers().WebSocket.prototype, "emit");
      atEnd(async () => emit.mockRestore());
      for (const admits of [true, false]) {
        const server = await serve({ pingIntervalMs: 100_000 }, admits);
        const client = await openRaw(server.port, `/${channel}`);
        emit.mockClear();
        client.socket.write(Buffer.concat(Array<Buffer>(10_000).fill(control(byte))));
        await until(() => server.accepted[0]!.closed !== null);
        expect(server.accepted[0]!.closed).toBe(reason);
        const [flooded] = emit.mock.contexts.filter((_, i) => emit.mock.calls[i]?.[0] === event);
        const seen = emit.mock.calls.filter(
          ([name], i) => name === event && emit.mock.contexts[i] === flooded,
        );
        expect(seen).toHaveLength(allowed + 1);
      }
    },
  );

  test("an answer for each ping, and a few more, are nobody's flood", async () => {
    const server = await serve({ pingIntervalMs: 100_000 });
    const client = await openRaw(server.port, "/client");
    const { connection } = server.accepted[0]!;
    if (!(connection instanceof WsConnection)) throw new Error("no web socket");
    // Answers may be late, and come together.
    for (let i = 0; i < 50; i++) connection.checkAlive(1000);
    for (let i = 0; i < 58; i++) client.socket.write(control(0x8a));
    client.socket.write(Buffer.from([0x82, 0x81, 0, 0, 0, 0, 7]));
    await until(() => server.accepted[0]!.frames.length === 1);
    expect(server.accepted[0]!.closed).toBeNull();
    // A check later there may be a few again.
    connection.checkAlive(1000);
    for (let i = 0; i < 9; i++) client.socket.write(control(0x8a));
    client.socket.write(Buffer.from([0x82, 0x81, 0, 0, 0, 0, 7]));
    await until(() => server.accepted[0]!.frames.length === 2);
    client.socket.write(control(0x8a));
    await until(() => server.accepted[0]!.closed !== null);
    expect(server.accepted[0]!.closed).toBe("too many pongs that nobody asked for");
  });

  function control(byte: number): Buffer {
    return Buffer.from([byte, 0x80, 0, 0, 0, 0]);
  }
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

  test.each(["a stranger", "a client"])(
    "%s that is asked to close is listened to no more",
    async (who) => {
      const server = await serve({ closeTimeoutMs: 300 }, who === "a client");
      const client = await openRaw(server.port, "/client");
      const { connection } = server.accepted[0]!;
      connection.close("enough");
      // Most of a frame of 4 MiB, whatever it is told.
      client.socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 1, 2, 3, 4]));
      client.socket.write(Buffer.alloc(3 * 1024 * 1024));
      let most = 0;
      while (server.accepted[0]!.closed === null) {
        most = Math.max(most, connection.unfinishedBytes());
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(server.accepted[0]!.closed).toBe("enough");
      // Some reads of 64 KiB are under way in Node.js itself, up to three of them from version 22 on: no more of the 3 MiB.
      expect(most).toBeLessThanOrEqual(HANDSHAKE_BYTES_MAX + 256 * 1024);
    },
  );

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

  test("who have shaken hands and become strangers again are bounded, and silently ended, until they are admitted", async () => {
    const server = await serve({ strangersMax: 3, strangerTimeoutMs: 200 });
    const clients = [];
    for (let i = 0; i < 4; i++) clients.push(await openRaw(server.port, "/client"));
    const [first, second, third, fourth] = server.accepted.map(({ connection }) => connection);
    for (const each of [first, second, third, fourth]) each?.estrange();
    // Two of one address at a time.
    await until(() => server.accepted.filter(({ closed }) => closed !== null).length === 2);
    expect(server.rejected).toEqual(Array(2).fill("too many from one address"));
    third?.admit();
    await until(() => server.accepted[3]!.closed !== null);
    third?.estrange();
    third?.admit();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.accepted.map(({ closed }) => closed === null)).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(server.rejected).toHaveLength(2);
    // What it may send was never bounded again.
    const head = Buffer.from([0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0]);
    clients[2]!.socket.write(Buffer.concat([head, Buffer.alloc(65_535)]));
    await until(() => server.accepted[2]!.frames.length === 1);
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
