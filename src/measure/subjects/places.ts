/** Where servers on this machine listen. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import type { ClusterNode } from "../../server/config/index.ts";

const HOST = "127.0.0.1";

/**
 * Ports are drawn from below those that operating systems give to outgoing connections (Linux from 32768, others from 49152):
 * a free port of that range may become a program's outgoing connection before a server has begun to listen, or while it is
 * restarted.
 */
const FIRST_PORT = 10_000;
const END_PORT = 32_768;
/**
 * Each worker of a test run draws from a part of its own: the port of a server that another one has stopped for a while is free
 * now, and is not when it starts again.
 */
const PARTS = 8;
const PART_PORTS = Math.floor((END_PORT - FIRST_PORT) / PARTS);

/** Whether a server could listen there now. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, HOST, () => resolve(true));
  });
  if (free) await new Promise<void>((closed) => server.close(() => closed()));
  return free;
}

/** TCP ports of this machine's loopback that are free now, all different; no outgoing connection takes them meanwhile. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  const first = FIRST_PORT + PART_PORTS * (Number(process.env["VITEST_POOL_ID"] ?? 0) % PARTS);
  while (ports.size < count) {
    const port = randomInt(first, first + PART_PORTS);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
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
