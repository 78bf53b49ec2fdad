import { describe, expect, it } from "vitest";
import type { Ballot, DurableState, NodeId, StopSign } from "../../src/omnipaxos/index.ts";
import { Cluster, elect, leaderOf, other } from "./harness/cluster.ts";
import type { ClusterOptions } from "./harness/cluster.ts";
import { decidedOf, logOf } from "./harness/view.ts";
import type { Folded } from "./harness/view.ts";

/** The scenarios of the reference implementation's own tests, under their names. */
const entries = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `v${from + i}`);

const STOP_SIGN: StopSign = {
  nextConfig: { configurationId: 2, nodes: [1, 2, 3] },
  metadata: new Uint8Array([7]),
};

const ballot = (n: number, pid: NodeId): Ballot => ({ configId: 1, n, priority: 0, pid });

function started(options: ClusterOptions = {}): { cluster: Cluster; leader: NodeId } {
  const cluster = new Cluster({ resendTicks: 4, flushTicks: 3, ...options });
  elect(cluster);
  cluster.round(2);
  return { cluster, leader: leaderOf(cluster)! };
}

describe("ble", () => {
  it("ble_test: each of five leaders in a row differs from the one that was killed", () => {
    const { cluster } = started({ n: 10, checked: false });
    const leaders = new Set<NodeId>();
    for (let i = 0; i < 5; i += 1) {
      const leader = leaderOf(cluster)!;
      expect(leaders.has(leader)).toBe(false);
      leaders.add(leader);
      if (i === 4) break;
      cluster.crash(leader);
      cluster.round(8);
    }
    expect(leaders.size).toBe(5);
  });
});

describe("consensus", () => {
  it("consensus_test: only proposed entries, on a quorum, in logs that are prefixes of one", () => {
    const cluster = new Cluster({ n: 5, resendTicks: 4, checked: false });
    const proposed = entries(2_000);
    cluster.append(1, ...proposed);
    elect(cluster);
    cluster.round(8);
    const logs = cluster.pids.map((pid) => decidedOf(cluster.node(pid)));
    const longest = logs.reduce((a, b) => (b.length > a.length ? b : a));
    expect(longest.length).toBe(2_000);
    expect([...longest].sort()).toEqual([...proposed].sort());
    for (const log of logs) expect(log).toEqual(longest.slice(0, log.length));
    expect(logs.filter((log) => log.length === 2_000).length).toBeGreaterThanOrEqual(3);
  });

  const prefilled: Partial<DurableState<string, Folded>> = {
    promise: ballot(1, 2),
    acceptedRound: ballot(1, 2),
    decidedIdx: 6,
    compactedIdx: 4,
    entries: ["v4", "v5", "v6"],
    snapshot: { kind: "complete", idx: 4, value: entries(4) },
    stopSign: STOP_SIGN,
  };
  const reader = (): Cluster => new Cluster({ snapshots: "fold", recovered: { 1: prefilled } });

  it("read_test: decided suffix, entry, snapshot, stop-sign, and nothing beyond", () => {
    const node = reader().node(1);
    expect(node.readDecidedSuffix(4)).toEqual([
      { kind: "decided", entry: "v4" },
      { kind: "decided", entry: "v5" },
    ]);
    expect(node.read(5)).toEqual({ kind: "decided", entry: "v5" });
    expect(node.read(6)).toEqual({ kind: "undecided", entry: "v6" });
    expect(node.read(2)).toEqual({ kind: "snapshotted", snapshot: prefilled.snapshot });
    expect(node.read(7)).toEqual({ kind: "stopSign", stopSign: STOP_SIGN, decided: false });
    expect(node.read(8)).toBeUndefined();
    expect(node.read(-1)).toBeUndefined();
  });

  it.each([
    [4, 6, ["decided", "decided"]],
    [0, 3, ["snapshotted"]],
    [2, 6, ["snapshotted", "decided", "decided"]],
    [7, 8, ["stopSign"]],
    [5, 8, ["decided", "undecided", "stopSign"]],
    [1, 8, ["snapshotted", "decided", "decided", "undecided", "stopSign"]],
    [5, 9, undefined],
    [3, 3, undefined],
  ] as const)("read_entries_test: [%i, %i)", (from, to, kinds) => {
    const reads = reader().node(1).readEntries(from, to);
    expect(reads?.map((read) => read.kind)).toEqual(kinds);
  });
});

describe("batching and forwarding", () => {
  it("batching_test: the decided index advances by whole batches", () => {
    const { cluster, leader } = started({ batchSize: 31, flushTicks: 1_000 });
    let decided = 0;
    for (const entry of entries(310)) {
      cluster.append(leader, entry);
      cluster.settle();
      const now = cluster.node(leader).decidedIdx;
      if (now !== decided) expect(now - decided).toBeGreaterThanOrEqual(31);
      decided = now;
    }
    expect(decided).toBe(310);
  });

  it("an incomplete batch is stored by the flush timer, at the leader and at followers", () => {
    const { cluster, leader } = started({ batchSize: 31, flushTicks: 3 });
    cluster.append(leader, "alone");
    cluster.settle();
    expect(cluster.node(leader).acceptedIdx).toBe(0);
    cluster.round(10);
    for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(["alone"]);
  });

  it("forward_proposal_test: a proposal at a node that does not lead is decided", () => {
    const { cluster, leader } = started({ n: 7 });
    cluster.append(other(cluster, leader), "forwarded");
    cluster.round(2);
    for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(["forwarded"]);
  });
});

describe("flexible_quorum (8 nodes, read 6, write 3)", () => {
  const flexible = { n: 8, flexibleQuorum: { read: 6, write: 3 } };

  it("prepare_phase_test: after W-1 crashes with the leader's, a new leader decides", () => {
    const { cluster, leader } = started(flexible);
    cluster.append(leader, ...entries(5));
    cluster.settle();
    cluster.crash(leader);
    cluster.crash(other(cluster, leader));
    cluster.round(8);
    const next = leaderOf(cluster)!;
    cluster.append(next, ...entries(5, 5));
    cluster.round(3);
    for (const pid of cluster.upPids) expect(decidedOf(cluster.node(pid))).toEqual(entries(10));
  });

  it("accept_phase_test: with N-W followers gone the same leader still decides", () => {
    const { cluster, leader } = started(flexible);
    for (let i = 0; i < 5; i += 1) cluster.crash(other(cluster, leader));
    cluster.round(8);
    cluster.append(leader, ...entries(5));
    cluster.round(3);
    expect(leaderOf(cluster)).toBe(leader);
    for (const pid of cluster.upPids) expect(decidedOf(cluster.node(pid))).toEqual(entries(5));
  });
});

describe("reconfig", () => {
  it("reconfig_test: the stop-sign is the last entry, carries its metadata and seals the log", () => {
    const { cluster, leader } = started();
    const proposer = other(cluster, leader);
    cluster.append(leader, ...entries(200));
    cluster.settle();
    const { nextConfig, metadata } = STOP_SIGN;
    expect(cluster.call(proposer, (node) => node.reconfigure(nextConfig, metadata))).toEqual({
      ok: true,
    });
    cluster.round(2);
    for (const pid of cluster.pids) {
      const node = cluster.node(pid);
      expect(node.read(200)).toEqual({ kind: "stopSign", stopSign: STOP_SIGN, decided: true });
      expect(node.isReconfigured()).toEqual(STOP_SIGN);
      expect(node.append("late").ok).toBe(false);
      expect(node.reconfigure(nextConfig)).toMatchObject({
        error: { kind: "pendingReconfigConfig" },
      });
    }
  });

  it("a next configuration that cannot work, or does not come next, is refused", () => {
    const { cluster } = started();
    const refused = [
      { configurationId: 1, nodes: [1, 2, 3] },
      { configurationId: 2, nodes: [1, 1] },
      { configurationId: 2, nodes: [1, 2, 3], flexibleQuorum: { read: 2, write: 1 } },
    ].map((config) => cluster.node(1).reconfigure(config));
    expect(refused.map((result) => !result.ok && result.error.kind)).toEqual([
      "config",
      "config",
      "config",
    ]);
  });
});

describe("recovery (3 nodes)", () => {
  it.each([
    ["leader_fail_follower_propose", "leader", "follower"],
    ["leader_fail_leader_propose", "leader", "leader"],
    ["follower_fail_leader_propose", "follower", "leader"],
    ["follower_fail_follower_propose", "follower", "follower"],
  ] as const)("%s", (_, failing, proposing) => {
    const { cluster, leader } = started({ durability: "delayed" });
    cluster.append(leader, ...entries(50));
    cluster.round(2);
    const failed = failing === "leader" ? leader : other(cluster, leader);
    cluster.crash(failed);
    cluster.restart(failed);
    cluster.round(10);
    const now = leaderOf(cluster)!;
    const proposer =
      proposing === "leader" ? now : other(cluster, now, failing === "leader" ? 0 : failed);
    cluster.append(proposer, ...entries(50, 50));
    cluster.round(4);
    for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(entries(100));
  });
});

describe("reconnect (5 nodes)", () => {
  function five(): { cluster: Cluster; leader: NodeId; follower: NodeId } {
    const { cluster, leader } = started({ n: 5, resendTicks: 6 });
    return { cluster, leader, follower: other(cluster, leader) };
  }
  function everybodyHas(cluster: Cluster, log: readonly string[]): void {
    for (const pid of cluster.upPids) expect(decidedOf(cluster.node(pid))).toEqual(log);
  }

  it("increasing_accept_seq_num_test: one session, counters without a gap", () => {
    const { cluster, leader, follower } = five();
    const from = cluster.sent.length;
    for (const entry of entries(5)) {
      cluster.append(leader, entry);
      cluster.settle();
    }
    const seqs = cluster.sent
      .slice(from)
      .flatMap(({ to, message }) =>
        to === follower && (message.type === "acceptDecide" || message.type === "decide")
          ? [message.seq]
          : [],
      );
    expect(seqs.length).toBeGreaterThan(5);
    expect(seqs).toEqual(seqs.map((_, i) => ({ session: 1, counter: seqs[0]!.counter + i })));
  });

  it("reconnect_after_dropped_accepts_test: the gap is found with the next entries", () => {
    const { cluster, leader, follower } = five();
    cluster.append(leader, ...entries(5));
    cluster.settle();
    cluster.cutOneWay(leader, follower);
    cluster.append(leader, ...entries(5, 5));
    cluster.settle();
    cluster.healOneWay(leader, follower);
    cluster.append(leader, ...entries(5, 10));
    cluster.settle();
    expect(cluster.node(follower).counters.sequenceGaps).toBe(1);
    everybodyHas(cluster, entries(15));
  });

  it("reconnect_after_dropped_prepare_test: a resent Prepare brings the follower back", () => {
    const { cluster, leader, follower } = five();
    cluster.isolate(follower);
    cluster.crash(leader);
    cluster.round(8);
    const next = leaderOf(cluster)!;
    expect(next).not.toBe(leader);
    cluster.append(next, ...entries(5));
    cluster.settle();
    cluster.healAll();
    cluster.round(14);
    everybodyHas(cluster, entries(5));
  });

  it("reconnect_after_dropped_promise_test: a lost promise is repeated", () => {
    const { cluster, leader, follower } = five();
    for (const pid of cluster.pids) if (pid !== follower) cluster.cutOneWay(follower, pid);
    const next = other(cluster, leader, follower);
    cluster.call(next, (node) => node.tryBecomeLeader());
    cluster.settle();
    expect(cluster.node(follower).phase).toBe("prepare");
    cluster.append(next, ...entries(5));
    cluster.settle();
    cluster.healAll();
    cluster.round(14);
    everybodyHas(cluster, entries(5));
  });

  it("reconnect_after_dropped_preparereq_test: the request is repeated", () => {
    const { cluster, leader, follower } = five();
    cluster.cutOneWay(leader, follower);
    cluster.append(leader, ...entries(5));
    cluster.settle();
    cluster.healOneWay(leader, follower);
    cluster.cutOneWay(follower, leader);
    cluster.append(leader, ...entries(5, 5));
    cluster.settle();
    expect(cluster.node(follower).phase).toBe("recover");
    cluster.healAll();
    cluster.round(14);
    everybodyHas(cluster, entries(10));
  });

  it("resync_after_dropped_acceptstopsign_test: a node that missed the stop-sign learns it by leading", () => {
    const { cluster, leader, follower } = five();
    cluster.cutOneWay(leader, follower);
    cluster.call(leader, (node) => node.reconfigure(STOP_SIGN.nextConfig));
    cluster.settle();
    cluster.healAll();
    cluster.call(follower, (node) => node.tryBecomeLeader());
    cluster.settle();
    expect(cluster.node(follower).isReconfigured()?.nextConfig).toEqual(STOP_SIGN.nextConfig);
  });

  it("reconnect_after_dropped_acceptstopsign_test: the stop-sign is repeated while undecided", () => {
    const { cluster, leader, follower } = five();
    for (const pid of cluster.pids) if (pid !== leader && pid !== follower) cluster.crash(pid);
    cluster.cutOneWay(leader, follower);
    cluster.call(leader, (node) => node.reconfigure(STOP_SIGN.nextConfig));
    cluster.settle();
    cluster.healAll();
    cluster.round(7);
    expect(cluster.node(follower).stopSign?.nextConfig).toEqual(STOP_SIGN.nextConfig);
    expect(cluster.node(follower).isReconfigured()).toBeNull();
  });

  it("reconnect_after_dropped_decidestopsign_test: the decision is repeated", () => {
    const { cluster, leader, follower } = five();
    cluster.call(leader, (node) => node.reconfigure(STOP_SIGN.nextConfig));
    cluster.deliverAll(leader, follower);
    cluster.cutOneWay(leader, follower);
    cluster.settle();
    expect(cluster.node(leader).isReconfigured()).not.toBeNull();
    expect(cluster.node(follower).isReconfigured()).toBeNull();
    cluster.healAll();
    cluster.round(7);
    expect(cluster.node(follower).isReconfigured()).not.toBeNull();
  });
});

describe("snapshots and trims", () => {
  const COUNT = 300;
  function filled(snapshots: "off" | "fold"): { cluster: Cluster; leader: NodeId } {
    const { cluster, leader } = started({ snapshots });
    cluster.append(leader, ...entries(COUNT));
    cluster.round(8);
    return { cluster, leader };
  }
  function expectCompacted(cluster: Cluster, idx: number, kind: string): void {
    for (const pid of cluster.pids) {
      const node = cluster.node(pid);
      expect(node.compactedIdx).toBe(idx);
      expect(node.read(idx - 1)?.kind).toBe(kind);
      expect(node.read(idx)).toEqual({ kind: "decided", entry: `v${idx}` });
      expect(node.readDecidedSuffix(0)?.length).toBe(COUNT - idx + 1);
    }
  }

  it("snapshot_test, double_snapshot_test", () => {
    const { cluster, leader } = filled("fold");
    for (const idx of [150, 160]) {
      expect(cluster.call(leader, (node) => node.snapshot(idx))).toEqual({ ok: true });
      cluster.settle();
      expectCompacted(cluster, idx, "snapshotted");
      expect(logOf(cluster.node(1))).toEqual(entries(COUNT));
    }
  });

  it("trim_test, double_trim_test", () => {
    const { cluster, leader } = filled("off");
    for (const idx of [150, 160]) {
      expect(cluster.call(leader, (node) => node.trim(idx))).toEqual({ ok: true });
      cluster.settle();
      expectCompacted(cluster, idx, "trimmed");
    }
    expect(cluster.call(leader, (node) => node.trim(155))).toMatchObject({
      error: { kind: "trimmedIndex", compactedIdx: 160 },
    });
    const follower = other(cluster, leader);
    expect(cluster.call(follower, (node) => node.trim(170))).toMatchObject({
      error: { kind: "notCurrentLeader", leader },
    });
  });
});

describe("sync: a new leader brings the old one, which lagged, to its own log", () => {
  type Held = Partial<DurableState<string, Folded>>;
  const held = (n: number, decidedIdx: number, log: readonly string[], more: Held = {}): Held => ({
    promise: ballot(n, n),
    acceptedRound: ballot(n, n),
    decidedIdx,
    entries: log,
    ...more,
  });
  const folded = (idx: number): Held => ({
    compactedIdx: idx,
    snapshot: { kind: "complete", idx, value: entries(idx) },
  });

  it.each<readonly [string, Held, Held]>([
    [
      "sync_full_test",
      held(2, 5, entries(6, 2), { ...folded(2), stopSign: STOP_SIGN }),
      held(1, 3, [...entries(3), "bad1", "bad2", "bad3", "bad4"]),
    ],
    [
      "sync_decided_ss_test",
      held(2, 6, entries(5), { stopSign: STOP_SIGN }),
      held(1, 3, [...entries(3), "bad1", "bad2"]),
    ],
    ["sync_only_stopsign_test", held(2, 1, [], { stopSign: STOP_SIGN }), held(1, 0, [])],
    ["sync_only_snapshot_test", held(2, 3, [], folded(3)), held(1, 0, [])],
    ["sync_follower_snapshot_test", held(2, 5, entries(5)), held(1, 4, ["v3"], folded(3))],
  ])("%s", (_, ahead, behind) => {
    const cluster = new Cluster({
      snapshots: "fold",
      resendTicks: 4,
      recovered: { 1: behind, 2: ahead, 3: ahead },
    });
    cluster.call(2, (node) => node.tryBecomeLeader());
    cluster.settle();
    expect(logOf(cluster.node(1))).toEqual(logOf(cluster.node(2)));
    expect(cluster.node(1).acceptedIdx).toBe(cluster.node(2).acceptedIdx);
    expect(logOf(cluster.node(1)).some((entry) => entry.startsWith("bad"))).toBe(false);
    expect(cluster.node(1).decidedIdx).toBe(cluster.node(2).decidedIdx);
  });
});

describe("atomic_storage: what must change together is one write group", () => {
  function groupsOf(cluster: Cluster, pid: NodeId): string[][] {
    const groups: string[][] = [];
    const { disk } = cluster.slot(pid);
    const stage = disk.stage.bind(disk);
    disk.stage = (staged) => {
      for (const { writes } of staged) groups.push(writes.map((write) => write.kind));
      stage(staged);
    };
    return groups;
  }

  it("acceptsync: accepted round, log, stop-sign and decided index", () => {
    const { cluster, leader } = started({ snapshots: "fold" });
    const follower = other(cluster, leader);
    cluster.isolate(follower);
    cluster.append(leader, ...entries(3));
    cluster.settle();
    cluster.append(leader, "open");
    cluster.call(leader, (node) => node.reconfigure(STOP_SIGN.nextConfig));
    const groups = groupsOf(cluster, follower);
    cluster.healAll();
    cluster.call(leader, (node) => node.tryBecomeLeader());
    cluster.deliverType(leader, follower, "prepare");
    cluster.deliverType(follower, leader, "promise");
    cluster.deliverType(leader, follower, "acceptSync");
    expect(groups).toEqual([
      ["promise"],
      ["acceptedRound", "compact", "append", "stopSign", "decided"],
    ]);
  });

  it("trim and snapshot: the decided index, then the compaction with its snapshot", () => {
    const { cluster, leader } = started({ snapshots: "fold", resendTicks: 1_000 });
    cluster.append(leader, ...entries(3));
    cluster.settle();
    const groups = groupsOf(cluster, leader);
    cluster.call(leader, (node) => node.snapshot(2));
    expect(groups).toEqual([["decided", "compact"]]);
    const { compactedIdx, snapshot, entries: kept } = cluster.slot(leader).disk.state;
    expect([compactedIdx, snapshot?.idx, kept]).toEqual([2, 2, ["v2"]]);
  });

  it("accept_decide: the decided index is never written before the entries", () => {
    const { cluster, leader } = started();
    const follower = other(cluster, leader);
    cluster.append(leader, "a");
    cluster.settle();
    const groups = groupsOf(cluster, follower);
    cluster.append(leader, "b");
    cluster.settle();
    expect(groups).toEqual([["append", "decided"]]);
    expect(cluster.slot(follower).disk.state.decidedIdx).toBe(1);
  });

  it("majority_promises: the adopted log and the accepted round", () => {
    const { cluster, leader } = started();
    const behind = other(cluster, leader);
    cluster.cutOneWay(leader, behind);
    cluster.append(leader, ...entries(3));
    cluster.settle();
    cluster.healAll();
    const groups = groupsOf(cluster, behind);
    cluster.call(behind, (node) => node.tryBecomeLeader());
    cluster.settle();
    expect(groups.slice(0, 2)).toEqual([["promise"], ["acceptedRound", "append", "decided"]]);
  });
});

describe("preparable_peers_test: Prepares go to the members and nobody else", () => {
  it.each([[[6, 7, 8]], [[7, 1, 100, 4, 6]]])("of %j", (pids) => {
    const cluster = new Cluster({ pids });
    cluster.call(pids[0]!, (node) => node.tryBecomeLeader());
    const to = cluster.sent.filter(({ message }) => message.type === "prepare").map((e) => e.to);
    expect(to).toEqual(pids.slice(1));
  });
});
