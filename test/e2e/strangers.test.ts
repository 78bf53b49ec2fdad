/** Built servers with few file descriptors, and strangers who want them all. */
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createClient } from "../../src/api/index.ts";
import { freePorts, makeDataDirectory } from "../../src/bench/throw-away-cluster.ts";
import { startLocalCluster, stopLocalCluster } from "../../src/server/local-cluster.ts";
import { readFileSync, rmSync } from "node:fs";

test(
  "silent strangers take no file descriptor that a server needs",
  { timeout: 60_000 },
  async () => {
    const dataDirectory = makeDataDirectory(null);
    const ports = await freePorts(6);
    const nodes = [1, 2, 3].map((id) => ({
      ...{ id, host: "127.0.0.1" },
      ...{ port: ports[2 * id - 2]!, peerPort: ports[2 * id - 1]! },
    }));
    const servers = await startLocalCluster({
      ...{ nodes, clusterId: "few", dataDirectory, flags: [] },
      wrap: () => ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh"],
    });
    const client = createClient({ nodes, clusterId: "few", timeoutMs: 20_000 });
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
      const fresh = createClient({ nodes, clusterId: "few", timeoutMs: 20_000 });
      expect((await fresh.read("key")).found).toBe(true);
      fresh.close();
      expect(servers.map(({ running }) => running)).toEqual([true, true, true]);
      const log = readFileSync(servers[0]!.logFile, "utf8");
      expect(log).toContain("fewer connections than usual");
      expect(log).not.toMatch(/EMFILE/);
      expect(log.split("\n").length).toBeLessThan(60);
    } finally {
      for (const socket of sockets) socket.destroy();
      client.close();
      await stopLocalCluster(servers);
      rmSync(dataDirectory, { recursive: true });
    }
  },
);
