/** Connections that keep no rules: sockets that speak a little HTTP, and web sockets that break the protocol after the handshake. */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { dialWithHandshake } from "../../../links/handshake/index.ts";
import { createNodeRandom, nodeClock } from "../../../machine/runtime/index.ts";
import { WsNetwork } from "../../../machine/network/index.ts";
import type { Connection } from "../../../machine/ports/index.ts";
import { clientTlsIn } from "../../../client/tls/index.ts";
import type { ClusterNode } from "../../../server/config/index.ts";

const random = createNodeRandom();

/** @param localAddress where it comes from, of this machine's loopback */
export function rawSocket(port: number, inTls = false, localAddress = "127.0.0.1"): Socket {
  const at = { port, host: "127.0.0.1", localAddress };
  // A stranger does not check the server's certificate.
  const socket = inTls ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at);
  socket.on("error", () => {});
  socket.resume();
  return socket;
}

export const upgradeRequest = (channel: string): string =>
  `GET /${channel} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/** A web socket frame's head that promises so many bytes, masked with zeros. */
export function frameHead(bytes: number): Buffer {
  const head = Buffer.alloc(14);
  head[0] = 0x82;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(bytes), 2);
  return head;
}

/** One for all connections of a process. */
const networks = new Map<string | null, WsNetwork>();

function networkFor(ca: string | null): WsNetwork {
  const clientTls = ca === null ? null : clientTlsIn({ ca }, []);
  const network = networks.get(ca) ?? new WsNetwork({ clientTls });
  networks.set(ca, network);
  return network;
}

/** @param ca by which the server is known; null: in plain text. Resolves with null when the server does not want it. */
export function shakenHands(
  { id, host, port }: ClusterNode,
  clusterId: string,
  channel: "client" | "admin",
  onFrame: (frame: Uint8Array) => void,
  ca: string | null = null,
): Promise<Connection | null> {
  const network = networkFor(ca);
  return new Promise((resolve) => {
    const self = { channel, clusterId, nodeId: null, targetId: id } as const;
    dialWithHandshake((handlers) => network.dial({ host, port }, channel, handlers), {
      clock: nodeClock,
      random,
      timeoutMs: 5e3,
      handshake: {
        secret: null,
        self: { ...self, incarnation: null, origin: null, peer: null, configurationId: null },
      },
      established: (connection) => {
        setImmediate(() => resolve(connection));
        return {
          onFrame,
          onClose: () => {},
        };
      },
      failed: () => resolve(null),
    });
  });
}
