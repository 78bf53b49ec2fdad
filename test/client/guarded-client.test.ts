/** Writes that are bound to a lock, on nodes with the real state machine. */
import { describe, expect, test } from "vitest";
import type { GuardedClient } from "../../src/client/guarded-client.ts";
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

describe("whose first answer was lost, with more results than the cluster keeps,", () => {
  /** Each writes while node 1 does what it is told and dies; node 2 does not know what they found any more. */
  async function repeated<T>(
    carryOut: (guarded: GuardedClient, key: string) => Promise<T>,
  ): Promise<{ cluster: FakeCluster; results: PromiseSettledResult<T>[]; guard: Guard }> {
    const cluster = new FakeCluster(2);
    const kv = cluster.client({ firstNode: 1 });
    const { revision } = await settle(cluster, kv.write("held", ""));
    const guard = { key: "held", token: revision, signal: new AbortController().signal };
    for (let i = 0; i < 6; i++) await settle(cluster, kv.write(`k${i}`, "x".repeat(300 * 1024)));
    cluster.node(1).behaviour = { kind: "applyAndDie" };
    const guarded = kv.guarded(guard);
    const all = Array.from({ length: 6 }, (_, i) => carryOut(guarded, `k${i}`));
    return { cluster, results: await settle(cluster, Promise.allSettled(all)), guard };
  }

  test("are not reported as done when their checks did not hold", async () => {
    const { cluster, results } = await repeated((guarded, key) =>
      guarded.atomic().check(key, { absent: true }).put(key, "mine").commit(),
    );
    const told = results.map((result) => result.status === "fulfilled" && result.value);
    expect(told.map((result) => result && result.committed)).toEqual(told.map(() => false));
    // Some of them are not known any more, or the test would prove nothing.
    expect(
      told.some((result) => result && !result.committed && result.conflicts.length === 0),
    ).toBe(true);
    expect(valueOf(cluster, "k5")).not.toBe("mine");
  });

  test("are reported as done when they were, without results", async () => {
    const { cluster, results } = await repeated((guarded, key) =>
      guarded.txn({
        compare: [{ key, version: 1 }],
        // oxlint-disable-next-line no-thenable -- a list, which nobody can call
        then: [{ op: "put", key, value: "mine", previous: true }],
      }),
    );
    expect(results).toEqual(
      results.map(() => ({
        status: "fulfilled",
        value: expect.objectContaining({ succeeded: true }),
      })),
    );
    expect(results.some((result) => "value" in result && result.value.results === null)).toBe(true);
    expect(valueOf(cluster, "k5")).toBe("mine");
  });

  test.each([
    ["of which either list writes", 1],
    ["whose comparisons leave no room for that of the lock", 128],
  ])("reject when nobody knows whether they wrote: those %s", async (_, compares) => {
    const { results } = await repeated((guarded, key) =>
      guarded.txn({
        compare: Array.from({ length: compares }, () => ({ key, version: 0 })),
        else: [{ op: "put", key, value: "mine", previous: true }],
      }),
    );
    const told = results.map((result) =>
      result.status === "rejected"
        ? result.reason
        : result.value.results !== null && !result.value.succeeded,
    );
    const notKnown = expect.objectContaining({ code: "INTERNAL", definite: false });
    expect(told).toContainEqual(notKnown);
    expect(told).toEqual(told.map((one) => (one === true ? true : notKnown)));
  });
});
