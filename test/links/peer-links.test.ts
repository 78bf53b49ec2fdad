/** Supervised sessions and what goes wrong with them, on the simulated network: no real time passes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { latencyBucket } from "../../src/base/latency-buckets.ts";
import type { PeerLinksLimits } from "../../src/links/peer-links-options.ts";
import { encodeHandshake } from "../../src/protocol/handshake/handshake.ts";
import { LinkNode } from "./harness.ts";
import { pair, World } from "./sim-world.ts";

describe("sessions between nodes", () => {
  test("three nodes form one session per pair, dialed by the higher id", () => {
    const world = new World([1, 2, 3]);
    const nodes = [1, 2, 3].map((id) => world.start(id, { secret: "s" }));
    world.clock.run(1000);
    expect(world.network.connectionCount).toBe(3);
    for (const node of nodes) {
      for (const { peer, state, dials, counters } of node.links.status()) {
        expect({ state, dials, sessions: counters.sessions }).toEqual({
          state: "connected",
          dials: node.id > peer,
          sessions: 1,
        });
        expect(node.count(`session ${peer}`)).toBe(1);
      }
    }
  });

  test("messages of a turn arrive in order, in one frame", () => {
    const { world, one, two } = pair();
    const frames = one.status(2).counters.framesOut;
    one.send(2, ...Array.from({ length: 100 }, (_, i) => i));
    two.send(1, 7);
    world.clock.run(5);
    expect(two.received(1)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(one.received(2)).toEqual([7]);
    expect(one.status(2).counters.framesOut).toBe(frames + 1);
    expect(one.status(2).counters.messagesOut).toBe(100);
    expect(two.status(1).counters.messagesIn).toBe(100);
  });

  test("a message longer than a frame arrives whole, between its neighbours", () => {
    const { world, one, two } = pair({ limits: { frameBytesMax: 1000 } });
    const frame = Uint8Array.from({ length: 50_000 }, (_, i) => i);
    one.call((links) => {
      links.send(2, { type: "readIndex", boot: 7, id: 0, idx: 1 });
      links.send(2, { type: "relayAnswer", boot: 7, id: 1, frame });
      links.send(2, { type: "readIndex", boot: 7, id: 0, idx: 2 });
      links.flush();
    });
    world.clock.run(10);
    expect(two.events.slice(-3)).toEqual([
      "message 1: 1",
      "message 1: relayAnswer",
      "message 1: 2",
    ]);
    const { message } = two.messages[1]!;
    expect(message.type === "relayAnswer" && Buffer.from(message.frame).equals(frame)).toBe(true);
  });

  test("what is sent without a session is lost, and counted", () => {
    const world = new World();
    const one = world.start(1);
    one.send(2, 1, 2);
    world.start(2);
    world.clock.run(2000);
    expect(world.nodes.get(2)!.received(1)).toEqual([]);
    expect(one.status(2).counters.unsent).toBe(2);
  });

  test("a peer that comes later, or comes back, is connected within the back-off", () => {
    const world = new World();
    const two = world.start(2);
    world.clock.run(60_000);
    expect(two.status(1)).toMatchObject({ state: "down", reason: "connection refused" });
    const one = world.start(1);
    expect(world.clock.runUntil(() => two.links.isConnected(1), 1100)).toBe(true);
    world.clock.run(5000);
    world.network.crash("n1");
    world.clock.run(10);
    expect(two.events.at(-1)).toBe("end 1: connection lost");
    const again = world.start(1);
    expect(world.clock.runUntil(() => again.links.isConnected(2), 1100)).toBe(true);
    expect(two.status(1).counters.sessions).toBe(2);
    expect(one.count("session 2")).toBe(1);
  });

  test("attempts get rarer, up to one a second, and nodes do not keep step", () => {
    const world = new World();
    const two = world.start(2);
    const times: number[] = [];
    let attempts = 0;
    for (let ms = 0; ms < 20_000; ms++) {
      world.clock.run(1);
      const now = two.logged(/peer not reached/);
      if (now > attempts) times.push(world.clock.now());
      attempts = now;
    }
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    expect(gaps[0]).toBeLessThan(110);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1004);
    expect(Math.min(...gaps.slice(6))).toBeGreaterThanOrEqual(500);
    expect(new Set(gaps.slice(6)).size).toBeGreaterThan(5);
  });

  test("a newer connection of the same peer replaces the older one", () => {
    const { world, one, two } = pair();
    // The dialer's process dies without a word and starts again: the other end still holds the old connection.
    world.network.crash("n2", true);
    const again = world.start(2);
    world.clock.run(500);
    expect(again.links.isConnected(1)).toBe(true);
    expect(one.events.slice(-3)).toEqual([
      "session 2",
      "end 2: replaced by a newer connection",
      "session 2",
    ]);
    again.send(1, 5);
    world.clock.run(6000);
    expect(one.received(2)).toEqual([5]);
    expect(one.status(2)).toMatchObject({ state: "connected" });
    expect(two.received(1)).toEqual([]);
  });

  test("who is not welcome any more when its handshake ends has no session, and the older one stays", () => {
    let welcomes = Number.POSITIVE_INFINITY;
    const world = new World();
    const one = world.start(1, {
      refuse: () => (welcomes-- > 0 ? null : { code: "WENT_BACK", text: "it knows less" }),
    });
    const two = world.start(2);
    world.clock.run(500);
    expect(two.links.isConnected(1)).toBe(true);
    // Another process of node 2, on a copy of its disk. While it shakes hands, the first one tells what the copy does not know.
    welcomes = 1;
    const twin = new LinkNode({
      id: 2,
      peers: world.addresses,
      network: world.network.host("twin"),
      clock: world.clock.fork(),
    });
    twin.links.start();
    world.clock.run(2000);
    expect(one.count("session 2")).toBe(1);
    expect(two.links.isConnected(1)).toBe(true);
    expect(twin.links.isConnected(1)).toBe(false);
    expect(twin.events).toContain("refused by 1: WENT_BACK proved");
  });

  test("a black hole ends the session after the deadline, and a new one follows when it heals", () => {
    const { world, one, two } = pair();
    world.cut(1, 2, "blackHole");
    world.clock.run(5100);
    expect(one.events.at(-1)).toBe("end 2: no answer to pings");
    expect(two.events.at(-1)).toBe("end 1: no answer to pings");
    world.cut(1, 2, "none");
    world.clock.run(7000);
    expect(one.links.isConnected(2) && two.links.isConnected(1)).toBe(true);
  });

  test("the round trip is measured", () => {
    const { world, two } = pair({}, { delayMinMs: 7, delayMaxMs: 7 });
    world.clock.run(1100);
    expect(two.status(1).roundTripMs).toBe(14);
    const { roundTrips, roundTripsMs } = two.status(1).counters;
    expect([roundTrips[latencyBucket(14)], roundTripsMs]).toEqual([1, 14]);
  });

  test("a node that was stopped says nothing more and dials no more", () => {
    const { world, one, two } = pair();
    two.links.stop();
    world.clock.run(5000);
    expect(one.events.at(-1)).toBe("end 2: node stops");
    expect(two.count("end")).toBe(0);
    expect(world.network.connectionCount).toBe(0);
  });
});

describe("bounds", () => {
  const limits: Partial<PeerLinksLimits> = { sendBufferBytesMax: 10_000 };
  const big = { type: "relayAnswer", boot: 7, id: 1, frame: new Uint8Array(3000) } as const;

  test("a peer that takes nothing costs bounded memory: the session ends, and a new one is whole", () => {
    const { world, one, two } = pair({ limits });
    world.network.setPath("n1", "n2", { cut: "blackHole" });
    for (let i = 0; i < 100; i++) {
      one.call((links) => {
        links.send(2, big);
        links.flush();
      });
      expect(one.status(2).bufferedBytes).toBeLessThan(10_000 + 3100);
    }
    world.clock.run(10);
    expect(one.events.at(-1)).toMatch(/^end 2: send buffer full/);
    expect(one.status(2).counters.overflows).toBe(1);
    expect(one.logged(/send buffer for n2 is full/)).toBe(1);
    world.network.setPath("n1", "n2", { cut: "none" });
    world.clock.run(10_000);
    expect(one.links.isConnected(2)).toBe(true);
    one.send(2, 1);
    world.clock.run(10);
    // No hole: what arrived of the old session is its beginning, and the new one starts with the new message.
    expect(two.received(1)).toEqual([1]);
  });

  test("messages held back by a delay count too, in both directions", () => {
    for (const direction of ["in", "out"] as const) {
      const { world, one, two } = pair({ limits });
      one.links.setFault(2, [direction], { dropPermille: 0, delayMs: 60_000 });
      const [from, to] = direction === "out" ? [one, 2] : [two, 1];
      for (let i = 0; i < 10; i++) {
        from.call((links) => {
          links.send(to, big);
          links.flush();
        });
      }
      world.clock.run(10);
      expect(one.status(2).counters.overflows).toBe(1);
      expect(one.count("end 2: send buffer full")).toBe(1);
    }
  });

  test("a message above the limit ends the session instead of never arriving", () => {
    const { world, one } = pair({ limits: { messageBytesMax: 2000 } });
    one.call((links) => links.send(2, big));
    world.clock.run(10);
    expect(one.events.at(-1)).toMatch(/^end 2: send buffer full: relayAnswer of 3\d\d\d bytes/);
  });
});

describe("who is not let in", () => {
  test("a node whose directory was emptied learns it, provably, whichever side dials", () => {
    for (const secret of [null, "s"]) {
      for (const lost of [1, 2]) {
        const world = new World();
        const known = new Map<number, string>();
        const other = 3 - lost;
        world.start(other, { known, secret });
        world.start(lost, { secret });
        world.clock.run(2000);
        world.network.crash(`n${lost}`);
        const empty = world.start(lost, { secret, incarnation: "second" });
        world.clock.run(3000);
        expect(empty.events).toContain(`refused by ${other}: LOST_IDENTITY proved`);
        expect(empty.count("session")).toBe(0);
        expect(empty.logged(/came back with an empty directory; restore it/)).toBe(1);
      }
    }
  });

  test("a wrong secret is refused, said once, and tried again seldom", () => {
    const world = new World();
    const one = world.start(1, { secret: "a" });
    const two = world.start(2, { secret: "b" });
    world.clock.run(30_000);
    expect(two.events.length).toBeGreaterThan(20);
    expect(two.events.length).toBeLessThan(70);
    expect(new Set(two.events)).toEqual(new Set(["refused by 1: UNAUTHORIZED"]));
    expect(one.events).toEqual([]);
    expect([one.logged(/UNAUTHORIZED/), two.logged(/UNAUTHORIZED/)]).toEqual([1, 1]);
    expect(two.status(1)).toMatchObject({
      state: "down",
      reason: "the two sides do not have the same secret",
    });
  });

  test("another cluster's node is refused", () => {
    const world = new World();
    world.start(1, { clusterId: "green" });
    const two = world.start(2, { clusterId: "blue" });
    world.clock.run(100);
    expect(two.events[0]).toBe("refused by 1: WRONG_CLUSTER proved");
    expect(two.logged(/green.*blue/)).toBe(1);
  });

  test("a node that is no peer is refused", () => {
    const world = new World([1, 2, 3]);
    const three = world.start(3);
    world.addresses.delete(3);
    const one = world.start(1);
    world.clock.run(1100);
    expect(three.events).toContain("refused by 1: UNKNOWN_NODE proved");
    expect(one.logged(/node 3 is no peer of node 1/)).toBeGreaterThan(0);
  });

  test("strangers who say nothing are sent away after the deadline, and take no places", () => {
    const world = new World();
    const one = world.start(1);
    const stranger = world.network.host("stranger");
    const closes: string[] = [];
    for (let i = 0; i < 80; i++) {
      stranger.dial(world.addresses.get(1)!, "peer", {
        onOpen: () => {},
        onFrame: () => {},
        onClose: (reason) => closes.push(reason),
      });
    }
    world.start(2);
    world.clock.run(2000);
    expect(one.links.isConnected(2)).toBe(true);
    expect(closes).toEqual([]);
    world.clock.run(4000);
    expect(closes).toHaveLength(80);
    expect(one.links.isConnected(2)).toBe(true);
  });

  test("garbage before or after the handshake ends that connection, with the reason logged, and hurts no session", () => {
    const { world, one, two } = pair();
    const garbage = [
      Uint8Array.of(),
      Uint8Array.of(1, 2, 3),
      new Uint8Array(20_000),
      encodeHandshake({ kind: "ready" }, "peer"),
    ];
    for (const frame of garbage) {
      let closed = "";
      const connection = world.network.host("stranger").dial(world.addresses.get(1)!, "peer", {
        onOpen: () => connection.send(frame),
        onFrame: () => {},
        onClose: (reason) => (closed = reason),
      });
      world.clock.run(100);
      expect(closed).not.toBe("");
    }
    expect(one.logged(/peer connection refused.*BAD_HANDSHAKE/)).toBe(garbage.length);
    two.send(1, 1);
    world.clock.run(10);
    expect(one.received(2)).toEqual([1]);
    expect(one.status(2).counters.sessions).toBe(1);

    // A peer that has shaken hands and then sends what it must not.
    one.accepted[0]!.send(Uint8Array.of(9, 9, 9));
    world.clock.run(10);
    expect(two.logged(/peer sent what it must not.*malformed frame: frame of 3 bytes/)).toBe(1);
    expect(one.count("end 2: malformed frame: frame of 3 bytes")).toBe(1);
    world.clock.run(2000);
    expect(one.links.isConnected(2) && two.links.isConnected(1)).toBe(true);
    expect(two.status(1).counters.malformed).toBe(1);
  });
});

test("whatever breaks, each session delivers a gapless beginning of what was sent in it, and the end is a working link", () => {
  const action = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("send" as const),
        from: fc.constantFrom(1, 2),
        count: fc.integer({ min: 1, max: 5 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(1500) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("break" as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("path" as const),
        from: fc.constantFrom(1, 2),
        cut: fc.constantFrom("none" as const, "blackHole" as const, "reset" as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("delay" as const), ms: fc.nat(50) }) },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), fc.nat(), (actions, seed) => {
      const world = new World([1, 2], { delayMaxMs: 30, breakPermille: 5 }, seed);
      const nodes = [
        world.start(1, { limits: { frameBytesMax: 64 } }),
        world.start(2, { limits: { frameBytesMax: 64 } }),
      ];
      const sent = new Map<number, number>([
        [1, 0],
        [2, 0],
      ]);
      const next = (id: number): number => {
        sent.set(id, sent.get(id)! + 1);
        return sent.get(id)!;
      };
      for (const step of actions) {
        if (step.kind === "send")
          nodes[step.from - 1]!.send(
            3 - step.from,
            ...Array.from({ length: step.count }, () => next(step.from)),
          );
        else if (step.kind === "wait") world.clock.run(step.ms);
        else if (step.kind === "break") world.network.breakConnections("n1", "n2");
        else if (step.kind === "path")
          world.network.setPath(`n${step.from}`, `n${3 - step.from}`, {
            cut: step.cut,
          });
        else nodes[0]!.links.setFault(2, ["in", "out"], { dropPermille: 0, delayMs: step.ms });
      }
      world.network.setPath("n1", "n2", { cut: "none", breakPermille: 0 });
      world.network.setPath("n2", "n1", { cut: "none", breakPermille: 0 });
      nodes[0]!.links.restoreLink(2);
      world.clock.run(15_000);
      for (const node of nodes) {
        const peer = 3 - node.id;
        const before = node.received(peer).length;
        nodes[peer - 1]!.send(node.id, 1_000_000);
        world.clock.run(100);
        expect(node.received(peer).slice(before)).toEqual([1_000_000]);
        // Within a session numbers are consecutive; from one to the next they only grow.
        let last = 0;
        let fresh = true;
        for (const event of node.events) {
          if (event.startsWith("session")) fresh = true;
          if (!event.startsWith("message")) continue;
          const number = Number(event.split(": ")[1]);
          if (number === 1_000_000) break;
          if (fresh) expect(number).toBeGreaterThan(last);
          else expect(number).toBe(last + 1);
          last = number;
          fresh = false;
        }
      }
    }),
    { numRuns: 150 },
  );
});
