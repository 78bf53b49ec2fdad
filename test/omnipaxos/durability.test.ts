import { describe, expect, it } from "vitest";
import { Cluster, elect, leaderOf } from "./harness/cluster.ts";
import { decidedOf, logOf } from "./harness/view.ts";

/** What may leave a node before which write is on disk (DISK-1–DISK-7), and what a crash in between leaves behind. */
function stable(options: ConstructorParameters<typeof Cluster>[0] = {}): Cluster {
  const cluster = new Cluster({ resendTicks: 1_000, flushTicks: 1_000, ...options });
  elect(cluster);
  cluster.round(2);
  return cluster;
}

/** src/omnipaxos/deviations.md, S21. */
describe("asynchronous writes (S21)", () => {
  it("a promise leaves only after it is durable", () => {
    const cluster = stable({ durability: "delayed" });
    cluster.call(2, (node) => node.tryBecomeLeader());
    expect(cluster.channel(2, 1)).toEqual([]);
    cluster.sync(2);
    cluster.deliverType(2, 1, "prepare");
    expect(cluster.channel(1, 2)).toEqual([]);
    cluster.sync(1);
    expect(cluster.channel(1, 2).map(({ message }) => message.type)).toEqual(["promise"]);
  });

  it("entries leave the leader at once, and its own vote counts when they are durable", () => {
    const cluster = stable({ durability: "delayed" });
    cluster.cut(2, 3);
    cluster.append(3, "a");
    cluster.deliverType(3, 1, "acceptDecide");
    expect(cluster.channel(1, 3)).toEqual([]);
    cluster.sync(1);
    cluster.deliverType(1, 3, "accepted");
    expect(cluster.node(3).decidedIdx).toBe(0);
    cluster.sync(3);
    expect(cluster.node(3).decidedIdx).toBe(1);
  });

  it("nothing that names a promise leaves before it: heartbeat replies, PrepareReq, NotAccepted", () => {
    const cluster = stable({ durability: "delayed" });
    cluster.call(2, (node) => node.tryBecomeLeader());
    cluster.sync(2);
    cluster.deliverType(2, 1, "prepare");
    cluster.tick(3);
    cluster.deliverType(3, 1, "heartbeatRequest");
    cluster.call(1, (node) => node.reconnected(3));
    cluster.append(3, "old round");
    cluster.deliverType(3, 1, "acceptDecide");
    expect(cluster.channel(1, 3)).toEqual([]);
    cluster.sync(1);
    expect(cluster.channel(1, 3).map(({ message }) => message.type)).toEqual([
      "heartbeatReply",
      "prepareReq",
      "notAccepted",
    ]);
  });

  it("a repeated promise waits for the log that it reports", () => {
    const cluster = stable({ durability: "delayed" });
    cluster.append(3, "a");
    cluster.deliverType(3, 1, "acceptDecide");
    cluster.call(1, (node) => node.reconnected(3));
    cluster.inject(
      cluster.sent.findLast(({ to, message }) => to === 1 && message.type === "prepare")!,
    );
    expect(cluster.node(1).phase).toBe("prepare");
    expect(cluster.channel(1, 3)).toEqual([]);
    cluster.sync(1);
    const promise = cluster.channel(1, 3).find(({ message }) => message.type === "promise");
    expect(promise?.message).toMatchObject({ acceptedIdx: 1 });
  });

  it("an acknowledgement that grows before it is taken waits for the newer write", () => {
    const cluster = stable();
    const node = cluster.node(1);
    const n = cluster.node(3).promise;
    const { seq } = node.snapshotState();
    const next = { session: seq.session, counter: seq.counter + 1 };
    node.receive({ from: 3, to: 1, message: { type: "progress", n, seq, decidedIdx: 0 } });
    const entries = ["a"];
    const message = { type: "acceptDecide" as const, n, seq: next, decidedIdx: 0, entries };
    node.receive({ from: 3, to: 1, message });
    const { writes, messages } = node.takeEffects();
    expect(messages.map(({ message }) => message)).toMatchObject([
      { type: "accepted", acceptedIdx: 1 },
    ]);
    expect(messages[0]!.after).toBe(writes[0]!.seq);
  });

  it("a crash between an AcceptSync and its write leaves the old round with the old log", () => {
    const cluster = stable({ durability: "delayed" });
    cluster.append(3, "old");
    cluster.settle();
    cluster.isolate(3);
    cluster.call(2, (node) => node.tryBecomeLeader());
    cluster.append(2, "new");
    cluster.sync(2);
    cluster.deliverType(2, 1, "prepare");
    cluster.sync(1);
    cluster.deliverType(1, 2, "promise");
    cluster.deliverType(2, 1, "acceptSync");
    expect(logOf(cluster.node(1))).toEqual(["old", "new"]);
    const { acceptedRound, entries } = cluster.slot(1).disk.state;
    expect([acceptedRound.pid, entries]).toEqual([3, ["old"]]);
    cluster.crash(1);
    cluster.restart(1);
    expect(cluster.node(1).acceptedRound.pid).toBe(3);
    cluster.healAll();
    cluster.round(10);
    expect(decidedOf(cluster.node(1))).toEqual(["old", "new"]);
    expect(leaderOf(cluster)).toBeDefined();
  });

  it("each message names the write it waits for, whatever is queued before it", () => {
    const cluster = stable({ durability: "delayed", lazy: true });
    const node = cluster.node(1);
    const n = cluster.node(3).promise;
    const { session, counter } = node.snapshotState().seq;
    const seq = { session, counter: counter + 1 };
    const accept = { type: "acceptDecide" as const, n, seq, decidedIdx: 0, entries: ["a"] };
    node.receive({ from: 3, to: 1, message: accept });
    const log = node.takeEffects().writes[0]!.seq;
    node.reconnected(3);
    const again = cluster.sent.findLast((e) => e.to === 1 && e.message.type === "prepare")!;
    node.receive(again);
    const higher = { configId: 1, n: 9, priority: 0, pid: 2 };
    const promised = node.takeEffects().messages.find(({ message }) => message.type === "promise");
    expect(promised?.after).toBe(log);
    const prepare = { ...again.message, n: higher } as typeof again.message;
    node.receive({ from: 2, to: 1, message: prepare });
    node.reconnected(3);
    const { writes, messages } = node.takeEffects();
    const request = messages.find(({ message }) => message.type === "prepareReq");
    expect(request?.after).toBe(writes[0]!.seq);
  });
});

describe("what is on disk for sure", () => {
  it("is what was recovered, and then exactly what the reported groups made of it", () => {
    const cluster = stable({ durability: "delayed" });
    for (const pid of [1, 2]) cluster.sync(pid);
    const node = cluster.node(1);
    const { promise } = node;
    expect(node.durable).toEqual({
      promise,
      acceptedRound: promise,
      acceptedIdx: 0,
      decidedIdx: 0,
    });
    cluster.append(3, "a");
    cluster.deliverType(3, 1, "acceptDecide");
    cluster.append(3, "b");
    cluster.deliverType(3, 1, "acceptDecide");
    cluster.call(2, (other) => other.tryBecomeLeader());
    cluster.sync(2);
    cluster.deliverType(2, 1, "prepare");
    expect(node.durable.acceptedIdx).toBe(0);
    cluster.sync(1, 1);
    expect(node.durable).toMatchObject({ acceptedIdx: 1, promise });
    cluster.sync(1, 1);
    expect(node.durable).toMatchObject({ acceptedIdx: 2, promise });
    cluster.sync(1, 1);
    expect(node.durable.promise).toEqual(node.promise);
    expect(node.promise.pid).toBe(2);
    const { promise: onDisk, acceptedRound, decidedIdx, entries } = cluster.slot(1).disk.state;
    const acceptedIdx = entries.length;
    const expected = { promise: onDisk, acceptedRound, acceptedIdx, decidedIdx };
    expect(node.durable).toEqual(expected);
    cluster.crash(1);
    cluster.restart(1);
    expect(cluster.node(1)).not.toBe(node);
    expect(cluster.node(1).durable).toEqual(expected);
  });
});
