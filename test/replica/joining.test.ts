/** When an empty disk may take the place of a lost one. */
import { describe, expect, test } from "vitest";
import { assert } from "../../src/base/assert.ts";
import { KvState } from "../../src/store/index.ts";
import { quorumOf, type Ballot } from "../../src/omnipaxos/index.ts";
import { Joining, newcomer, type OwnLog } from "../../src/replica/trust/joining.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { TurnEffects } from "../../src/replica/turn/replica-options.ts";
import { deliver } from "./deliver.ts";
import { replicaOptions } from "./options.ts";

function ballot(n: number, pid = 1): Ballot {
  return { configId: 1, n, priority: 0, pid };
}

function prepare(n: Ballot) {
  const nothing = ballot(0, 0);
  return { type: "prepare", n, decidedIdx: 0, acceptedRound: nothing, acceptedIdx: 0 } as const;
}

function joiningOf(nodes: number, quorum: number, generation = 0): Joining {
  return new Joining({ nodes, quorum, generation });
}

/** A log of that round. */
function log(acceptedRound: Ballot, acceptedIdx = 0): OwnLog {
  return { acceptedRound, acceptedIdx };
}

/** Nothing was accepted. */
function promised(promise: Ballot) {
  return { promise, ...log(ballot(0, 0)) };
}

/** The peers know the lost disk, of this number. */
function meet(joining: Joining, words: Readonly<Record<number, Ballot>>, generation = 0): void {
  for (const [peer, promise] of Object.entries(words)) {
    joining.onReport(Number(peer), promised(promise), { generation, isOwn: false });
  }
}

/** They have recorded this one. */
function confirm(joining: Joining, words: Readonly<Record<number, Ballot>>): void {
  const place = { generation: joining.generation, isOwn: true };
  for (const [peer, promise] of Object.entries(words)) {
    joining.onReport(Number(peer), promised(promise), place);
  }
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
      expect(joiningOf(nodes, quorum).needed).toBe(needed);
      // The others of a quorum that avoids all who confirmed: there must be too few of them.
      expect(nodes - 1 - needed).toBeLessThan(quorum - 1);
      // One fewer would not do.
      expect(nodes - 1 - (needed - 1)).toBeGreaterThanOrEqual(quorum - 1);
    },
  );
});

describe("how many must confirm in a cluster", () => {
  test.each([
    [2, undefined, 2],
    [3, undefined, 2],
    [4, undefined, 3],
    [5, undefined, 3],
    [6, undefined, 4],
    [5, { read: 4, write: 2 }, 4],
    [5, { read: 2, write: 4 }, 4],
  ])("of %i nodes, with quorums %o: %i", (size, flexibleQuorum, needed) => {
    const nodes = Array.from({ length: size }, (_, i) => i + 1);
    const clusterConfig = { configurationId: 1, nodes, ...(flexibleQuorum && { flexibleQuorum }) };
    expect(newcomer({ joined: false, core: { clusterConfig } })?.needed).toBe(needed);
    // A read without a leader: the replaced disk and nodes that have not confirmed are too few for one.
    const { write } = quorumOf(clusterConfig);
    expect(size - needed).toBeLessThan(size - write + 1);
  });
});

describe("a claim", () => {
  test("is made when enough are connected, and the log is that of a leader as high as what they have promised", () => {
    const joining = joiningOf(3, 2);
    meet(joining, { 1: ballot(4) });
    expect(joining.claimDue(log(ballot(9)))).toBe(null);
    meet(joining, { 2: ballot(7, 2) });
    expect(joining.claimDue(log(ballot(0, 0)))).toBe(null);
    expect(joining.claimDue(log(ballot(6)))).toBe(null);
    expect(joining.claimDue(log(ballot(7, 2)))).toBe(1);
    joining.onSessionEnd(1);
    expect(joining.claimDue(log(ballot(7, 2)))).toBe(null);
  });

  test("does not wait for more than must confirm", () => {
    const joining = joiningOf(5, 3);
    meet(joining, { 1: ballot(4), 2: ballot(12), 3: ballot(5), 4: ballot(6) });
    expect(joining.claimDue(log(ballot(6)))).toBe(1);
  });

  test("is above all that the peers know, and that this disk has claimed before", () => {
    const told = joiningOf(3, 2);
    meet(told, { 1: ballot(4) }, 3);
    meet(told, { 2: ballot(4) }, 5);
    expect(told.claimDue(log(ballot(4)))).toBe(6);
    const claimed = joiningOf(3, 2, 8);
    meet(claimed, { 1: ballot(4), 2: ballot(4) }, 5);
    expect(claimed.claimDue(log(ballot(4)))).toBe(9);
  });

  test("stands until a peer knows another disk with that number, or one with a higher", () => {
    const joining = joiningOf(3, 2);
    meet(joining, { 1: ballot(4), 2: ballot(4) });
    joining.onClaimed(1);
    expect(joining.claimDue(log(ballot(4)))).toBe(null);
    confirm(joining, { 1: ballot(4) });
    expect(joining.claimDue(log(ballot(4)))).toBe(null);
    meet(joining, { 2: ballot(4) }, 1);
    expect(joining.mayTakePlace(log(ballot(4)))).toBe(null);
    expect(joining.claimDue(log(ballot(4)))).toBe(2);
    joining.onClaimed(2);
    expect(joining.confirmed).toEqual([]);
    confirm(joining, { 1: ballot(4), 2: ballot(4) });
    expect(joining.mayTakePlace(log(ballot(4)))).toEqual({ generation: 2 });
    // Of a peer beyond those that are needed, too: it would refuse this disk.
    const five = joiningOf(5, 3);
    meet(five, { 1: ballot(4), 2: ballot(4), 3: ballot(4), 4: ballot(4) });
    five.onClaimed(1);
    confirm(five, { 1: ballot(4), 2: ballot(4), 3: ballot(4) });
    meet(five, { 4: ballot(4) }, 2);
    expect(five.mayTakePlace(log(ballot(4)))).toBe(null);
    expect(five.claimDue(log(ballot(4)))).toBe(3);
  });
});

describe("an empty disk among three nodes", () => {
  function claimed(): Joining {
    const joining = joiningOf(3, 2);
    meet(joining, { 1: ballot(1), 2: ballot(1) });
    joining.onClaimed(1);
    return joining;
  }

  test("is not asked to lead, whoever has confirmed", () => {
    const joining = claimed();
    confirm(joining, { 1: ballot(4), 2: ballot(4) });
    expect(joining.mayHear({ type: "takeOver", n: ballot(4) })).toBe(false);
  });

  test("the first word that confirms counts, and a session that ends takes its confirmation along", () => {
    const joining = claimed();
    confirm(joining, { 1: ballot(4), 2: ballot(5) });
    confirm(joining, { 2: ballot(8) });
    expect(joining.mayTakePlace(log(ballot(5)))).not.toBe(null);
    joining.onSessionEnd(2);
    expect(joining.mayTakePlace(log(ballot(9)))).toBe(null);
    expect(joining.confirmed).toEqual([1]);
    confirm(joining, { 2: ballot(8) });
    expect(joining.mayTakePlace(log(ballot(7)))).toBe(null);
    expect(joining.mayTakePlace(log(ballot(8)))).not.toBe(null);
  });

  test("votes only on the log of a leader at least as high as what they had promised", () => {
    const joining = claimed();
    expect(joining.mayTakePlace(log(ballot(9)))).toBe(null);
    confirm(joining, { 1: ballot(4), 2: ballot(7) });
    expect(joining.mayTakePlace(log(ballot(0, 0)))).toBe(null);
    expect(joining.mayTakePlace(log(ballot(6)))).toBe(null);
    expect(joining.mayTakePlace(log(ballot(7)))).toEqual({ generation: 1 });
  });

  test("needs no leader above a promise of one more than must confirm", () => {
    const joining = joiningOf(5, 3);
    meet(joining, { 1: ballot(1), 2: ballot(1), 3: ballot(1) });
    joining.onClaimed(1);
    confirm(joining, { 1: ballot(4), 2: ballot(5), 3: ballot(6), 4: ballot(30) });
    expect(joining.mayTakePlace(log(ballot(6)))).toEqual({ generation: 1 });
  });

  test("has as much of the round as those who confirm have accepted: the lost disk may have voted for that", () => {
    const joining = joiningOf(3, 2);
    const accepted = { promise: ballot(4), ...log(ballot(4), 9) };
    const both = (generation: number): void => {
      joining.onReport(1, accepted, { generation, isOwn: generation > 0 });
      joining.onReport(
        2,
        { promise: ballot(4), ...log(ballot(3), 20) },
        { generation, isOwn: generation > 0 },
      );
    };
    both(0);
    expect(joining.claimDue(log(ballot(4), 8))).toBe(null);
    expect(joining.claimDue(log(ballot(4), 9))).toBe(1);
    joining.onClaimed(1);
    both(1);
    // Later ones the lost disk had no part in.
    joining.onReport(1, { ...accepted, acceptedIdx: 30 }, { generation: 1, isOwn: true });
    expect(joining.mayTakePlace(log(ballot(4), 8))).toBe(null);
    expect(joining.mayTakePlace(log(ballot(4), 9))).toEqual({ generation: 1 });
    // A leader of a higher ballot has all that was decided in lower ones.
    expect(joining.mayTakePlace(log(ballot(5), 8))).toEqual({ generation: 1 });
  });

  test("what an earlier process claimed confirms nothing", () => {
    const joining = joiningOf(3, 2, 1);
    for (const peer of [1, 2])
      joining.onReport(peer, promised(ballot(4)), { generation: 1, isOwn: true });
    expect(joining.mayTakePlace(log(ballot(9)))).toBe(null);
    expect(joining.claimDue(log(ballot(9)))).toBe(2);
  });

  test("those that are connected agree until there is a claim, and then those that have recorded it", () => {
    const joining = joiningOf(3, 2);
    meet(joining, { 1: ballot(4), 2: ballot(4) });
    expect(joining.confirmed).toEqual([1, 2]);
    joining.onClaimed(1);
    expect(joining.confirmed).toEqual([]);
    confirm(joining, { 2: ballot(4) });
    expect(joining.confirmed).toEqual([2]);
  });

  test("says nothing that could be counted as a vote", () => {
    const joining = joiningOf(3, 2);
    const n = ballot(1);
    expect(joining.maySay({ type: "accepted", n, acceptedIdx: 1, decidedIdx: 0 })).toBe(false);
    expect(joining.maySay({ type: "heartbeatRequest", round: 1, incarnation: 1 })).toBe(false);
    expect(joining.maySay({ type: "prepareReq", n })).toBe(true);
  });
});

test("a leader that hears of a replaced disk begins its round anew: no vote of the old one counts in it", () => {
  const leader = new Replica(
    replicaOptions([1, 2, 3], { pid: 1, incarnation: 1 }),
    undefined,
    new KvState(),
  );
  for (const peer of [2, 3]) leader.onSession(peer);
  leader.core.tryBecomeLeader();
  const before = leader.core.promise.n;
  leader.onReplaced(3);
  expect(leader.core.role).toBe("leader");
  expect(leader.core.promise.n).toBeGreaterThan(before);
});

test("what a disk has confirmed that is lost itself counts no more, although its session is not known to be over", () => {
  const options = replicaOptions([1, 2, 3], { pid: 3, incarnation: 3 });
  const replica = new Replica({ joined: false, ...options }, undefined, new KvState());
  const { joining } = replica;
  assert(joining !== null, "it waits for its place");
  meet(joining, { 1: ballot(4), 2: ballot(4) });
  joining.onClaimed(1);
  confirm(joining, { 1: ballot(4), 2: ballot(4) });
  expect(joining.mayTakePlace(log(ballot(4)))).not.toBe(null);
  replica.onReplaced(2);
  expect(joining.mayTakePlace(log(ballot(4)))).toBe(null);
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
      replica.joining?.onReport(peer, promised(ballot(4)), { generation: 0, isOwn: false });
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

  test("it claims, and takes its place, only with a log that is on its disk", () => {
    const replica = newcomer();
    const logSync = { snapshot: null, syncIdx: 0, suffix: [], stopSign: null };
    const syncAt = (round: Ballot): TurnEffects => {
      replica.onPeerMessage(1, prepare(round));
      replica.onPeerMessage(1, { type: "acceptSync", n: round, seq, decidedIdx: 0, logSync });
      return deliver(replica.endTurn(0));
    };
    const persist = ({ writes }: TurnEffects): TurnEffects => {
      for (const write of writes) replica.onPersisted(write.seq);
      return replica.endTurn(0);
    };
    const first = syncAt(n);
    expect(first.claim).toBe(null);
    expect(persist(first).claim).toBe(1);
    replica.joining?.onClaimed(1);
    // The leader has begun its round anew, as the lost disk's votes count no more.
    const later = ballot(5);
    for (const peer of [1, 2])
      replica.joining?.onReport(peer, promised(later), { generation: 1, isOwn: true });
    const second = syncAt(later);
    expect(second.mayTakePlace).toBe(null);
    expect(persist(second).mayTakePlace).toEqual({ generation: 1 });
  });

  test("a session that ends meanwhile costs no snapshot: the log that came before still begins with it", () => {
    const replica = newcomer();
    const snapshot = { idx: 5, bytes: 100, crc: 1 };
    const begin = { kind: "complete", idx: 5, value: snapshot } as const;
    const logSync = { snapshot: begin, syncIdx: 5, suffix: [], stopSign: null };
    replica.onPeerMessage(1, { type: "acceptSync", n, seq, decidedIdx: 5, logSync });
    replica.onSessionEnd(1);
    replica.onSession(1);
    expect(said(replica)).toContain("prepareReq to 1");
    replica.onPeerMessage(1, prepare(n));
    // The leader would answer with the whole log behind a snapshot once more, and perhaps a newer one.
    expect(said(replica)).not.toContain("joinRequest to 1");
    replica.snapshots.kept(snapshot);
    expect(replica.core.acceptedRound).toEqual(n);
    expect(replica.core.acceptedIdx).toBe(5);
  });

  test("also while a snapshot of a round that is over is awaited, from a leader that is gone", () => {
    const replica = newcomer();
    const snapshot = { idx: 5, bytes: 100, crc: 1 };
    const begin = { kind: "complete", idx: 5, value: snapshot } as const;
    const entries = { snapshot: null, syncIdx: 0, suffix: [], stopSign: null };
    const logSync = { ...entries, snapshot: begin, syncIdx: 5 };
    replica.onPeerMessage(1, { type: "acceptSync", n, seq, decidedIdx: 5, logSync });
    expect(said(replica)).toEqual(["snapshotRequest to 1"]);
    const next = ballot(9, 2);
    replica.onPeerMessage(2, prepare(next));
    replica.onPeerMessage(2, { type: "acceptSync", n: next, seq, decidedIdx: 0, logSync: entries });
    expect(replica.core.acceptedRound).toEqual(next);
    replica.onSession(2);
    expect(said(replica)).toContain("prepareReq to 2");
    replica.onPeerMessage(2, prepare(next));
    expect(said(replica)).toContain("joinRequest to 2");
    expect(said(replica, RETRY_TICKS)).toContain("joinRequest to 2");
  });

  test("a candidate that is gone before it leads keeps it from no other leader", () => {
    const replica = newcomer();
    // Of a higher ballot, which nobody but this node has heard of.
    replica.onPeerMessage(2, prepare(ballot(9, 2)));
    expect(said(replica)).toEqual(["joinRequest to 2"]);
    expect(replica.core.promise.n).toBe(0);
    replica.onPeerMessage(1, prepare(ballot(4)));
    expect(said(replica)).toEqual(["joinRequest to 1"]);
    const logSync = { snapshot: null, syncIdx: 0, suffix: [], stopSign: null };
    replica.onPeerMessage(1, { type: "acceptSync", n, seq, decidedIdx: 0, logSync });
    expect(replica.core.acceptedRound).toEqual(n);
  });

  test("a log that was made for what this node held before is asked for anew", () => {
    const replica = newcomer();
    const logSync = { snapshot: null, syncIdx: 0, suffix: [Uint8Array.of(1)], stopSign: null };
    replica.onPeerMessage(2, prepare(ballot(9, 2)));
    replica.onPeerMessage(1, prepare(ballot(4)));
    replica.onPeerMessage(1, { type: "acceptSync", n, seq, decidedIdx: 0, logSync });
    said(replica);
    const [higher, highest] = [ballot(9, 2), ballot(11)];
    replica.onPeerMessage(2, prepare(higher));
    replica.onPeerMessage(1, prepare(highest));
    // The one before the last that was asked: it names a log that this node may not have any more when it comes.
    replica.onPeerMessage(2, { type: "acceptSync", n: higher, seq, decidedIdx: 0, logSync });
    expect(replica.core.acceptedRound).toEqual(n);
    expect(said(replica)).toEqual(["joinRequest to 2", "joinRequest to 1"]);
    replica.onPeerMessage(1, { type: "acceptSync", n: highest, seq, decidedIdx: 0, logSync });
    expect(replica.core.acceptedRound).toEqual(highest);
  });
});
