/** Writes that are bound to a lock, on nodes with the real state machine. */
import { expect, test } from "vitest";
import type { Guard } from "../../src/client/locks/lock.ts";
import { settle, valueOf } from "./ask.ts";
import { FakeCluster } from "./fake-cluster.ts";

async function held(): Promise<{
  cluster: FakeCluster;
  guard: Guard;
  controller: AbortController;
}> {
  const cluster = new FakeCluster(1);
  const { revision } = await settle(cluster, cluster.client().write("held", ""));
  const controller = new AbortController();
  return {
    cluster,
    guard: { key: "held", token: revision, signal: controller.signal },
    controller,
  };
}

test("are made while it is held, and answered as others are", async () => {
  const { cluster, guard } = await held();
  const kv = cluster.client();
  const guarded = kv.guarded(guard);
  expect(await settle(cluster, guarded.write("a", "1"))).toMatchObject({ revision: 2, node: 1 });
  expect(await settle(cluster, guarded.delete("a"))).toMatchObject({ existed: true, revision: 3 });
  expect(await settle(cluster, guarded.delete("a"))).toMatchObject({ existed: false, revision: 3 });
  const other = await settle(
    cluster,
    guarded.atomic().check("a", { absent: true }).put("a", "2").commit(),
  );
  expect(other).toMatchObject({ committed: true });
  const conflict = await settle(
    cluster,
    guarded.atomic().check("a", { absent: true }).put("a", "3").commit(),
  );
  expect(conflict).toMatchObject({ committed: false, conflicts: [{ key: "a" }] });
  const longer = guarded.transact(async (tx) => {
    tx.put("a", `${(await tx.get("a")).text()}!`);
  });
  await settle(cluster, longer);
  expect(valueOf(cluster, "a")).toBe("2!");
});

test("are refused for good when it is held by nobody, or by somebody else since", async () => {
  const { cluster, guard, controller } = await held();
  const kv = cluster.client();
  const guarded = kv.guarded(guard);
  await settle(cluster, kv.delete("held"));
  const lost = { code: "LOCK_LOST", definite: true };
  await expect(settle(cluster, guarded.write("a", "1"))).rejects.toMatchObject(lost);
  await settle(cluster, kv.write("held", ""));
  await expect(settle(cluster, guarded.write("a", "1"))).rejects.toMatchObject(lost);
  await expect(settle(cluster, guarded.delete("a"))).rejects.toMatchObject(lost);
  await expect(
    settle(
      cluster,
      guarded.transact((tx) => tx.put("a", "1")),
    ),
  ).rejects.toMatchObject(lost);
  expect(valueOf(cluster, "a")).toBeUndefined();
  // What the holder knows itself is not asked for.
  const asked = cluster.node(1).frames.length;
  controller.abort();
  await expect(settle(cluster, guarded.write("a", "1"))).rejects.toMatchObject(lost);
  expect(cluster.node(1).frames.length).toBe(asked);
});
