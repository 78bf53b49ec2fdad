/** What a real server that comes back needs is in no log any more. */
import { afterEach, expect, test } from "vitest";
import type { KvClient } from "../../src/client/kv-client.ts";
import { eventually, TestCluster } from "./cluster.ts";

let cluster: TestCluster;
afterEach(() => cluster.dispose());

/** The first key and the last, at the node that was down. */
async function expectBoth(client: KvClient): Promise<void> {
  for (const key of ["before", "k"]) {
    const read = await client.read(key, { node: 3 });
    expect(read.found && read.text()).toBe(`value of ${key}`);
  }
}

test("a server that was down through several compactions is brought level by a snapshot", async () => {
  cluster = await TestCluster.create(3);
  const flags = ["--snapshot-entries", "50"];
  await cluster.startAll(...flags);
  const client = cluster.client();
  await client.write("before", "value of before");
  await cluster.kill(3);
  const value = "x".repeat(60_000);
  for (let i = 0; i < 400; i++) await client.write(`key${i % 40}`, value, { node: 1 });
  await client.write("k", "value of k", { node: 1 });
  const admin = cluster.admin();
  await eventually("the log is compacted", async () => {
    const statuses = await cluster.statuses(admin);
    return statuses.every(({ compactedIdx }) => compactedIdx > 100);
  });
  await cluster.start(3, { flags });
  const statuses = await cluster.converged(admin);
  expect(statuses[2]!.snapshotIdx).toBeGreaterThan(100);
  await expectBoth(client);
  // And from its own disk, snapshot included.
  await cluster.kill(3);
  await cluster.start(3, { flags });
  await expectBoth(client);
}, 240_000);
