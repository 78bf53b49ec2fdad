/** Writes with a time to live: each takes a lease, which ends when its key is written again, deleted, or given another one. */
import { expect, test } from "vitest";
import { settle } from "../ask.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";
import { FakeCluster, SERVE } from "../fake-cluster.ts";
import type { KvClient } from "../../../src/client/kv-client.ts";
import { byteStringOfText } from "../../../src/store/index.ts";

const HOUR = 3_600_000;

/** A cluster of one node with a client that has written. */
async function served(): Promise<{ cluster: FakeCluster; kv: KvClient }> {
  const cluster = new FakeCluster(1);
  const kv = cluster.client({ timeoutMs: 5000 });
  await settle(cluster, kv.write("first", ""));
  return { cluster, kv };
}

test("a key that is written again and again has one lease, which goes with the key", async () => {
  const { cluster, kv } = await served();
  for (let i = 0; i < 50; i++) await settle(cluster, kv.write("a", `${i}`, { ttl: HOUR }));
  expect(cluster.state.leases.size).toBe(1);
  const [lease] = await settle(cluster, kv.leases.list());
  expect(lease).toMatchObject({ ttl: HOUR });
  const shorter = await settle(cluster, kv.write("a", "b", { ttl: 1000 }));
  expect(shorter.revision).toBe(cluster.state.revision);
  expect(await settle(cluster, kv.leases.list())).toMatchObject([{ ttl: 1000 }]);
  await settle(cluster, kv.delete("a"));
  expect(await settle(cluster, kv.leases.list())).toEqual([]);
  // Whoever holds the id of one that has ended hears that there is none, and no error.
  const { id } = lease ?? { id: 0 };
  expect(await settle(cluster, kv.leases.revoke(id))).toBe(false);
  expect(await settle(cluster, kv.leases.renew(id))).toBeNull();
  expect(await settle(cluster, kv.leases.timeToLive(id))).toBeNull();
  kv.close();
});

test.each<[string, (kv: KvClient) => Promise<unknown>]>([
  ["a write without a time to live", (kv) => kv.write("a", "c")],
  ["a deletion", (kv) => kv.delete("a")],
  ["a swap", (kv) => kv.cas("a", { value: "b" }, "c")],
  ["a range that is deleted", (kv) => kv.txn({ then: [{ op: "delete", range: { prefix: "a" } }] })],
  [
    "a write with a lease that is kept",
    async (kv) => {
      const lease = await kv.leases.grant({ ttl: HOUR });
      await kv.write("a", "c", { lease });
      await lease.revoke();
    },
  ],
])("%s ends it", async (_, change) => {
  const { cluster, kv } = await served();
  await settle(cluster, kv.write("a", "b", { ttl: HOUR }));
  expect(cluster.state.leases.size).toBe(1);
  await settle(cluster, change(kv));
  expect(cluster.state.leases.size).toBe(0);
  kv.close();
});

test("leases that a program asks for go on without keys", async () => {
  const { cluster, kv } = await served();
  const issued = await settle(cluster, kv.leases.issue(HOUR));
  const kept = await settle(cluster, kv.leases.grant({ ttl: HOUR }));
  for (const lease of [issued.id, kept.id]) {
    await settle(cluster, kv.write("a", "b", { lease }));
    await settle(cluster, kv.write("a", "c"));
  }
  expect(cluster.state.leases.sortedIds()).toEqual([issued.id, kept.id]);
  kv.close();
});

test("in a cluster that does not know such leases they go on until their time is over, as before", async () => {
  const { cluster, kv } = await served();
  cluster.rules = 8;
  for (let i = 0; i < 3; i++) await settle(cluster, kv.write("a", `${i}`, { ttl: HOUR }));
  expect(cluster.state.leases.size).toBe(3);
  kv.close();
});

test("a write whose answer was lost is told the first one, although its lease has ended with another write since", async () => {
  const { cluster, kv } = await served();
  // Other ids of leases.
  const other = cluster.client({ timeoutMs: 5000, random: seededRandom(9) });
  await settle(cluster, other.write("first", ""));
  const write = kv.write("a", "mine", { ttl: HOUR });
  // The grant is answered; what follows is carried out, and not answered.
  const isGranted = (): boolean => cluster.state.leases.size === 1;
  for (let i = 0; i < 100 && !isGranted(); i++) {
    cluster.clock.run(1);
    await Promise.resolve();
  }
  cluster.clock.run(1);
  cluster.node(1).behaviour = { kind: "applyAndDie" };
  const isWritten = (): boolean => cluster.state.read(byteStringOfText("a")) !== undefined;
  for (let i = 0; i < 1000 && !isWritten(); i++) {
    cluster.clock.run(1);
    await Promise.resolve();
  }
  expect(isWritten()).toBe(true);
  const { revision } = cluster.state;
  cluster.node(1).behaviour = SERVE;
  const theirs = await settle(cluster, other.write("a", "theirs", { ttl: HOUR }));
  expect(await settle(cluster, write)).toMatchObject({ revision });
  expect(theirs.revision).toBe(revision + 1);
  expect(cluster.state.revision).toBe(revision + 1);
  expect((await settle(cluster, kv.read("a"))).text()).toBe("theirs");
  expect(cluster.state.leases.size).toBe(1);
  kv.close();
  other.close();
});
