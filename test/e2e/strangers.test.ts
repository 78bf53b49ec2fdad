/** Built servers with few file descriptors, and strangers who want them all. */
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createClient } from "../../src/client/api/index.ts";
import { OmnikvCluster } from "../../src/measure/subjects/omnikv-cluster.ts";

test(
  "silent strangers take no file descriptor that a server needs",
  { timeout: 240_000 },
  async () => {
    const wrap = ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh"];
    const cluster = await OmnikvCluster.start({ size: 3, wrap: () => wrap });
    const { nodes, clusterId, servers } = cluster;
    const client = createClient({ nodes, clusterId, timeoutMs: 20_000 });
    const sockets: Socket[] = [];
    try {
      await client.write("key", "before");
      for (const { port, peerPort } of nodes) {
        for (let i = 0; i < 300; i++) {
          const socket = connect(i % 2 === 0 ? port : peerPort, "127.0.0.1");
          socket.on("error", () => {});
          sockets.push(socket);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
      for (let i = 0; i < 50; i++) await client.write(`key ${i}`, "x".repeat(100_000));
      const fresh = createClient({ nodes, clusterId, timeoutMs: 20_000 });
      expect((await fresh.read("key")).found).toBe(true);
      fresh.close();
      expect(servers.map(({ running }) => running)).toEqual([true, true, true]);
      const log = servers[0]!.output;
      expect(log).toContain("fewer connections than usual");
      expect(log).not.toMatch(/EMFILE/);
      expect(log.split("\n").length).toBeLessThan(60);
    } finally {
      for (const socket of sockets) socket.destroy();
      client.close();
      await cluster.remove();
    }
  },
);
