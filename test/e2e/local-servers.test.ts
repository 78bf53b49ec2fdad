/** Servers that a prompt started: what it is told of those that end. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { loopbackNodes } from "../../src/measure/subjects/places.ts";
import { LocalServers } from "../../src/server/launch/index.ts";

const directory = mkdtempSync(join(tmpdir(), "omnikv-lost-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("one that ends by itself is told of, one that was told to end is not", async () => {
  const nodes = await loopbackNodes(1);
  const options = { nodes, clusterId: "lost", dataDirectory: directory, flags: [] };
  const servers = await LocalServers.start(options);
  const lost: string[] = [];
  servers.onLost((node, farewell) => lost.push(`${node}: ${farewell}`));
  try {
    await servers.crash(1);
    await servers.restart(1);
    await servers.restart(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(lost).toEqual([]);
    process.kill(
      Number.parseInt(readFileSync(join(directory, "node1/lock"), "utf8"), 10),
      "SIGKILL",
    );
    await vi.waitFor(() => expect(lost).toEqual(["1: node 1 was ended by SIGKILL"]));
    await servers.restart(1);
  } finally {
    await servers.stop();
  }
  expect(lost).toHaveLength(1);
});
