/** What must be said before what: who may still count votes of a replaced disk hears of that first. */
import { expect, test } from "vitest";
import { assert } from "../../../src/base/assert.ts";
import { silentLogger } from "../../../src/machine/ports/logger.ts";
import { BALLOT_BOTTOM, type Ballot } from "../../../src/omnipaxos/index.ts";
import type { PeerPresence } from "../../../src/links/peer-links-options.ts";
import type { DiskPlace, NodeReport } from "../../../src/protocol/messages/replica-message.ts";
import { Replica } from "../../../src/replica/replica.ts";
import { PeerGuard } from "../../../src/server/node/peer-guard.ts";
import { Reports } from "../../../src/server/node/reports.ts";
import { KvState } from "../../../src/store/index.ts";
import { replicaOptions } from "../../replica/options.ts";
import { openDirectory } from "../../storage/open-directory.ts";
import { World as Storage } from "../../storage/world.ts";

const MEMBERS = [1, 2, 3];
const NOTHING = {
  promise: BALLOT_BOTTOM,
  acceptedRound: BALLOT_BOTTOM,
  acceptedIdx: 0,
  decidedIdx: 0,
};
const N: Ballot = { configId: 1, n: 4, priority: 0, pid: 2 };

/** Node 1 of three, with its place or without. */
class World {
  readonly storage = new Storage();
  readonly sent: { readonly to: number; readonly report: NodeReport }[] = [];
  readonly ended: number[] = [];
  readonly presences = new Map<number, PeerPresence>();
  readonly directory;
  readonly replica;
  readonly guard;
  readonly reports;

  constructor(rejoin = false) {
    this.directory = openDirectory(this.storage, 1, { members: MEMBERS, rejoin });
    this.replica = new Replica(
      { joined: !rejoin, ...replicaOptions(MEMBERS, { pid: 1, incarnation: 1 }) },
      undefined,
      new KvState(),
    );
    this.guard = new PeerGuard({
      self: 1,
      members: MEMBERS,
      memory: this.directory.peers,
      isConnected: () => true,
      onReplaced: (peer) => this.reports.onReplaced(peer),
      origin: () => 0,
    });
    this.reports = new Reports({
      nodeId: 1,
      directory: this.directory,
      guard: this.guard,
      replica: this.replica,
      intervalTicks: 10,
      send: (to, message) => {
        if (message.type === "report") this.sent.push({ to, report: message });
      },
      endSession: (peer) => this.ended.push(peer),
      peers: () => [2, 3],
      logger: silentLogger,
      onTaken: (error) => {
        throw error;
      },
    });
  }

  meet(peer: number, disk: string, joined = true): void {
    const marks = [{ boot: peer, from: 1, to: 1 }];
    const hello = { members: MEMBERS, joined, generation: 0, marks, durable: NOTHING, origin: 0 };
    const presence = { incarnation: disk, peer: hello };
    assert(this.guard.admit(peer, presence) === null, `node ${peer} is let in`);
    this.presences.set(peer, presence);
    this.reports.onSession(peer, presence);
  }

  hear(peer: number, places: readonly DiskPlace[], joined = true): void {
    this.reports.receive(peer, {
      promise: BALLOT_BOTTOM,
      joined,
      durable: NOTHING,
      mark: 0,
      places,
    });
  }

  holdsBack(to: number): boolean {
    return this.reports.holdsBack(to, {
      type: "accepted",
      ...{ n: N, acceptedIdx: 1, decidedIdx: 0 },
    });
  }
}

function place(node: number, incarnation: string, generation: number, waits = false): DiskPlace {
  return { node, incarnation, generation, waits };
}

test("a vote waits until the peer has shown that it knows of a disk that claims a lost one's place", () => {
  const world = new World();
  world.meet(2, "two");
  world.meet(3, "empty", false);
  expect(world.holdsBack(2)).toBe(false);
  world.sent.length = 0;
  world.hear(3, [place(3, "empty", 1, true)], false);
  // At once, and the claimant hears that it is recorded.
  expect(world.sent.map(({ to }) => to)).toEqual([2, 3]);
  expect(world.sent[0]?.report.places).toContainEqual(place(3, "empty", 1, true));
  expect(world.holdsBack(2)).toBe(true);
  expect(world.reports.holdsBack(2, { type: "prepareReq", n: N })).toBe(false);
  world.hear(2, [place(3, "lost", 0)]);
  expect(world.holdsBack(2)).toBe(true);
  world.hear(2, [place(3, "empty", 1, true)]);
  expect(world.holdsBack(2)).toBe(false);
  // In the next session it may be another process that has forgotten.
  world.reports.onSession(2, world.presences.get(2)!);
  expect(world.holdsBack(2)).toBe(true);
  world.hear(2, [place(3, "later", 2)]);
  expect(world.holdsBack(2)).toBe(false);
});

test("where no disk was replaced nothing waits", () => {
  const world = new World();
  for (const peer of [2, 3]) {
    world.meet(peer, `disk ${peer}`);
    expect(world.holdsBack(peer)).toBe(false);
  }
});

test("a disk that has its place, of which only a later one is known here, is sent away", () => {
  const world = new World();
  world.meet(3, "empty", false);
  world.hear(2, [place(3, "later", 2)]);
  world.hear(3, [place(3, "empty", 1)]);
  expect(world.ended).toEqual([3]);
  expect(world.directory.peers.get(3)).toMatchObject({ incarnation: "later", generation: 2 });
});

test("so is one that has its place, when a copy of it from before has claimed that anew", () => {
  const world = new World();
  world.meet(3, "empty", false);
  world.hear(3, [place(3, "empty", 1, true)], false);
  world.hear(3, [place(3, "empty", 1)]);
  expect(world.ended).toEqual([]);
  expect(world.holdsBack(3)).toBe(false);
  world.hear(2, [place(3, "empty", 2, true)]);
  // Its own votes are dropped, and it must not lead with those of others.
  expect(world.holdsBack(3)).toBe(true);
  world.hear(3, [place(3, "empty", 1)]);
  expect(world.ended).toEqual([3]);
});

test("a peer that refuses what this disk was before it had its place is asked once more", () => {
  const world = new World(true);
  for (const peer of [2, 3]) world.reports.presence(peer);
  // It waits still: a refusal is the last word.
  expect(world.reports.mayBeOutdated(2)).toBe(false);
  world.reports.join({ claim: 1, mayTakePlace: null });
  world.reports.join({ claim: null, mayTakePlace: { generation: 1 } });
  for (const peer of [2, 3]) {
    expect(world.reports.mayBeOutdated(peer)).toBe(true);
    expect(world.reports.presence(peer).peer.joined).toBe(true);
    expect(world.reports.mayBeOutdated(peer)).toBe(false);
  }
  expect(new World().reports.mayBeOutdated(2)).toBe(false);
});

test("a claim is durable before it is told, and counts for this process alone", () => {
  const world = new World(true);
  world.meet(2, "two");
  world.reports.flush();
  expect(world.sent.at(-1)?.report.places.map(({ node }) => node)).not.toContain(1);
  world.reports.join({ claim: 3, mayTakePlace: null });
  const { incarnation } = world.directory;
  expect(world.sent.at(-1)?.report.places).toContainEqual(place(1, incarnation, 3, true));
  world.storage.crash();
  const again = openDirectory(world.storage, 2, { members: MEMBERS });
  expect(again.peers.get(1)).toMatchObject({ incarnation, generation: 3, waits: true });
});

test("a node that waits itself records no claim", () => {
  const world = new World(true);
  world.meet(3, "empty", false);
  world.hear(3, [place(3, "empty", 1, true)], false);
  expect(world.directory.peers.get(3)).toBe(undefined);
});
