import { describe, expect, test } from "vitest";
import type { Ballot, PeerView } from "../../src/omnipaxos/index.ts";
import { standingOf, type StandingView } from "../../src/replica/standing.ts";

const ballot = (n: number, pid: number): Ballot => ({ configId: 1, n, priority: 0, pid });
const says = (leader: Ballot, happy: boolean): PeerView => ({ ballot: leader, leader, happy });
const follower = (heard: [number, PeerView][]): StandingView => ({
  role: "follower",
  phase: "accept",
  isHappy: true,
  promise: ballot(4, 1),
  heard: new Map(heard),
});

describe("how a node stands", () => {
  test("a follower serves while its leader says that it leads this ballot with a quorum", () => {
    expect(standingOf(follower([[1, says(ballot(4, 1), true)]]))).toEqual({
      kind: "following",
      leader: 1,
    });
  });

  test("a node that has been promised to another ballot is no leader, even though it is heard", () => {
    expect(standingOf(follower([[1, says(ballot(4, 4), false)]])).kind).toBe("cutOff");
    expect(standingOf(follower([[1, says(ballot(4, 4), true)]])).kind).toBe("cutOff");
  });

  test("a leader that has lost its quorum is followed no more", () => {
    expect(standingOf(follower([[1, says(ballot(4, 1), false)]])).kind).toBe("cutOff");
  });

  test("an unhappy leader does not lead; who hears nobody is cut off and says so", () => {
    const leader = { ...follower([]), role: "leader" as const };
    expect(standingOf(leader).kind).toBe("leading");
    expect(standingOf({ ...leader, isHappy: false })).toEqual({ kind: "cutOff", heard: [] });
    expect(standingOf({ ...follower([]), phase: "prepare" }).kind).toBe("cutOff");
  });
});
