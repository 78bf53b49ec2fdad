/** A client works with one log of one cluster: wrong ports in its list, and clusters that were begun anew under it. */
import { describe, expect, test } from "vitest";
import type { ClientCore } from "../../src/client/client-core.ts";
import { byteStringOfText, KvState, STATUS } from "../../src/kv/index.ts";
import { open, run } from "../kv/helpers.ts";
import { ask, read, submit, write } from "./ask.ts";
import { FakeCluster } from "./fake-cluster.ts";

/** Some other client opens a session, so that the log has an origin, and writes. */
function begin(state: KvState, value: string, seed: number): void {
  run(state, open(state, seed), 1, { op: "write", key: "key", value });
}

/** Nodes 1 and 2 share a log, node 3 has another cluster's. */
function twoClusters(): { cluster: FakeCluster; other: KvState } {
  const cluster = new FakeCluster();
  begin(cluster.state, "right", 1);
  const other = new KvState();
  begin(other, "wrong", 11);
  cluster.node(3).state = other;
  return { cluster, other };
}

const textOf = (value: Uint8Array | null | undefined): string =>
  Buffer.from(value ?? []).toString();

describe("a node of another cluster in the list", () => {
  test.each([true, false])("is never asked once the right one was met (local: %s)", (local) => {
    const { cluster } = twoClusters();
    const core = cluster.core({ firstNode: 1 });
    expect(textOf(ask(cluster, core, read("key", local)).answer?.value)).toBe("right");
    const { error } = ask(cluster, core, read("key", local), 3);
    expect(error).toMatchObject({ code: "WRONG_CLUSTER", definite: true });
    expect(error?.message).toMatch(
      /^node 3 at node3:4103: this node has the data that began as [0-9a-f]{14}, and this client works with the data that began as [0-9a-f]{14} \(told by node 1 at node1:4101\); .* Correct the list of nodes/,
    );
    expect(cluster.node(3).frames).toEqual([]);
    core.close();
  });

  test("when it is met first, the others are refused: nothing is mixed", () => {
    const { cluster } = twoClusters();
    const core = cluster.core({ firstNode: 3 });
    expect(textOf(ask(cluster, core, read("key")).answer?.value)).toBe("wrong");
    cluster.node(3).stop();
    cluster.node(3).dropConnections();
    const { error, tookMs } = ask(cluster, core, read("key"), null, 1000);
    expect(error?.code).toBe("WRONG_CLUSTER");
    expect(tookMs).toBeLessThanOrEqual(1010);
    expect([cluster.node(1).frames, cluster.node(2).frames]).toEqual([[], []]);
    core.close();
  });

  test("is passed over by requests for any node", () => {
    const { cluster, other } = twoClusters();
    const core = cluster.core({ firstNode: 2 });
    expect(ask(cluster, core, write("a", "1")).answer?.status).toBe(STATUS.ok);
    const before = other.appliedIdx;
    cluster.node(2).stop();
    cluster.node(2).dropConnections();
    for (let i = 0; i < 5; i++) {
      expect(ask(cluster, core, write(`a${i}`, "1")).answer?.node).toBe(1);
    }
    expect(other.appliedIdx).toBe(before);
    core.close();
  });

  test("is known by its name too, while both logs are empty", () => {
    const cluster = new FakeCluster();
    cluster.node(3).state = new KvState();
    cluster.node(3).clusterId = "other";
    const core = cluster.core({ firstNode: 1 });
    expect(ask(cluster, core, read("key")).answer?.status).toBe(STATUS.notFound);
    const { error } = ask(cluster, core, read("key"), 3);
    expect(error).toMatchObject({ code: "WRONG_CLUSTER" });
    expect(error?.message).toContain('is of cluster "other"');
    core.close();
  });
});

describe("a log that had no origin when its node was met", () => {
  test("tells it with the answer to a read, over the same connection", () => {
    const { cluster } = twoClusters();
    const fresh = new KvState();
    cluster.node(1).state = fresh;
    const core = cluster.core({ firstNode: 1 });
    expect(ask(cluster, core, read("key")).answer?.status).toBe(STATUS.notFound);
    begin(fresh, "fresh", 21);
    expect(textOf(ask(cluster, core, read("key"), 1).answer?.value)).toBe("fresh");
    expect(ask(cluster, core, read("key"), 3).error?.code).toBe("WRONG_CLUSTER");
    core.close();
  });

  test("tells it with the session, so that the next node is compared", () => {
    const { cluster } = twoClusters();
    cluster.node(1).state = new KvState();
    const core = cluster.core({ firstNode: 1 });
    expect(ask(cluster, core, write("a", "1"), 1).answer?.status).toBe(STATUS.ok);
    expect(ask(cluster, core, write("a", "1"), 3).error?.code).toBe("WRONG_CLUSTER");
    expect(cluster.node(3).frames).toEqual([]);
    core.close();
  });

  test("is compared then: its answer is not used when another one is known", () => {
    const { cluster } = twoClusters();
    const late = new KvState();
    cluster.node(3).state = late;
    const core = cluster.core({ firstNode: 1 });
    // Both links are open, and node 3 has said that it has nothing.
    ask(cluster, core, read("key"), 1);
    const empty = ask(cluster, core, read("key", true), 3);
    expect(empty.error?.code).toBe("NO_QUORUM");
    begin(late, "late", 31);
    const { error } = ask(cluster, core, read("key"), 3);
    expect(error?.code).toBe("WRONG_CLUSTER");
    core.close();
  });
});

describe("a cluster that was wiped and begun anew under a client", () => {
  function wiped(): { cluster: FakeCluster; core: ClientCore; state: KvState } {
    const cluster = new FakeCluster();
    begin(cluster.state, "old", 1);
    const core = cluster.core({ timeoutMs: 5000 });
    expect(ask(cluster, core, write("mine", "1")).error).toBeNull();
    const state = new KvState();
    for (const node of cluster.nodes) {
      node.state = state;
      node.dropConnections();
    }
    cluster.clock.run(10);
    return { cluster, core, state };
  }

  test.each([false, true])("answers nothing to it (others have written: %s)", (isWritten) => {
    const { cluster, core, state } = wiped();
    if (isWritten) begin(state, "new", 41);
    for (const operation of [read("key"), write("mine", "2"), read("mine")]) {
      const { error, tookMs } = ask(cluster, core, operation);
      expect(error).toMatchObject({ code: "WRONG_CLUSTER", definite: true });
      // By each node in turn, without waiting for the time to be up.
      expect(tookMs).toBeLessThan(200);
    }
    expect(state.read(byteStringOfText("mine"))).toBeUndefined();
    core.close();
  });

  test("answers a new client", () => {
    const { cluster, core } = wiped();
    core.close();
    const next = cluster.core();
    expect(ask(cluster, next, write("mine", "2")).error).toBeNull();
    next.close();
  });
});

test("a read that was asked before anything was known is asked again, not refused", () => {
  const cluster = new FakeCluster();
  begin(cluster.state, "right", 1);
  const [first, behind] = [cluster.node(1), cluster.node(2)];
  behind.state = new KvState();
  const core = cluster.core({ firstNode: 2 });
  ask(cluster, core, read("key"), 2);
  // Node 2 has read before the first session, and answers after node 1 has told of it.
  behind.answerDelayMs = 50;
  const early = submit(cluster, core, read("key"), 2);
  cluster.clock.run(10);
  expect(textOf(ask(cluster, core, read("key"), first.id).answer?.value)).toBe("right");
  expect(early.result).toBeNull();
  behind.state = cluster.state;
  cluster.clock.runUntil(() => early.result !== null, 1000);
  expect(early.result?.error).toBeNull();
  expect(textOf(early.result?.answer?.value)).toBe("right");
  expect(behind.frames).toEqual(["reads", "reads", "reads"]);
  core.close();
});

test("nodes of version 0.1, which say nothing of their log, serve as before", () => {
  const cluster = new FakeCluster();
  for (const node of cluster.nodes) node.isOfFirstVersion = true;
  const core = cluster.core();
  for (const node of [1, 2, 3]) {
    expect(ask(cluster, core, read("key"), node).error).toBeNull();
  }
  core.close();
});
