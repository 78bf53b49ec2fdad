import { describe, expect, it } from "vitest";
import type { NodeId } from "../../src/omnipaxos/index.ts";
import { Cluster, elect, other } from "./harness/cluster.ts";
import { logOf } from "./harness/view.ts";

/** Policy "host": the application's own snapshots, with a tail of entries kept below them. */
const entries = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`);

function compacted(
  compactIdx: number,
  missed: number,
): { cluster: Cluster; leader: NodeId; behind: NodeId } {
  const cluster = new Cluster({ snapshots: "host", resendTicks: 4, durability: "delayed" });
  const leader = elect(cluster);
  cluster.round(2);
  const behind = other(cluster, leader);
  const all = entries(10);
  cluster.append(leader, ...all.slice(0, 10 - missed));
  cluster.round(6);
  cluster.isolate(behind);
  cluster.append(leader, ...all.slice(10 - missed));
  cluster.settle();
  const value = all.slice(0, 8);
  const made = cluster.call(leader, (node) =>
    node.compact(compactIdx, { kind: "complete", idx: 8, value }),
  );
  expect(made).toEqual({ ok: true });
  cluster.healAll();
  cluster.reconnect(leader, behind);
  cluster.settle();
  return { cluster, leader, behind };
}

function lastSync(cluster: Cluster, to: NodeId) {
  const envelope = cluster.sent.findLast((e) => e.to === to && e.message.type === "acceptSync")!;
  return envelope.message.type === "acceptSync" ? envelope.message.logSync : undefined;
}

describe("host snapshots", () => {
  it("a follower within the kept tail is synced by entries alone", () => {
    const { cluster, behind } = compacted(3, 6);
    expect(lastSync(cluster, behind)).toMatchObject({ snapshot: null, syncIdx: 4 });
    expect(logOf(cluster.node(behind))).toEqual(entries(10));
    expect(cluster.node(behind).compactedIdx).toBe(0);
  });

  it("a follower below it gets the stored snapshot, and the entries from the snapshot on", () => {
    const { cluster, behind } = compacted(5, 6);
    expect(lastSync(cluster, behind)).toMatchObject({
      snapshot: { kind: "complete", idx: 8 },
      syncIdx: 8,
      suffix: ["v8", "v9"],
    });
    const node = cluster.node(behind);
    expect(logOf(node)).toEqual(entries(10));
    expect([node.compactedIdx, node.storedSnapshot?.idx, node.decidedIdx]).toEqual([8, 8, 10]);
    expect(cluster.slot(behind).disk.state).toMatchObject({
      compactedIdx: 8,
      snapshot: { idx: 8 },
      entries: ["v8", "v9"],
    });
  });

  it("survives a restart: snapshot, tail and log come back", () => {
    const { cluster, leader } = compacted(3, 6);
    cluster.crash(leader);
    cluster.restart(leader);
    const node = cluster.node(leader);
    expect([node.compactedIdx, node.storedSnapshot?.idx]).toEqual([3, 8]);
    expect(logOf(node).slice(0, 10)).toEqual(entries(10));
    cluster.round(8);
    for (const pid of cluster.pids) expect(logOf(cluster.node(pid))).toEqual(entries(10));
  });

  it("refuses what would lose entries or go backwards", () => {
    const { cluster, leader } = compacted(3, 6);
    const node = cluster.node(leader);
    const kind = (compactIdx: number, idx: number): string => {
      const result = node.compact(compactIdx, { kind: "complete", idx, value: [] });
      return result.ok ? "ok" : result.error.kind;
    };
    expect(kind(8, 11)).toBe("undecidedIndex");
    expect(kind(2, 9)).toBe("trimmedIndex");
    expect(kind(9, 8)).toBe("snapshotIndex");
    expect(kind(3, 7)).toBe("snapshotIndex");
    expect(node.trim()).toMatchObject({ error: { kind: "snapshotPolicy", policy: "host" } });
    expect(node.snapshot()).toMatchObject({ error: { kind: "snapshotPolicy", policy: "host" } });
    expect(kind(8, 8)).toBe("ok");
  });
});
