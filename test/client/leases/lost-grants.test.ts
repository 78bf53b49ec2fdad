/** Leases whose grant was carried out, and not answered. */
import { expect, test } from "vitest";
import { settle } from "../ask.ts";
import { FakeCluster, SERVE } from "../fake-cluster.ts";
import type { KvClient } from "../../../src/client/kv-client.ts";

test.each<[string, (kv: KvClient) => Promise<unknown>]>([
  ["a lease that is kept", (kv) => kv.leases.grant({ ttl: 60_000 })],
  ["one of a write with a time to live", (kv) => kv.write("a", "1", { ttl: 60_000 })],
])("%s is ended in the background", async (_, ask) => {
  const cluster = new FakeCluster(1);
  const kv = cluster.client({ timeoutMs: 500 });
  await settle(cluster, kv.write("first", ""));
  cluster.node(1).behaviour = { kind: "applySilently" };
  const outcome = ask(kv).catch((reason: unknown) => reason);
  for (let i = 0; i < 10; i++) {
    cluster.clock.run(10);
    await Promise.resolve();
  }
  expect(cluster.state.leases.size).toBe(1);
  cluster.node(1).behaviour = { kind: "ignore" };
  expect(await settle(cluster, outcome)).toMatchObject({ code: "TIMEOUT", definite: false });
  expect(cluster.state.leases.size).toBe(1);
  cluster.node(1).behaviour = SERVE;
  for (let i = 0; i < 1000 && cluster.state.leases.size > 0; i++) {
    cluster.clock.run(10);
    await Promise.resolve();
  }
  expect(cluster.state.leases.size).toBe(0);
  kv.close();
});
