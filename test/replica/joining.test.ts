/** When an empty disk may take the place of a lost one. */
import { describe, expect, test } from "vitest";
import type { Ballot } from "../../src/omnipaxos/index.ts";
import { Joining } from "../../src/replica/joining.ts";

function ballot(n: number, pid = 1): Ballot {
  return { configId: 1, n, priority: 0, pid };
}

function prepare(n: Ballot) {
  const nothing = ballot(0, 0);
  return { type: "prepare", n, decidedIdx: 0, acceptedRound: nothing, acceptedIdx: 0 } as const;
}

describe("how many must confirm", () => {
  test.each([
    [2, 2, 1],
    [3, 2, 2],
    [4, 3, 2],
    [5, 3, 3],
    [7, 4, 4],
  ])(
    "of %i nodes with a quorum of %i: %i, so that every quorum with the newcomer has one of them",
    (nodes, quorum, needed) => {
      const joining = new Joining({ nodes, quorum });
      expect(joining.needed).toBe(needed);
      // The others of a quorum that avoids all who confirmed: there must be too few of them.
      expect(nodes - 1 - needed).toBeLessThan(quorum - 1);
      // One fewer would not do.
      expect(nodes - 1 - (needed - 1)).toBeGreaterThanOrEqual(quorum - 1);
    },
  );
});

describe("an empty disk among three nodes", () => {
  test("listens to no leader before two have confirmed, nor to one below what they have promised", () => {
    const joining = new Joining({ nodes: 3, quorum: 2 });
    expect(joining.mayHear(prepare(ballot(9)))).toBe(false);
    joining.onConfirmed(1, ballot(4), 1);
    expect(joining.floor).toBe(null);
    expect(joining.mayHear(prepare(ballot(9)))).toBe(false);
    joining.onConfirmed(2, ballot(7, 2), 3);
    expect(joining.floor).toEqual(ballot(7, 2));
    expect(joining.mayHear(prepare(ballot(6)))).toBe(false);
    expect(joining.mayHear(prepare(ballot(7, 2)))).toBe(true);
    expect(joining.generation).toBe(3);
  });

  test("the first word of a session counts, and a session that ends takes its confirmation along", () => {
    const joining = new Joining({ nodes: 3, quorum: 2 });
    joining.onConfirmed(1, ballot(4), 1);
    joining.onConfirmed(2, ballot(5), 1);
    joining.onConfirmed(2, ballot(8), 1);
    expect(joining.floor).toEqual(ballot(5));
    joining.onSessionEnd(2);
    expect(joining.floor).toBe(null);
    expect(joining.confirmed).toEqual([1]);
    joining.onConfirmed(2, ballot(8), 1);
    expect(joining.floor).toEqual(ballot(8));
  });

  test("votes only on the log of a leader at least as high as what they had promised", () => {
    const joining = new Joining({ nodes: 3, quorum: 2 });
    expect(joining.mayVote(ballot(9))).toBe(false);
    joining.onConfirmed(1, ballot(4), 1);
    joining.onConfirmed(2, ballot(7), 1);
    expect(joining.mayVote(ballot(0, 0))).toBe(false);
    expect(joining.mayVote(ballot(6))).toBe(false);
    expect(joining.mayVote(ballot(7))).toBe(true);
  });

  test("says nothing that could be counted as a vote", () => {
    const joining = new Joining({ nodes: 3, quorum: 2 });
    const n = ballot(1);
    expect(joining.maySay({ type: "accepted", n, acceptedIdx: 1, decidedIdx: 0 })).toBe(false);
    expect(joining.maySay({ type: "heartbeatRequest", round: 1, incarnation: 1 })).toBe(false);
    expect(joining.maySay({ type: "prepareReq", n })).toBe(true);
  });
});
