import { describe, expect, it } from "vitest";
import { Cluster, elect, leaderOf } from "./harness/cluster.ts";
import { decidedOf } from "./harness/view.ts";

/** The traps of leader election and membership: S7–S12, S18, S24 of src/omnipaxos/deviations.md. One behaviour a test. */
function stable(options: ConstructorParameters<typeof Cluster>[0] = {}): Cluster {
  const cluster = new Cluster(options);
  elect(cluster);
  cluster.round(2);
  return cluster;
}

describe("S7: a peer that holds on to the ballot of a dead candidate", () => {
  function stranded(): Cluster {
    const cluster = stable({ n: 5, resendTicks: 2 });
    cluster.call(1, (node) => node.tryBecomeLeader());
    cluster.deliverType(1, 2, "prepare");
    cluster.crash(1);
    expect(cluster.node(2).promise).toMatchObject({ n: 2, pid: 1 });
    expect(leaderOf(cluster)).toBe(5);
    return cluster;
  }

  it("is won back by the live leader with one higher ballot", () => {
    const cluster = stranded();
    cluster.append(5, "a");
    cluster.round(8);
    expect(cluster.node(5).counters.strandedBumps).toBe(1);
    expect(leaderOf(cluster)).toBe(5);
    for (const pid of [2, 3, 4, 5]) expect(decidedOf(cluster.node(pid))).toEqual(["a"]);
    const { promise } = cluster.node(5);
    cluster.round(20);
    expect(cluster.node(5).promise).toEqual(promise);
  });

  it("is won back when the candidate returns, and nobody else bumps", () => {
    const cluster = stranded();
    cluster.round(8);
    cluster.restart(1);
    cluster.append(5, "a");
    cluster.round(10);
    for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(["a"]);
    const bumps = cluster.pids.map((pid) => cluster.node(pid).counters.strandedBumps);
    expect(bumps).toEqual([0, 0, 0, 0, 1]);
  });

  it("leaves a leader without a quorum alone: no duel with the one that replaced it", () => {
    const cluster = stable({ n: 5, resendTicks: 2 });
    cluster.keepOnly([
      [1, 2],
      [1, 3],
      [1, 4],
      [1, 5],
    ]);
    cluster.round(5);
    expect(leaderOf(cluster)).toBe(1);
    const { promise } = cluster.node(1);
    cluster.round(30);
    for (const pid of cluster.pids) {
      expect(cluster.node(pid).promise).toEqual(promise);
      expect(cluster.node(pid).counters.strandedBumps).toBe(0);
    }
  });
});

describe("S8: a raised priority", () => {
  it("moves the leadership instead of leaving a leader that does not lead", () => {
    const cluster = stable();
    expect(leaderOf(cluster)).toBe(3);
    cluster.call(1, (node) => node.setPriority(5));
    cluster.round(3);
    expect(leaderOf(cluster)).toBe(1);
    for (const pid of cluster.pids) expect(cluster.node(pid).bleLeader.pid).toBe(1);
  });

  it("does not deadlock when the raised node becomes the hub of a quorum loss", () => {
    const cluster = stable({ n: 5 });
    cluster.call(1, (node) => node.setPriority(5));
    cluster.keepOnly([
      [1, 2],
      [1, 3],
      [1, 4],
      [1, 5],
    ]);
    cluster.round(4);
    cluster.append(1, "a");
    cluster.settle();
    expect(decidedOf(cluster.node(1))).toEqual(["a"]);
  });

  it("lowered while leading changes nothing until the next ballot", () => {
    const cluster = stable({ priorities: { 3: 4 } });
    cluster.call(3, (node) => node.setPriority(0));
    const { promise } = cluster.node(3);
    cluster.round(10);
    expect(leaderOf(cluster)).toBe(3);
    expect(cluster.node(3).promise).toEqual(promise);
    cluster.call(3, (node) => node.tryBecomeLeader());
    expect(cluster.node(3).promise).toMatchObject({ n: promise.n + 1, priority: 0 });
  });
});

describe("who may take over", () => {
  it("S9: a heartbeat reply that arrives twice counts once", () => {
    const cluster = stable({ n: 5 });
    cluster.keepOnly([[1, 2]]);
    for (let round = 0; round < 10; round += 1) {
      cluster.tick(1);
      cluster.tick(2);
      for (const { from, to } of [
        { from: 1, to: 2 },
        { from: 2, to: 1 },
      ]) {
        const twice = cluster.channel(from, to).flatMap((envelope) => [envelope, envelope]);
        cluster.drop(from, to);
        for (const envelope of twice) cluster.inject(envelope);
      }
      cluster.settle();
    }
    for (const pid of [1, 2]) {
      expect(cluster.node(pid).promise).toMatchObject({ n: 1, pid: 5 });
      expect(cluster.node(pid).isQuorumConnected()).toBe(false);
    }
  });

  it("S10: a leader that restarted is not the leader any more, and does not use its ballot again", () => {
    const cluster = stable();
    const before = cluster.node(3).promise;
    cluster.crash(3);
    cluster.restart(3);
    expect(cluster.node(3).ownBallot.n).toBe(0);
    cluster.round(6);
    const leader = leaderOf(cluster)!;
    expect(cluster.node(leader).promise.n).toBeGreaterThan(before.n);
  });

  it("S11: a hub that still hears its leader takes over once that leader has no quorum", () => {
    const cluster = stable({ n: 5 });
    cluster.keepOnly([
      [2, 1],
      [2, 3],
      [2, 4],
      [2, 5],
    ]);
    cluster.round(4);
    expect(leaderOf(cluster)).toBe(2);
  });

  it("S11: a node that hears a happy peer does not take over, though it cannot hear the leader", () => {
    const cluster = stable();
    cluster.cut(1, 3);
    cluster.round(30);
    expect(leaderOf(cluster)).toBe(3);
    expect(cluster.node(1)).toMatchObject({ isHappy: false, ownBallot: { n: 1 } });
  });

  it("S12: ballots that peers only talk about do not compete, so the ends of a chain do not duel", () => {
    const cluster = stable();
    cluster.cut(1, 3);
    cluster.round(40);
    for (const pid of cluster.pids) expect(cluster.node(pid).promise.n).toBe(1);
  });

  it("S24: a reply to an earlier start of this node is not counted", () => {
    const cluster = stable();
    cluster.tick(1);
    cluster.deliverType(1, 2, "heartbeatRequest");
    const late = cluster.channel(2, 1).find(({ message }) => message.type === "heartbeatReply")!;
    cluster.crash(1);
    cluster.restart(1);
    const { round } = late.message as { round: number };
    while (cluster.node(1).snapshotState().heartbeatRound < round) cluster.tick(1);
    cluster.inject(late);
    cluster.tick(1);
    expect(cluster.node(1).connectedPeers().size).toBe(0);
  });
});

describe("S18: nodes are known by their ids", () => {
  it("a cluster of 6, 7 and 8 has three members", () => {
    const cluster = stable({ pids: [6, 7, 8], resendTicks: 2 });
    cluster.append(8, "a", "b");
    cluster.round(6);
    expect([...cluster.node(8).acceptedIndexes()!]).toEqual([
      [6, 2],
      [7, 2],
      [8, 2],
    ]);
    expect(cluster.call(8, (node) => node.trim())).toEqual({ ok: true });
    cluster.settle();
    for (const pid of cluster.pids) expect(cluster.node(pid).compactedIdx).toBe(2);
  });

  it("messages from strangers, or for somebody else, are ignored and counted", () => {
    const cluster = stable();
    const before = cluster.node(1).snapshotState();
    const n = { configId: 1, n: 99, priority: 0, pid: 9 };
    const message = {
      type: "prepare" as const,
      n,
      decidedIdx: 0,
      acceptedRound: n,
      acceptedIdx: 0,
    };
    cluster.call(1, (node) => node.receive({ from: 9, to: 1, message }));
    cluster.call(1, (node) => node.receive({ from: 2, to: 3, message }));
    cluster.call(1, (node) => node.reconnected(9));
    expect(cluster.node(1).snapshotState()).toEqual(before);
    expect(cluster.node(1).counters.misdirected).toBe(3);
  });
});
