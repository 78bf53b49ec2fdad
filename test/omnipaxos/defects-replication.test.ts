import { describe, expect, it } from "vitest";
import { OmniPaxos } from "../../src/omnipaxos/index.ts";
import type { Envelope } from "../../src/omnipaxos/index.ts";
import { Cluster, elect } from "./harness/cluster.ts";
import { decidedOf, logOf } from "./harness/view.ts";

/**
 * The traps of replication, compaction and reconfiguration: S1–S6, S13–S17, S19, S20, S22, S23 of
 * src/omnipaxos/deviations.md. One behaviour a test.
 */
const NEXT = { configurationId: 2, nodes: [1, 2] };

function stable(options: ConstructorParameters<typeof Cluster>[0] = {}): Cluster {
  const cluster = new Cluster({ resendTicks: 1_000, flushTicks: 1_000, ...options });
  elect(cluster);
  cluster.round(2);
  return cluster;
}

describe("stop-signs", () => {
  it("S1: a stop-sign is counted once when a follower that holds it is synced again", () => {
    const cluster = stable();
    cluster.append(3, "a", "b");
    cluster.call(3, (node) => node.reconfigure(NEXT));
    cluster.settle();
    for (const candidate of [1, 2, 3]) {
      cluster.call(candidate, (node) => node.tryBecomeLeader());
      cluster.settle();
      cluster.reconnect(candidate, (candidate % 3) + 1);
      cluster.settle();
    }
    for (const pid of cluster.pids) {
      const node = cluster.node(pid);
      expect([node.decidedIdx, node.acceptedIdx]).toEqual([3, 3]);
      expect(node.isReconfigured()?.nextConfig).toEqual(NEXT);
      expect(logOf(node)).toEqual(["a", "b", "SS"]);
    }
  });

  it("an undecided stop-sign gives way to a new leader's log without one", () => {
    const cluster = stable({ resendTicks: 4 });
    cluster.isolate(3);
    cluster.call(3, (node) => node.reconfigure(NEXT));
    cluster.call(2, (node) => node.tryBecomeLeader());
    cluster.append(2, "a");
    cluster.settle();
    cluster.healAll();
    cluster.round(12);
    expect(cluster.node(3).stopSign).toBeNull();
    expect(cluster.slot(3).disk.state.stopSign).toBeNull();
    for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(["a"]);
  });

  it("S20: proposals that wait behind a stop-sign are handed back", () => {
    const cluster = stable();
    cluster.isolate(1);
    cluster.call(1, (node) => node.tryBecomeLeader());
    cluster.append(1, "kept");
    cluster.call(3, (node) => node.reconfigure(NEXT));
    cluster.settle();
    expect(cluster.node(1).snapshotState().buffered).toBe(1);
    cluster.healAll();
    cluster.call(3, (node) => node.tryBecomeLeader());
    cluster.settle();
    cluster.round(6);
    expect(cluster.node(1).isReconfigured()).not.toBeNull();
    expect(cluster.rejected(1)).toEqual(["kept"]);
    expect(cluster.node(1).snapshotState().buffered).toBe(0);
  });

  it("S20: forwarded proposals that meet a stop-sign are handed back where they arrive", () => {
    const cluster = stable();
    cluster.append(1, "late");
    cluster.call(3, (node) => node.reconfigure(NEXT));
    cluster.settle();
    expect(cluster.rejected(3)).toEqual(["late"]);
    expect(cluster.node(1).append("more")).toEqual({
      ok: false,
      error: { kind: "pendingReconfigEntry", entry: "more" },
    });
  });
});

describe("syncing logs", () => {
  it("S2: a delta snapshot is folded onto the old decided index, not onto stale entries", () => {
    const cluster = stable({ snapshots: "fold", resendTicks: 4 });
    cluster.append(3, "a", "b");
    cluster.settle();
    cluster.isolate(3);
    cluster.append(3, "zombie");
    cluster.call(2, (node) => node.tryBecomeLeader());
    cluster.settle();
    cluster.append(2, "c", "d", "e");
    cluster.settle();
    expect(cluster.node(2).decidedIdx).toBe(5);
    cluster.healAll();
    cluster.round(12);
    const delta = cluster.sent.some(
      ({ to, message }) =>
        to === 3 && message.type === "acceptSync" && message.logSync.snapshot?.kind === "delta",
    );
    expect(delta).toBe(true);
    expect(logOf(cluster.node(3))).toEqual(["a", "b", "c", "d", "e"]);
    expect(cluster.node(3).storedSnapshot?.value).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("S2: a delta for another base is refused as a whole, and the next sync fits", () => {
    const cluster = stable({ snapshots: "fold", resendTicks: 4 });
    cluster.append(3, "a", "b");
    cluster.settle();
    cluster.call(1, (node) => node.reconnected(3));
    cluster.deliverType(1, 3, "prepareReq");
    cluster.deliverType(3, 1, "prepare");
    const n = cluster.node(3).promise;
    const snapshot = { kind: "delta" as const, baseIdx: 1, idx: 3, value: ["b", "c"] };
    const logSync = { snapshot, syncIdx: 3, suffix: [], stopSign: null };
    const seq = { session: 9, counter: 1 };
    const message = { type: "acceptSync" as const, n, seq, decidedIdx: 3, logSync };
    cluster.call(1, (node) => node.receive({ from: 3, to: 1, message }));
    expect(cluster.node(1)).toMatchObject({ phase: "prepare", decidedIdx: 2 });
    expect(cluster.node(1).counters.staleSyncs).toBe(1);
    cluster.append(3, "c");
    cluster.settle();
    expect(decidedOf(cluster.node(1))).toEqual(["a", "b", "c"]);
  });

  it("S3: a late promiser that has decided more than its new leader keeps its decided index", () => {
    const cluster = stable({ n: 5 });
    cluster.append(5, "a");
    cluster.settle();
    cluster.append(5, "b");
    for (const pid of [1, 2, 3, 4]) cluster.deliverAll(5, pid);
    for (const pid of [1, 2, 3, 4]) cluster.deliverAll(pid, 5);
    cluster.deliverAll(5, 1);
    expect(cluster.node(1).decidedIdx).toBe(2);
    cluster.crash(5);
    cluster.call(4, (node) => node.tryBecomeLeader());
    for (const pid of [2, 3]) cluster.deliverAll(4, pid);
    for (const pid of [2, 3]) cluster.deliverAll(pid, 4);
    expect(cluster.node(4).snapshotState()).toMatchObject({ phase: "accept", decidedIdx: 1 });
    cluster.deliverAll(4, 1);
    cluster.deliverAll(1, 4);
    cluster.deliverAll(4, 1);
    expect(cluster.node(1).snapshotState()).toMatchObject({ phase: "accept", decidedIdx: 2 });
  });

  it("S4: an AcceptSync of an earlier promise does not shorten the log in a later sync of the same round", () => {
    const cluster = stable();
    cluster.isolate(2);
    cluster.call(1, (node) => node.reconnected(3));
    cluster.deliverType(1, 3, "prepareReq");
    cluster.deliverType(3, 1, "prepare");
    const promise = cluster.channel(1, 3)[0]!;
    cluster.deliver(1, 3);
    cluster.inject(promise);
    const [late, answered] = cluster.channel(3, 1).splice(0);
    expect([late?.message.type, answered?.message.type]).toEqual(["acceptSync", "acceptSync"]);
    cluster.inject(answered!);
    cluster.append(3, "y");
    cluster.deliverAll(3, 1);
    cluster.deliverAll(1, 3);
    cluster.drop(3, 1);
    expect([cluster.node(3).decidedIdx, cluster.node(1).decidedIdx]).toEqual([1, 0]);
    cluster.call(1, (node) => node.reconnected(3));
    cluster.deliverType(1, 3, "prepareReq");
    cluster.deliverType(3, 1, "prepare");
    cluster.inject(late!);
    expect(logOf(cluster.node(1))).toEqual(["y"]);
    // Its Accepted must not hide the vote either (S17).
    cluster.settle();
    expect(cluster.node(3).acceptedIndexes()?.get(1)).toBe(1);
  });

  it("S14: what was proposed during the prepare phase rides in the AcceptSync, once", () => {
    const cluster = stable();
    cluster.call(2, (node) => node.tryBecomeLeader());
    cluster.append(2, "early");
    const from = cluster.sent.length;
    cluster.settle();
    const sent = cluster.sent.slice(from).map(({ message }) => message);
    const suffixes = sent.flatMap((m) => (m.type === "acceptSync" ? [m.logSync.suffix] : []));
    expect(suffixes).toEqual([["early"], ["early"]]);
    expect(sent.some((m) => m.type === "acceptDecide")).toBe(false);
    for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(["early"]);
  });

  it("S19: a deposed leader's batch belongs to the round in which it was taken", () => {
    const cluster = stable({ batchSize: 5 });
    cluster.append(3, "x", "y");
    expect(cluster.node(3).acceptedIdx).toBe(0);
    cluster.call(2, (node) => node.tryBecomeLeader());
    cluster.deliverType(2, 3, "prepare");
    const promise = cluster.channel(3, 2).find(({ message }) => message.type === "promise");
    expect(promise?.message).toMatchObject({ acceptedIdx: 2, acceptedRound: { n: 1, pid: 3 } });
    cluster.settle();
    for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(["x", "y"]);
  });
});

describe("losses and repetitions", () => {
  const resending = (): Cluster => stable({ resendTicks: 3 });

  it.each([
    [
      "the entries to both followers",
      [
        [3, 1],
        [3, 2],
      ],
      0,
    ],
    [
      "both acknowledgements",
      [
        [1, 3],
        [2, 3],
      ],
      1,
    ],
    [
      "the decision to both followers",
      [
        [3, 1],
        [3, 2],
      ],
      2,
    ],
  ] as const)("S5: losing %s with nothing after it does not stall", (_, links, hops) => {
    const cluster = resending();
    cluster.append(3, "a");
    if (hops > 0) for (const pid of [1, 2]) cluster.deliverAll(3, pid);
    if (hops > 1) for (const pid of [1, 2]) cluster.deliverAll(pid, 3);
    let lost = 0;
    for (const [from, to] of links) {
      lost += cluster.channel(from, to).length;
      cluster.drop(from, to);
    }
    expect(lost).toBeGreaterThanOrEqual(2);
    cluster.round(7);
    for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(["a"]);
  });

  it("S13: a repeated Prepare does not reset a healthy follower, and brings back one that lost its place", () => {
    const cluster = stable();
    const prepare = cluster.sent.find(({ to, message }) => to === 1 && message.type === "prepare")!;
    cluster.inject(prepare);
    expect(cluster.node(1).phase).toBe("accept");
    cluster.call(1, (node) => node.reconnected(3));
    expect(cluster.node(1).phase).toBe("recover");
    cluster.inject(prepare);
    expect(cluster.node(1).phase).toBe("prepare");
  });

  it("S15: a message that was taken is not changed any more", () => {
    const cluster = stable({ lazy: true });
    cluster.append(3, "a", "b");
    cluster.drain(3);
    cluster.append(3, "c");
    cluster.drain(3);
    const sent = cluster.channel(3, 1).map(({ message }) => message);
    expect(sent.map((m) => (m.type === "acceptDecide" ? m.entries : m.type))).toEqual([
      ["a", "b"],
      ["c"],
    ]);
  });

  it("S15: a follower that asks for a new start gets no more entries in its old stream", () => {
    const cluster = stable({ lazy: true, resendTicks: 4 });
    cluster.append(3, "a");
    const n = cluster.node(3).promise;
    cluster.inject({ from: 1, to: 3, message: { type: "prepareReq", n } });
    cluster.append(3, "b");
    cluster.drain(3);
    const entries = (to: number): unknown[] =>
      cluster
        .channel(3, to)
        .flatMap(({ message }) => (message.type === "acceptDecide" ? [message.entries] : []));
    expect(entries(1)).toEqual([["a"]]);
    expect(entries(2)).toEqual([["a", "b"]]);
    cluster.round(12);
    for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(["a", "b"]);
  });

  it("S16: a decided index ahead of the stored log is cut to it, after storing the batch", () => {
    const cluster = stable({ batchSize: 3 });
    const n = cluster.node(3).promise;
    const { session, counter } = cluster.node(1).snapshotState().seq;
    const seq = { session, counter: counter + 1 };
    const message = { type: "acceptDecide" as const, n, seq, decidedIdx: 9, entries: ["a"] };
    cluster.call(1, (node) => node.receive({ from: 3, to: 1, message }));
    const { decidedIdx, acceptedIdx } = cluster.node(1);
    expect([decidedIdx, acceptedIdx]).toEqual([1, 1]);
    expect(cluster.slot(1).disk.state.entries).toEqual(["a"]);
  });

  it("S17: votes survive a reset of the promise and do not shrink when they overtake each other", () => {
    const cluster = stable();
    cluster.append(3, "a");
    cluster.settle();
    const early = cluster.sent.findLast(({ message }) => message.type === "accepted")!;
    cluster.append(3, "b");
    cluster.settle();
    const before = cluster.node(3).acceptedIndexes()!.get(early.from);
    cluster.inject(early);
    cluster.inject({
      from: early.from,
      to: 3,
      message: { type: "prepareReq", n: cluster.node(3).promise },
    });
    expect(cluster.node(3).acceptedIndexes()!.get(early.from)).toBe(before);
    expect(before).toBe(2);
  });
});

describe("compaction", () => {
  function halfDecided(): Cluster {
    const cluster = stable({ resendTicks: 4 });
    cluster.append(3, "a", "b");
    cluster.settle();
    cluster.cutOneWay(3, 1);
    cluster.append(3, "c");
    cluster.settle();
    return cluster;
  }

  it("S6: a trim above what some node has decided is refused", () => {
    const cluster = halfDecided();
    expect(cluster.node(3).decidedIdx).toBe(3);
    expect(cluster.node(1).decidedIdx).toBe(2);
    const refused = cluster.call(3, (node) => node.trim(3));
    expect(refused).toMatchObject({ ok: false, error: { kind: "notAllDecided" } });
    cluster.healAll();
    cluster.round(20);
    expect(cluster.call(3, (node) => node.trim(3))).toEqual({ ok: true });
    cluster.settle();
    for (const pid of cluster.pids) expect(cluster.node(pid).compactedIdx).toBe(3);
  });

  it("S6: a decided index that a restart would forget is no ground for a trim", () => {
    const cluster = stable({ durability: "delayed", resendTicks: 1_000 });
    cluster.append(3, "a", "b");
    cluster.settle();
    expect(cluster.node(1).decidedIdx).toBe(2);
    expect(cluster.slot(1).disk.state.decidedIdx).toBe(0);
    expect(cluster.call(3, (node) => node.trim(2))).toMatchObject({
      ok: false,
      error: { kind: "notAllDecided", minDecidedIdx: 0 },
    });
  });

  it("S22: a read below the compacted index answers one element for the whole prefix", () => {
    const cluster = stable({ snapshots: "fold" });
    cluster.append(3, "a", "b", "c", "d");
    cluster.settle();
    cluster.call(3, (node) => node.snapshot(3, true));
    const reads = cluster.node(3).readEntries(1, 4)!;
    expect(reads.map((read) => read.kind)).toEqual(["snapshotted", "decided"]);
    expect(cluster.node(3).read(0)?.kind).toBe("snapshotted");
    expect(cluster.node(3).readEntries(0, 5)).toBeUndefined();
    expect(cluster.node(3).entryAt(2)).toBeUndefined();
    expect(cluster.node(3).entryAt(3)).toBe("d");
  });

  it("S23: a deletion inside a delta reaches a base that still has the key", () => {
    type Values = Readonly<Record<string, string | null>>;
    const create = (entries: readonly string[]): Values =>
      Object.fromEntries(
        entries.map((entry) => {
          const [key, value] = entry.split("=") as [string, string | undefined];
          return [key, value ?? null];
        }),
      );
    const merge = (base: Values, delta: Values): Values => ({ ...base, ...delta });
    const nodes = new Map(
      [1, 2, 3].map((pid) => [
        pid,
        new OmniPaxos<string, Values>({
          clusterConfig: { configurationId: 1, nodes: [1, 2, 3] },
          pid,
          incarnation: pid,
          snapshots: { kind: "fold", create, merge },
        }),
      ]),
    );
    let away = 0;
    const pump = (): void => {
      for (let moved = true; moved;) {
        moved = false;
        for (const node of nodes.values()) {
          const { writes, messages } = node.takeEffects();
          for (const { seq } of writes) node.persisted(seq);
          const inbox: Envelope<string, Values>[] = messages.filter(
            ({ from, to }) => from !== away && to !== away,
          );
          moved ||= writes.length > 0 || inbox.length > 0;
          for (const envelope of inbox) nodes.get(envelope.to)!.receive(envelope);
        }
      }
    };
    const tick = (): void => {
      for (const node of nodes.values()) node.tick();
      pump();
    };
    pump();
    for (let i = 0; i < 4; i += 1) tick();
    const leader = [...nodes.values()].find((node) => node.role === "leader")!;
    const behind = [...nodes.values()].find((node) => node.role === "follower")!;
    leader.append("k=1");
    pump();
    away = behind.pid;
    leader.append("k=2");
    leader.append("k");
    pump();
    away = 0;
    behind.reconnected(leader.pid);
    pump();
    expect(behind.decidedIdx).toBe(3);
    expect(behind.storedSnapshot?.value).toEqual({ k: null });
  });
});
