/** Whose password is hashed next, and who is turned away. */
import { describe, expect, test } from "vitest";
import type { KvError } from "../../../src/base/errors.ts";
import { SignInQueue, type Verdict } from "../../../src/server/gateway/sign-in-queue.ts";

/** A queue whose hashes end when the test says so. */
class World {
  nowMs = 0;
  readonly queue = new SignInQueue(() => this.nowMs);
  readonly done: string[] = [];
  readonly gone: string[] = [];
  #over: ((verdict: Verdict) => void) | null = null;

  enter(remote: string, user: string | null = "root", name = remote): KvError | null {
    return this.queue.enter(
      { remote, user },
      (over) => {
        this.done.push(name);
        this.#over = over;
      },
      () => this.gone.push(name),
    );
  }

  /** The hash that runs ends. @returns false: none does */
  end(verdict: Verdict): boolean {
    const over = this.#over;
    if (over === null) return false;
    this.#over = null;
    over(verdict);
    return true;
  }

  endAll(verdict: Verdict): void {
    while (this.end(verdict));
  }

  signInFrom(remote: string): void {
    const refused = this.enter(remote, "ann");
    if (refused !== null) throw refused;
    this.endAll("right");
  }
}

const crowd = (count: number, each: number): string[] =>
  Array.from({ length: count * each }, (_, i) => `10.0.0.${1 + Math.floor(i / each)}:${5000 + i}`);

describe("nobodies that come from many addresses", () => {
  test("leave the places of addresses from which somebody signed in, and every second hash", () => {
    const world = new World();
    world.signInFrom("192.168.1.1:4000");
    for (const remote of crowd(100, 8)) world.enter(remote);
    world.done.length = 0;
    for (let i = 0; i < 16; i++) {
      expect(world.enter(`192.168.1.1:${4001 + i}`, "ann", `ann ${i}`)).toBeNull();
    }
    for (let i = 0; i < 4; i++) world.end("wrong");
    expect(world.done.filter((name) => name.startsWith("ann"))).toEqual(["ann 0", "ann 1"]);
  });

  test("give way to an address that waits for nothing yet, those with most first", () => {
    const world = new World();
    for (const remote of crowd(9, 8)) world.enter(remote);
    for (const remote of crowd(20, 1)) world.enter(remote.replace("10.0.0", "10.0.1"));
    world.gone.length = 0;
    expect(world.enter("172.16.0.1:1", "ann", "ann")).toBeNull();
    world.done.length = 0;
    for (let i = 0; i < 60; i++) world.end("wrong");
    expect(world.done).toContain("ann");
  });

  test("of addresses that wait with one each, those that failed give way", () => {
    const world = new World();
    for (const remote of crowd(10, 1)) world.enter(remote);
    world.endAll("wrong");
    for (const remote of crowd(49, 1)) expect(world.enter(remote)).toBeNull();
    expect(world.enter("172.16.0.1:1", "ann", "ann")).toBeNull();
    expect(world.gone).toHaveLength(1);
    expect(crowd(10, 1)).toContain(world.gone[0]);
  });

  test("wait one after the other, so that whoever has one is not behind those who have many", () => {
    const world = new World();
    for (const remote of crowd(3, 8)) world.enter(remote);
    world.enter("172.16.0.1:1", "ann", "ann");
    for (let i = 0; i < 4; i++) world.end("wrong");
    expect(world.done).toContain("ann");
  });
});

describe("wrong passwords", () => {
  const wrong = (world: World, remote: string, user: string): KvError | null => {
    const refused = world.enter(remote, user);
    world.endAll("wrong");
    return refused;
  };

  test("of one address, and of the network of an address of IPv6, are tried once a second after a while", () => {
    for (const from of ["10.0.0.1", "[2001:db8:0:1::5]"]) {
      const world = new World();
      for (let i = 0; i < 20; i++) expect(wrong(world, `${from}:${i}`, `user${i}`)).toBeNull();
      const other = from.replace("::5", ":a:b:c:d");
      expect(wrong(world, `${other}:99`, "other")).toMatchObject({ code: "OVERLOADED" });
      expect(wrong(world, "10.0.0.2:1", "other")).toBeNull();
      expect(wrong(world, "[2001:db8:0:2::5]:1", "other")).toBeNull();
      world.nowMs += 1001;
      expect(wrong(world, `${from}:100`, "other")).toBeNull();
      expect(wrong(world, `${from}:101`, "other")).toMatchObject({ code: "OVERLOADED" });
    }
  });

  test("of one name hold up strangers, and not those who come from where somebody signed in", () => {
    const world = new World();
    world.signInFrom("192.168.1.1:4000");
    for (let i = 0; i < 50; i++) expect(wrong(world, `10.0.${i}.1:1`, "ann")).toBeNull();
    expect(wrong(world, "10.1.0.1:1", "ann")).toMatchObject({ code: "OVERLOADED" });
    expect(wrong(world, "10.1.0.1:1", "bob")).toBeNull();
    world.signInFrom("192.168.1.1:4001");
    world.nowMs += 250;
    expect(wrong(world, "10.1.0.2:1", "ann")).toBeNull();
  });
});

test("a change of a password waits in no stranger's place", () => {
  const world = new World();
  for (const remote of crowd(100, 8)) world.enter(remote);
  expect(world.enter("10.0.0.1:9", null, "change")).toBeNull();
  world.end("wrong");
  world.end("wrong");
  expect(world.done).toContain("change");
});
