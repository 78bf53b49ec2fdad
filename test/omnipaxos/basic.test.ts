import { describe, expect, it } from "vitest";
import { Cluster, elect, leaderOf, other } from "./harness/cluster.ts";
import { decidedOf } from "./harness/view.ts";

describe.each(["immediate", "delayed"] as const)("a cluster whose writes are %s", (durability) => {
  it.each([1, 2, 3, 5])(
    "of %i nodes elects one leader and decides the same log everywhere",
    (n) => {
      const cluster = new Cluster({ n, durability, resendTicks: 2 });
      const leader = elect(cluster);
      cluster.append(leader, "a", "b");
      if (n > 1) cluster.append(other(cluster, leader), "c");
      cluster.round(4);
      expect(leaderOf(cluster)).toBe(leader);
      for (const pid of cluster.pids) {
        expect(decidedOf(cluster.node(pid))).toEqual(n > 1 ? ["a", "b", "c"] : ["a", "b"]);
      }
    },
  );
});

it("a proposal that is forwarded while nobody leads is decided once somebody does", () => {
  const cluster = new Cluster();
  cluster.append(1, "early");
  elect(cluster);
  cluster.round(2);
  for (const pid of cluster.pids) expect(decidedOf(cluster.node(pid))).toEqual(["early"]);
});
