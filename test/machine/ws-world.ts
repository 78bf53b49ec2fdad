/** Servers over web sockets on the loopback device, and raw sockets that speak to them. */
import { connect, type Socket } from "node:net";
import { expect, onTestFinished } from "vitest";
import type { Channel, Connection, Listener } from "../../src/machine/ports/network.ts";
import { WsNetwork, type WsNetworkOptions } from "../../src/machine/network/ws-network.ts";
import { until } from "../conformance/wait.ts";

interface Accepted {
  readonly channel: Channel;
  readonly connection: Connection;
  readonly frames: Uint8Array[];
  closed: string | null;
}

/** Of the test under way. Not by `afterEach` here: files that share a process share this module, and only the first would have it. */
export function atEnd(cleaning: () => Promise<void>): void {
  onTestFinished(cleaning);
}

export async function serve(options: WsNetworkOptions = {}, admits = true) {
  const rejected: string[] = [];
  /** Who was rejected, in the same order. */
  const remotes: string[] = [];
  const accepted: Accepted[] = [];
  const network = new WsNetwork({
    onRejected: (remote, reason) => {
      remotes.push(remote);
      rejected.push(reason);
    },
    ...options,
  });
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
  atEnd(() => new Promise((resolve) => listener.close(resolve)));
  const { port } = listener.address;
  return { network, listener, accepted, rejected, remotes, port };
}

/** A raw TCP client. */
export function raw(port: number): { socket: Socket; text: () => string; closed: () => boolean } {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  let closed = false;
  socket.on("data", (data) => (text += data.toString("latin1")));
  socket.on("error", () => {});
  socket.on("close", () => (closed = true));
  return { socket, text: () => text, closed: () => closed };
}

export function upgradeRequest(path: string, headers: Record<string, string> = {}): string {
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

export async function openRaw(port: number, path: string) {
  const client = raw(port);
  client.socket.write(upgradeRequest(path));
  await until(() => client.text().includes("\r\n\r\n"));
  expect(client.text()).toMatch(/^HTTP\/1.1 101/);
  return client;
}

/** Another connection that must live through what happens to the first. */
export async function bystander(network: WsNetwork, server: Awaited<ReturnType<typeof serve>>) {
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
