/** A client works with one log of one cluster: wrong ports in its list, and clusters that were begun anew under it. */
import { describe, expect, test } from "vitest";
import { strangersOf, unreachedOf } from "../../../src/base/unreached.ts";
import type { ClientCore } from "../../../src/client/core/client-core.ts";
import { byteStringOfText, KvState, SnapshotDecoder, STATUS } from "../../../src/store/index.ts";
import { open, run } from "../../store/helpers.ts";
import { ask, read, submit, write } from "../ask.ts";
import { FakeCluster } from "../fake-cluster.ts";

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

  test("is not among those that are missing where there is no majority: it is there, and another", () => {
    const { cluster } = twoClusters();
    const core = cluster.core({ firstNode: 1, failFast: true });
    expect(textOf(ask(cluster, core, read("key")).answer?.value)).toBe("right");
    cluster.node(1).behaviour = { kind: "refuse", code: "NO_QUORUM" };
    cluster.node(2).stop();
    const { error } = ask(cluster, core, write("a", "1"));
    expect(error?.code).toBe("NO_QUORUM");
    expect(unreachedOf(error?.message ?? "")).toBe("node 2 at node2:4102");
    expect(strangersOf(error?.message ?? "")).toBe("node 3 at node3:4103");
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

describe("a log that went back in time, origin and all", () => {
  const others = (state: KvState, times: number): void => {
    for (let i = 0; i < times; i++) run(state, 0, 1, { op: "write", key: "key", value: `v${i}` });
  };

  function copyOf(state: KvState): KvState {
    const decoder = new SnapshotDecoder();
    for (const piece of state.clone().encodeSnapshot(1000)) decoder.push(piece);
    while (decoder.step(Infinity));
    return decoder.finish();
  }

  /** A client that has written and seen `more` entries since its session was in a copy. */
  function copied(more = 5): { cluster: FakeCluster; core: ClientCore; copy: KvState } {
    const cluster = new FakeCluster();
    begin(cluster.state, "old", 1);
    const core = cluster.core({ firstNode: 1, timeoutMs: 5000 });
    expect(ask(cluster, core, write("mine", "1")).error).toBeNull();
    const copy = copyOf(cluster.state);
    others(cluster.state, more);
    expect(ask(cluster, core, read("key"), 1).error).toBeNull();
    return { cluster, core, copy };
  }

  function putBack(cluster: FakeCluster, copy: KvState): void {
    for (const node of cluster.nodes) {
      node.state = copy;
      node.dropConnections();
    }
    cluster.clock.run(10);
  }

  test.each([null, 2])("answers no linearizable read (of node %s)", (node) => {
    const { cluster, core, copy } = copied();
    const [had, has] = [cluster.state.appliedIdx, copy.appliedIdx];
    putBack(cluster, copy);
    const { error, tookMs } = ask(cluster, core, read("mine"), node);
    expect(error).toMatchObject({ code: "WRONG_CLUSTER", definite: true });
    expect(error?.message).toMatch(
      new RegExp(
        `^node [123] at node[123]:410[123]: this node answered from a state at index ${has}, although this client has seen ` +
          `index ${had} \\(told by node 1 at node1:4101\\): .* Check the list of nodes; .* start this client anew$`,
      ),
    );
    // By each node in turn, without waiting for the time to be up.
    expect(tookMs).toBeLessThan(200);
    core.close();
    expect(ask(cluster, cluster.core(), read("mine")).error).toBeNull();
  });

  test.each([null, 2])("leaves it open what came of a write (to node %s)", (node) => {
    const { cluster, core, copy } = copied();
    putBack(cluster, copy);
    const { error } = ask(cluster, core, write("mine", "2"), node);
    expect(error).toMatchObject({ code: "WRONG_CLUSTER", definite: false });
    expect(error?.message).toMatch(/answered from a state at index .*may have taken effect/);
    core.close();
  });

  test("is not written to when the session has to be opened anew", () => {
    const cluster = new FakeCluster();
    begin(cluster.state, "old", 1);
    const copy = copyOf(cluster.state);
    const core = cluster.core({ timeoutMs: 5000 });
    expect(ask(cluster, core, write("mine", "1")).error).toBeNull();
    others(cluster.state, 20);
    expect(ask(cluster, core, read("key")).error).toBeNull();
    putBack(cluster, copy);
    const { error } = ask(cluster, core, write("mine", "2"));
    expect(error).toMatchObject({ code: "WRONG_CLUSTER", definite: true });
    expect(copy.read(byteStringOfText("mine"))).toBeUndefined();
    core.close();
  });

  test("is left for good, also when it has grown, and the others serve", () => {
    const { cluster, core, copy } = copied();
    cluster.node(3).state = copy;
    expect(ask(cluster, core, read("key"), 3).error?.code).toBe("WRONG_CLUSTER");
    others(copy, 50);
    const before = copy.appliedIdx;
    for (const operation of [read("key"), read("key", true), write("mine", "2")]) {
      const { error } = ask(cluster, core, operation, 3);
      expect(error).toMatchObject({ code: "WRONG_CLUSTER", definite: true });
    }
    expect(copy.appliedIdx).toBe(before);
    cluster.node(1).stop();
    cluster.node(1).dropConnections();
    for (let i = 0; i < 5; i++) expect(ask(cluster, core, write("a", `${i}`)).answer?.node).toBe(2);
    core.close();
  });

  test("is known by what was seen when a request was sent again, not only at first", () => {
    const { cluster, core, copy } = copied(0);
    cluster.node(2).state = copy;
    others(copy, 2);
    others(cluster.state, 5);
    cluster.node(1).behaviour = { kind: "ignore" };
    const pending = submit(cluster, core, read("key"));
    cluster.clock.run(10);
    expect(ask(cluster, core, read("key"), 3).error).toBeNull();
    cluster.node(1).dropConnections();
    cluster.clock.runUntil(() => pending.result !== null, 1000);
    expect(cluster.node(2).frames).toEqual(["reads"]);
    expect(pending.result?.answer?.node).toBe(3);
    core.close();
  });

  test.each([read("key"), write("mine", "2")])(
    "is not what a late answer to an earlier attempt comes from: $kind",
    (operation) => {
      const cluster = new FakeCluster();
      begin(cluster.state, "old", 1);
      const core = cluster.core({ firstNode: 1, attemptTimeoutMs: 100 });
      expect(ask(cluster, core, write("mine", "1")).error).toBeNull();
      cluster.node(1).answerDelayMs = 150;
      cluster.node(2).behaviour = { kind: "ignore" };
      const pending = submit(cluster, core, operation);
      cluster.clock.run(20);
      others(cluster.state, 5);
      expect(ask(cluster, core, read("key"), 3).error).toBeNull();
      cluster.clock.runUntil(() => pending.result !== null, 1000);
      expect(cluster.node(2).frames.length).toBe(1);
      expect(pending.result?.answer?.node).toBe(1);
      expect(ask(cluster, core, read("key"), 1).error).toBeNull();
      core.close();
    },
  );

  test("is not told by the index of another cluster's node", () => {
    const { cluster } = twoClusters();
    const late = new KvState();
    cluster.node(3).state = late;
    const core = cluster.core({ firstNode: 1 });
    ask(cluster, core, read("key"), 1);
    ask(cluster, core, read("key", true), 3);
    begin(late, "late", 31);
    others(late, 50);
    expect(ask(cluster, core, read("key"), 3).error?.code).toBe("WRONG_CLUSTER");
    expect(ask(cluster, core, read("key"), 1).error).toBeNull();
    core.close();
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
