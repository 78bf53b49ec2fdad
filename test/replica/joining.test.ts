/** When an empty disk may take the place of a lost one. */
import { describe, expect, test } from "vitest";
import { KvState } from "../../src/store/index.ts";
import type { Ballot } from "../../src/omnipaxos/index.ts";
import { Joining } from "../../src/replica/trust/joining.ts";
import { Replica } from "../../src/replica/replica.ts";
import { deliver } from "./deliver.ts";
import { replicaOptions } from "./options.ts";

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
      const joining = new Joining({ nodes, quorum, generation: 0 });
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
    const joining = new Joining({ nodes: 3, quorum: 2, generation: 0 });
    expect(joining.mayHear(prepare(ballot(9)))).toBe(false);
    joining.onConfirmed(1, ballot(4), 1);
    expect(joining.lowest).toBe(null);
    expect(joining.mayHear(prepare(ballot(9)))).toBe(false);
    joining.onConfirmed(2, ballot(7, 2), 1);
    expect(joining.lowest).toEqual(ballot(7, 2));
    expect(joining.mayHear(prepare(ballot(6)))).toBe(false);
    expect(joining.mayHear(prepare(ballot(7, 2)))).toBe(true);
    expect(joining.generation).toBe(1);
  });

  test("waits until enough have confirmed the greatest number that it was told", () => {
    const joining = new Joining({ nodes: 5, quorum: 3, generation: 0 });
    joining.onConfirmed(1, ballot(4), 3);
    for (const peer of [2, 3, 4]) joining.onConfirmed(peer, ballot(5), 1);
    expect(joining.confirmed).toEqual([1]);
    expect(joining.mayTakePlace(ballot(9))).toBe(null);
    // The number stays, also when who named it has gone.
    joining.onSessionEnd(1);
    expect(joining.mayTakePlace(ballot(9))).toBe(null);
    joining.onSessionEnd(2);
    joining.onConfirmed(2, ballot(6), 3);
    // Of the same session: the promise at that word counts.
    joining.onConfirmed(3, ballot(8), 3);
    expect(joining.mayTakePlace(ballot(9))).toBe(null);
    joining.onConfirmed(4, ballot(5), 3);
    expect(joining.confirmed).toEqual([2, 3, 4]);
    expect(joining.lowest).toEqual(ballot(8));
    expect(joining.mayTakePlace(ballot(9))).toEqual({ generation: 3 });
  });

  test("remembers the number over a restart", () => {
    const joining = new Joining({ nodes: 3, quorum: 2, generation: 3 });
    for (const peer of [1, 2]) joining.onConfirmed(peer, ballot(4), 2);
    expect(joining.mayTakePlace(ballot(9))).toBe(null);
    joining.onSessionEnd(1);
    joining.onSessionEnd(2);
    for (const peer of [1, 2]) joining.onConfirmed(peer, ballot(4), 3);
    expect(joining.mayTakePlace(ballot(9))).toEqual({ generation: 3 });
  });

  test("is not asked to lead, whoever has confirmed", () => {
    const joining = new Joining({ nodes: 3, quorum: 2, generation: 0 });
    for (const peer of [1, 2]) joining.onConfirmed(peer, ballot(4), 1);
    expect(joining.mayHear({ type: "takeOver", n: ballot(4) })).toBe(false);
  });

  test("the first word of a session counts, and a session that ends takes its confirmation along", () => {
    const joining = new Joining({ nodes: 3, quorum: 2, generation: 0 });
    joining.onConfirmed(1, ballot(4), 1);
    joining.onConfirmed(2, ballot(5), 1);
    joining.onConfirmed(2, ballot(8), 1);
    expect(joining.lowest).toEqual(ballot(5));
    joining.onSessionEnd(2);
    expect(joining.lowest).toBe(null);
    expect(joining.confirmed).toEqual([1]);
    joining.onConfirmed(2, ballot(8), 1);
    expect(joining.lowest).toEqual(ballot(8));
  });

  test("votes only on the log of a leader at least as high as what they had promised", () => {
    const joining = new Joining({ nodes: 3, quorum: 2, generation: 0 });
    expect(joining.mayVote(ballot(9))).toBe(false);
    joining.onConfirmed(1, ballot(4), 1);
    joining.onConfirmed(2, ballot(7), 1);
    expect(joining.mayVote(ballot(0, 0))).toBe(false);
    expect(joining.mayVote(ballot(6))).toBe(false);
    expect(joining.mayVote(ballot(7))).toBe(true);
  });

  test("says nothing that could be counted as a vote", () => {
    const joining = new Joining({ nodes: 3, quorum: 2, generation: 0 });
    const n = ballot(1);
    expect(joining.maySay({ type: "accepted", n, acceptedIdx: 1, decidedIdx: 0 })).toBe(false);
    expect(joining.maySay({ type: "heartbeatRequest", round: 1, incarnation: 1 })).toBe(false);
    expect(joining.maySay({ type: "prepareReq", n })).toBe(true);
  });
});

describe("what may be lost is said again", () => {
  const RETRY_TICKS = 20;

  function newcomer(): Replica {
    const replica = new Replica(
      {
        joined: false,
        ...replicaOptions(
          [1, 2, 3],
          { pid: 3, electionTickTimeout: 5, resendMessageTickTimeout: 10, incarnation: 3 },
          { retryTicks: RETRY_TICKS, agreeTicks: 1e9 },
        ),
      },
      undefined,
      new KvState(),
    );
    for (const peer of [1, 2]) {
      replica.onSession(peer);
      replica.onConfirmed(peer, ballot(4), 1);
    }
    replica.onPeerMessage(1, prepare(ballot(4)));
    expect(said(replica)).toContain("joinRequest to 1");
    return replica;
  }

  function said(replica: Replica, ticks = 0): readonly string[] {
    for (let i = 0; i < ticks; i++) replica.onTick();
    const { writes, messages, replicaMessages } = deliver(replica.endTurn(0));
    for (const { seq } of writes) replica.onPersisted(seq);
    return [...messages, ...replicaMessages].map(({ to, message }) => `${message.type} to ${to}`);
  }

  const seq = { session: 1, counter: 1 };
  const n = ballot(4);

  test("its request for the leader's log, also after the snapshot that it was to fetch is gone", () => {
    const replica = newcomer();
    expect(said(replica, RETRY_TICKS)).toEqual(["joinRequest to 1"]);
    const snapshot = { idx: 5, bytes: 100, crc: 1 };
    const logSync = {
      ...{ snapshot: { kind: "complete", idx: 5, value: snapshot } as const },
      ...{ syncIdx: 5, suffix: [], stopSign: null },
    };
    replica.onPeerMessage(1, { type: "acceptSync", n, seq, decidedIdx: 5, logSync });
    expect(said(replica)).toEqual(["snapshotRequest to 1"]);
    expect(said(replica, RETRY_TICKS)).toEqual(["snapshotRequest to 1"]);
    replica.onPeerMessage(1, { type: "snapshotGone", snapshot });
    expect(said(replica, RETRY_TICKS)).toEqual(["joinRequest to 1"]);
  });

  test("its request to be prepared, when it has lost its place in the leader's stream", () => {
    const replica = newcomer();
    const logSync = { snapshot: null, syncIdx: 0, suffix: [], stopSign: null };
    replica.onPeerMessage(1, { type: "acceptSync", n, seq, decidedIdx: 0, logSync });
    expect(said(replica)).toEqual([]);
    expect(said(replica, RETRY_TICKS)).toEqual([]);
    const late = { session: 1, counter: 3 };
    replica.onPeerMessage(1, { type: "acceptDecide", n, seq: late, decidedIdx: 0, entries: [] });
    expect(said(replica)).toEqual(["prepareReq to 1"]);
    expect(said(replica, RETRY_TICKS)).toEqual(["prepareReq to 1"]);
  });
});
