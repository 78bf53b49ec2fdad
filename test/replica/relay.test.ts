/** Which neighbour serves the clients of a node that no leader feeds, and what becomes of what it was given. */
import { describe, expect, test } from "vitest";
import type { Lent } from "../../src/replica/relay/lent-requests.ts";
import { Relay } from "../../src/replica/relay/relay.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { AnswerWriter, ReadsWriter, writesFrame } from "../../src/protocol/client/client.ts";
import type { ReplicaMessage } from "../../src/protocol/messages/replica-message.ts";
import { bytes, groupBytes } from "../store/helpers.ts";

const WAIT_TICKS = 30;
const SILENT_TICKS = WAIT_TICKS / 3;
const BOOT = 77;

const group = groupBytes({
  session: 5,
  floor: 0,
  commands: [
    [3, { op: "write", key: "a", value: "1" }],
    [4, { op: "delete", key: "b" }],
  ],
});

class Bench {
  readonly sent: { to: number; message: ReplicaMessage }[] = [];
  readonly settled: Lent[] = [];
  readonly delivered: Uint8Array[] = [];
  #nextId = 100;
  readonly relay = new Relay({
    boot: BOOT,
    send: (to, message) => this.sent.push({ to, message }),
    answer: (route, frame) => route.deliver(frame),
    nextRouteId: () => this.#nextId++,
    onSettled: (lent) => this.settled.push(lent),
    replica: { timing: { waitTicks: WAIT_TICKS } },
  });
  isOpen = true;
  readonly client: Route = {
    ...{ id: 1, relayed: false, answers: new AnswerWriter(), load: new RouteLoad() },
    isOpen: () => this.isOpen,
    deliver: (frame) => this.delivered.push(frame),
  };

  passWrites(peer: number): number {
    const staged = {
      route: this.client,
      group,
      commands: 2,
      stagedTick: 0,
      maybeProposed: false,
      once: false,
    };
    this.relay.passWrites(peer, [staged], () => 0);
    return this.#lastName();
  }

  passReads(peer: number): number {
    const writer = new ReadsWriter();
    writer.read(8, bytes("a"));
    writer.read(9, bytes("b"));
    const frame = writer.take(false, 0);
    const read = { route: this.client, frame, local: false, arrivedTick: 0, count: 2 };
    this.relay.passReads(peer, [read], 0);
    return this.#lastName();
  }

  /** @param heard of these neighbours alone */
  ticks(count: number, ...heard: number[]): Lent["kind"][] {
    const back: Lent["kind"][] = [];
    for (let i = 0; i < count; i++) {
      back.push(...this.relay.tick((peer) => heard.includes(peer)).map(({ kind }) => kind));
    }
    return back;
  }

  #lastName(): number {
    const last = this.sent.at(-1)?.message;
    return last?.type === "relayRequest" ? last.id : -1;
  }
}

function answers(write: (writer: AnswerWriter) => void): Uint8Array {
  const writer = new AnswerWriter();
  write(writer);
  let frame: Uint8Array = new Uint8Array();
  writer.drain(1, (drained) => (frame = drained));
  return frame;
}

const written = (...sequences: number[]): Uint8Array =>
  answers((writer) => sequences.forEach((sequence) => writer.write(5, sequence, 0, 1, undefined)));
const refusal = (): Uint8Array =>
  answers((writer) => writer.refuseGroup(group, "NO_QUORUM", "nothing was changed"));

describe("the neighbour that is asked", () => {
  const frame = new Uint8Array(1);

  test("is one of those that are heard, each in its turn", () => {
    const { relay } = new Bench();
    expect(relay.pick([])).toBeUndefined();
    expect(new Set([relay.pick([2, 5]), relay.pick([2, 5])])).toEqual(new Set([2, 5]));
  });

  test("is not the one that gave the last frame back, whenever that comes back", () => {
    for (let pause = 0; pause < 5; pause++) {
      const { relay } = new Bench();
      for (let i = 0; i < 10; i++) {
        for (let idle = 0; idle < pause; idle++) relay.pick([2, 5]);
        const peer = relay.pick([2, 5]);
        if (peer === 5) break;
        relay.returned(2, 1, frame);
        expect(relay.pick([2, 5])).toBe(5);
      }
    }
  });

  test("is one that gave a frame back when all others did too", () => {
    const { relay } = new Bench();
    relay.returned(2, 1, frame);
    relay.returned(5, 1, frame);
    expect([2, 5]).toContain(relay.pick([2, 5]));
    relay.returned(2, 1, frame);
    expect(relay.pick([2])).toBe(2);
  });

  test("is another one after it lost a request", () => {
    const bench = new Bench();
    bench.passWrites(2);
    bench.ticks(1, 5);
    expect([bench.relay.pick([2, 5]), bench.relay.pick([2, 5])]).toEqual([5, 5]);
  });
});

describe("what a neighbour was given", () => {
  test("is settled when the last of its answers is there, and comes back no more", () => {
    const bench = new Bench();
    const name = bench.passWrites(2);
    expect(bench.relay.answered(2, name, written(3))).toBeNull();
    expect(bench.settled).toEqual([]);
    bench.relay.answered(2, name, written(4));
    expect(bench.settled).toMatchObject([{ kind: "writes" }]);
    expect(bench.delivered).toHaveLength(2);
    expect(bench.ticks(3 * WAIT_TICKS)).toEqual([]);
  });

  test("is taken back when the neighbour is not heard any more, reads and writes", () => {
    const bench = new Bench();
    bench.passWrites(2);
    bench.passReads(2);
    bench.passReads(5);
    expect(bench.ticks(1, 2, 5)).toEqual([]);
    expect(bench.ticks(1, 5)).toEqual(["writes", "reads"]);
    expect(bench.settled).toHaveLength(2);
  });

  test("is taken back when the neighbour is heard, but answers nothing", () => {
    const bench = new Bench();
    bench.passWrites(2);
    expect(bench.ticks(SILENT_TICKS, 2)).toEqual([]);
    expect(bench.ticks(1, 2)).toEqual(["writes"]);
  });

  test("is taken back when the neighbour answers others, once its client has waited for as long as any may", () => {
    const bench = new Bench();
    const name = bench.passReads(2);
    const back: string[] = [];
    for (let tick = 0; tick < WAIT_TICKS; tick++) {
      bench.relay.answered(2, name, written(tick));
      back.push(...bench.ticks(1, 2));
    }
    expect(back).toEqual([]);
    expect(bench.ticks(1, 2)).toEqual(["reads"]);
  });

  test("is answered by nobody else after that: a refusal may be wrong by then", () => {
    const bench = new Bench();
    const before = bench.passWrites(2);
    bench.ticks(1);
    const name = bench.passWrites(5);
    bench.relay.answered(2, before, refusal());
    bench.relay.answered(2, name, refusal());
    expect(bench.delivered).toEqual([]);
    bench.relay.answered(5, name, written(3, 4));
    expect(bench.delivered).toHaveLength(1);
  });

  test("comes back once, whoever gives it back", () => {
    const bench = new Bench();
    const before = bench.passWrites(2);
    const frame = writesFrame(group);
    expect(bench.ticks(1)).toEqual(["writes"]);
    expect(bench.relay.returned(2, before, frame)).toBeUndefined();
    const name = bench.passWrites(5);
    expect(bench.relay.returned(5, name, frame)).toBe(bench.client);
    expect(bench.relay.returned(5, name, frame)).toBeUndefined();
    expect(bench.ticks(2 * WAIT_TICKS)).toEqual([]);
  });

  test("is given up with its client", () => {
    const bench = new Bench();
    const name = bench.passWrites(2);
    bench.relay.forget(bench.client.id);
    expect(bench.settled).toHaveLength(1);
    expect(bench.ticks(2 * WAIT_TICKS)).toEqual([]);
    bench.relay.answered(2, name, written(3, 4));
    expect(bench.delivered).toEqual([]);
  });

  test("goes to a neighbour after its client has gone, and is forgotten once it is settled", () => {
    const bench = new Bench();
    bench.isOpen = false;
    // Its connection has ended: nobody says so again.
    bench.relay.forget(bench.client.id);
    const name = bench.passWrites(2);
    expect(bench.ticks(1, 2)).toEqual([]);
    expect(bench.relay.known).toEqual({ away: 1, guests: 0 });
    bench.relay.answered(2, name, written(3, 4));
    expect(bench.settled).toHaveLength(1);
    expect(bench.ticks(1, 2)).toEqual([]);
    expect(bench.relay.known).toEqual({ away: 0, guests: 0 });
  });

  test("is kept in mind as that of its client while the client is there", () => {
    const bench = new Bench();
    const name = bench.passWrites(2);
    bench.relay.answered(2, name, written(3, 4));
    bench.ticks(2 * WAIT_TICKS, 2);
    expect(bench.relay.known).toEqual({ away: 1, guests: 0 });
    expect(bench.passWrites(2)).toBe(name);
  });

  test("is not answered with what cannot be read", () => {
    const bench = new Bench();
    const name = bench.passWrites(2);
    expect(bench.relay.answered(2, name, new Uint8Array([3, 1, 2]))).toMatch(/cannot be read/);
    expect(bench.delivered).toEqual([]);
  });
});

test("a guest that comes with nothing for long is forgotten, unless something of it is under way", () => {
  const { relay } = new Bench();
  const idle = relay.guest(2, { boot: 9, id: 1 });
  const busy = relay.guest(2, { boot: 9, id: 2 });
  busy.load.commands = 1;
  for (let tick = 1; tick < 3 * WAIT_TICKS; tick++) {
    relay.tick(() => true);
    expect(relay.idleGuests()).toEqual([]);
  }
  relay.tick(() => true);
  expect(relay.idleGuests()).toEqual([idle]);
  expect(idle.isOpen()).toBe(false);
  expect(relay.guest(2, { boot: 9, id: 1 })).not.toBe(idle);
  expect(relay.guest(2, { boot: 9, id: 2 })).toBe(busy);
});

test("a guest rests after much was looked at for it, until time has paid for it", () => {
  const bench = new Bench();
  const guest = bench.relay.guest(2, { boot: 9, id: 1 });
  expect(guest.isResting?.()).toBe(false);
  guest.load.workBytes = 2 * 1024 * 1024;
  expect(guest.isResting?.()).toBe(true);
  expect(guest.load.workBytes).toBe(0);
  expect(bench.relay.guest(2, { boot: 9, id: 2 }).isResting?.()).toBe(false);
  bench.relay.nowMs = 15;
  expect(guest.isResting?.()).toBe(true);
  bench.relay.nowMs = 16;
  expect(guest.isResting?.()).toBe(false);
  // Its own node waits for longer than it may ever rest.
  guest.load.workBytes = 1e12;
  expect(guest.isResting?.()).toBe(true);
  bench.relay.nowMs += 256;
  expect(guest.isResting?.()).toBe(false);
});
