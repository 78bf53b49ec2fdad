/** Orders, bounds and least revisions through a real node and the library. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { startGateWorld, type GateWorld } from "./world.ts";

let world: GateWorld;
beforeEach(async () => {
  world = await startGateWorld();
});
afterEach(() => world.close());

async function textsOf(keys: AsyncIterable<{ keyText(): string }>): Promise<string> {
  const texts: string[] = [];
  for await (const entry of keys) texts.push(entry.keyText());
  return texts.join(" ");
}

test("the first keys of a range come in any order, of any number of pages", async () => {
  const { client } = world;
  const keys = Array.from({ length: 3000 }, (_, i) => `k${String(i).padStart(4, "0")}`);
  const values = keys.map((_, i) => String((i * 7919) % 3000));
  await Promise.all(keys.map((key, i) => client.write(key, values[i] ?? "")));
  await client.write("k0005", "x");
  const { revision } = await client.write("k2999", "w");
  const prefix = "k";
  const by = (orderBy: "value" | "version" | "mod", reverse = false) =>
    textsOf(client.keys({ prefix }, { orderBy, reverse, limit: 3 }));
  expect(await by("value", true)).toBe(`k0005 k2999 ${keys[values.indexOf("999")]}`);
  expect(await by("version", true)).toBe("k2999 k0005 k2998");
  expect(await by("mod", true)).toMatch(/^k2999 k0005 k/);
  const since = { minModRevision: revision - 1 };
  expect(await textsOf(client.range({ prefix }, since))).toBe("k0005 k2999");
  expect(await client.count({ prefix }, since)).toEqual({ count: 2, revision });
  const { createRevision } = (await client.read("k0005")) as { createRevision: number };
  const made = { minCreateRevision: createRevision, maxCreateRevision: createRevision };
  expect(await textsOf(client.keys({ prefix }, made))).toBe("k0005");
});

test("a read that is to be no older than a revision waits for it, and no longer than its time", async () => {
  const { client } = world;
  const { revision } = await client.write("a", "1");
  expect(await client.read("a", { atLeast: revision })).toMatchObject({ modRevision: revision });
  const later = [
    client.read("a", { atLeast: revision + 1 }),
    client.get(["a", "b"], { atLeast: revision + 2 }),
    client.count({ start: "a", end: "c" }, { atLeast: revision + 2 }),
  ];
  await new Promise((done) => setTimeout(done, 50));
  await client.write("a", "2");
  expect(await later[0]).toMatchObject({ modRevision: revision + 1 });
  await client.write("b", "3");
  expect(await later[1]).toMatchObject([{ modRevision: revision + 1 }, { found: true }]);
  expect(await later[2]).toEqual({ count: 2, revision: revision + 2 });
  const inVain = client.read("a", { atLeast: revision + 9, timeoutMs: 200 });
  await expect(inVain).rejects.toMatchObject({ code: "TIMEOUT" });
  await expect(
    client.read("a", { atLeast: revision + 9, node: 1, timeoutMs: 10_000 }),
  ).rejects.toMatchObject({
    code: "REVISION_AHEAD",
    message: `node 1: revision ${revision + 9} is not there yet at this node: the newest one is ${revision + 2}`,
  });
  await expect(
    client.read("a", { revision: revision + 9, consistency: "local", node: 1 }),
  ).rejects.toMatchObject({ code: "REVISION_AHEAD" });
  // A linearizable read has all that was decided: it is not this node that is behind.
  await expect(client.read("a", { revision: revision + 9 })).rejects.toMatchObject({
    code: "BAD_REQUEST",
    message: `node 1: there is no revision ${revision + 9} yet: the newest one of the store is ${revision + 2}`,
  });
});
