/** A minute of nearly right frames on every channel of a built server, from a fresh seed each time. */
import { rmSync } from "node:fs";
import { expect, test } from "vitest";
import { fuzz } from "../../scripts/fuzz/fuzz.ts";
import { findLeader } from "../../src/bench/find-leader.ts";
import { freePorts, makeDataDirectory } from "../../src/bench/throw-away-cluster.ts";
import { startLocalCluster, stopLocalCluster } from "../../src/server/local-cluster.ts";

test("a server serves on, whatever is nearly right", { timeout: 150_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`fuzz: npx tsx scripts/fuzz.ts --seconds 60 --seed ${seed}`);
  const [port = 0, peerPort = 0] = await freePorts(2);
  const node = { id: 1, host: "127.0.0.1", port, peerPort };
  const dataDirectory = makeDataDirectory(null);
  const options = { nodes: [node], clusterId: "fuzz", dataDirectory, flags: [] };
  const servers = await startLocalCluster(options);
  try {
    await findLeader([node], null);
    const { pid } = servers[0]!;
    const result = await fuzz({ node, pid, clusterId: "fuzz", seed, seconds: 60 });
    expect(result.failures).toEqual([]);
    expect(servers[0]!.running).toBe(true);
    expect(result.frames).toBeGreaterThan(1000);
    expect(result.peakBytes).toBeLessThan(400 * 1024 * 1024);
    // A machine that runs all tests at once is slow by itself; scripts/fuzz.ts wants half a second.
    expect(result.slowestMs).toBeLessThan(2000);
  } finally {
    await stopLocalCluster(servers);
    rmSync(dataDirectory, { recursive: true, force: true });
  }
});
