import { describe, expect, it } from "vitest";
import { Cluster, elect } from "./harness/cluster.ts";
import { decidedOf, logOf } from "./harness/view.ts";

/** A node comes back with another disk, by agreement: what it had promised and accepted counts no more. */
function stable(options: ConstructorParameters<typeof Cluster>[0] = {}): Cluster {
  const cluster = new Cluster({ resendTicks: 4, flushTicks: 1_000, ...options });
  expect(elect(cluster)).toBe(3);
  cluster.round(2);
  return cluster;
}

describe("replaced", () => {
  it("a vote of the old disk does not decide, not even one that is still on its way", () => {
    const cluster = stable();
    cluster.isolate(2);
    cluster.append(3, "a");
    cluster.settle();
    expect(cluster.node(3).acceptedIndexes()?.get(1)).toBe(1);
    cluster.append(3, "b");
    cluster.deliverType(3, 1, "acceptDecide");
    const onItsWay = cluster.channel(1, 3).splice(0);
    expect(onItsWay.map(({ message }) => message.type)).toEqual(["accepted"]);
    const before = cluster.node(3).promise;
    cluster.call(3, (node) => node.step({ kind: "replaced", pid: 1 }));
    expect(cluster.node(3)).toMatchObject({ role: "leader", phase: "prepare" });
    expect(cluster.node(3).promise.n).toBe(before.n + 1);
    expect(cluster.node(3).acceptedIndexes()?.get(1)).toBe(0);
    for (const envelope of onItsWay) cluster.inject(envelope);
    expect(cluster.node(3)).toMatchObject({ decidedIdx: 1, phase: "prepare" });
    expect(cluster.node(3).acceptedIndexes()?.get(1)).toBe(0);
    cluster.healAll();
    cluster.round(6);
    for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(["a", "b"]);
  });

  it("a leader that still prepares does not adopt on the word of the old disk", () => {
    const cluster = stable({ n: 5, pids: [1, 2, 4, 5, 3], priorities: { 3: 1 } });
    cluster.call(2, (node) => node.tryBecomeLeader());
    cluster.deliverType(2, 1, "prepare");
    cluster.deliverType(1, 2, "promise");
    const old = cluster.sent.findLast((e) => e.from === 1 && e.message.type === "promise")!;
    cluster.call(2, (node) => node.replaced(1));
    cluster.inject(old);
    cluster.deliverType(2, 4, "prepare");
    cluster.deliverType(4, 2, "promise");
    expect(cluster.node(2)).toMatchObject({ role: "leader", phase: "prepare" });
    cluster.deliverType(2, 4, "prepare");
    cluster.deliverType(4, 2, "promise");
    expect(cluster.node(2).phase).toBe("prepare");
    cluster.deliverAll(2, 1);
    cluster.deliverType(1, 2, "promise");
    expect(cluster.node(2).phase).toBe("accept");
  });

  it("a node with an empty disk is asked, promises and gets the whole log", () => {
    const cluster = stable();
    cluster.append(3, "a", "b");
    cluster.settle();
    cluster.crash(1);
    cluster.checker.brokenDisks = true;
    cluster.slot(1).disk.empty();
    cluster.restart(1);
    cluster.call(2, (node) => node.replaced(1));
    cluster.call(3, (node) => node.replaced(1));
    cluster.round(6);
    expect(cluster.node(3).acceptedIndexes()?.get(1)).toBe(2);
    for (const pid of cluster.pids) expect(logOf(cluster.node(pid))).toEqual(["a", "b"]);
    expect(cluster.pids.map((pid) => cluster.node(pid).contradiction)).toEqual([null, null, null]);
  });

  it("a follower forgets what the old process said in the election, and changes nothing else", () => {
    const cluster = stable();
    const node = cluster.node(2);
    expect(new Set(node.connectedPeers().keys())).toEqual(new Set([1, 3]));
    const before = node.snapshotState();
    node.replaced(1);
    expect([...node.connectedPeers().keys()]).toEqual([3]);
    expect(node.snapshotState()).toEqual(before);
    expect(node.takeEffects()).toMatchObject({ writes: [], messages: [] });
    node.replaced(7);
    expect(node.counters.misdirected).toBe(1);
  });
});
