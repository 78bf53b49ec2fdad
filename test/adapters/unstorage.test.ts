/** The store under unstorage: what its drivers must do, case by case as its own tests have it, through its storage. */
import {
  createStorage,
  prefixStorage,
  restoreSnapshot,
  snapshot,
  type Driver,
  type Storage,
} from "unstorage";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { omnikvDriver } from "../../src/adapters/unstorage.ts";
import { startCluster, type Cluster } from "./cluster.ts";

let cluster: Cluster;
let storage: Storage;
beforeAll(async () => {
  cluster = await startCluster(1);
  const driver: Driver = omnikvDriver({ client: cluster.client() });
  storage = createStorage({ driver });
});
afterEach(() => storage.clear());
afterAll(() => cluster.stop());

describe("items", () => {
  test("are not there at first", async () => {
    expect(await storage.hasItem("a:b")).toBe(false);
    expect(await storage.getItem("a:b")).toBeNull();
    expect(await storage.getItemRaw("a:b")).toBeNull();
    expect(await storage.getKeys()).toEqual([]);
  });

  test("are set, found by any spelling of the key, and removed", async () => {
    await storage.setItem("a:b?query", "text");
    expect(await storage.hasItem("a/b")).toBe(true);
    expect(await storage.getItem("a:b?other")).toBe("text");
    await storage.removeItem("a:b");
    expect(await storage.hasItem("a:b")).toBe(false);
    expect(await storage.getItem("a:b")).toBeNull();
  });

  test.each([{ object: "works" }, true, false, 0, null, [1, "two"]])("keep %j", async (value) => {
    await storage.setItem("value", value);
    expect(await storage.getItem("value")).toEqual(value);
  });

  test("are what their toJSON says, and no other classes", async () => {
    await storage.setItem("a", { toJSON: () => ({ inside: 1 }) });
    expect(await storage.getItem("a")).toEqual({ inside: 1 });
    class Other {
      inside = 1;
    }
    await expect(storage.setItem("b", new Other() as never)).rejects.toThrow(
      "[unstorage] Cannot stringify value!",
    );
  });

  test.each([
    ["bytes", new Uint8Array([0, 1, 255])],
    ["a buffer", new Uint8Array([0, 1, 255]).buffer],
    ["a view", new DataView(new Uint8Array([9, 0, 1, 255]).buffer, 1)],
  ])("keep %s as they are", async (_, bytes) => {
    await storage.setItemRaw("raw.bin", bytes);
    expect([...((await storage.getItemRaw("raw.bin")) as Uint8Array)]).toEqual([0, 1, 255]);
  });

  test("go many at once", async () => {
    await storage.setItems([
      { key: "t:1", value: "one" },
      { key: "t:2", value: "two" },
    ]);
    expect(await storage.getItems(["t:1", { key: "t:2" }, "t:3"])).toEqual([
      { key: "t:1", value: "one" },
      { key: "t:2", value: "two" },
      { key: "t:3", value: null },
    ]);
  });

  test("tell their size and revisions", async () => {
    await storage.setItem("a", "four");
    expect(await storage.getMeta("a")).toMatchObject({ size: 4, version: 1 });
    expect(await storage.getMeta("b")).toEqual({});
  });

  test("that are written again and again with a time take one lease, and none when they are removed", async () => {
    const { leases } = cluster.client();
    const before = (await leases.list()).length;
    const count = async (): Promise<number> => (await leases.list()).length - before;
    for (let i = 0; i < 30; i++) await storage.setItem("session", `${i}`, { ttl: 3600 });
    expect(await count()).toBe(1);
    await storage.removeItem("session");
    expect(await count()).toBe(0);
    await storage.setItem("session", "b", { ttl: 3600 });
    await storage.setItem("session", "c");
    expect(await count()).toBe(0);
    await storage.setItem("session", "b", { ttl: 3600 });
    await storage.clear();
    expect(await count()).toBe(0);
  });

  test("go when their time is over, which is in seconds", async () => {
    await storage.setItem("a", "b", { ttl: 1 });
    await storage.setItemRaw("raw", Uint8Array.of(1), { ttl: 1 });
    await storage.setItem("longer", "b", { ttl: 60 });
    expect(await storage.getItem("a")).toBe("b");
    const left = async (): Promise<boolean[]> =>
      Promise.all(["a", "raw", "longer"].map((key) => storage.hasItem(key)));
    await vi.waitFor(async () => expect(await left()).toEqual([false, false, true]), {
      timeout: 20_000,
    });
    // A lease has bounds, and a cache may ask for a year.
    for (const ttl of [0.001, 365 * 24 * 3600]) await storage.setItem("any", "b", { ttl });
    for (const ttl of [0, -1, NaN, "5" as unknown as number]) {
      await expect(storage.setItem("a", "b", { ttl })).rejects.toThrow("ttl: expected seconds");
    }
  });
});

describe("keys", () => {
  test("are told by base and by depth", async () => {
    for (const key of ["top", "a:x", "a:b:y", "a:b:z", "ab:c"]) await storage.setItem(key, "v");
    expect(await storage.getKeys()).toEqual(["a:b:y", "a:b:z", "a:x", "ab:c", "top"]);
    expect(await storage.getKeys("a")).toEqual(["a:b:y", "a:b:z", "a:x"]);
    expect(await storage.getKeys(undefined, { maxDepth: 0 })).toEqual(["top"]);
    expect(await storage.getKeys(undefined, { maxDepth: 1 })).toEqual(["a:x", "ab:c", "top"]);
  });

  test("of strangers that are no text are passed over", async () => {
    const strange = Buffer.concat([Buffer.from("unstorage/a"), Buffer.of(0xff)]);
    await cluster.client().write(strange, "v");
    await storage.setItem("a", "v");
    expect(await storage.getKeys()).toEqual(["a"]);
    await storage.clear();
    expect((await cluster.client().read(strange)).found).toBe(false);
  });

  test("are cleared by base, and when there are none", async () => {
    for (const key of ["a:x", "ab:c"]) await storage.setItem(key, "v");
    // A storage itself hands no base on to the driver that it was made with.
    await omnikvDriver({ client: cluster.client() }).clear("a:");
    expect(await storage.getKeys()).toEqual(["ab:c"]);
    await storage.clear();
    await storage.clear();
    expect(await storage.getKeys()).toEqual([]);
  });
});

describe("a watch", () => {
  const told = (events: readonly string[], wanted: readonly string[]): Promise<void> =>
    vi.waitFor(() => expect(events).toEqual(wanted), { timeout: 10_000 });

  test("tells what this program and others do, until it is ended", async () => {
    const events: string[] = [];
    const unwatch = await storage.watch((event, key) => void events.push(`${event} ${key}`));
    await storage.setItem("a:b", "1");
    const other = omnikvDriver({ client: cluster.client() });
    await other.setItem("a:c", "2");
    await other.removeItem("a:b");
    await cluster.client().write(Uint8Array.of(...Buffer.from("unstorage/"), 0xff), "no text");
    await storage.setItem("short", "x", { ttl: 1 });
    const until = ["update a:b", "update a:c", "remove a:b", "update short", "remove short"];
    await told(events, until);
    await unwatch();
    await storage.setItem("later", "x");
    const again: string[] = [];
    const end = await other.watch((event, key) => again.push(`${event} ${key}`));
    await storage.setItem("last", "x");
    await told(again, ["update last"]);
    other.dispose();
    await storage.setItem("too late", "x");
    end();
    expect(again).toEqual(["update last"]);
    expect(events).toEqual(until);
    await cluster.client().delete(Uint8Array.of(...Buffer.from("unstorage/"), 0xff));
  });

  test("whose callback throws is told of the next event, and so are the others", async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", note);
    const events: string[][] = [[], []];
    const ends = await Promise.all([
      storage.watch((_, key) => {
        events[0]?.push(key);
        throw new Error(`thrown at ${key}`);
      }),
      storage.watch((_, key) => void events[1]?.push(key)),
    ]);
    for (const key of ["x1", "x2"]) await storage.setItem(key, "v");
    for (const each of events) await told(each, ["x1", "x2"]);
    await vi.waitFor(() => expect(warnings).toEqual(["thrown at x1", "thrown at x2"]));
    process.off("warning", note);
    for (const end of ends) await end();
  });

  test("that cannot begin rejects", async () => {
    const driver = omnikvDriver({ client: cluster.client(), prefix: "x".repeat(5000) });
    await expect(driver.watch(() => {})).rejects.toMatchObject({ code: "KEY_TOO_LARGE" });
  });
});

test("snapshots and views of a storage work", async () => {
  await restoreSnapshot(storage, { first: "works" }, "base");
  expect(await snapshot(storage, "base")).toEqual({ first: "works" });
  expect(await prefixStorage(storage, "base").getItem("first")).toBe("works");
});
