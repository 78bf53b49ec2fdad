/** Where servers on this machine listen. */
import { createServer, type AddressInfo } from "node:net";
import type { ClusterNode } from "../../server/config/index.ts";

const HOST = "127.0.0.1";

/** TCP ports of this machine's loopback that are free now, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const listening = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((ready) => {
        server.listen(0, HOST, ready);
      });
      return server;
    }),
  );
  const ports = listening.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    listening.map(
      (server) =>
        new Promise<void>((closed) => {
          server.close(() => closed());
        }),
    ),
  );
  return ports;
}

/** Nodes 1 to `size`, each with two ports that are free now. */
export async function loopbackNodes(size: number): Promise<readonly ClusterNode[]> {
  const ports = await freePorts(2 * size);
  return Array.from({ length: size }, (_, i) => ({
    id: i + 1,
    host: HOST,
    port: ports[2 * i] ?? 0,
    peerPort: ports[2 * i + 1] ?? 0,
  }));
}
