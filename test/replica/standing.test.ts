import { describe, expect, test } from "vitest";
import type { Ballot, PeerView } from "../../src/omnipaxos/index.ts";
import { standingOf, type StandingView } from "../../src/replica/writes/standing.ts";

const ballot = (n: number, pid: number): Ballot => ({ configId: 1, n, priority: 0, pid });
const says = (leader: Ballot, happy: boolean): PeerView => ({ ballot: leader, leader, happy });
const follower = (heard: [number, PeerView][]): StandingView => ({
  role: "follower",
  phase: "accept",
  isHappy: true,
  promise: ballot(4, 1),
  connectedPeers: () => new Map(heard),
});

describe("how a node stands", () => {
  test("a follower serves while it hears its leader", () => {
    const standing = { kind: "following", leader: 1 };
    expect(standingOf(follower([[1, says(ballot(4, 1), true)]]))).toEqual(standing);
    // The leader has just taken over: what it said was before that.
    expect(standingOf(follower([[1, says(ballot(3, 2), false)]]))).toEqual(standing);
  });

  test("a node that has moved on to another ballot is no leader, even though it is heard", () => {
    expect(standingOf(follower([[1, says(ballot(4, 4), false)]])).kind).toBe("cutOff");
  });

  test("leader and follower of a ballot that was replaced behind their backs are cut off", () => {
    const replaced: [number, PeerView][] = [
      [1, says(ballot(4, 1), true)],
      [3, says(ballot(5, 4), true)],
    ];
    expect(standingOf(follower(replaced))).toEqual({ kind: "cutOff", heard: [1, 3] });
    const leader = { ...follower([[3, says(ballot(5, 4), true)]]), role: "leader" as const };
    expect(standingOf(leader)).toEqual({ kind: "cutOff", heard: [3] });
  });

  test("a leader that was replaced does not ask those for help who follow it still", () => {
    const heard: [number, PeerView][] = [
      [2, says(ballot(4, 1), true)],
      [3, says(ballot(5, 4), true)],
    ];
    const leader = { ...follower(heard), role: "leader" as const };
    expect(standingOf(leader)).toEqual({ kind: "cutOff", heard: [3] });
  });

  test("an unhappy leader does not lead; who hears nobody is cut off and says so", () => {
    const leader = { ...follower([]), role: "leader" as const };
    expect(standingOf(leader).kind).toBe("leading");
    expect(standingOf({ ...leader, isHappy: false })).toEqual({ kind: "cutOff", heard: [] });
    expect(standingOf({ ...follower([]), phase: "prepare" }).kind).toBe("cutOff");
  });
});
