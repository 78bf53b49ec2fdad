/** The store under abstract-level, judged by abstract-level's own tests. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { OmnikvLevel } from "../../src/adapters/abstract-level/index.ts";
import { KvError } from "../../src/base/index.ts";
import type { PrefixedClient } from "../../src/client/index.ts";
import { startCluster, type Cluster } from "./cluster.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(1);
});
afterAll(() => cluster.stop());

test("abstract-level's suite passes", async () => {
  const suite = join(import.meta.dirname, "level-suite.mjs");
  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [suite, cluster.address],
      { maxBuffer: 64 * 1024 * 1024 },
      (_, stdout, stderr) => resolve(stdout + stderr),
    );
  });
  const failed = output.split("\n").filter((line) => line.startsWith("not ok"));
  const [, tests = "0"] = /^# tests (\d+)$/m.exec(output) ?? [];
  const [, passed = "?"] = /^# pass {2}(\d+)$/m.exec(output) ?? [];
  console.log(`abstract-level/test: ${passed} of ${tests} passed`);
  expect(failed).toEqual([]);
  expect(output).toMatch(/^# ok$/m);
  expect(Number(tests)).toBeGreaterThan(4000);
}, 300_000);

test("a snapshot sees nothing of what is written right after it, in the same turn", async () => {
  const db = new OmnikvLevel(cluster.client(), { prefix: "moments/" });
  await db.put("a", "1");
  const snapshot = db.snapshot();
  const iterator = db.iterator();
  const got = db.get("a");
  const written = db.batch([
    { type: "put", key: "a", value: "2" },
    { type: "put", key: "b", value: "2" },
  ]);
  expect(await got).toBe("1");
  expect(await iterator.all()).toEqual([["a", "1"]]);
  await written;
  expect(await db.get("a", { snapshot })).toBe("1");
  expect(await db.getMany(["a", "b"], { snapshot })).toEqual(["1", undefined]);
  expect(await db.getMany(["a", "b"])).toEqual(["2", "2"]);
  await snapshot.close();
  await db.close();
});

test("a batch of more than one list is one step", async () => {
  const db = new OmnikvLevel(cluster.client(), { prefix: "large/" });
  const batch = Array.from({ length: 1000 }, (_, i) => ({
    type: "put" as const,
    key: String(i).padStart(4, "0"),
    value: String(i),
  }));
  await db.batch(batch);
  const revisions = new Set<number>();
  for await (const { modRevision } of cluster.client().range({ prefix: "large/" })) {
    revisions.add(modRevision);
  }
  expect(revisions.size).toBe(1);
  await db.clear({ gte: "0500" });
  expect((await db.keys().all()).length).toBe(500);
  await db.close();
});

test("a batch has as many operations as one transaction has room for", async () => {
  const db = new OmnikvLevel(cluster.client(), { prefix: "full/" });
  const batch = (length: number): { type: "put"; key: string; value: string }[] =>
    Array.from({ length }, (_, i) => ({ type: "put" as const, key: String(i), value: "" }));
  await db.batch(batch(1016));
  await expect(db.batch(batch(1017))).rejects.toMatchObject({
    code: "BAD_REQUEST",
    message: "batch: expected at most 1016 operations, got an array of 1017",
  });
  expect((await db.keys().all()).length).toBe(1016);
  await db.close();
});

test("two databases in two places see each other's entries", async () => {
  const one = new OmnikvLevel(cluster.client(), { prefix: "shared/" });
  const other = new OmnikvLevel(cluster.client(), { prefix: "shared/" });
  await one.put("a", "1");
  expect(await other.get("a")).toBe("1");
  await one.close();
  await other.close();
});

describe("an iterator whose read has failed", () => {
  const ALL = ["a", "b", "c", "d", "e"];

  /** Ranges of the view fail after so many entries, once each. */
  function failing(view: PrefixedClient, after: readonly number[]): void {
    const range = view.range.bind(view);
    const left = [...after];
    vi.spyOn(view, "range").mockImplementation(async function* (...asked) {
      let count = left.shift() ?? Infinity;
      for await (const entry of range(...asked)) {
        if (count === 0) throw new KvError("TIMEOUT", "no answer");
        count -= 1;
        yield entry;
      }
    });
  }

  async function open(name: string, after: readonly number[]): Promise<OmnikvLevel> {
    const view = cluster.client().withPrefix(`failing/${name}/`);
    const db = new OmnikvLevel(view);
    await db.batch(ALL.map((key) => ({ type: "put", key, value: key })));
    failing(view, after);
    return db;
  }

  test("goes on where it was, and is not at its end", async () => {
    const db = await open("next", [2, 0]);
    const iterator = db.iterator();
    const keys: string[] = [];
    let failed = 0;
    for (;;) {
      try {
        const entry = await iterator.next();
        if (entry === undefined) break;
        keys.push(entry[0]);
      } catch (error) {
        expect(error).toMatchObject({ code: "TIMEOUT" });
        failed += 1;
      }
    }
    expect([keys, failed]).toEqual([ALL, 2]);
    await db.close();
  });

  test("gives no entry away with it, and knows its direction, its bounds and its limit", async () => {
    const db = await open("nextv", [2]);
    const iterator = db.iterator({ reverse: true, gt: "a", limit: 3 });
    expect(await iterator.next()).toEqual(["e", "e"]);
    await expect(iterator.nextv(10)).rejects.toMatchObject({ code: "TIMEOUT" });
    const keys = (await iterator.nextv(10)).map(([key]) => key);
    expect(keys).toEqual(["d", "c"]);
    expect(await iterator.nextv(10)).toEqual([]);
    await db.close();
  });

  test("goes on within what it has sought", async () => {
    const db = await open("seek", [0, 1]);
    const iterator = db.iterator();
    await expect(iterator.next()).rejects.toMatchObject({ code: "TIMEOUT" });
    iterator.seek("c");
    expect(await iterator.next()).toEqual(["c", "c"]);
    await expect(iterator.next()).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(await iterator.nextv(10)).toEqual([
      ["d", "d"],
      ["e", "e"],
    ]);
    await db.close();
  });
});
