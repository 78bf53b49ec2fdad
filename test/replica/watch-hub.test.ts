/**
 * The hub against the six promises (src/proof/simulator/watch-check.ts), on a state that changes in every way: writes, deletions,
 * transactions, compaction, snapshots with and without history; with readers that stop and go on.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TxnOp } from "../../src/store/index.ts";
import {
  DEFAULT_WATCH_LIMITS,
  TURN,
  watchLimitsFor,
} from "../../src/replica/watches/watch-limits.ts";
import type { WatchedWish } from "../../src/proof/simulator/watch-check.ts";
import { nextOf } from "../../src/proof/simulator/watch-notes.ts";
import { key, type Command } from "../store/helpers.ts";
import { Client, UNREAD_MAX, WISH, World } from "./watch-world.ts";

const name = fc.constantFrom("a", "b", "c", "ca", "d");
const write = fc.record({
  op: fc.constant("write" as const),
  key: name,
  value: fc.constantFrom("1", "22", "x".repeat(150)),
});
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: write },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("delete" as const), key: name }) },
);
const wish: fc.Arbitrary<WatchedWish> = fc
  .record({
    start: fc.constantFrom("", "a", "b", "c"),
    end: fc.constantFrom(null, "b\0", "cb", "d"),
    from: fc.constant(null),
    previous: fc.boolean(),
    puts: fc.boolean(),
    deletes: fc.boolean(),
  })
  .filter(({ start, end, puts, deletes }) => (end === null || start < end) && (puts || deletes));
const client = fc.integer({ min: 0, max: 1 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ run: fc.array(command, { minLength: 1, maxLength: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ transact: fc.uniqueArray(name, { minLength: 1 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ watch: client, wish, back: fc.integer({ min: -2, max: 9 }) }),
  },
  { weight: 3, arbitrary: fc.record({ pause: client }) },
  { weight: 3, arbitrary: fc.record({ read: client }) },
  { weight: 1, arbitrary: fc.record({ cancel: client, which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ progress: client, which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ compact: fc.nat({ max: 6 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ install: fc.array(command, { minLength: 1, maxLength: 4 }) }),
  },
  { weight: 6, arbitrary: fc.record({ tick: fc.constant(true) }) },
);

function take(world: World, at: StepOf): void {
  const { hub, clients } = world;
  if ("run" in at) world.run(...at.run);
  else if ("transact" in at) {
    world.transact(
      ...at.transact.map((text, i): TxnOp => {
        const own = { key: key(text) };
        return i % 3 === 2
          ? { op: "delete", where: own, previous: false }
          : { op: "put", ...own, value: key("t".repeat(80 * i)), previous: false };
      }),
    );
  } else if ("watch" in at) {
    const from = at.back < 0 ? null : Math.max(1, world.state.revision + 1 - at.back);
    clients[at.watch]?.create(hub, { ...at.wish, from: at.back === 9 ? (from ?? 0) + 14 : from });
  } else if ("pause" in at) clients[at.pause]!.reads = false;
  else if ("read" in at) {
    clients[at.read]!.reads = true;
    clients[at.read]!.read();
  } else if ("cancel" in at) {
    clients[at.cancel]?.ask(hub, { kind: "cancel", watch: 1 + (at.which % 5) });
  } else if ("progress" in at) {
    clients[at.progress]?.ask(hub, { kind: "progress", watch: 1 + (at.which % 5) });
  } else if ("compact" in at) {
    const revision = world.state.revision - at.compact;
    if (revision >= 1) world.compact(revision);
  } else if ("install" in at) world.install(...at.install);
  else {
    hub.tick(0);
    world.turn();
  }
}

/** Nearly everything takes several turns. */
const SMALL_TURN = {
  ...{ ...TURN, changes: 2, pastChanges: 2, records: 2 },
  ...{ bytes: 100, revisionKeys: 1, partBytes: 1 },
};

type StepOf = typeof step extends fc.Arbitrary<infer T> ? T : never;

test("every watch is told what the log says, whatever happens", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.boolean(), (steps, isSmall) => {
      const world = new World(isSmall ? { turn: SMALL_TURN } : {});
      for (const each of steps) take(world, each);
      world.settle();
      const open = world.clients
        .flatMap(({ notes }) => notes.records)
        .filter((r) => r.ended === null);
      // All that are open ask, and are told that they have everything.
      for (const each of world.clients) {
        for (let watch = 1; watch <= 80; watch++) each.ask(world.hub, { kind: "progress", watch });
      }
      world.settle();
      world.check();
      for (const record of open) {
        expect(nextOf(record)).toBeGreaterThan(world.state.revision);
      }
      expect(world.hub.stats).toMatchObject({ watches: open.length, behind: 0 });
    }),
    { numRuns: 300 },
  );
});

describe("a reader that is slow", () => {
  test("holds no more than its share, and joins again without a gap", () => {
    const world = new World();
    const [slow, fast] = world.clients as [Client, Client];
    slow.create(world.hub, WISH);
    fast.create(world.hub, WISH);
    slow.reads = false;
    for (let i = 0; i < 500; i++) {
      world.run({ op: "write", key: "a", value: "x".repeat(100) });
      world.turn();
    }
    expect(slow.unreadBytes()).toBeLessThan(UNREAD_MAX + 400);
    expect(world.hub.stats).toMatchObject({ watches: 2, behind: 1, slowed: 1 });
    world.settle();
    expect(world.hub.stats).toMatchObject({ watches: 2, behind: 0 });
    world.check();
    expect(nextOf(slow.notes.records[0]!)).toBe(501);
  });

  test("is told when what it needs is gone, and from where on there is something", () => {
    const world = new World();
    const [slow] = world.clients as [Client];
    const [, record] = slow.create(world.hub, WISH);
    slow.reads = false;
    for (let i = 0; i < 20; i++) world.run({ op: "write", key: "a", value: "x".repeat(100) });
    world.compact(15);
    world.settle();
    world.check();
    expect(record.ended).toEqual({ code: "COMPACTED", revision: 15 });
  });
});

describe("an entry that changes more than the history holds", () => {
  const all: TxnOp = { op: "delete", where: { start: key("k"), end: key("l") }, previous: false };

  test.each([
    ["few keys", 50, 1000, null],
    ["so many that they are told by themselves", 700, 2000, "COMPACTED"],
  ])("%s: ends no watch of others, nor one that can be told at once", (_, keys, size, ended) => {
    const world = new World({ unreadBytes: 1 << 20 });
    const [client] = world.clients as [Client];
    for (let i = 0; i < keys; i++) {
      world.run({ op: "write", key: `k${i}`, value: "v".repeat(size) });
    }
    world.boundHistory(4096);
    const [, others] = client.create(world.hub, { ...WISH, start: "w", end: null });
    const [, touched] = client.create(world.hub, { ...WISH, start: "k", end: "l" });
    world.turn();
    world.run({ op: "write", key: "w", value: "before" });
    world.transact(all);
    world.run({ op: "write", key: "w", value: "after" });
    world.settle();
    world.check();
    expect(others.ended).toBeNull();
    expect(others.items.filter(({ kind }) => kind === "events")).toHaveLength(2);
    expect(touched.ended?.code ?? null).toBe(ended);
  });
});

describe("a watch from the past", () => {
  test.each([1, 16])("catches up with %i keys that are changed very often", (keys) => {
    const world = new World({ unreadBytes: 1 << 20 });
    for (let i = 0; i < 8000; i++) {
      world.run({ op: "write", key: `k${i % keys}`, value: `${i}` });
    }
    const [reader] = world.clients as [Client];
    const [, record] = reader.create(world.hub, { ...WISH, from: 1 });
    // Each change is looked at three times, at most, and passed over once.
    expect(world.settle()).toBeLessThan((3.5 * 8000) / TURN.pastChanges);
    world.check();
    expect(nextOf(record)).toBe(8001);
  });
});

describe("a revision of many keys", () => {
  const many = (count: number): TxnOp[] => [
    { op: "delete", where: { start: key(""), end: null }, previous: false },
    ...Array.from({ length: count }, (): TxnOp => ({
      op: "get",
      where: { key: key("a") },
      limit: 1,
      keysOnly: true,
      countOnly: false,
    })),
  ];

  test("comes in parts that make one batch", () => {
    const world = new World({ unreadBytes: 64 * 1024 });
    const [reader, other] = world.clients as [Client, Client];
    const keys = Array.from({ length: 700 }, (_, i) => `k${i}`);
    for (const each of keys) world.run({ op: "write", key: each, value: "v".repeat(2000) });
    const [, record] = reader.create(world.hub, WISH);
    const [, some] = other.create(world.hub, { ...WISH, start: "k1", end: "k2", previous: false });
    const [, none] = other.create(world.hub, { ...WISH, start: "z", end: null });
    reader.reads = false;
    world.transact(...many(1));
    world.run({ op: "write", key: "k1", value: "again" });
    world.turn();
    expect(record.items).toEqual([]);
    world.settle();
    world.check();
    const batches = record.items.flatMap((item) =>
      item.kind === "events" ? [[item.revision, item.events.length]] : [],
    );
    expect(batches).toEqual([
      [701, 700],
      [702, 1],
    ]);
    expect(some.items.filter(({ kind }) => kind === "events")).toHaveLength(2);
    expect(none.items.filter(({ kind }) => kind === "events")).toEqual([]);
  });

  test.each([TURN.changes, 5000])("may be of as many as a turn looks at, or more: %i", (count) => {
    const world = new World({ unreadBytes: 64 * 1024 });
    const [reader, other] = world.clients as [Client, Client];
    for (let i = 0; i < count; i++) world.run({ op: "write", key: `k${i}`, value: "" });
    world.settle();
    const records = [
      reader.create(world.hub, WISH)[1],
      reader.create(world.hub, { ...WISH, start: "k1", end: "k10" })[1],
      other.create(world.hub, { ...WISH, puts: false })[1],
    ];
    world.transact({ op: "delete", where: { start: key(""), end: null }, previous: false });
    world.run({ op: "write", key: "k1", value: "again" });
    world.run({ op: "delete", key: "k1" });
    const deleted = world.state.revision - 2;
    records.push(other.create(world.hub, { ...WISH, from: deleted })[1]);
    world.settle();
    world.check();
    const told = records.map(({ items }) =>
      items.flatMap((item) => (item.kind === "events" ? [item.revision - deleted] : [])),
    );
    expect(told).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [0, 2],
      [0, 1, 2],
    ]);
  });

  test("of a reader without room takes nothing of the turn from the others", () => {
    const world = new World({ unreadBytes: 64 * 1024 });
    const [reader, other] = world.clients as [Client, Client];
    const count = TURN.changes + 1;
    for (let i = 0; i < count; i++) world.run({ op: "write", key: `k${i}`, value: "" });
    world.settle();
    reader.create(world.hub, WISH);
    const [, record] = other.create(world.hub, WISH);
    reader.reads = false;
    for (let i = 0; i < 4; i++) world.run({ op: "write", key: "k1", value: "v".repeat(32 * 1024) });
    world.transact({ op: "delete", where: { start: key(""), end: null }, previous: false });
    for (let i = 0; i < 20; i++) world.turn();
    const last = record.items.findLast(({ kind }) => kind === "events");
    expect(last).toMatchObject({ revision: world.state.revision });
    world.settle();
    world.check();
  });
});

describe("what a connection may have", () => {
  test("is bounded", () => {
    const world = new World({ perConnection: 3 });
    const [first] = world.clients as [Client];
    const records = Array.from({ length: 4 }, () => first.create(world.hub, WISH)[1]);
    world.settle();
    expect(records.map(({ ended }) => ended?.code ?? null)).toEqual([
      null,
      null,
      null,
      "OVERLOADED",
    ]);
  });

  test("is free again when it has gone", () => {
    const world = new World({ perNode: 1 });
    const [first, second] = world.clients as [Client, Client];
    first.create(world.hub, WISH);
    world.settle();
    world.hub.forget(first.id);
    const [, record] = second.create(world.hub, WISH);
    world.settle();
    expect(record).toMatchObject({ created: 1, ended: null });
    expect(world.hub.stats.watches).toBe(1);
  });
});

describe("what a client may have, on all its connections", () => {
  /** @returns what came of so many watches that are asked for, one after the other: null, or why there is no room */
  function ask(world: World, client: Client, count: number): (string | null)[] {
    const records = Array.from({ length: count }, () => client.create(world.hub, WISH)[1]);
    world.settle();
    return records.map(({ ended }) => ended?.code ?? null);
  }
  const answers = (given: number, refused: number): (string | null)[] => [
    ...Array.from({ length: given }, () => null),
    ...Array.from({ length: refused }, () => "OVERLOADED"),
  ];
  function from(remote: string, id: number, name = ""): Client {
    const client = new Client(id);
    client.remote = remote;
    client.actor = name === "" ? null : { name, generation: 1 };
    return client;
  }

  test("is no more than is left for others: half of the node, and whoever comes next finds room", () => {
    const world = new World({ perNode: 16 });
    const greedy = [from("::1:700", 11), from("::1:701", 12)] as const;
    const others = [from("10.0.0.7:1", 13), from("10.0.0.8:1", 14)] as const;
    world.clients.push(...greedy, ...others);
    expect(ask(world, greedy[0], 5)).toEqual(answers(5, 0));
    expect(ask(world, greedy[1], 5)).toEqual(answers(3, 2));
    expect(ask(world, others[0], 5)).toEqual(answers(4, 1));
    expect(ask(world, others[1], 5)).toEqual(answers(2, 3));
    world.hub.forget(greedy[0].id);
    expect(world.hub.stats.watches).toBe(3 + 4 + 2);
    expect(ask(world, greedy[1], 5)).toEqual(answers(2, 3));
  });

  test("is one for all addresses of one IPv6 network of 64 bits", () => {
    const world = new World({ perNode: 16 });
    const all = ["2001:db8:1:2::5:70", "2001:db8:1:2:3:4:5:6:70", "2001:db8:1:3::5:70"] as const;
    const [one, same, other] = [from(all[0], 11), from(all[1], 12), from(all[2], 13)];
    world.clients.push(one, same, other);
    expect(ask(world, one, 5)).toEqual(answers(5, 0));
    expect(ask(world, same, 5)).toEqual(answers(3, 2));
    expect(same.notes.lastText).toContain("the network 2001:db8:1:2::/64 has 8 watches");
    expect(ask(world, other, 4)).toEqual(answers(4, 0));
  });

  test("is bounded, told apart by users where there are some, with a word of what helps", () => {
    const world = new World({ perClient: 2 });
    const [ann, ben] = [from("h:1", 11, "ann"), from("h:2", 12, "ben")];
    world.clients.push(ann, ben);
    expect(ask(world, ann, 3)).toEqual(answers(2, 1));
    expect(ask(world, ben, 1)).toEqual(answers(1, 0));
    expect(ann.notes.lastText).toBe(
      "user ann has 2 watches at this node, and what is left is for others: watch at another node, or watch a range of keys in place of each, or end some",
    );
  });

  test("is given back to whom it was taken from, whoever they are by then", () => {
    const world = new World({ perClient: 2 });
    const client = from("h:1", 11, "ann");
    world.clients.push(client);
    expect(ask(world, client, 2)).toEqual(answers(2, 0));
    client.actor = { name: "ben", generation: 2 };
    world.hub.forget(client.id);
    const again = from("h:2", 12, "ann");
    world.clients.push(again);
    expect(ask(world, again, 3)).toEqual(answers(2, 1));
  });

  test("names no more keys than are left for others to name", () => {
    const world = new World({ indexBytes: 10_000 });
    const long = { ...WISH, start: "k".repeat(700), end: null };
    const client = from("h:1", 11);
    world.clients.push(client);
    const records = Array.from({ length: 6 }, () => client.create(world.hub, long)[1]);
    world.settle();
    expect(records.filter(({ ended }) => ended === null)).toHaveLength(4);
  });

  test("a small heap has room for fewer bytes of them, a large one for no more than the bound", () => {
    const MIB = 2 ** 20;
    const bytesWith = (heapBytes: number | null): number =>
      watchLimitsFor(DEFAULT_WATCH_LIMITS, heapBytes).indexBytes / MIB;
    expect([100 * MIB, 1600 * MIB, 8000 * MIB, null].map(bytesWith)).toEqual([6.25, 96, 96, 96]);
  });
});

test("a client that begins and ends watches of the past again and again does not have all of it gone through each time", () => {
  const world = new World({ turn: { ...TURN, pastChanges: 50 } });
  const [reader] = world.clients as [Client];
  for (let i = 0; i < 6000; i++) world.run({ op: "write", key: `k${i % 10}`, value: "" });
  const turnsOf = (): number => {
    const [watch] = reader.create(world.hub, { ...WISH, start: "z", from: 1 });
    const turns = world.settle();
    reader.ask(world.hub, { kind: "cancel", watch });
    world.settle();
    return turns;
  };
  const first = turnsOf();
  expect(turnsOf()).toBeLessThan(0.6 * first);
  // What helps with it is not kept for ever.
  for (let tick = 0; tick < 600; tick++) world.hub.tick(0);
  expect(turnsOf()).toBeGreaterThan(0.9 * first);
});

test("to ask for progress is answered when all up to the revision of the question was sent", () => {
  const world = new World();
  const [reader] = world.clients as [Client];
  const [watch, record] = reader.create(world.hub, { ...WISH, start: "z" });
  world.settle();
  world.run({ op: "write", key: "a", value: "1" }, { op: "write", key: "a", value: "2" });
  reader.ask(world.hub, { kind: "progress", watch });
  world.settle();
  expect(record.items).toEqual([{ kind: "progress", revision: 2 }]);
});

test("a node that hears no leader says so once, to those who come later too, and once when it hears one", () => {
  const world = new World();
  const [first, second] = world.clients as [Client, Client];
  first.create(world.hub, WISH);
  world.settle();
  world.hub.tick(1);
  world.hub.tick(1);
  second.create(world.hub, WISH);
  world.settle();
  expect([first.notes.hearsLeader, second.notes.hearsLeader]).toEqual([false, false]);
  world.hub.tick(0);
  world.settle();
  expect([first.notes.hearsLeader, second.notes.hearsLeader]).toEqual([true, true]);
});

test("a write to one key costs no more when many others are watched", () => {
  const fastest = (watches: number): number => {
    const world = new World();
    const [reader] = world.clients as [Client];
    for (let i = 0; i < watches; i++) {
      reader.create(world.hub, { ...WISH, start: `k${i}`, end: `k${i}\0` });
    }
    world.settle();
    const rounds = Array.from({ length: 20 }, () => {
      const start = performance.now();
      for (let i = 0; i < 100; i++) {
        world.run({ op: "write", key: "k1", value: "v" });
        world.turn();
      }
      return performance.now() - start;
    });
    return Math.min(...rounds);
  };
  fastest(100);
  // A scan of 10,000 would be a hundred times as much.
  expect(fastest(10_000)).toBeLessThan(5 * fastest(100));
});

test("a node that may not serve ends its watches, and takes no others", () => {
  const world = new World();
  const [first] = world.clients as [Client];
  const [, record] = first.create(world.hub, WISH);
  world.run({ op: "write", key: "a", value: "1" });
  world.settle();
  world.hub.endAll("DIVERGED", "another node has another state");
  world.settle();
  expect(record.ended).toEqual({ code: "DIVERGED", revision: 2 });
  const later = first.notes.asked(9, "late", WISH);
  const refusal = { code: "DIVERGED", reason: "another node has another state" } as const;
  world.hub.request(first, [{ kind: "create", watch: 9, wish: { ...anyWish, from: 2 } }], refusal);
  world.settle();
  expect(later).toMatchObject({ created: null, ended: { code: "DIVERGED", revision: 2 } });
  expect(world.hub.stats.watches).toBe(0);
});

const anyWish = {
  start: key(""),
  end: null,
  previous: false,
  puts: true,
  deletes: true,
  notices: false,
};
