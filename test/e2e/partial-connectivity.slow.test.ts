/** The paper's shapes on real servers: wherever a node can reach a majority, its clients are served. */
import { afterEach, describe, expect, test } from "vitest";
import { TestCluster } from "./cluster.ts";

let cluster: TestCluster;
afterEach(() => cluster.dispose());

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** For a failure: how each node stands. */
async function picture(what: string, cause: unknown): Promise<Error> {
  const statuses = await cluster.statuses(cluster.admin());
  const lines = statuses.map(({ nodeId, role, phase, promise, happy, standing, heartbeats }) => {
    const heard = heartbeats.map((peer) => `${peer.peer}${peer.happy ? "" : " (unhappy)"}`);
    const mood = happy ? "happy" : "unhappy";
    return `${nodeId}: ${role} ${phase} ${promise.n}.${promise.pid} ${standing}, ${mood}, hears ${heard.join(", ")}`;
  });
  return new Error(`${what}:\n${lines.join("\n")}`, { cause });
}

/** Each of these nodes serves a write, and a read of what was written through the one before. */
async function expectServed(nodes: readonly number[], tag: string): Promise<void> {
  const client = cluster.client();
  let last = "";
  for (const node of nodes) {
    try {
      if (last !== "") {
        const read = await client.read(tag, { node });
        expect(read.found && text(read.value)).toBe(last);
      }
      last = `${tag} by ${node}`;
      await client.write(tag, last, { node });
    } catch (error) {
      throw await picture(`node ${node} should serve "${tag}"`, error);
    }
  }
}

describe.each([3, 5])("partial connectivity with %i nodes", (size) => {
  const ids = Array.from({ length: size }, (_, i) => i + 1);

  test("quorum loss, constrained, chained, ring, one broken link, isolation: then all is healed", async () => {
    cluster = await TestCluster.create(size);
    await cluster.startAll();
    const admin = cluster.admin();
    const all = ids.flatMap((a) => ids.filter((b) => b > a).map((b) => [a, b] as const));
    const leaderFirst = async (): Promise<number[]> => {
      const leader = await cluster.leader(admin);
      return [leader, ...ids.filter((id) => id !== leader)];
    };
    await expectServed(ids, "whole");

    // Leader and one follower no longer hear each other.
    let [leader, hub] = await leaderFirst();
    await cluster.keepOnly(
      admin,
      all.filter(([a, b]) => !(a === Math.min(leader!, hub!) && b === Math.max(leader!, hub!))),
    );
    await expectServed(ids, "one link");
    await cluster.heal(admin);

    // Quorum loss: everybody hears the hub only.
    [leader, hub] = await leaderFirst();
    await cluster.keepOnly(
      admin,
      all.filter(([a, b]) => a === hub || b === hub),
    );
    await expectServed(ids, "quorum loss");
    await cluster.heal(admin);
    await expectServed(ids, "healed");

    // Constrained: as before, and the old leader is alone.
    [leader, hub] = await leaderFirst();
    await cluster.keepOnly(
      admin,
      all.filter(([a, b]) => (a === hub || b === hub) && a !== leader && b !== leader),
    );
    await expectServed(
      ids.filter((id) => id !== leader),
      "constrained",
    );
    await cluster.heal(admin);

    // Chained, the leader at one end.
    const order = await leaderFirst();
    await cluster.keepOnly(
      admin,
      order.slice(1).map((id, i) => [order[i]!, id] as const),
    );
    const inner = size === 3 ? order : order.slice(1, -1);
    await expectServed(inner, "chained");
    await cluster.heal(admin);

    await cluster.keepOnly(
      admin,
      ids.map((id, i) => [id, ids[(i + 1) % size]!] as const),
    );
    await expectServed(ids, "ring");
    await cluster.heal(admin);

    // The leader alone.
    [leader] = await leaderFirst();
    await cluster.keepOnly(
      admin,
      all.filter(([a, b]) => a !== leader && b !== leader),
    );
    await expectServed(
      ids.filter((id) => id !== leader),
      "isolated",
    );
    const alone = cluster.client({ timeoutMs: 8000, failFast: true });
    await expect(alone.read("whole", { node: leader! })).rejects.toMatchObject({
      code: "NO_QUORUM",
      definite: true,
    });
    await cluster.heal(admin);
    await expectServed(ids, "healed again");
    await cluster.converged(admin);
  }, 180_000);
});

test("a broken link survives a reconnect of its socket, and is whole after a restart", async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  const admin = cluster.admin();
  const state = async (node: number, peer: number) => {
    const { links } = await admin.call(node, "getLinks", {});
    return links.find((link) => link.peer === peer)!;
  };
  await admin.call(1, "breakLink", { peer: 2, direction: "both" });
  await admin.call(1, "breakLink", { peer: 2, direction: "both" });
  await expect.poll(async () => (await state(1, 2)).state, { timeout: 10_000 }).toBe("connected");
  expect(await state(1, 2)).toMatchObject({ brokenIn: true, brokenOut: true });
  await cluster.kill(2);
  await cluster.start(2);
  await expect.poll(async () => (await state(1, 2)).state, { timeout: 10_000 }).toBe("connected");
  expect(await state(1, 2)).toMatchObject({ brokenIn: true, brokenOut: true });
  // The other end never broke it.
  expect(await state(2, 1)).toMatchObject({ brokenIn: false, brokenOut: false });
  await admin.call(1, "restoreLink", { peer: 2, direction: "in" });
  expect(await state(1, 2)).toMatchObject({ brokenIn: false, brokenOut: true });
  await cluster.kill(1);
  await cluster.start(1);
  expect(await state(1, 2)).toMatchObject({ brokenIn: false, brokenOut: false });
}, 240_000);
