/** Who may watch what, and for how long. */
import { describe, expect, test } from "vitest";
import { SECRET_HOLDER, type AccessChange, type Actor } from "../../src/store/index.ts";
import { TURN, type WatchLimits } from "../../src/replica/watches/watch-limits.ts";
import type { WatchedWish } from "../../src/proof/simulator/watch-check.ts";
import { nextOf } from "../../src/proof/simulator/watch-notes.ts";
import { fromSnapshot, key, snapshotBytes, type Command } from "../store/helpers.ts";
import { type Client, WISH, World } from "./watch-world.ts";

describe("rights", () => {
  const a = { start: key("a"), end: key("b") };
  const SETUP: readonly AccessChange[] = [
    { kind: "addUser", user: "root", passwordHash: "h" },
    { kind: "grantRole", user: "root", role: "root" },
    { kind: "addUser", user: "ann", passwordHash: "h" },
    { kind: "addRole", role: "r" },
    { kind: "permit", role: "r", may: "read", ...a },
    { kind: "grantRole", user: "ann", role: "r" },
    { kind: "turnOn", tokenKey: "k" },
  ];
  const OF_A: WatchedWish = { ...WISH, start: "a", end: "b" };
  /** To turn access control on, the last of these, signs everybody out. */
  const ANN: Actor = { name: "ann", generation: SETUP.length };
  const write = (value: string): Command => ({ op: "write", key: "a", value });

  function secured(limits: Partial<WatchLimits> = {}): {
    world: World;
    ann: Client;
    other: Client;
  } {
    const world = new World(limits);
    const [ann, other] = world.clients as [Client, Client];
    world.asHolder(...SETUP);
    ann.actor = ANN;
    return { world, ann, other };
  }

  test("a watch is created for who may read all of its range", () => {
    const { world, ann, other } = secured();
    const asked = [OF_A, { ...OF_A, end: "c" }, WISH].map((wish) => ann.create(world.hub, wish)[1]);
    asked.push(other.create(world.hub, OF_A)[1]);
    world.turn();
    expect(asked.map(({ created, ended }) => [created, ended?.code])).toEqual([
      [1, undefined],
      [null, "FORBIDDEN"],
      [null, "FORBIDDEN"],
      [null, "UNAUTHENTICATED"],
    ]);
    expect(world.hub.stats.watches).toBe(1);
  });

  test.each<[string, AccessChange, string]>([
    ["permission", { kind: "forbid", role: "r", ...a }, "FORBIDDEN"],
    ["role", { kind: "revokeRole", user: "ann", role: "r" }, "FORBIDDEN"],
    ["password", { kind: "setPassword", user: "ann", passwordHash: "i" }, "UNAUTHENTICATED"],
    ["user", { kind: "deleteUser", user: "ann" }, "UNAUTHENTICATED"],
  ])("it ends with its %s, and is told of nothing behind that", (_, change, code) => {
    for (const isOneEntry of [true, false]) {
      const { world, ann, other } = secured();
      other.actor = SECRET_HOLDER;
      const [, own] = ann.create(world.hub, OF_A);
      const [, all] = other.create(world.hub, WISH);
      world.asHolder(write("before"));
      if (isOneEntry) world.asHolder(change, write("after"));
      else {
        world.asHolder(change);
        world.asHolder(write("after"));
      }
      world.settle();
      expect(own.items.filter(({ kind }) => kind === "events")).toMatchObject([{ revision: 1 }]);
      expect(own.ended).toEqual({ code, revision: 2 });
      expect(nextOf(all)).toBe(3);
      expect(all.ended).toBeNull();
    }
  });

  test("one that is behind ends too, and so does one at a node that took over a snapshot", () => {
    const { world, ann, other } = secured();
    const [, slow] = ann.create(world.hub, OF_A);
    other.actor = { ...ANN };
    const [, live] = other.create(world.hub, OF_A);
    ann.reads = false;
    for (let i = 0; i < 10; i++) {
      world.asHolder(write("x".repeat(100)));
      world.turn();
    }
    expect(world.hub.stats.behind).toBe(1);
    const { state } = world;
    world.state = fromSnapshot(snapshotBytes(state.clone()));
    world.turn();
    expect(world.hub.stats.watches).toBe(2);
    world.asHolder({ kind: "deleteRole", role: "r" }, write("after"));
    world.settle();
    for (const { ended } of [slow, live]) expect(ended?.code).toBe("FORBIDDEN");
    expect(nextOf(live)).toBe(11);
    expect(nextOf(slow)).toBeLessThan(11);
    expect(world.hub.stats).toMatchObject({ watches: 0, behind: 0 });
  });

  test("while many are judged, none is told of anything, and all are in the end", () => {
    const { world, ann, other } = secured();
    other.actor = SECRET_HOLDER;
    const own = Array.from({ length: 5000 }, () => ann.create(world.hub, OF_A)[1]);
    const [, all] = other.create(world.hub, WISH);
    world.turn();
    world.asHolder({ kind: "addRole", role: "s" }, write("after"));
    world.turn();
    expect([...own, all].filter(({ items }) => items.length > 0)).toEqual([]);
    world.settle();
    for (const { ended } of own) expect(ended).toBeNull();
    expect(own.every((record) => nextOf(record) === 2)).toBe(true);
    expect(nextOf(all)).toBe(2);
  });

  test("a turn that has time for one alone gets there, too", () => {
    const { world, ann, other } = secured({ turn: { ...TURN, judged: 1 } });
    other.actor = SECRET_HOLDER;
    const own = [1, 2].map(() => ann.create(world.hub, OF_A)[1]);
    const [, all] = other.create(world.hub, WISH);
    world.asHolder({ kind: "forbid", role: "r", ...a }, write("after"));
    world.settle();
    for (const { ended } of own) expect(ended?.code).toBe("FORBIDDEN");
    expect(nextOf(all)).toBe(2);
  });

  test("whoever is nobody any more is told so within an interval of progress", () => {
    const { world, ann } = secured();
    const [, own] = ann.create(world.hub, OF_A);
    world.turn();
    ann.actor = null;
    for (let i = 0; i < 3; i++) world.hub.tick(0);
    world.turn();
    expect(own.ended).toEqual({ code: "UNAUTHENTICATED", revision: 1 });
  });

  test("with access control off again nobody is asked", () => {
    const { world, other } = secured();
    world.asHolder({ kind: "turnOff" });
    const [, record] = other.create(world.hub, WISH);
    world.turn();
    expect(record).toMatchObject({ created: 1, ended: null });
  });

  test("with access control off again who owes the secret is told nothing", () => {
    const { world, ann } = secured();
    ann.onlyWhileOn = true;
    const [, own] = ann.create(world.hub, OF_A);
    world.turn();
    world.asHolder({ kind: "turnOff" }, write("after"));
    world.settle();
    expect(own).toMatchObject({ ended: { code: "UNAUTHENTICATED", revision: 1 } });
    expect(nextOf(own)).toBe(1);
    const [, again] = ann.create(world.hub, OF_A);
    world.turn();
    expect(again).toMatchObject({ created: null, ended: { code: "UNAUTHENTICATED" } });
  });
});
