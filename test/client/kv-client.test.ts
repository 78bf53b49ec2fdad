/** The promise API: what users hand in, get back and catch. */
import { describe, expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import { settle } from "./ask.ts";
import { compact } from "../store/helpers.ts";
import { FakeCluster } from "./fake-cluster.ts";

describe("KvClient", () => {
  test("reads what it wrote, as text or bytes", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    expect(await settle(cluster, client.write("größe", "ü"))).toMatchObject({ revision: 1 });
    const result = await settle(cluster, client.read(new TextEncoder().encode("größe")));
    expect(result).toMatchObject({ found: true, modRevision: 1, createRevision: 1, version: 1 });
    expect(result.found && new TextDecoder().decode(result.value)).toBe("ü");
    expect(await settle(cluster, client.read("other", { consistency: "local" }))).toMatchObject({
      found: false,
    });
    client.close();
  });

  test("takes what it is given at the call: a buffer may be used for something else at once", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    await settle(
      cluster,
      Promise.all(["old", "kept", "look"].map((key) => client.write(key, key))),
    );
    const buffer = Buffer.alloc(4);
    const given = (text: string): Buffer => {
      buffer.fill(0x20);
      buffer.write(text);
      return buffer.subarray(0, text.length);
    };
    const done = [
      client.write("w", given("1111")),
      client.append("a", given("2222")),
      client.cas("c", { absent: true }, given("3333")),
      client.cas("kept", { value: given("kept") }, "swap"),
      client.batch([{ op: "write", key: "b", value: given("4444") }]),
      client.atomic().put("p", given("5555")).commit(),
      client.txn({ then: [{ op: "put", key: "t", value: given("6666") }] }),
      client.delete(given("old")),
      client.write(given("key"), "7777"),
    ];
    const found = client.read(given("look"));
    given("kept");
    await settle(cluster, Promise.all(done));
    expect((await settle(cluster, found)).text()).toBe("look");
    const keys = ["w", "a", "c", "kept", "b", "p", "t", "old", "key"];
    const values = await settle(cluster, client.get(keys));
    const expected = ["1111", "2222", "3333", "swap", "4444", "5555", "6666", undefined, "7777"];
    expect(values.map((value) => value.text())).toEqual(expected);
    client.close();
  });

  test("keeps no frame alive with a value: a small one shares a pool, a large one is by itself", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const memoryOf = async (length: number): Promise<number> => {
      await settle(cluster, client.write("a", "v".repeat(length)));
      const result = await settle(cluster, client.read("a"));
      return result.found ? result.value.buffer.byteLength : 0;
    };
    expect(await memoryOf(1)).toBeLessThanOrEqual(Buffer.poolSize);
    expect(await memoryOf(Buffer.poolSize + 1)).toBe(Buffer.poolSize + 1);
    client.close();
  });

  test("compares and swaps by value, absence and revision", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const cas = (...args: Parameters<typeof client.cas>) => settle(cluster, client.cas(...args));
    expect(await cas("k", { value: "x" }, "1")).toMatchObject({ swapped: false, actual: null });
    expect(await cas("k", { absent: true }, "1")).toMatchObject({ swapped: true, revision: 1 });
    expect(await cas("k", { absent: true }, "2")).toMatchObject({
      swapped: false,
      actual: { value: new TextEncoder().encode("1"), modRevision: 1 },
    });
    expect(await cas("k", { revision: 1 }, "2")).toMatchObject({ swapped: true, revision: 2 });
    expect(await cas("k", { value: "2" }, "3")).toMatchObject({ swapped: true, revision: 3 });
    await expect(cas("k", { revision: 0 }, "4")).rejects.toMatchObject({ code: "BAD_REQUEST" });
    client.close();
  });

  test("reads the store as it was, and the versions of a key in pages", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const writes = Array.from({ length: 1500 }, (_, i) => client.write("k", `${i + 1}`));
    await settle(cluster, Promise.all(writes));
    await settle(cluster, client.delete("k"));
    await settle(cluster, client.write("other", "x"));
    const at = async (revision: number): Promise<string | undefined> =>
      (await settle(cluster, client.get("k", { revision }))).text();
    expect([await at(1), await at(1500), await at(1501)]).toEqual(["1", "1500", undefined]);
    const many = await settle(cluster, client.get(["k", "other"], { revision: 7 }));
    expect(many.map((result) => result.text())).toEqual(["7", undefined]);
    const collect = async (): Promise<[number, string | undefined][]> => {
      const versions: [number, string | undefined][] = [];
      for await (const each of client.history("k")) versions.push([each.revision, each.text()]);
      return versions;
    };
    const collected = async () => {
      const promise = collect();
      for (let i = 0; i < 50; i++) {
        cluster.clock.run(10);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return promise;
    };
    const versions = await collected();
    expect(versions).toEqual([
      [1501, undefined],
      ...Array.from({ length: 1500 }, (_, i) => [1500 - i, `${1500 - i}`]),
    ]);
    await expect(at(1503)).rejects.toMatchObject({ code: "BAD_REQUEST", oldestRevision: null });
    compact(cluster.state, 1400);
    await expect(at(1399)).rejects.toMatchObject({ code: "COMPACTED", oldestRevision: 1400 });
    await expect(at(-1)).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect((await collected()).at(-1)).toEqual([1400, "1400"]);
    const count = await settle(cluster, client.count({}, { revision: 1500 }));
    expect(count).toEqual({ count: 1, revision: 1500 });
    client.close();
  });

  test("says whether a deleted key existed", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    await settle(cluster, client.write("a", "1"));
    expect(await settle(cluster, client.delete("a"))).toMatchObject({ existed: true, revision: 2 });
    expect(await settle(cluster, client.delete("a"))).toMatchObject({ existed: false });
    client.close();
  });

  test("rejects with a KvError that says what is certain", async () => {
    const cluster = new FakeCluster();
    cluster.node(2).stop();
    const client = cluster.client();
    const failed = settle(cluster, client.write("a", "1", { node: 2 }));
    await expect(failed).rejects.toBeInstanceOf(KvError);
    await expect(failed).rejects.toMatchObject({ code: "CONNECTION_FAILED", definite: true });
    client.close();
  });

  test("stops waiting when the signal says so, before and after sending, and names its reason", async () => {
    const why = new Error("the user has gone");
    const cluster = new FakeCluster();
    const client = cluster.client();
    await settle(cluster, client.write("warm", "up", { node: 1 }));
    const early = client.write("a", "1", { signal: AbortSignal.abort(why) });
    await expect(early).rejects.toMatchObject({ code: "CANCELLED", definite: true, cause: why });
    cluster.node(1).behaviour = { kind: "ignore" };
    const abort = new AbortController();
    const late = client.write("b", "1", { node: 1, signal: abort.signal });
    cluster.clock.run(10);
    abort.abort(why);
    await expect(late).rejects.toMatchObject({ code: "CANCELLED", definite: false, cause: why });
    client.close();
  });

  test("rejects what is under way when it is closed", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const pending = client.read("a");
    client.close();
    await expect(pending).rejects.toMatchObject({ code: "CANCELLED" });
    const closed = { code: "CANCELLED", message: "the client is closed", definite: true };
    await expect(client.watch("a").next()).rejects.toMatchObject(closed);
    await expect(client.watch("a").created).rejects.toMatchObject(closed);
  });

  test("reads locally on another node nothing older than it has seen", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    await settle(cluster, client.write("a", "1", { node: 1 }));
    await settle(cluster, client.read("a", { node: 2, consistency: "local" }));
    expect(cluster.node(2).minIdxs).toEqual([cluster.state.appliedIdx]);
    client.close();
  });

  test("says a value as text and as JSON, and says when it is neither", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const read = async (value: string | Uint8Array) => {
      await settle(cluster, client.write("k", value));
      return settle(cluster, client.read("k"));
    };
    expect((await read("\ufeffgrößer ✓")).text()).toBe("\ufeffgrößer ✓");
    expect((await read('{"a":[1]}')).json()).toEqual({ a: [1] });
    expect((await read("")).text()).toBe("");
    const bytes = await read(Uint8Array.of(0xff, 0xfe));
    expect(() => bytes.text()).toThrow("the value of 2 bytes is not UTF-8 text");
    const text = await read("{");
    for (const call of [() => bytes.text(), () => bytes.json(), () => text.json()]) {
      expect(call).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }) as Error);
    }
    const missing = await settle(cluster, client.read("other"));
    expect([missing.found, missing.text(), missing.json()]).toEqual([false, undefined, undefined]);
    // What programs print, compare and copy is data only.
    expect(JSON.stringify(missing)).toBe(
      '{"found":false,"node":1}'.replace("1", `${missing.node}`),
    );
    expect(Object.keys(text).join()).toBe("found,value,modRevision,createRevision,version,node");
    client.close();
  });
});

describe("a view with a prefix", () => {
  test("has its keys behind the prefix, for every request", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const view = client.withPrefix("app/").withPrefix(Buffer.from("ü/"));
    await settle(cluster, view.write("a", "1"));
    await settle(cluster, client.write("a", "not in the view"));
    expect((await settle(cluster, client.read("app/ü/a"))).text()).toBe("1");
    expect((await settle(cluster, view.read(Buffer.from("a"), { node: 2 }))).text()).toBe("1");
    const swapped = await settle(cluster, view.cas("a", { value: "1" }, "2"));
    expect(swapped.swapped).toBe(true);
    expect((await settle(cluster, client.read("app/ü/a"))).text()).toBe("2");
    expect(await settle(cluster, view.delete("a"))).toMatchObject({ existed: true });
    expect((await settle(cluster, client.read("a"))).text()).toBe("not in the view");
    client.close();
  });

  test("checks what it is handed like the client, and wants a key of its own", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const view = client.withPrefix("app/");
    for (const bad of [5, "", new Uint8Array(0)]) {
      const promise = view.read(bad as string);
      await expect(promise).rejects.toMatchObject({ code: "BAD_REQUEST", definite: true });
      await expect(promise).rejects.toThrow("key: expected");
    }
    const value = view.write("a", {} as string);
    await expect(value).rejects.toThrow("JSON.stringify");
    const options = view.read("a", { consistency: "foo" as "local" });
    await expect(options).rejects.toThrow("consistency: expected");
    expect(() => client.withPrefix(5 as unknown as string)).toThrow("prefix: expected a string");
    client.close();
    const closed = settle(cluster, view.read("a"));
    await expect(closed).rejects.toMatchObject({ code: "CANCELLED" });
  });

  test("carries out a batch within its prefix, with an outcome for each", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const view = client.withPrefix("app/");
    const batch = view.batch([
      { op: "write", key: "a", value: "1" },
      { op: "write", key: "", value: "2" },
      { op: "write", key: 5 as unknown as string, value: "3" },
      { op: "write", key: Buffer.from("b"), value: "4" },
    ]);
    const outcomes = await settle(cluster, batch);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, false, true]);
    expect(outcomes[1]).toMatchObject({ op: "write", error: { code: "BAD_REQUEST" } });
    expect((await settle(cluster, client.read("app/b"))).text()).toBe("4");
    await expect(view.batch({} as never)).rejects.toThrow("operations: expected");
    expect(await settle(cluster, view.batch([]))).toEqual([]);
    client.close();
  });

  test("keeps its prefix when the bytes it was made of change", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const bytes = Buffer.from("a/");
    const view = client.withPrefix(bytes);
    bytes.fill(0);
    await settle(cluster, view.write("k", "1"));
    expect((await settle(cluster, client.read("a/k"))).text()).toBe("1");
    client.close();
  });
});
