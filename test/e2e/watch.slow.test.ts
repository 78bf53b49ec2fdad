/** Watches through real servers that are killed, stopped and left behind. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import type { KvClient } from "../../src/client/kv-client.ts";
import type { Watch } from "../../src/client/watches/watch.ts";
import { KvError } from "../../src/base/errors.ts";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

let cluster: TestCluster;
afterEach(() => cluster.dispose());

/** A silent node is left after two of its intervals of progress (2 s) and a second, counted in steps of a quarter. */
const SILENCE_NOTICED_MS = 5500;

/** All of them would not fit into the memory that the test allows. */
const EVENTS = 100_000;

interface Seen {
  readonly revisions: number[];
  readonly values: string[];
  error: unknown;
}

function follow(watch: Watch): Seen {
  const seen: Seen = { revisions: [], values: [], error: null };
  void (async () => {
    try {
      for await (const { revision, events } of watch) {
        seen.revisions.push(revision);
        for (const event of events) if (event.type === "put") seen.values.push(event.text());
      }
    } catch (error) {
      seen.error = error;
    }
  })();
  return seen;
}

/** Writes 0, 1, 2 … to "k", with a little time for others between, until told to stop; answers the revisions by value. */
function startWriting(client: KvClient): { count(): number; stop(): Promise<number> } {
  let next = 0;
  let isOver = false;
  const loop = (async () => {
    while (!isOver) {
      try {
        await client.write(`k${next % 7}`, String(next));
        next += 1;
        await new Promise((wake) => setTimeout(wake, 2));
      } catch (error) {
        if (!(error instanceof KvError) || error.definite) throw error;
      }
    }
  })();
  return {
    count: () => next,
    stop: async () => {
      isOver = true;
      await loop;
      return next;
    },
  };
}

function expectEach({ revisions, values, error }: Seen, count: number): void {
  expect(error).toBeNull();
  expect(values).toEqual(Array.from({ length: count }, (_, i) => String(i)));
  expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
}

describe("a watcher", () => {
  test("sees each revision once, in order, while nodes are killed under it", async () => {
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    const watching = cluster.client({ firstNode: 1 });
    const watch = watching.watch({ prefix: "k" });
    const seen = follow(watch);
    await watch.created;
    const writer = startWriting(cluster.client({ timeoutMs: 30_000 }));
    for (const id of [1, 2, 3, 1]) {
      const before = seen.values.length;
      await eventually("events come", () => seen.values.length > before + 50);
      await cluster.kill(id);
      await cluster.start(id);
    }
    const count = await writer.stop();
    await eventually("all is seen", () => seen.values.length >= count);
    expectEach(seen, count);
  });

  test("leaves a node that stands still", async () => {
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    const watching = cluster.client({ firstNode: 2 });
    // Through the node that is watched: "now" is what that node has applied.
    await watching.write("k", "warm", { node: 2 });
    const watch = watching.watch({ prefix: "k" });
    const seen = follow(watch);
    await watch.created;
    const writer = startWriting(cluster.client({ firstNode: 1, timeoutMs: 30_000 }));
    await eventually("events come", () => seen.values.length > 50);
    cluster.signal(2, "SIGSTOP");
    const stopped = performance.now();
    const before = seen.values.length;
    await eventually("events come from another node", () => seen.values.length > before + 100);
    expect(performance.now() - stopped).toBeLessThan(SILENCE_NOTICED_MS + 1500);
    cluster.signal(2, "SIGCONT");
    const count = await writer.stop();
    await eventually("all is seen", () => seen.values.length >= count);
    expectEach(seen, count);
  });

  test("leaves a node that does not hear the leader", async () => {
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    const admin = cluster.admin();
    const leader = await cluster.leader(admin);
    const [cutOff, other] = cluster.nodes.map(({ id }) => id).filter((id) => id !== leader);
    const client = cluster.client({ firstNode: leader });
    await client.write("k", "warm");
    const watch = cluster.client({ firstNode: cutOff! }).watch({ prefix: "k" });
    const seen = follow(watch);
    await watch.created;
    await cluster.keepOnly(admin, [[leader, other!]]);
    const cut = performance.now();
    await client.write("k", "0");
    await eventually("it is seen", () => seen.values.includes("0"));
    expect(performance.now() - cut).toBeLessThan(5000);
  });

  test("is told what cannot be had any more, and where to go on", async () => {
    cluster = await TestCluster.create(1);
    await cluster.startAll();
    const client = cluster.client();
    let revision = 0;
    for (let i = 0; i < 20; i++) ({ revision } = await client.write("k", String(i)));
    await cluster.admin().call(1, "compact", { revision: revision - 5 });
    const seen = await eventually("it is compacted", async () => {
      const late = follow(client.watch("k", { from: 1 }));
      await eventually(
        "the watch says something",
        () => late.error !== null || late.values.length > 0,
      );
      return late.error !== null && late;
    });
    expect(seen.values).toEqual([]);
    expect(seen.error).toMatchObject({ code: "COMPACTED", definite: true });
    const { oldestRevision } = seen.error as KvError;
    expect(oldestRevision).toBe(revision - 5);
    const rest = follow(client.watch("k", { from: oldestRevision! + 1 }));
    await eventually("the rest comes", () => rest.values.length === 5);
  });

  test(`that takes ${EVENTS} events more slowly than they come loses none, and memory stays flat`, async () => {
    cluster = await TestCluster.create(1);
    await cluster.startAll();
    const client = cluster.client({ timeoutMs: 60_000 });
    await client.write("w", "warm");
    const watch = client.watch({ prefix: "k" });
    await watch.created;
    const value = "v".repeat(400);
    const before = memory();
    let most = 0;
    let seen = 0;
    let last = 0;
    const reader = (async () => {
      for await (const { revision, events } of watch) {
        expect(revision).toBe(last === 0 ? revision : last + 1);
        last = revision;
        seen += events.length;
        if (seen % 1000 === 0) {
          most = Math.max(most, memory());
          await new Promise((wake) => setTimeout(wake, 30));
        }
        if (seen === EVENTS) return;
      }
    })();
    reader.catch(() => {});
    for (let i = 0; i < EVENTS / 2000; i++) {
      const operations = Array.from({ length: 2000 }, (_, j) => ({
        ...({ op: "write", key: `k${j}`, value } as const),
      }));
      const outcomes = await client.batch(operations);
      expect(outcomes.every(({ ok }) => ok)).toBe(true);
      // More than wait in the client, and less than the history keeps: who falls back further is told COMPACTED.
      await eventually("the reader is near", () => seen > 2000 * (i + 1) - 26_000, 60_000);
    }
    await reader;
    expect(seen).toBe(EVENTS);
    expect(most - before).toBeLessThan(48 * 1024 * 1024);
  }, 240_000);
});

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function memory(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("omnikv watch", () => {
  test("prints a line for each change, and ends well with Ctrl-C, with --limit and without a reader", async () => {
    cluster = await TestCluster.create(1);
    await cluster.startAll();
    const client = cluster.client();
    const { revision } = await client.write("app/a", "1");
    await client.delete("app/a");
    await client.txn({
      compare: [],
      then: [
        { op: "put", key: "app/b", value: "2" },
        { op: "put", key: "app/c", value: "3" },
        { op: "put", key: "other", value: "4" },
      ],
    });
    const at = `--cluster=${cluster.clusterFile}`;
    const omnikv = (...args: string[]) =>
      spawnSync(process.execPath, [OMNIKV, "watch", at, ...args], {
        encoding: "utf8",
        timeout: 30_000,
      });

    const told = omnikv("app/", "--from", String(revision), "--prev", "--limit", "4");
    expect(told).toMatchObject({ status: 0, stderr: "" });
    expect(told.stdout.trimEnd().split("\n")).toEqual([
      `watching from revision ${revision} on; Ctrl-C ends it`,
      `put app/a 1 (revision ${revision}, before: nothing)`,
      `delete app/a (revision ${revision + 1}, before: 1)`,
      `put app/b 2 (revision ${revision + 2}, before: nothing)`,
      `put app/c 3 (revision ${revision + 2}, before: nothing)`,
    ]);

    const json = omnikv("app/", "--from", String(revision), "--json", "--limit", "2");
    expect(
      json.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { ok: true, op: "watch", event: "start", revision },
      {
        ...{ ok: true, op: "watch", event: "put", key: "app/a", value: "1", revision },
        ...{ createRevision: revision, version: 1 },
      },
      { ok: true, op: "watch", event: "delete", key: "app/a", revision: revision + 1 },
    ]);

    // As with "tail -f": that nobody reads any more is seen with the next change.
    const headed = spawn("sh", [
      "-c",
      `"$0" "$@" | head -n 2; wait`,
      process.execPath,
      OMNIKV,
      "watch",
      at,
    ]);
    let said = "";
    headed.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
    const isOver = once(headed, "exit").then(() => true);
    await eventually("the pipe is over", async () => {
      await client.write("other", "5");
      return Promise.race([isOver, new Promise<false>((wake) => setTimeout(wake, 50, false))]);
    });
    expect(said).toBe("");

    const child = spawn(process.execPath, [OMNIKV, "watch", at, "app/"]);
    let out = "";
    child.stdout.on("data", (bytes: Buffer) => (out += bytes.toString()));
    await eventually("it watches", () => out.includes("watching from"));
    await client.write("app/live", "now");
    await eventually("the change is shown", () => out.includes("put app/live now"));
    child.kill("SIGINT");
    expect((await once(child, "exit"))[0]).toBe(0);

    expect(omnikv("app/", "--from", "x")).toMatchObject({ status: 2 });
    // An empty prefix is every key.
    expect(omnikv("--from", String(revision), "--limit", "5").stdout).toContain("put other 4");
  }, 240_000);
});
