/** Links broken, lossy or slow on purpose, and made whole again. */
import { describe, expect, test } from "vitest";
import { pair, World } from "./sim-world.ts";

describe("links broken on purpose", () => {
  test("both directions by default: nothing passes, the socket stays up", () => {
    const { world, one, two } = pair();
    one.call((links) => expect(links.breakLink(2)).toBe(true));
    one.send(2, 1);
    two.send(1, 2);
    world.clock.run(10_000);
    expect(one.received(2)).toEqual([]);
    expect(two.received(1)).toEqual([]);
    expect(one.status(2)).toMatchObject({
      state: "connected",
      counters: { droppedIn: 1, droppedOut: 1, sessions: 1 },
    });
    expect(two.status(1).state).toBe("connected");
  });

  test.each([
    ["in", [], [1]],
    ["out", [2], []],
  ] as const)("%s only: the other direction is whole", (direction, atOne, atTwo) => {
    const { world, one, two } = pair();
    one.links.breakLink(2, [direction]);
    one.send(2, 1);
    two.send(1, 2);
    world.clock.run(10);
    expect(one.received(2)).toEqual(atOne);
    expect(two.received(1)).toEqual(atTwo);
    expect(one.links.faults()).toEqual([{ peer: 2, direction, dropPermille: 1000, delayMs: 0 }]);
  });

  test("only the link that was named is broken", () => {
    const world = new World([1, 2, 3]);
    const [one, , three] = [1, 2, 3].map((id) => world.start(id));
    world.clock.run(1000);
    one!.links.breakLink(2);
    three!.send(1, 9);
    one!.send(3, 8);
    world.clock.run(10);
    expect(one!.received(3)).toEqual([9]);
    expect(three!.received(1)).toEqual([8]);
  });

  test("a broken link stays broken when the socket reconnects, and is whole when the node restarts", () => {
    const { world, one, two } = pair();
    one.links.breakLink(2);
    world.network.breakConnections("n1", "n2");
    world.clock.run(2000);
    expect(one.status(2).counters.sessions).toBe(2);
    two.send(1, 1);
    world.clock.run(10);
    expect(one.received(2)).toEqual([]);
    world.network.crash("n1");
    const again = world.start(1);
    world.clock.run(2000);
    expect(again.links.faults()).toEqual([]);
    two.send(1, 2);
    world.clock.run(10);
    expect(again.received(2)).toEqual([2]);
  });

  test.each([["in", "out"], ["in"], ["out"]] as const)(
    "restoring starts the session anew at both ends (%s %s)",
    (...directions) => {
      const { world, one, two } = pair();
      one.links.breakLink(
        2,
        directions.filter((each) => each !== undefined),
      );
      world.clock.run(50);
      expect([one.count("session"), two.count("session")]).toEqual([1, 1]);
      one.call((links) => links.restoreLink(2));
      world.clock.run(10);
      expect([one.count("session"), two.count("session")]).toEqual([2, 2]);
      expect([one.count("end"), two.count("end")]).toEqual([0, 0]);
      one.send(2, 1);
      two.send(1, 2);
      world.clock.run(10);
      expect([one.received(2), two.received(1)]).toEqual([[2], [1]]);
      expect(one.status(2).counters.sessions).toBe(1);
    },
  );

  test("restoring what is whole, or only delaying, starts nothing anew", () => {
    const { world, one, two } = pair();
    one.links.restoreLink(2);
    one.links.setFault(2, ["in", "out"], { dropPermille: 0, delayMs: 10 });
    one.links.restoreLink(2);
    world.clock.run(100);
    expect([one.count("session"), two.count("session")]).toEqual([1, 1]);
  });

  test("while the other end keeps it broken, the news does not reach it; it comes when that end restores", () => {
    const { world, one, two } = pair();
    one.links.breakLink(2);
    two.links.breakLink(1);
    one.links.restoreLink(2);
    world.clock.run(100);
    expect([one.count("session"), two.count("session")]).toEqual([2, 1]);
    two.links.restoreLink(1);
    world.clock.run(100);
    expect([one.count("session"), two.count("session")]).toEqual([3, 2]);
  });

  test("restoring while the socket is down starts one session, when it is back", () => {
    const { world, one } = pair();
    one.links.breakLink(2);
    world.cut(1, 2, "reset");
    world.clock.run(100);
    one.links.restoreLink(2);
    world.clock.run(100);
    expect(one.count("session")).toBe(1);
    world.cut(1, 2, "none");
    world.clock.run(2000);
    expect(one.count("session")).toBe(2);
  });

  test("a delay keeps order, also when it shrinks, and adds up in both directions", () => {
    const { world, one, two } = pair();
    one.links.setFault(2, ["in", "out"], { dropPermille: 0, delayMs: 100 });
    one.send(2, 1);
    two.send(1, 1);
    world.clock.run(5);
    one.links.restoreLink(2);
    one.send(2, 2);
    two.send(1, 2);
    world.clock.run(90);
    expect([one.received(2), two.received(1)]).toEqual([[], []]);
    expect(one.status(2).bufferedBytes).toBeGreaterThan(0);
    world.clock.run(20);
    expect([one.received(2), two.received(1)]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  test("what is delayed dies with its session", () => {
    const { world, one, two } = pair();
    one.links.setFault(2, ["in", "out"], { dropPermille: 0, delayMs: 5000 });
    one.send(2, 1);
    two.send(1, 1);
    world.clock.run(10);
    world.network.breakConnections("n1", "n2");
    world.clock.run(20_000);
    expect(one.links.isConnected(2)).toBe(true);
    expect([one.received(2), two.received(1)]).toEqual([[], []]);
  });

  test("what is delayed on its way in is not delivered by a session that was ended", () => {
    const { world, one, two } = pair();
    one.links.setFault(2, ["in"], { dropPermille: 0, delayMs: 100 });
    one.onMessage = (peer) => one.links.end(peer, "another disk stands behind this peer");
    two.send(1, 1, 2);
    world.clock.run(5000);
    expect(one.received(2)).toEqual([1]);
    expect(one.count("session")).toBe(2);
  });

  test("a probability loses about so many, and reorders none", () => {
    const { world, one, two } = pair();
    one.links.setFault(2, ["out"], { dropPermille: 300, delayMs: 0 });
    one.send(2, ...Array.from({ length: 1000 }, (_, i) => i));
    world.clock.run(10);
    const got = two.received(1);
    expect(got.length).toBeGreaterThan(620);
    expect(got.length).toBeLessThan(780);
    expect(got).toEqual([...got].sort((a, b) => a - b));
    expect(one.status(2).counters.droppedOut).toBe(1000 - got.length);
  });

  test("an unknown peer is said to be unknown", () => {
    const { one } = pair();
    expect([one.links.breakLink(9), one.links.restoreLink(1)]).toEqual([false, false]);
  });
});
