/** Watches that meet a log which is not the one that their client has seen, or one that is only behind. */
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { KvError } from "../../../src/base/errors.ts";
import type { KvClient } from "../../../src/client/kv-client.ts";
import { KvState } from "../../../src/store/index.ts";
import { open, run as apply } from "../../store/helpers.ts";
import { FakeCluster } from "../fake-cluster.ts";
import { FakeWatches } from "../fake-watches.ts";

/** Some client opens a session, so that the log has an origin, and writes so many times. */
function grow(state: KvState, writes: number, seed = 1): void {
  const session = open(state, seed);
  for (let i = 1; i <= writes; i++) apply(state, session, i, { op: "write", key: "k", value: "v" });
}

/** Lets time go by, and promises be kept within it. */
async function run(cluster: FakeCluster, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    cluster.clock.run(Math.min(10, left));
    await setImmediate();
  }
}

interface World {
  readonly cluster: FakeCluster;
  readonly watches: FakeWatches;
  readonly client: KvClient;
}

/** Three nodes with a log of a session and of ten writes. */
function world(): World {
  const cluster = new FakeCluster();
  grow(cluster.state, 10);
  const watches = new FakeWatches(cluster, 1000, false);
  for (let i = 0; i < 10; i++) watches.change({ key: "k", value: "v" });
  return { cluster, watches, client: cluster.client({ firstNode: 1 }) };
}

interface Seen {
  readonly revisions: number[];
  error: KvError | null;
}

function follow(client: KvClient, from?: number): Seen {
  const seen: Seen = { revisions: [], error: null };
  const watch = client.watch("k", from === undefined ? {} : { from });
  void (async () => {
    try {
      for await (const { revision } of watch) seen.revisions.push(revision);
    } catch (error) {
      seen.error = error as KvError;
    }
  })();
  return seen;
}

function dropAll({ nodes }: FakeCluster): void {
  for (const node of nodes) node.dropConnections();
}

describe("a new connection for watches", () => {
  test("is asked for what the client has seen first, once, and for nothing when it has seen nothing", async () => {
    const { cluster, watches, client } = world();
    const seen = follow(client);
    await run(cluster, 100);
    expect(cluster.node(1).frames).toEqual(["watches"]);
    watches.change({ key: "k", value: "w" });
    await run(cluster, 100);
    cluster.node(1).dropConnections();
    await run(cluster, 100);
    follow(client);
    await run(cluster, 100);
    expect(cluster.node(2).frames).toEqual(["local", "watches", "watches"]);
    expect(cluster.node(2).minIdxs).toEqual([cluster.state.appliedIdx]);
    watches.change({ key: "k", value: null });
    await run(cluster, 100);
    cluster.node(2).dropConnections();
    await run(cluster, 100);
    // What was told last is a deletion now.
    expect(cluster.node(3).frames).toEqual(["local", "watches"]);
    expect(seen).toEqual({ revisions: [11, 12], error: null });
    client.close();
  });

  test("leads away from a node that is behind, which ends nothing", async () => {
    const { cluster, watches, client } = world();
    const seen = follow(client);
    await run(cluster, 100);
    const older = new KvState();
    grow(older, 5);
    cluster.node(2).state = older;
    cluster.node(1).dropConnections();
    await run(cluster, 100);
    watches.change({ key: "k", value: "w" });
    await run(cluster, 100);
    expect(watches.asked.at(-1)).toBe("node 3 watches k from 11");
    expect(seen).toEqual({ revisions: [11], error: null });
    // As long as all are behind it goes on to ask.
    for (const node of cluster.nodes) node.state = older;
    dropAll(cluster);
    await run(cluster, 5000);
    expect(seen.error).toBeNull();
    grow(older, 20, 2);
    watches.change({ key: "k", value: "x" });
    await run(cluster, 5000);
    expect(seen).toEqual({ revisions: [11, 12], error: null });
    client.close();
  });

  test("leads away from a node that may not say", async () => {
    const { cluster, watches, client } = world();
    const seen = follow(client);
    await run(cluster, 100);
    cluster.node(2).behaviour = { kind: "ignore" };
    cluster.node(3).behaviour = { kind: "refuse", code: "FORBIDDEN" };
    cluster.node(1).dropConnections();
    await run(cluster, 4000);
    watches.change({ key: "k", value: "w" });
    await run(cluster, 100);
    // Who may not read this may watch something else: the node has said from which state.
    expect(watches.asked.at(-1)).toContain("node 3");
    expect(seen).toEqual({ revisions: [11], error: null });
    client.close();
  });
});

test.each(["NO_QUORUM", "OVERLOADED", "DIVERGED", "UNAUTHENTICATED"] as const)(
  "a node that puts the question off with %s is not asked for watches, whatever it has applied",
  async (code) => {
    const { cluster, watches, client } = world();
    const seen = follow(client);
    await run(cluster, 100);
    watches.change({ key: "k", value: "w" });
    await run(cluster, 100);
    // What the client has seen of it is another change there.
    const other = new KvState();
    grow(other, 20);
    cluster.node(2).state = other;
    cluster.node(2).behaviour = { kind: "refuse", code };
    cluster.node(1).dropConnections();
    await run(cluster, 300);
    expect(cluster.node(2).frames).toEqual(["local"]);
    expect(watches.asked.at(-1)).toContain("node 3 watches k from 12");
    expect(seen).toEqual({ revisions: [11], error: null });
    client.close();
  },
);

const WRONG_CLUSTER = { code: "WRONG_CLUSTER", definite: true };

describe("a log that went back", () => {
  test("ends watches when the nodes say so, with all that was told before", async () => {
    const { cluster, watches, client } = world();
    const seen = follow(client, 9);
    await run(cluster, 100);
    for (const node of cluster.nodes) node.behaviour = { kind: "refuse", code: "WRONG_CLUSTER" };
    dropAll(cluster);
    const asked = watches.asked.length;
    await run(cluster, 2000);
    expect(seen).toEqual({
      revisions: [9, 10],
      error: expect.objectContaining(WRONG_CLUSTER) as KvError,
    });
    expect(seen.error?.message).toMatch(
      /^node \d at node\d:\d+: this node says that its cluster has less of the log than index 11, .* start this client anew$/,
    );
    // For good: neither watches nor requests ask anything of them.
    for (const node of cluster.nodes) node.behaviour = { kind: "serve" };
    const frames = cluster.nodes.map((node) => node.frames.length);
    const again = follow(client, 11);
    const read = client.read("k").catch((error: unknown) => error);
    await run(cluster, 2000);
    expect(again.error).toMatchObject(WRONG_CLUSTER);
    expect(await read).toMatchObject(WRONG_CLUSTER);
    expect(cluster.nodes.map((node) => node.frames.length)).toEqual(frames);
    expect(watches.asked.length).toBe(asked);
    client.close();
  });

  test.each([
    ["another change as revision 10", 10],
    ["does not have revision 10", 9],
  ])("and has grown again is known by what was told: %s", async (text, length) => {
    const { cluster, watches, client } = world();
    const seen = follow(client, 1);
    await run(cluster, 100);
    expect(seen.revisions).toHaveLength(10);
    watches.history.length = length;
    watches.history[8] = watches.history[length - 1] = [{ key: "k", value: "new" }];
    for (const node of cluster.nodes) Object.assign(node, { state: cut(length) });
    dropAll(cluster);
    await run(cluster, 2000);
    expect(seen.error).toMatchObject(WRONG_CLUSTER);
    expect(seen.error?.message).toContain(text);
    client.close();
  });

  test("at most nodes ends watches when the others cannot be reached, and not before", async () => {
    const { cluster, client } = world();
    const seen = follow(client);
    await run(cluster, 100);
    for (const id of [2, 3]) {
      cluster.node(id).behaviour = { kind: "refuse", code: "WRONG_CLUSTER" };
    }
    cluster.node(1).dropConnections();
    await run(cluster, 5000);
    expect(seen.error).toBeNull();
    cluster.node(1).stop();
    cluster.node(1).dropConnections();
    await run(cluster, 5000);
    expect(seen.error).toMatchObject(WRONG_CLUSTER);
    client.close();
  });

  test("at one node only leads to the others, and away from it for good", async () => {
    const { cluster, watches, client } = world();
    const seen = follow(client);
    await run(cluster, 100);
    cluster.node(2).behaviour = { kind: "refuse", code: "WRONG_CLUSTER" };
    cluster.node(1).dropConnections();
    await run(cluster, 500);
    cluster.node(2).behaviour = { kind: "serve" };
    cluster.node(3).stop();
    cluster.node(3).dropConnections();
    await run(cluster, 500);
    watches.change({ key: "k", value: "w" });
    await run(cluster, 3000);
    expect(watches.asked.map((text) => text.slice(0, 6))).toEqual(["node 1", "node 3", "node 1"]);
    expect(seen).toEqual({ revisions: [11], error: null });
    client.close();
  });

  test("ends the watches of a client whose requests have noticed", async () => {
    const { cluster, watches, client } = world();
    const seen = follow(client);
    await run(cluster, 100);
    const read = async (consistency: "local" | "linearizable"): Promise<unknown> => {
      const answer = client.read("k", { node: 1, consistency }).catch((error: unknown) => error);
      await run(cluster, 500);
      return answer;
    };
    expect(await read("linearizable")).toMatchObject({ found: true });
    cluster.node(1).behaviour = { kind: "refuse", code: "WRONG_CLUSTER" };
    expect(await read("local")).toMatchObject(WRONG_CLUSTER);
    expect(watches.asked).toEqual(["node 1 watches k from null", "node 2 watches k from 11"]);
    cluster.node(1).behaviour = { kind: "serve" };
    for (const id of [2, 3]) {
      cluster.node(id).state = new KvState();
      grow(cluster.node(id).state, 5);
    }
    const answer = client.read("k").catch((error: unknown) => error);
    await run(cluster, 2000);
    expect(await answer).toMatchObject(WRONG_CLUSTER);
    expect(seen.error).toMatchObject(WRONG_CLUSTER);
    const next = follow(client, 11);
    await run(cluster, 2000);
    expect(next.error).toMatchObject(WRONG_CLUSTER);
    client.close();
  });
});

/** A state that has applied a hundred entries, of which so many are changes. */
function cut(revision: number): KvState {
  const state = new KvState();
  grow(state, revision);
  for (let seed = 2; state.appliedIdx < 100; seed++) open(state, seed);
  return state;
}
