/** What a turn does for watches is bounded, whatever clients do (WALKS-4), and each is served in turn (WALKS-6). */
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { NextHeap } from "../../src/replica/watches/next-heap.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { CHANGE_WORK_BYTES, SWEEP_TURNS, TURN } from "../../src/replica/watches/watch-limits.ts";
import { WatchPlaces } from "../../src/replica/watches/watch-places.ts";
import { WatchWalks } from "../../src/replica/watches/watch-walks.ts";
import type { Watch } from "../../src/replica/watches/watch.ts";
import type { WatchRecord } from "../../src/proof/simulator/watch-check.ts";
import { nextOf } from "../../src/proof/simulator/watch-notes.ts";
import { key } from "../store/helpers.ts";
import type { TxnOp } from "../../src/store/index.ts";
import { Client, WISH, World } from "./watch-world.ts";

const BIG = "x".repeat(500);
/** Ten watches end in a turn, or twenty are taken out. */
const SMALL = { turn: { ...TURN, records: 40 } };

afterEach(() => {
  vi.restoreAllMocks();
});

/** @returns what counts, from when it is called on, how often the watches are looked at that were created until then */
function spyOnWatches(): () => { looks: number } {
  const added = vi.spyOn(WatchWalks.prototype, "add");
  return () => {
    const count = { looks: 0 };
    for (const [watch] of added.mock.calls) {
      for (const name of ["source", "next", "wish"] as const) counted(watch, name, count);
    }
    return count;
  };
}

function counted(watch: Watch, name: keyof Watch, count: { looks: number }): void {
  let value: unknown = watch[name];
  Object.defineProperty(watch, name, {
    get: () => {
      count.looks += 1;
      return value;
    },
    set: (to: unknown) => {
      value = to;
    },
  });
}

/** A client without room, and many watches of it that wait. */
function blocked(world: World, watches: number): [Client, WatchRecord[]] {
  const [slow] = world.clients as [Client];
  slow.create(world.hub, WISH);
  slow.reads = false;
  for (let i = 0; i < 3; i++) {
    world.run({ op: "write", key: "a", value: BIG });
    world.turn();
  }
  const all = Array.from({ length: watches }, () => {
    return slow.create(world.hub, { ...WISH, from: 1 })[1];
  });
  world.turn();
  return [slow, all];
}

/** @returns how many watches fewer there are after each turn, until so many are left */
function endsByTurn(world: World, left = 0): number[] {
  const ends: number[] = [];
  for (let { watches } = world.hub.stats; watches > left; { watches } = world.hub.stats) {
    const goesOn = world.turn();
    ends.push(watches - world.hub.stats.watches);
    if (world.hub.stats.watches > left) expect(goesOn).toBe(true);
  }
  return ends;
}

describe("many watches that end at once end in several turns", () => {
  test("when what they need is compacted and they have no room", () => {
    const world = new World(SMALL);
    const [, all] = blocked(world, 100);
    world.compact(3);
    const before = world.hub.stats.watches;
    world.turn();
    expect(before - world.hub.stats.watches).toBeLessThanOrEqual(10);
    while (world.turn());
    expect(world.hub.stats.watches).toBe(0);
    world.settle();
    world.check();
    for (const { ended } of all) expect(ended).toEqual({ code: "COMPACTED", revision: 3 });
  });

  test("when they are live, in a sweep or yet to begin, and a state comes without the history between", () => {
    const world = new World(SMALL);
    const [live, other] = world.clients as [Client, Client];
    world.run({ op: "write", key: "a", value: "0" });
    const all = Array.from({ length: 50 }, () => live.create(world.hub, WISH)[1]);
    all.push(...[1, 2, 3, 3].map((from) => live.create(world.hub, { ...WISH, from })[1]));
    const [, later] = live.create(world.hub, { ...WISH, from: 5 });
    const writes = ["1", "2"].map((value) => ({ op: "write" as const, key: "a", value }));
    world.installCompacted(3, ...writes);
    const [, created] = other.create(world.hub, WISH);
    const ends = [56 - world.hub.stats.watches, ...endsByTurn(world, 2)];
    expect(Math.max(...ends)).toBeLessThanOrEqual(20);
    expect(world.hub.stats.behind).toBe(0);
    world.run({ op: "write", key: "a", value: "3" }, { op: "write", key: "a", value: "4" });
    world.settle();
    world.check();
    for (const { ended } of all) expect(ended?.code).toBe("COMPACTED");
    for (const record of [later, created]) {
      expect(record.ended).toBeNull();
      expect(nextOf(record)).toBe(6);
    }
  });

  test("when the node may not serve any more, and none is told of an event meanwhile", () => {
    const world = new World({ ...SMALL, unreadBytes: 1 << 20 });
    const [client] = world.clients as [Client];
    const all = Array.from({ length: 100 }, () => client.create(world.hub, WISH)[1]);
    world.settle();
    world.hub.endAll("DIVERGED", "another node has another state");
    world.run({ op: "write", key: "a", value: "1" });
    const ends = [100 - world.hub.stats.watches, ...endsByTurn(world)];
    expect(Math.max(...ends)).toBeLessThanOrEqual(20);
    world.settle();
    expect(all.filter(({ items }) => items.length > 0)).toEqual([]);
    for (const { ended } of all) expect(ended).toEqual({ code: "DIVERGED", revision: 1 });
    const [, later] = client.create(world.hub, WISH);
    world.run({ op: "write", key: "a", value: "2" });
    world.settle();
    expect(later.items).toHaveLength(1);
    world.check();
  });

  test("when their connection is closed, and they are told nothing more", () => {
    const world = new World({ ...SMALL, unreadBytes: 1 << 20 });
    const [gone] = world.clients as [Client];
    const all = Array.from({ length: 100 }, () => gone.create(world.hub, WISH)[1]);
    world.settle();
    gone.ask(world.hub, { kind: "progress", watch: 100 });
    world.hub.forget(gone.id);
    world.run({ op: "write", key: "a", value: "1" });
    const ends = [100 - world.hub.stats.watches, ...endsByTurn(world)];
    expect(Math.max(...ends)).toBeLessThanOrEqual(20);
    world.turn();
    expect(all.filter(({ items, ended }) => items.length > 0 || ended !== null)).toEqual([]);
    expect(world.hub.stats).toMatchObject({ watches: 0, behind: 0 });
  });
});

describe("watches for which nothing can be done cost a turn nothing", () => {
  test("those without room, when they have asked for progress and what they want goes on to change", () => {
    const countLooks = spyOnWatches();
    const world = new World();
    const [slow, all] = blocked(world, 200);
    for (let watch = 2; watch <= 201; watch++) slow.ask(world.hub, { kind: "progress", watch });
    world.turn();
    const count = countLooks();
    for (let i = 0; i < 10; i++) {
      world.run({ op: "write", key: "a", value: "1" });
      world.turn();
    }
    // The one that a compaction would end first is looked at, whether there was one.
    expect(count.looks).toBeLessThan(10 * 10);
    world.settle();
    world.check();
    for (const { items } of all) {
      expect(items.some((item) => item.kind === "progress" && item.revision >= 3)).toBe(true);
    }
  });

  test("those that begin in the future", () => {
    const countLooks = spyOnWatches();
    const world = new World();
    const [early] = world.clients as [Client];
    const all = Array.from({ length: 200 }, () => {
      return early.create(world.hub, { ...WISH, from: 12 })[1];
    });
    world.turn();
    const count = countLooks();
    for (let i = 0; i < 10; i++) {
      world.run({ op: "write", key: "a", value: "1" });
      world.turn();
    }
    expect(count.looks).toBeLessThan(10 * 10);
    for (let i = 0; i < 5; i++) world.run({ op: "write", key: "a", value: "1" });
    world.settle();
    world.check();
    for (const record of all) expect(nextOf(record)).toBe(16);
  });

  test("those that want none of the keys of a large revision", () => {
    const countLooks = spyOnWatches();
    const world = new World({ unreadBytes: 1 << 20 });
    const [reader] = world.clients as [Client];
    for (let i = 0; i < 600; i++) world.run({ op: "write", key: `k${i}`, value: "" });
    for (let i = 0; i < 200; i++) {
      reader.create(world.hub, { ...WISH, start: `m${i}`, end: i % 2 === 0 ? null : `m${i}\0` });
    }
    const [, own] = reader.create(world.hub, { ...WISH, start: "k1", end: "k2" });
    world.settle();
    const count = countLooks();
    world.transact({ op: "delete", where: { start: key(""), end: key("l") }, previous: false });
    world.turn();
    expect(count.looks).toBeLessThan(200);
    world.settle();
    world.check();
    expect(nextOf(own)).toBe(602);
  });
});

test("small events of a large revision end with the turn's changes, and go on in the next", () => {
  const turn = { ...TURN, pastChanges: 50, revisionKeys: 8 };
  const world = new World({ turn, unreadBytes: 1 << 20 });
  const [client] = world.clients as [Client];
  for (let i = 0; i < 400; i++) world.run({ op: "write", key: `k${i}`, value: "1" });
  client.create(world.hub, WISH);
  world.settle();
  world.transact({ op: "delete", where: { start: key("k"), end: null }, previous: false });
  const told: number[] = [];
  for (let goesOn = true; goesOn;) {
    const { events } = world.hub.stats;
    goesOn = world.turn();
    told.push(world.hub.stats.events - events);
  }
  expect(told.filter((events) => events > 0)).toEqual(Array.from({ length: 8 }, () => 50));
  world.settle();
  world.check();
});

describe("a revision that more watches want than a turn has records for", () => {
  const eventsByTurn = (world: World): number[] => {
    const told: number[] = [];
    for (let goesOn = true; goesOn;) {
      const { events } = world.hub.stats;
      goesOn = world.turn();
      told.push(world.hub.stats.events - events);
    }
    return told;
  };

  const put = (name: string): TxnOp => ({
    op: "put",
    key: key(name),
    value: key("1"),
    previous: false,
  });

  test("goes on in the next turns, and each is told of it once, with all that it wants", () => {
    const world = new World({ ...SMALL, unreadBytes: 1 << 20 });
    const [client] = world.clients as [Client];
    const all = Array.from({ length: 100 }, () => client.create(world.hub, WISH)[1]);
    const [, other] = client.create(world.hub, { ...WISH, start: "b", end: "c" });
    world.settle();
    const applied = world.hub.stats.events;
    world.transact(put("a"), put("b"));
    const told = [world.hub.stats.events - applied, ...eventsByTurn(world)];
    expect(Math.max(...told)).toBeLessThanOrEqual(2 * 40);
    expect(told.reduce((sum, events) => sum + events, 0)).toBe(201);
    expect(all.every(({ items }) => items.length === 1)).toBe(true);
    expect(other.items).toHaveLength(1);
    world.check();
  });

  test("is told to those that begin meanwhile from there on, and those that end meanwhile name what they were told", () => {
    const world = new World({ ...SMALL, unreadBytes: 1 << 20 });
    const [client] = world.clients as [Client];
    const all = Array.from({ length: 100 }, () => client.create(world.hub, WISH));
    world.settle();
    world.run({ op: "write", key: "a", value: "1" });
    const [, later] = client.create(world.hub, WISH);
    for (const [watch] of all) client.ask(world.hub, { kind: "cancel", watch });
    world.settle();
    const told = all.filter(([, { items }]) => items.length === 1);
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(40);
    for (const [, { items, ended }] of all) expect(ended?.revision).toBe(1 + items.length);
    world.run({ op: "write", key: "a", value: "2" });
    world.settle();
    expect(later.items).toMatchObject([{ kind: "events", revision: 2 }]);
    world.check();
  });

  test("is compacted before all are told: ends those that were not, and no others", () => {
    const world = new World({ ...SMALL, unreadBytes: 1 << 20 });
    const [client] = world.clients as [Client];
    const all = Array.from({ length: 100 }, () => client.create(world.hub, WISH)[1]);
    world.settle();
    world.run({ op: "write", key: "a", value: "1" });
    // As after a state from the leader: nobody is told in between.
    world.installCompacted(1, { op: "write", key: "a", value: "2" });
    world.settle();
    const told = all.filter(({ items }) => items.length > 0);
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThan(100);
    for (const record of all)
      expect(record.ended?.code).toBe(told.includes(record) ? undefined : "COMPACTED");
    for (const record of told) expect(nextOf(record)).toBe(3);
    world.check();
  });

  test("is set aside by the same measure when it is a large one", () => {
    const world = new World({
      turn: { ...TURN, records: 40, revisionKeys: 1 },
      unreadBytes: 1 << 20,
    });
    const [client] = world.clients as [Client];
    for (let i = 0; i < 100; i++) client.create(world.hub, WISH);
    world.settle();
    const moved = vi.spyOn(WatchPlaces.prototype, "place");
    world.transact(put("a"), put("b"));
    expect(moved.mock.calls.length).toBeLessThanOrEqual(40);
    world.settle();
    world.check();
  });
});

describe("what is read of the history", () => {
  /** A client whose work is counted, and that rests when it is told to. */
  class Worker extends Client {
    readonly load = new RouteLoad();
    rests = false;
    isResting(): boolean {
      return this.rests;
    }
  }

  function worlds(count: number): [World, Worker[]] {
    const world = new World({ unreadBytes: 1 << 20 });
    for (let i = 0; i < 2000; i++) world.run({ op: "write", key: `k${i}`, value: "1" });
    const workers = Array.from({ length: count }, (_, i) => new Worker(11 + i));
    world.clients.push(...workers);
    return [world, workers];
  }

  test("for those that are behind is bounded by the turn", () => {
    const [world, [reader]] = worlds(1) as [World, [Worker]];
    reader.create(world.hub, { ...WISH, from: 1 });
    for (let goesOn = true; goesOn;) {
      const { events } = world.hub.stats;
      goesOn = world.turn();
      expect(world.hub.stats.events - events).toBeLessThanOrEqual(512);
    }
    expect(world.hub.stats.events).toBe(2000);
    world.check();
  });

  test("counts for the connection that it is read for, also when that is told nothing", () => {
    const [world, [reader, other]] = worlds(2) as [World, [Worker, Worker]];
    reader.create(world.hub, { ...WISH, puts: false, from: 1 });
    world.settle();
    expect(reader.load.workBytes).toBeGreaterThan(2000 * CHANGE_WORK_BYTES);
    expect(other.load.workBytes).toBe(0);
    // Watches of what comes from now on pay nothing: they cannot choose it.
    other.create(world.hub, WISH);
    world.run({ op: "write", key: "k", value: "2" });
    world.settle();
    expect(other.load.workBytes).toBe(0);
  });

  test("is shared by those for which it is read at once", () => {
    const [world, workers] = worlds(4);
    for (const worker of workers) worker.create(world.hub, { ...WISH, puts: false, from: 1 });
    world.settle();
    for (const { load } of workers) {
      expect(load.workBytes).toBeGreaterThan(0);
      expect(load.workBytes).toBeLessThan((2.5 / 4) * 2000 * CHANGE_WORK_BYTES);
      expect(load.workBytes).toBe(workers[0]!.load.workBytes);
    }
  });

  test("waits while its connection rests, and no turn is wanted for it; what happens now is told", () => {
    const [world, [reader, other]] = worlds(2) as [World, [Worker, Worker]];
    const [, past] = reader.create(world.hub, { ...WISH, from: 1 });
    const [, present] = reader.create(world.hub, WISH);
    world.turn();
    reader.rests = true;
    const [, others] = other.create(world.hub, { ...WISH, from: 1 });
    for (let i = 0; i < 100 && world.turn(); i++);
    const had = past.items.length;
    expect(had).toBeLessThan(2000);
    expect(nextOf(others)).toBe(2001);
    world.run({ op: "write", key: "k", value: "2" });
    expect([world.turn(), world.turn()]).toEqual([false, false]);
    expect(present.items).toHaveLength(1);
    expect(past.items).toHaveLength(had);
    reader.rests = false;
    world.settle();
    expect(nextOf(past)).toBe(2002);
    world.check();
  });
});

describe("connections that are behind are fed in turn", () => {
  /** Two clients; so many watches of the first are large, each of twenty parts, and a turn has time for one. */
  function withLarge(watches: number): [World, Client, Client] {
    const world = new World({
      turn: { ...TURN, pastChanges: 4, revisionKeys: 1, partBytes: 1 },
      unreadBytes: 1 << 20,
    });
    const [greedy, other] = world.clients as [Client, Client];
    world.run({ op: "write", key: "z", value: "1" });
    for (let i = 0; i < 20; i++) world.run({ op: "write", key: `k${i}`, value: "1" });
    for (let i = 0; i < watches; i++) greedy.create(world.hub, WISH);
    return [world, greedy, other];
  }
  const all = { op: "delete" as const, where: { start: key("k"), end: key("l") }, previous: false };

  test("one that waits, when the large revisions of another take all of a turn", () => {
    const [world, , other] = withLarge(50);
    world.transact(all);
    const [, record] = other.create(world.hub, { ...WISH, start: "z", from: 1 });
    for (let i = 0; i < 30; i++) world.turn();
    expect(record.items).toMatchObject([{ kind: "events", revision: 1 }]);
    expect(world.hub.stats.behind).toBeGreaterThan(40);
    world.settle();
    world.check();
  });

  test("one with a large revision, when another has many", () => {
    const [world, , other] = withLarge(50);
    const [, record] = other.create(world.hub, WISH);
    world.transact(all);
    for (let i = 0; i < 80; i++) world.turn();
    expect(nextOf(record)).toBe(23);
    expect(world.hub.stats.behind).toBeGreaterThan(30);
    world.settle();
    world.check();
  });

  test("one that comes while a sweep goes on for long", () => {
    const world = new World({ turn: { ...TURN, records: 1 }, unreadBytes: 1 << 20 });
    const [first, second] = world.clients as [Client, Client];
    for (let i = 0; i < 500; i++) world.run({ op: "write", key: "a", value: "1" });
    first.create(world.hub, { ...WISH, from: 1 });
    for (let i = 0; i < 3; i++) world.turn();
    const [, record] = second.create(world.hub, { ...WISH, from: 1 });
    for (let i = 0; i < SWEEP_TURNS + 10; i++) world.turn();
    expect(nextOf(record)).toBeGreaterThan(1);
    expect(nextOf(record)).toBeLessThan(20);
    world.settle();
    world.check();
  });
});

test("a heap has the earliest first, whatever was added and taken out", () => {
  const steps = fc.array(fc.record({ next: fc.nat(20), remove: fc.option(fc.nat()) }));
  fc.assert(
    fc.property(steps, (all) => {
      const heap = new NextHeap();
      const held: Watch[] = [];
      for (const { next, remove } of all) {
        const [out] = remove === null ? [] : held.splice(remove % (held.length || 1), 1);
        if (out !== undefined) {
          out.next += 7;
          heap.remove(out);
        }
        const watch = { next, heapAt: 0 } as Watch;
        held.push(watch);
        heap.add(watch);
        expect(heap.first?.next).toBe(Math.min(...held.map((each) => each.next)));
      }
    }),
  );
});
