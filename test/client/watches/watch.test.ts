/** Watches of the client library, on nodes that behave as badly as they can. */
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { KvError } from "../../../src/base/errors.ts";
import type { Watch } from "../../../src/client/watches/watch.ts";
import { WATCH_BYTES_MAX } from "../../../src/client/watches/watch-queue.ts";
import type { WatchItem } from "../../../src/client/watches/watch-types.ts";
import { FakeCluster } from "../fake-cluster.ts";
import { FakeWatches, type Change } from "../fake-watches.ts";

interface Seen {
  /** "3: a=x b-" for the events of revision 3, "3 reached" for progress. */
  readonly items: string[];
  error: KvError | null;
  isDone: boolean;
}

const put = (key: string, value = "v"): Change => ({ key, value });

function textOf(item: WatchItem): string {
  if (item.type === "progress") return `${item.revision} reached`;
  const events = item.events.map((event) =>
    event.type === "put" ? `${event.keyText()}=${event.text()}` : `${event.keyText()}-`,
  );
  return `${item.revision}: ${events.join(" ")}`;
}

function follow(watch: Watch<WatchItem>): Seen {
  const seen: Seen = { items: [], error: null, isDone: false };
  void (async () => {
    try {
      for await (const item of watch) seen.items.push(textOf(item));
    } catch (error) {
      seen.error = error as KvError;
    }
    seen.isDone = true;
  })();
  return seen;
}

/** Lets time go by, and promises be kept within it. */
async function run(cluster: FakeCluster, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    cluster.clock.run(Math.min(10, left));
    await setImmediate();
  }
}

const revisions = ({ items }: Seen): number[] => items.map((item) => Number.parseInt(item, 10));
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

describe("a watch", () => {
  test("says from where it holds, and tells each revision as one batch", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    watches.change(put("a"));
    const client = cluster.client();
    const watch = client.watch({ prefix: "a" });
    const seen = follow(watch);
    await run(cluster, 100);
    expect(await watch.created).toBe(2);
    watches.change(put("a1", "x"), put("b"), { key: "a2", value: null });
    watches.change(put("b"));
    watches.change(put("a3", "y"));
    await run(cluster, 100);
    expect(seen.items).toEqual(["2: a1=x a2-", "4: a3=y"]);
    client.close();
    await run(cluster, 100);
    expect(seen).toMatchObject({ error: { code: "CANCELLED" }, isDone: true });
  });

  test("is of one key, of puts or deletions only, from a revision", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    watches.change(put("k"));
    watches.change(put("k2"), put("k", "w"));
    watches.change({ key: "k", value: null });
    const client = cluster.client();
    const all = follow(client.watch("k", { from: 1 }));
    const puts = follow(client.watch("k", { from: 2, only: "puts" }));
    const deletes = follow(client.watch({ prefix: "k" }, { from: 1, only: "deletes" }));
    await run(cluster, 100);
    expect(all.items).toEqual(["1: k=v", "2: k=w", "3: k-"]);
    expect(puts.items).toEqual(["2: k=w"]);
    expect(deletes.items).toEqual(["3: k-"]);
    client.close();
  });

  test("forgets a part of a batch when its connection ends within it: all of it comes again", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    Object.assign(watches.manners(1), { eventsPerRecord: 2, dieAfter: 2 });
    const client = cluster.client({ firstNode: 1 });
    const seen = follow(client.watch({ prefix: "k" }));
    await run(cluster, 100);
    watches.change(put("k1"), put("k2"), put("k3"), put("k4"), put("k5"));
    watches.change(put("k1"));
    await run(cluster, 100);
    expect(watches.asked).toEqual(["node 1 watches k from null", "node 2 watches k from 1"]);
    expect(seen.items).toEqual(["1: k1=v k2=v k3=v k4=v k5=v", "2: k1=v"]);
    client.close();
  });

  test("goes on at the next node when connections end, without a gap or a double, also when nodes repeat", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    for (const { id } of cluster.nodes) {
      Object.assign(watches.manners(id), { eventsPerRecord: 2, dieAfter: 4, repeats: true });
    }
    const client = cluster.client();
    const watch = client.watch({ prefix: "k" }, { from: 1 });
    const seen = follow(watch);
    for (let i = 0; i < 30; i++) {
      watches.change(put("k1"), put("k2"), put("k3"), put("k4"), put("k5"));
      if (i % 7 === 0) for (const { id } of cluster.nodes) watches.manners(id).dieAfter = 4;
      await run(cluster, 30);
    }
    await run(cluster, 5000);
    expect(revisions(seen)).toEqual(upTo(30));
    expect(new Set(seen.items.map((item) => item.split(" ").length))).toEqual(new Set([6]));
    expect(watches.asked.length).toBeGreaterThan(5);
    client.close();
  });

  test("leaves a node that begins later than it was asked to", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    watches.manners(1).late = 1;
    watches.change(put("a"));
    watches.change(put("a"));
    const client = cluster.client({ firstNode: 1 });
    const seen = follow(client.watch("a", { from: 1 }));
    await run(cluster, 500);
    expect(revisions(seen)).toEqual([1, 2]);
    expect(watches.asked).toEqual(["node 1 watches a from 1", "node 2 watches a from 1"]);
    client.close();
  });

  test("leaves a node that does not hear the leader, and stays where all are alike", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    const client = cluster.client({ firstNode: 1 });
    const seen = follow(client.watch("a"));
    await run(cluster, 500);
    watches.standing(1, false);
    await run(cluster, 200);
    expect(watches.asked).toEqual(["node 1 watches a from null", "node 2 watches a from 1"]);
    watches.standing(3, false);
    watches.standing(2, false);
    await run(cluster, 10_000);
    expect(watches.asked.length).toBeLessThan(40);
    watches.standing(3, true);
    await run(cluster, 5000);
    const asked = watches.asked.length;
    expect(watches.asked.at(-1)).toContain("node 3");
    watches.change(put("a"));
    await run(cluster, 5000);
    expect(revisions(seen)).toEqual([1]);
    expect(watches.asked.length).toBe(asked);
    client.close();
  });

  test("leaves a node that is silent, within two intervals of progress and a second", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    const client = cluster.client({ firstNode: 1 });
    const seen = follow(client.watch("a"));
    await run(cluster, 2000);
    watches.manners(1).mute = true;
    watches.change(put("a"));
    await run(cluster, 3500);
    expect(revisions(seen)).toEqual([1]);
    expect(watches.asked.at(-1)).toBe("node 2 watches a from 1");
    // One that does not even say that it holds.
    watches.manners(3).mute = true;
    cluster.node(2).dropConnections();
    await run(cluster, 200);
    watches.change(put("a"));
    await run(cluster, 5000);
    expect(revisions(seen)).toEqual([1, 2]);
    client.close();
  });

  test("moves on with notices of progress, so that it does not fall behind the history", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    const client = cluster.client({ firstNode: 1 });
    const seen = follow(client.watch("seldom", { progress: true }));
    await run(cluster, 100);
    for (let i = 0; i < 50; i++) watches.change(put("often"));
    await run(cluster, 1500);
    watches.oldest = 40;
    cluster.node(1).dropConnections();
    await run(cluster, 500);
    watches.change(put("seldom"));
    await run(cluster, 100);
    // A notice that says the same again is a sign of life.
    expect([...new Set(seen.items)]).toEqual(["50 reached", "51: seldom=v"]);
    client.close();
  });

  test("ends loudly when what comes next is not kept any more, after all that came before", async () => {
    const cluster = new FakeCluster(1);
    const watches = new FakeWatches(cluster);
    const client = cluster.client();
    const watch = client.watch("a", { from: 1 });
    await run(cluster, 100);
    watches.change(put("a"));
    await run(cluster, 100);
    // While it has no node, much is written and compacted.
    cluster.node(1).stop();
    cluster.node(1).dropConnections();
    await run(cluster, 10);
    for (let i = 0; i < 10; i++) watches.change(put("a"));
    watches.oldest = 5;
    cluster.node(1).start();
    await run(cluster, 3000);
    const seen = follow(watch);
    await run(cluster, 10);
    expect(seen).toMatchObject({
      items: ["1: a=v"],
      error: { code: "COMPACTED", oldestRevision: 5 },
    });
    const late = client.watch("a", { from: 2 });
    await run(cluster, 100);
    await expect(late.created).rejects.toMatchObject({ code: "COMPACTED" });
    client.close();
  });

  test("whose items nobody takes holds a bounded part of them, and loses none", async () => {
    const cluster = new FakeCluster(1);
    const watches = new FakeWatches(cluster);
    const client = cluster.client();
    const slow = client.watch({ prefix: "k" });
    const quick = follow(client.watch({ prefix: "q" }));
    await run(cluster, 100);
    const value = "v".repeat(64 * 1024);
    const count = Math.ceil((3 * WATCH_BYTES_MAX) / value.length);
    for (let i = 0; i < count; i++) {
      watches.change(put("k", value));
      if (i % 20 === 0) await run(cluster, 10);
    }
    await run(cluster, 2000);
    // Nobody waits for it, and the node is not asked to keep anything for it.
    watches.change(put("q"));
    await run(cluster, 100);
    expect(revisions(quick)).toEqual([count + 1]);
    expect(watches.count).toBe(1);
    const seen = follow(slow);
    await run(cluster, 2000);
    expect(revisions(seen)).toEqual(upTo(count));
    expect(watches.asked.length).toBeGreaterThan(2);
    client.close();
  }, 120_000);

  test("is over with its loop, its signal, its close; the node is told", async () => {
    const cluster = new FakeCluster(1);
    const watches = new FakeWatches(cluster);
    const client = cluster.client();
    const abort = new AbortController();
    const aborted = follow(client.watch("a", { signal: abort.signal }));
    const watch = client.watch("a");
    const closed = follow(watch);
    let broken = 0;
    void (async () => {
      for await (const { revision } of client.watch("a")) {
        broken = revision;
        break;
      }
    })();
    await run(cluster, 100);
    expect(watches.count).toBe(3);
    watches.change(put("a"));
    await run(cluster, 100);
    expect(broken).toBe(1);
    abort.abort();
    watch.close();
    await run(cluster, 100);
    expect(watches.count).toBe(0);
    expect(aborted).toMatchObject({ items: ["1: a=v"], error: { code: "CANCELLED" } });
    expect(closed).toMatchObject({ items: ["1: a=v"], error: null, isDone: true });
    expect(follow(client.watch("a", { signal: abort.signal }))).toBeDefined();
    await expect(client.watch("a", { signal: abort.signal }).created).rejects.toMatchObject({
      code: "CANCELLED",
    });
    client.close();
    await expect(client.watch("a").created).rejects.toMatchObject({ code: "CANCELLED" });
  });

  test("that is not wanted any more is told the node with the next one, or after a moment", async () => {
    const cluster = new FakeCluster(1);
    const watches = new FakeWatches(cluster);
    const frames: string[] = [];
    const [node] = cluster.nodes;
    const take = node!.watches;
    node!.watches = (requests, ...rest) => {
      frames.push(requests.map(({ kind }) => kind).join(" "));
      take?.(requests, ...rest);
    };
    const client = cluster.client();
    const [first, last] = [client.watch("a"), client.watch("b")];
    await run(cluster, 50);
    first.close();
    await run(cluster, 50);
    expect(watches.count).toBe(2);
    const next = client.watch("c");
    await run(cluster, 10);
    expect(watches.count).toBe(2);
    next.close();
    last.close();
    await run(cluster, 150);
    expect(frames).toEqual(["create create", "cancel create", "cancel cancel"]);
    client.close();
  });

  test("fails when no node is reached in its time; later it goes on looking for one", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    const client = cluster.client({ timeoutMs: 1000 });
    const lasting = follow(client.watch("a"));
    const brief = follow(client.watch("a", { timeoutMs: 3000 }));
    await run(cluster, 500);
    for (const node of cluster.nodes) {
      node.stop();
      node.dropConnections();
    }
    const failed = follow(client.watch("a"));
    await run(cluster, 5000);
    expect(failed.error?.code).toBe("CONNECTION_FAILED");
    expect(brief.error?.code).toBe("CONNECTION_FAILED");
    expect(lasting.isDone).toBe(false);
    for (const node of cluster.nodes) node.start();
    watches.change(put("a"));
    await run(cluster, 5000);
    expect(lasting.items).toEqual(["1: a=v"]);
    client.close();
  });

  test("may be of one node only, which must be known", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    const client = cluster.client({ firstNode: 1 });
    const seen = follow(client.watch("a", { node: 3 }));
    await run(cluster, 100);
    cluster.node(3).dropConnections();
    watches.change(put("a"));
    await run(cluster, 500);
    expect(watches.asked).toEqual(["node 3 watches a from null", "node 3 watches a from 1"]);
    expect(seen.items).toEqual(["1: a=v"]);
    expect(() => client.watch("a", { node: 7 })).toThrow(/no node 7/);
    client.close();
  });

  test("takes nothing from a node whose log is not known: its next connection tells", async () => {
    const cluster = new FakeCluster(1);
    const watches = new FakeWatches(cluster, 1000, false);
    const client = cluster.client();
    const seen = follow(client.watch("a"));
    await run(cluster, 3000);
    expect(watches.asked).toHaveLength(1);
    watches.beUsed();
    watches.change(put("a"));
    await run(cluster, 500);
    expect(watches.asked).toEqual(["node 1 watches a from null", "node 1 watches a from 1"]);
    expect(seen.items).toEqual(["1: a=v"]);
    client.close();
  });

  test("shares its connection with thousands of others", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    const client = cluster.client({ firstNode: 1 });
    const all = Array.from({ length: 5000 }, (_, i) => follow(client.watch(`k${i}`)));
    await run(cluster, 200);
    expect(watches.count).toBe(5000);
    cluster.node(1).dropConnections();
    await run(cluster, 200);
    for (let i = 0; i < 5000; i += 1000) watches.change(put(`k${i}`));
    await run(cluster, 200);
    expect(all.filter(({ items }) => items.length === 1)).toHaveLength(5);
    expect(cluster.node(2).frames.filter((kind) => kind === "watches")).toHaveLength(2);
    client.close();
  }, 120_000);

  test("of a view has keys without the prefix, and only those within it", async () => {
    const cluster = new FakeCluster();
    const watches = new FakeWatches(cluster);
    const client = cluster.client();
    const view = client.withPrefix("app/").withPrefix("x/");
    const all = follow(view.watch({}));
    const one = follow(view.watch("a"));
    await run(cluster, 100);
    watches.change(put("app/x/a"), put("app/x/b"), put("app/y"), put("a"));
    await run(cluster, 100);
    expect(all.items).toEqual(["1: a=v b=v"]);
    expect(one.items).toEqual(["1: a=v"]);
    expect(() => view.watch("")).toThrow(/at least one byte/);
    client.close();
  });

  test.each([
    [undefined, {}],
    ["", {}],
    [{ prefix: 1 }, {}],
    [{ start: "b", end: "a" }, {}],
    [{ start: "b", end: "b" }, {}],
    ["a", { from: 0 }],
    ["a", { from: 1.5 }],
    ["a", { only: "both" }],
    ["a", { previous: 1 }],
    ["a", { progress: "yes" }],
    ["a", { timeoutMs: 0 }],
    ["a", null],
  ])("of %j with %j is refused", (what, options) => {
    const client = new FakeCluster().client();
    const wrong = () => client.watch(what as string, options as object);
    expect(wrong).toThrow(expect.objectContaining({ name: "KvError", definite: true }));
    client.close();
  });
});
