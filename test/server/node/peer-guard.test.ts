/** Who is let in, and what those hear who are not. The memory is a map; what must be durable is counted. */
import { describe, expect, test } from "vitest";
import type { PeerPresence } from "../../../src/links/peer-links-options.ts";
import { PeerGuard } from "../../../src/server/node/peer-guard.ts";
import { isFinalRefusal } from "../../../src/server/node/refusals.ts";
import type { Ballot } from "../../../src/omnipaxos/index.ts";
import { metPeer, type RememberedPeer } from "../../../src/storage/peer-memory.ts";
import type { DiskPlace, DurableClaims } from "../../../src/protocol/messages/replica-message.ts";
import type { ToldRun } from "../../../src/protocol/handshake/peer-hello.ts";

const MEMBERS = [1, 2, 3];

function ballot(n: number, pid = 1): Ballot {
  return { configId: n === 0 ? 0 : 1, n, priority: 0, pid: n === 0 ? 0 : pid };
}

function claims(
  promise: number,
  round: number,
  acceptedIdx: number,
  decidedIdx = 0,
): DurableClaims {
  return { promise: ballot(promise), acceptedRound: ballot(round), acceptedIdx, decidedIdx };
}

interface Says {
  readonly disk?: string;
  readonly joined?: boolean;
  readonly generation?: number;
  /** Processes that told ten marks each, in this order. */
  readonly boots?: readonly number[];
  /** In their place. */
  readonly marks?: readonly ToldRun[];
  readonly durable?: DurableClaims;
  readonly members?: readonly number[];
  readonly origin?: number;
}

function presence(says: Says = {}): PeerPresence {
  const { boots = [11] } = says;
  return {
    incarnation: says.disk ?? "first disk",
    peer: {
      members: says.members ?? MEMBERS,
      joined: says.joined ?? true,
      generation: says.generation ?? 0,
      marks: says.marks ?? boots.map((boot, i) => ({ boot, from: 10 * i + 1, to: 10 * i + 10 })),
      durable: says.durable ?? claims(5, 4, 60, 50),
      origin: says.origin ?? 0,
    },
  };
}

class World {
  readonly remembered = new Map<number, RememberedPeer>();
  readonly replaced: number[] = [];
  readonly connected = new Set<number>();
  durableWrites = 0;
  origin = 0;
  readonly guard = new PeerGuard({
    self: 1,
    members: MEMBERS,
    memory: {
      get: (peer) => this.remembered.get(peer),
      all: () => this.remembered,
      set: (peer, known) => {
        this.durableWrites += 1;
        this.remembered.set(peer, known);
      },
      update: (peer, known) => void this.remembered.set(peer, known),
      introduce: () => [],
      met: () => {},
      markSoon: () => {},
      markFor: () => 0,
    },
    isConnected: (peer) => this.connected.has(peer),
    onReplaced: (peer) => this.replaced.push(peer),
    origin: () => this.origin,
  });

  /** @returns the code of the refusal, or "welcome": then there is a session */
  meet(says: Says = {}, peer = 3): string {
    const refusal = this.guard.admit(peer, presence(says));
    if (refusal === null) this.guard.onSession(peer, presence(says));
    return refusal?.code ?? "welcome";
  }

  /** It comes, waits for its place, and claims it. @returns the code of the refusal, or "welcome" */
  claim(says: Says & { readonly disk: string }, generation = 1): string {
    const code = this.meet({ durable: claims(0, 0, 0), ...says, joined: false });
    const place = { node: 3, incarnation: says.disk, generation, waits: true };
    if (code === "welcome") this.guard.onClaim(3, place);
    return code;
  }

  text(says: Says): string {
    return this.guard.admit(3, presence(says))?.text ?? "";
  }
}

describe("a peer whose log began elsewhere", () => {
  test("is refused, not ended, and not remembered", () => {
    const world = new World();
    world.origin = 0x1a;
    expect(world.meet({ origin: 0x2b })).toBe("WRONG_CLUSTER");
    expect(world.guard.otherLogs).toEqual([3]);
    expect(world.remembered.size).toBe(0);
    expect(isFinalRefusal("WRONG_CLUSTER")).toBe(false);
    expect(world.text({ origin: 0x2b })).toMatch(
      /^the data of node 3 and those of node 1 come from two different beginnings \(0000000000002b and 0000000000001a\)/,
    );
  });

  test.each([
    [0, 5],
    [5, 0],
    [5, 5],
  ])("is welcome while one of them has no beginning yet, or both the same", (own, theirs) => {
    const world = new World();
    world.origin = own;
    expect(world.meet({ origin: theirs })).toBe("welcome");
  });
});

describe("a peer that is known", () => {
  test("is remembered durably when it is met first, and at each start of it", () => {
    const world = new World();
    expect(world.meet()).toBe("welcome");
    expect(world.durableWrites).toBe(1);
    expect(world.meet()).toBe("welcome");
    expect(world.durableWrites).toBe(1);
    expect(world.meet({ boots: [11, 12] })).toBe("welcome");
    expect(world.durableWrites).toBe(2);
  });

  test.each([
    [
      "a lower promise",
      claims(4, 4, 60, 50),
      /had promised ballot 5\.0\.1, and now knows of 4\.0\.1/,
    ],
    [
      "a lower accepted round",
      claims(5, 3, 90, 50),
      /accepted 60 entries in round 4\.0\.1, and now has 90 in round 3/,
    ],
    [
      "fewer entries of the same round",
      claims(5, 4, 59, 50),
      /accepted 60 entries .* and now has 59/,
    ],
    ["fewer decided entries", claims(5, 4, 60, 49), /decided 50 entries, and now knows of 49/],
  ])("is refused with %s than it has told", (_, durable, text) => {
    const world = new World();
    world.meet();
    const says = { durable, boots: [11, 12] };
    expect(world.meet(says)).toBe("WENT_BACK");
    expect(world.text(says)).toMatch(text);
    expect(world.text(says)).toContain("--rejoin");
  });

  test("is welcome with a shorter log of a higher round: what it had was not decided", () => {
    const world = new World();
    world.meet();
    expect(world.meet({ durable: claims(6, 6, 55, 50), boots: [11, 12] })).toBe("welcome");
  });

  test("what it told in a session counts, not only what it said at its start", () => {
    const world = new World();
    world.meet();
    world.guard.onTold(3, claims(5, 4, 80, 70), 0);
    expect(world.durableWrites).toBe(1);
    expect(world.meet({ durable: claims(5, 4, 79, 70) })).toBe("WENT_BACK");
  });

  test("is refused without the process in which it was met: its disk was put back", () => {
    const world = new World();
    world.meet({ boots: [11, 12, 13] });
    const durable = claims(9, 9, 900, 900);
    for (const boots of [[11, 12], [11, 12, 99], [11, 12, 99, 98], []]) {
      expect(world.meet({ boots, durable })).toBe("WENT_BACK");
    }
    expect(world.text({ boots: [11, 12, 99, 98], durable })).toMatch(
      /does not know what it told last: a peer has heard mark 30 of it, and this disk has marks of other runs only, up to 40 \(a mark is .*\)\. It is an older copy, has been damaged, or was copied/,
    );
    expect(world.meet({ boots: [11, 12, 13, 98] })).toBe("welcome");
  });

  test("is refused without a mark it has told in a session, however it has grown since", () => {
    const world = new World();
    world.meet({ marks: [{ boot: 11, from: 1, to: 1 }] });
    world.guard.onTold(3, claims(5, 4, 80, 70), 4);
    expect(world.durableWrites).toBe(1);
    const durable = claims(9, 9, 900, 900);
    const ran: ToldRun = { boot: 11, from: 1, to: 3 };
    const more: ToldRun = { boot: 12, from: 4, to: 99 };
    expect(world.meet({ durable, marks: [ran] })).toBe("WENT_BACK");
    expect(world.meet({ durable, marks: [ran, more] })).toBe("WENT_BACK");
    expect(world.meet({ durable, marks: [{ ...ran, to: 4 }, more] })).toBe("welcome");
  });

  test("a mark that is late takes nothing back", () => {
    const world = new World();
    world.meet({ marks: [{ boot: 11, from: 1, to: 7 }] });
    world.guard.onTold(3, claims(5, 4, 60, 50), 6);
    expect(world.meet({ marks: [{ boot: 11, from: 1, to: 6 }] })).toBe("WENT_BACK");
  });

  test("is welcome when it knows that it has been met later: then it is this node that has forgotten", () => {
    const world = new World();
    world.meet({ boots: [11] });
    expect(world.meet({ marks: [{ boot: 70, from: 100, to: 120 }] })).toBe("welcome");
  });

  test("is not compared by marks when it was never met, or came of omnikv 0.1", () => {
    const world = new World();
    world.remembered.set(3, metPeer("first disk"));
    expect(world.meet({ boots: [11, 12] })).toBe("welcome");
    expect(world.remembered.get(3)).toMatchObject({ bootId: 12, mark: 20 });
  });

  test("is refused with other members, both lists in the text", () => {
    const world = new World();
    expect(world.meet({ members: [1, 2, 3, 4, 5] })).toBe("OTHER_MEMBERS");
    expect(world.text({ members: [1, 2, 3, 4, 5] })).toMatch(/1, 2, 3, 4, 5, .* 1, 2, 3:/);
  });
});

describe("another disk under a known id", () => {
  const own = { node: 1, incarnation: "own", generation: 0, waits: false };
  const empty = { disk: "empty", boots: [21] } as const;

  function place(says: Partial<DiskPlace>): DiskPlace {
    return { node: 3, incarnation: "empty", generation: 1, waits: false, ...says };
  }

  test("is refused when it did not ask to take the place of the lost one", () => {
    const world = new World();
    world.meet();
    expect(world.meet({ disk: "wiped", durable: claims(0, 0, 0) })).toBe("LOST_IDENTITY");
    expect(world.replaced).toEqual([]);
  });

  test("that was emptied after its node had been rejoined once is told of --rejoin, not of a replaced disk", () => {
    const world = new World();
    world.meet();
    world.claim({ disk: "second", boots: [21] });
    const emptied = { disk: "emptied", durable: claims(0, 0, 0), boots: [31] };
    expect(world.meet(emptied)).toBe("LOST_IDENTITY");
    expect(world.text(emptied)).toContain("start the node with --rejoin");
    // The first one, which had promised something.
    expect(world.meet()).toBe("REPLACED");
    expect(world.replaced).toEqual([3]);
  });

  test("that asks is refused while the old one is connected", () => {
    const world = new World();
    world.meet();
    world.connected.add(3);
    expect(world.meet({ ...empty, joined: false })).toBe("NOT_LOST");
    expect(world.text({ ...empty, joined: false })).toContain("it has always had: stop it first");
    world.guard.onSessionEnd(3);
    world.connected.delete(3);
    expect(world.meet({ ...empty, joined: false })).toBe("welcome");
    // It comes again before its own session is known to have ended.
    world.connected.add(3);
    const other = { ...empty, disk: "another", joined: false };
    expect(world.meet(other)).toBe("NOT_LOST");
    expect(world.text(other)).toContain("waits for the same place: stop one of the two");
    expect(world.meet({ ...empty, joined: false })).toBe("welcome");
  });

  test("that asks has a session, and nothing is recorded of it before it claims a number", () => {
    const world = new World();
    world.meet();
    const before = world.remembered.get(3);
    expect(world.meet({ ...empty, joined: false })).toBe("welcome");
    expect(world.guard.isWithAnother(3)).toBe(true);
    expect(world.remembered.get(3)).toBe(before);
    // The old one comes back, and is what it was.
    expect(world.meet()).toBe("welcome");
    expect(world.guard.isWithAnother(3)).toBe(false);
    expect(world.replaced).toEqual([]);
    expect(world.durableWrites).toBe(1);
  });

  test("that claims the place is recorded, durably, and the old one is never let in again", () => {
    const world = new World();
    world.meet();
    expect(world.claim(empty)).toBe("welcome");
    expect(world.durableWrites).toBe(2);
    expect(world.replaced).toEqual([3]);
    expect(world.remembered.get(3)).toMatchObject({
      ...{ incarnation: "empty", generation: 1, acceptedIdx: 0 },
      ...{ bootId: 21, mark: 10, waits: true },
    });
    expect(world.meet()).toBe("REPLACED");
    expect(world.text({})).toContain("has taken the place of this one as node 3");
    // It comes again, after a crash, and at last with its place.
    expect(world.claim({ ...empty, boots: [21, 22] }, 2)).toBe("welcome");
    expect(world.replaced).toEqual([3, 3]);
    const joined = { ...empty, generation: 2, boots: [21, 22, 23], durable: claims(6, 6, 80, 80) };
    expect(world.meet(joined)).toBe("welcome");
    expect(world.replaced).toEqual([3, 3]);
    expect(world.remembered.get(3)?.waits).toBe(false);
    expect(world.meet({ ...joined, durable: claims(6, 6, 79, 79) })).toBe("WENT_BACK");
  });

  test("claims nothing with a number that another disk has, nor in the session of another one", () => {
    const world = new World();
    world.meet();
    world.claim(empty, 2);
    for (const generation of [1, 2]) world.claim({ disk: "later", boots: [31] }, generation);
    expect(world.remembered.get(3)?.incarnation).toBe("empty");
    world.guard.onClaim(3, place({ incarnation: "nobody", generation: 9, waits: true }));
    expect(world.remembered.get(3)?.incarnation).toBe("empty");
    world.claim({ disk: "later", boots: [31] }, 3);
    expect(world.remembered.get(3)).toMatchObject({ incarnation: "later", generation: 3 });
    expect(world.meet({ disk: "empty", generation: 2, boots: [21, 22] })).toBe("REPLACED");
  });

  test("that had its place and comes back as it was before is refused: its votes counted", () => {
    const world = new World();
    world.meet();
    world.claim(empty);
    const joined = { ...empty, generation: 1, durable: claims(6, 6, 80, 80) };
    expect(world.meet(joined)).toBe("welcome");
    expect(world.meet({ ...empty, joined: false, boots: [21, 22] })).toBe("WENT_BACK");
    // Also where only others have told of its place.
    const heard = new World();
    heard.meet();
    heard.guard.onPlaces([place({})], own);
    expect(heard.meet({ ...empty, joined: false })).toBe("WENT_BACK");
    // A copy of it has claimed the place anew.
    const again = new World();
    again.claim(empty, 2);
    expect(again.meet({ ...joined, boots: [21, 22] })).toBe("WENT_BACK");
    expect(again.text({ ...joined, boots: [21, 22] })).toContain(
      "it had claimed number 2 in its place, and now knows of 1",
    );
  });

  test("that has its place already is let in by a node that was down meanwhile", () => {
    const world = new World();
    world.meet();
    const joined = { ...empty, generation: 1, durable: claims(6, 6, 80, 80) };
    expect(world.meet(joined)).toBe("welcome");
    expect(world.replaced).toEqual([3]);
    expect(world.meet()).toBe("REPLACED");
  });

  test("that has its place comes before one that only claimed it with the same number", () => {
    const world = new World();
    world.meet();
    world.claim({ disk: "gone", boots: [31] });
    const joined = { ...empty, generation: 1, durable: claims(6, 6, 80, 80) };
    expect(world.meet(joined)).toBe("welcome");
    expect(world.remembered.get(3)).toMatchObject({ incarnation: "empty", waits: false });
    const heard = new World();
    heard.claim({ disk: "gone", boots: [31] });
    heard.guard.onPlaces([place({ incarnation: "other", waits: true })], own);
    expect(heard.remembered.get(3)?.incarnation).toBe("gone");
    heard.guard.onPlaces([place({})], own);
    expect(heard.remembered.get(3)?.incarnation).toBe("empty");
    expect(heard.replaced).toEqual([3, 3]);
    heard.guard.onPlaces([place({ incarnation: "other" })], own);
    expect(heard.remembered.get(3)?.incarnation).toBe("empty");
  });

  test("is heard of from others first: the old one's votes count no more", () => {
    const world = new World();
    world.meet();
    expect(world.guard.onPlaces([place({ waits: true })], own)).toBe(null);
    expect(world.replaced).toEqual([3]);
    expect(world.guard.isWithAnother(3)).toBe(true);
    expect(world.meet()).toBe("REPLACED");
    expect(world.meet({ ...empty, joined: false })).toBe("welcome");
    // That it has its place by now is news of the same disk.
    world.guard.onPlaces([place({})], own);
    expect(world.remembered.get(3)?.waits).toBe(false);
    expect(world.replaced).toEqual([3]);
    // Older news, and news of nodes that are no members, change nothing.
    world.guard.onPlaces([place({ incarnation: "first disk", generation: 0 })], own);
    world.guard.onPlaces([place({ node: 9, incarnation: "x", generation: 5 })], own);
    expect(world.remembered.get(3)?.incarnation).toBe("empty");
    expect(world.remembered.has(9)).toBe(false);
  });

  test("is heard of from others before its own claim arrives: marks that it tells in that session count", () => {
    const world = new World();
    world.meet();
    expect(world.meet({ ...empty, joined: false })).toBe("welcome");
    world.guard.onPlaces([place({})], own);
    world.guard.onTold(3, claims(6, 6, 80, 80), 14);
    expect(world.remembered.get(3)).toMatchObject({ bootId: 21, mark: 14 });
    // An older copy, which has run on elsewhere.
    const copy = { ...empty, generation: 1, boots: [22], durable: claims(9, 9, 99, 99) };
    expect(world.meet(copy)).toBe("WENT_BACK");
  });

  test("that is heard of at a later generation has been replaced in between: its votes count no more", () => {
    const world = new World();
    world.meet({ disk: "empty", generation: 1 });
    world.guard.onPlaces([place({ generation: 3 })], own);
    expect(world.replaced).toEqual([3]);
    expect(world.remembered.get(3)).toMatchObject({ generation: 3, acceptedIdx: 60 });
    world.guard.onPlaces([place({ generation: 3 })], own);
    expect(world.replaced).toEqual([3]);
  });

  test("in this node's own place ends this process", () => {
    const world = new World();
    const taken = place({ node: 1 });
    expect(world.guard.onPlaces([taken], own)).toMatchObject({ code: "REPLACED" });
    expect(world.guard.onPlaces([{ ...taken, waits: true }], own)).toMatchObject({
      code: "REPLACED",
    });
    expect(world.guard.onPlaces([{ ...taken, generation: 0 }], own)).toBe(null);
    expect(world.guard.onPlaces([taken], { ...taken })).toBe(null);
    // A copy of this directory, from before it had its place, has claimed that with a number of its own.
    const copy = { ...taken, generation: 2, waits: true };
    expect(world.guard.onPlaces([copy], { ...taken })).toMatchObject({ code: "REPLACED" });
    expect(world.guard.onPlaces([copy], { ...taken, waits: true })).toBe(null);
  });

  test("in a place that this node waits for ends it only if it has claimed that, and the other one has it", () => {
    const world = new World();
    const waiting = { ...own, waits: true };
    const taken = place({ node: 1, generation: 4 });
    // The lost disk.
    expect(world.guard.onPlaces([taken], waiting)).toBe(null);
    const claimed = { ...waiting, generation: 2 };
    expect(world.guard.onPlaces([{ ...taken, waits: true }], claimed)).toBe(null);
    expect(world.guard.onPlaces([taken], claimed)).toMatchObject({ code: "REPLACED" });
  });
});

describe("what ends this process", () => {
  const lost = { code: "LOST_IDENTITY", text: "another disk", proved: true } as const;
  const nothing = presence({ durable: claims(7, 0, 0) }).peer;

  test("a peer that holds something has refused this disk", () => {
    const world = new World();
    for (const origin of [0, 7]) {
      world.origin = origin;
      for (const held of [
        presence().peer,
        presence({ durable: claims(0, 0, 0), origin: 7 }).peer,
      ]) {
        const ends = world.guard.onRefused(3, { ...lost, presence: held });
        expect(ends).toMatchObject({ code: "LOST_IDENTITY", message: "another disk" });
      }
      expect(world.guard.onRefused(3, { ...lost, presence: null })?.code).toBe("LOST_IDENTITY");
    }
  });

  test("a new node of somebody else's, with a wrong address, does not end one that has data", () => {
    const world = new World();
    expect(world.guard.onRefused(3, { ...lost, presence: nothing })?.code).toBe("LOST_IDENTITY");
    world.origin = 7;
    expect(world.guard.onRefused(3, { ...lost, presence: nothing })).toBeNull();
    for (const code of ["WENT_BACK", "REPLACED"] as const) {
      expect(world.guard.onRefused(3, { ...lost, code, presence: nothing })?.code).toBe(code);
    }
  });

  test("such a node says whose addresses to look at", () => {
    const world = new World();
    world.meet({ disk: "ours" });
    expect(world.text({ disk: "theirs", origin: 7 })).toContain(
      "If node 1 belongs to another cluster with the same id, its list of addresses is wrong",
    );
    expect(world.text({ disk: "theirs" })).toContain("Start it with its old data directory");
    world.origin = 7;
    expect(world.text({ disk: "theirs", origin: 7 })).toContain("Start it with its old data");
  });

  test("what nobody has proved ends nothing", () => {
    const held = presence().peer;
    const unproved = { ...lost, proved: false, presence: held };
    expect(new World().guard.onRefused(3, unproved)).toBeNull();
  });
});
