/** Who has the places for connections, without connections. */
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { PlaceShares, type PlaceTaker } from "../../../src/server/gateway/place-shares.ts";
import { SECRET_HOLDER } from "../../../src/store/index.ts";

const user = (name: string, remote = "10.0.0.1:5"): PlaceTaker => ({
  actor: { name, generation: 3 },
  remote,
});
const at = (remote: string): PlaceTaker => ({ actor: null, remote });
const holderAt = (remote: string): PlaceTaker => ({ actor: SECRET_HOLDER, remote });
const isRoot = (actor: PlaceTaker["actor"]): boolean =>
  actor?.name === "root" || actor?.name === "";

class World {
  readonly shares: PlaceShares<string>;
  readonly in = new Set<string>();
  #next = 0;
  constructor(max: number) {
    this.shares = new PlaceShares(max, isRoot);
  }
  /** @returns the guest; null: there is no place for it */
  come(name: string, taker: PlaceTaker): string | null {
    this.#next += 1;
    const guest = `${name} ${this.#next}`;
    const gone = this.shares.take(guest, taker);
    if (gone === "full") return null;
    if (gone !== null) this.in.delete(gone);
    this.in.add(guest);
    return guest;
  }
  go(guest: string): void {
    this.in.delete(guest);
    this.shares.giveBack(guest);
  }
  count(name: string): number {
    return [...this.in].filter((guest) => guest.startsWith(`${name} `)).length;
  }
}

describe("places for connections", () => {
  test("are all one client's while nobody else wants one, and no more than there are", () => {
    const world = new World(300);
    for (let i = 0; i < 300; i++) expect(world.come("ann", user("ann"))).not.toBeNull();
    expect(world.come("ann", user("ann"))).toBeNull();
    expect(world.count("ann")).toBe(300);
  });

  test("are shared when all are taken: who has fewer gets in, the latest of who has most goes and does not come back", () => {
    const world = new World(4);
    for (let i = 0; i < 4; i++) world.come("ann", user("ann"));
    expect(world.come("bob", user("bob"))).toBe("bob 5");
    expect([...world.in]).toEqual(["ann 1", "ann 2", "ann 3", "bob 5"]);
    expect(world.come("ann", user("ann"))).toBeNull();
    expect(world.come("bob", user("bob"))).toBe("bob 7");
    expect(world.come("bob", user("bob"))).toBeNull();
    expect(world.come("ann", user("ann"))).toBeNull();
    expect([world.count("ann"), world.count("bob")]).toEqual([2, 2]);
    world.go("ann 1");
    expect(world.come("bob", user("bob"))).not.toBeNull();
  });

  test("count by address where there are no users, all of an IPv6 network as one", () => {
    const world = new World(3);
    world.come("net", at("[2001:db8::1]:1"));
    world.come("net", at("[2001:db8::2]:2"));
    world.come("net", at("[2001:db8::3]:3"));
    expect(world.come("other", at("10.0.0.2:1"))).not.toBeNull();
    expect(world.come("net", at("[2001:db8::4]:4"))).toBeNull();
    // A user is the same one from wherever he comes.
    const users = new World(2);
    users.come("ann", user("ann", "10.0.0.1:1"));
    users.come("ann", user("ann", "10.0.0.2:1"));
    expect(users.come("ann", user("ann", "10.0.0.3:1"))).toBeNull();
    expect(users.come("bob", user("bob", "10.0.0.3:1"))).not.toBeNull();
  });

  test("are there for those who go first as long as others have any, and are not taken from them", () => {
    const world = new World(3);
    for (const name of ["ann", "bob", "cid"]) world.come(name, user(name));
    expect(world.come("root", user("root"))).not.toBeNull();
    expect(world.come("holder", holderAt("10.0.0.9:1"))).not.toBeNull();
    expect(world.come("root", user("root"))).not.toBeNull();
    expect([world.count("root"), world.count("holder")]).toEqual([2, 1]);
    expect(world.come("ann", user("ann"))).toBeNull();
    expect(world.come("root", user("root"))).toBeNull();
  });

  test("whoever comes and goes: there are never too many, and who is refused has his share", () => {
    const step = fc.record({ name: fc.constantFrom("ann", "bob", "root"), leaves: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        (steps, max) => {
          const world = new World(max);
          for (const { name, leaves } of steps) {
            const first = [...world.in].find((guest) => guest.startsWith(`${name} `));
            if (leaves && first !== undefined) {
              world.go(first);
              continue;
            }
            const came = world.come(name, user(name));
            expect(world.in.size).toBeLessThanOrEqual(max);
            if (came !== null) continue;
            expect(world.in.size).toBe(max);
            if (name === "root") expect(world.count("root")).toBe(max);
            else {
              const other = name === "ann" ? "bob" : "ann";
              expect(world.count(other)).toBeLessThanOrEqual(world.count(name) + 1);
            }
          }
        },
      ),
    );
  });
});
