/** The store under Keyv, judged by Keyv's own tests. */
import * as vitest from "vitest";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  keyvApiTests,
  keyvIteratorTests,
  keyvNamespaceTest,
  keyvValueTests,
} from "@keyv/test-suite";
import { Keyv, type KeyvStoreAdapter } from "keyv";
import { createClient } from "../../src/client/api/index.ts";
import { KeyvOmnikv } from "../../src/adapters/keyv.ts";
import { startCluster, type Cluster } from "./cluster.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(1);
});
afterAll(() => cluster.stop());

const store = (): KeyvOmnikv => new KeyvOmnikv(cluster.client());

describe("Keyv's suite: what it does", () => {
  keyvApiTests(vitest, Keyv, store);
});
describe("Keyv's suite: values", () => {
  keyvValueTests(vitest, Keyv, store);
});
describe("Keyv's suite: namespaces", () => {
  keyvNamespaceTest(vitest, Keyv, store);
});
describe("Keyv's suite: iterators", () => {
  keyvIteratorTests(vitest, Keyv, store);
});

test("is what Keyv calls a store", () => {
  const adapter: KeyvStoreAdapter = store();
  expect(new Keyv({ store: adapter }).opts.store).toBe(adapter);
});

test("what has expired is not there for any of them", async () => {
  const keyv = new Keyv({ store: store(), namespace: "short" });
  await keyv.set("a", 1, 20);
  await keyv.set("b", 2);
  await new Promise((resolve) => setTimeout(resolve, 40));
  expect(await keyv.has("a")).toBe(false);
  expect(await keyv.get(["a", "b"])).toEqual([undefined, 2]);
  const entries: unknown[] = [];
  for await (const entry of keyv.iterator?.({}) ?? []) entries.push(entry);
  expect(entries).toEqual([["b", 2]]);
});

test("a namespace is not cleared with one that begins like it", async () => {
  const one = new Keyv({ store: store(), namespace: "n" });
  const other = new Keyv({ store: store(), namespace: "nn" });
  await other.set("a", 1);
  await one.clear();
  expect(await other.get("a")).toBe(1);
});

test("a store that two Keyvs of different namespaces share clears for neither, and iterates for the last one only", async () => {
  const shared = store();
  const users = new Keyv({ store: shared, namespace: "users", throwOnErrors: true });
  await users.set("1", "Ada");
  const orders = new Keyv({ store: shared, namespace: "orders", throwOnErrors: true });
  await orders.set("1", "book");
  const refusal = {
    code: "BAD_REQUEST",
    message: expect.stringContaining("one KeyvOmnikv for each Keyv") as string,
  };
  await expect(users.clear()).rejects.toMatchObject(refusal);
  await expect(orders.clear()).rejects.toMatchObject(refusal);
  expect([await users.get("1"), await orders.get("1")]).toEqual(["Ada", "book"]);
  const all = async (keyv: Keyv): Promise<unknown[]> => {
    const entries: unknown[] = [];
    for await (const entry of keyv.iterator?.({}) ?? []) entries.push(entry);
    return entries;
  };
  await expect(all(users)).rejects.toMatchObject(refusal);
  expect(await all(orders)).toEqual([["1", "book"]]);
});

test("a store that two Keyvs of one namespace share is cleared by either", async () => {
  const shared = store();
  const [one, other] = [0, 1].map(() => new Keyv({ store: shared, namespace: "both" }));
  await one?.set("a", 1);
  await other?.clear();
  expect(await one?.get("a")).toBeUndefined();
});

test("a Keyv that puts no namespace before its keys is not told that they were cleared", async () => {
  const own = { prefix: "bare/" };
  const bare = new Keyv({
    store: new KeyvOmnikv(cluster.client(), own),
    useKeyPrefix: false,
    throwOnErrors: true,
  });
  await bare.set("a", 1);
  const refusal = {
    code: "BAD_REQUEST",
    message: expect.stringContaining("useKeyPrefix: false") as string,
  };
  await expect(bare.clear()).rejects.toMatchObject(refusal);
  await expect(bare.iterator?.({}).next()).rejects.toMatchObject(refusal);
  const without = new Keyv({
    store: new KeyvOmnikv(cluster.client(), own),
    namespace: "",
    useKeyPrefix: false,
    throwOnErrors: true,
  });
  expect(await without.get("a")).toBe(1);
  await without.clear();
  expect(await without.get("a")).toBeUndefined();
});

test("keys of strangers that are no text are passed over", async () => {
  const keyv = new Keyv({ store: store(), namespace: "strange" });
  const strange = Buffer.concat([Buffer.from("keyv/strange:"), Buffer.of(0xff)]);
  await cluster.client().write(strange, "v");
  await keyv.set("a", 1);
  const entries: unknown[] = [];
  for await (const entry of keyv.iterator?.({}) ?? []) entries.push(entry);
  expect(entries).toEqual([["a", 1]]);
  await keyv.clear();
});

test("many keys go together", async () => {
  const keyv = new Keyv({ store: store(), namespace: "many" });
  const keys = Array.from({ length: 2500 }, (_, i) => `k${i}`);
  const set = await keyv.setMany(keys.map((key, i) => ({ key, value: i })));
  expect(set).toEqual(keys.map(() => true));
  const values = await keyv.getMany<number>(keys);
  expect(values).toEqual(keys.map((_, i) => i));
  await keyv.clear();
  expect(await keyv.get("k7")).toBeUndefined();
});

test("what Keyv does not serialize is refused", async () => {
  await expect(store().set("a", { b: 1 })).rejects.toThrow(
    "value: expected text, got a value of type object: leave Keyv its serializer",
  );
});

test("a read that fails is no silent miss: it is an event, and throws if that is asked for", async () => {
  const client = createClient({ nodes: [{ id: 1, host: "127.0.0.1", port: 1 }], timeoutMs: 200 });
  onTestFinished(() => client.close());
  const failed: unknown = expect.objectContaining({ name: "KvError" });
  const quiet = new Keyv({ store: new KeyvOmnikv(client) });
  const told: unknown[] = [];
  quiet.on("error", (each: unknown) => told.push(each));
  expect(await quiet.get("a")).toBeUndefined();
  expect(told).toEqual([failed]);
  const loud = new Keyv({ store: new KeyvOmnikv(client), throwOnErrors: true });
  loud.on("error", () => {});
  await expect(loud.get("a")).rejects.toEqual(failed);
  await expect(new KeyvOmnikv(client).get("a")).rejects.toEqual(failed);
});
