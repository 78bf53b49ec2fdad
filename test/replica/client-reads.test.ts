/** Reads that wait, and those that are too much for one turn. */
import { expect, test } from "vitest";
import { EMPTY_ACCESS, KvState } from "../../src/store/index.ts";
import { AnswerOutbox } from "../../src/replica/turn/answer-outbox.ts";
import { ClientReads } from "../../src/replica/reads/client-reads.ts";
import type { PendingRead, WaitingPlace } from "../../src/replica/turn/apply-wait-queue.ts";
import { ReadIndex } from "../../src/replica/reads/read-index.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { RequestMetrics } from "../../src/replica/requests/request-metrics.ts";
import { writerTo } from "../store/helpers.ts";
import { AnswerWriter } from "../../src/protocol/client/client.ts";

const LED_BY_2 = { n: 1, priority: 0, pid: 2, configId: 1 };

function world({ readsMax = 100, readBytesMax = 1e9 } = {}) {
  const outbox = new AnswerOutbox();
  const served = new RequestMetrics();
  const routeOf = (id: number, relayed = false): Route => ({
    ...{ id, relayed, answers: new AnswerWriter(), load: new RouteLoad() },
    isOpen: () => true,
    deliver: () => {},
  });
  const route = routeOf(1);
  const answered: number[] = [];
  const state = new KvState();
  let appliedIdx = 0;
  let isCutOffForLong = false;
  let isHeldUp = false;
  /** The last round that asks the leader. */
  let askedId = 0;
  const refused: string[] = [];
  outbox.refuseRead = (_, code, text) => void refused.push(`${code}: ${text}`);
  // One key a turn.
  outbox.answerRead = (read) => {
    answered.push(read.count);
    const rest = read.count === 1 ? null : { ...read, count: read.count - 1 };
    return { count: 1, rest, work: 0 };
  };
  const reads = new ClientReads({
    ...{ waitTicks: 10, retryTicks: 5, slowTicks: 8, readsMax, readBytesMax, outbox },
    confirm: (handOver) =>
      new ReadIndex<WaitingPlace>(
        {
          ...{ pid: 1, boot: 1, peers: [2, 3], writeQuorum: 2, promise: LED_BY_2 },
          ...{ decidedIdx: 0, acceptedIdx: 0, isAcceptingLeader: false, adoptedIdx: 0 },
        },
        { roundsMax: 1, retryTicks: 50 },
        (_, message) => {
          if (message.type === "readRequest") askedId = message.id;
        },
        handOver,
      ),
    state: () => state,
    served,
    appliedIdx: () => appliedIdx,
    decidedIdx: () => appliedIdx,
    knownIdx: () => appliedIdx,
    isHeldUpByDisk: () => isHeldUp,
    isCutOffForLong: () => isCutOffForLong,
  });
  // Nobody looks into it here.
  const frame = new Uint8Array(0);
  const read = (count: number): PendingRead => ({
    ...{ route, frame, local: true, arrivedTick: 0, count },
  });
  /** Time passes; then the leader tells what the log had when all that asks was asked. */
  const learn = (idx: number, after = 6): void => {
    ticks(after);
    reads.rounds.flush();
    reads.rounds.receive(2, { type: "readIndex", boot: 1, id: askedId, idx });
  };
  const ticks = (count: number): void => {
    for (let i = 0; i < count; i++) {
      reads.tick();
      reads.expire();
    }
  };
  return {
    ...{ reads, route, routeOf, read, answered, refused, learn, ticks, state, served },
    heldUp: () => (isHeldUp = true),
    applied: (idx: number) => (appliedIdx = idx),
    cutOff: () => (isCutOffForLong = true),
  };
}

test("what a route has waiting is counted until it is answered, rests included", () => {
  const { reads, route, read, answered, applied } = world();
  reads.addLocal(read(3), 5);
  expect(route.load.reads).toBe(3);
  expect(reads.answerReady()).toBe(false);
  applied(5);
  reads.answerReady();
  expect(answered).toEqual([3, 2, 1]);
  expect(route.load.reads).toBe(0);
});

test("a node that may not serve any more gives up the rest of what it has half answered too", () => {
  const { reads, route, read } = world();
  reads.addLocal(read(3), 0);
  reads.addLocal(read(4), 7);
  expect(route.load.reads).toBe(2 + 4);
  expect(
    reads
      .removeAll()
      .map(({ count }) => count)
      .sort((a, b) => a - b),
  ).toEqual([2, 4]);
  expect(route.load.reads).toBe(0);
  expect(reads.answerReady()).toBe(false);
});

test("a local read for an index that the cluster never had is refused, one for an index to come waits", () => {
  const { reads, route, read, answered, refused, learn, applied } = world();
  reads.addLocal(read(1), 9);
  reads.addLocal(read(2), 7);
  learn(7);
  expect(refused).toEqual([
    expect.stringMatching(
      /^WRONG_CLUSTER: this client has seen 9 entries .* and the cluster has 7/,
    ),
  ]);
  expect(route.load.reads).toBe(2);
  applied(7);
  reads.answerReady();
  expect(answered).toEqual([2, 1]);
  expect(route.load.reads).toBe(0);
});

test("a local read for what is newer than a node that is cut off for long is refused at once", () => {
  const { reads, read, refused, answered, cutOff } = world();
  reads.addLocal(read(1), 3);
  expect(refused).toEqual([]);
  cutOff();
  reads.addLocal(read(1), 3);
  expect(refused).toEqual([
    "NO_QUORUM: this node is behind what this client has seen elsewhere, and hears of nothing newer",
  ]);
  // What it has it shows.
  reads.addLocal(read(1), 0);
  expect(answered).toEqual([1]);
});

test("a read for a least revision waits for its index, then for that revision, and is refused when that does not come", () => {
  const { reads, route, read, answered, refused, applied, state } = world();
  const { put } = writerTo(state);
  reads.addLocal({ ...read(1), atLeast: 1 }, 5);
  reads.addLocal({ ...read(1), atLeast: 2 }, 0);
  expect([reads.count, route.load.reads]).toEqual([2, 2]);
  put("a", "1");
  reads.answerReady();
  expect(answered).toEqual([]);
  applied(5);
  reads.answerReady();
  expect(answered).toEqual([1]);
  put("a", "2");
  reads.answerReady();
  expect(answered).toEqual([1, 1]);
  reads.addLocal({ ...read(1), atLeast: 2 }, 0);
  expect(answered).toEqual([1, 1, 1]);
  reads.addLocal({ ...read(3), atLeast: 9 }, 0);
  for (let i = 0; i < 11; i++) reads.tick();
  reads.expire();
  expect(refused).toEqual([
    "REVISION_AHEAD: revision 9 is not there yet at this node: the newest one is 2",
  ]);
  expect([reads.count, route.load.reads]).toEqual([0, 0]);
  reads.addLocal({ ...read(3), atLeast: 9 }, 0);
  expect(reads.removeAll()).toHaveLength(1);
  expect(route.load.reads).toBe(0);
});

test("of reads that took long it is told how many there were, and where the slowest one waited", () => {
  const { reads, read, applied, served, learn, state } = world();
  const pass = (ticks: number): void => {
    for (let i = 0; i < ticks; i++) reads.tick();
  };
  reads.addLocal(read(1), 0);
  expect(served.slowReads.take()).toBe(null);
  reads.add({ ...read(1), local: false });
  reads.add({ ...read(3), local: false });
  // The leader answers after six ticks, and this node has applied as much three ticks later.
  learn(5);
  pass(3);
  applied(5);
  reads.answerReady();
  const slowest = { ticks: 9, indexTicks: 6, applyTicks: 3 };
  expect(served.slowReads.take()).toEqual({ frames: 2, keys: 1, ...slowest });
  expect(served.slowReads.take()).toBe(null);
  // A local one learns no index, also when it waits for a revision behind it.
  reads.addLocal({ ...read(1), atLeast: 1, arrivedTick: 9 }, 6);
  pass(4);
  applied(6);
  reads.answerReady();
  pass(4);
  writerTo(state).put("key", "value");
  reads.answerReady();
  expect(served.slowReads.take()).toEqual({
    ...{ frames: 1, keys: 1, ticks: 8, indexTicks: 0, applyTicks: 8 },
  });
});

/** A read for a revision that never comes. */
const parked = (read: PendingRead): PendingRead => ({ ...read, atLeast: 1e12 });

test("a tick looks at no read that waits and is not due, wherever it waits", () => {
  const { reads, read, ticks, refused } = world({ readsMax: 1e6 });
  let looks = 0;
  const seen = (more: Partial<PendingRead>): PendingRead => ({
    ...read(1),
    ...more,
    get arrivedTick() {
      looks += 1;
      return 0;
    },
  });
  for (let i = 0; i < 200; i++) {
    reads.addLocal(seen({ atLeast: 1e12 - i }), 0);
    reads.addLocal(seen({}), 1000 - i);
    reads.add(seen({ local: false }));
  }
  const before = looks;
  ticks(4);
  expect(looks).toBe(before);
  ticks(7);
  expect(refused).toHaveLength(600);
  expect(reads.count).toBe(0);
});

test("a route gets no more room than it leaves free, also with its first frame", () => {
  const { reads, read, routeOf, refused } = world({ readsMax: 100 });
  const park = (id: number, count: number): void =>
    reads.addLocal(parked({ ...read(count), route: routeOf(id) }), 0);
  for (let id = 1; id <= 4; id++) park(id, 25);
  expect(refused).toEqual(["OVERLOADED: too many reads are waiting at this node"]);
  expect(reads.count).toBe(75);
  reads.add({ ...read(1), route: routeOf(5), local: false });
  expect(refused).toHaveLength(1);
});

test("so it is with the bytes of frames, those at a neighbour included; a read alone is always taken", () => {
  const { reads, read, route, routeOf, refused } = world({ readBytesMax: 1000 });
  const of = (id: number, bytes: number): PendingRead =>
    parked({ ...read(1), route: id === 1 ? route : routeOf(id), frame: new Uint8Array(bytes) });
  reads.addLocal(of(1, 2000), 0);
  expect(route.load).toMatchObject({ reads: 1, readBytes: 2000 });
  reads.addLocal(of(2, 1), 0);
  expect(refused).toHaveLength(1);
  const [lent] = reads.lend();
  reads.addLocal(of(2, 1), 0);
  expect(refused).toHaveLength(2);
  reads.settle(lent!);
  expect(route.load).toMatchObject({ reads: 0, readBytes: 0 });
  for (const id of [2, 3, 4]) reads.addLocal(of(id, 300), 0);
  expect(refused).toHaveLength(3);
  reads.addLocal(of(5, 100), 0);
  expect(refused).toHaveLength(3);
});

test("the reads of a client that is gone go with it, wherever they wait, and nobody is refused for them", () => {
  const { reads, read, route, routeOf, refused, answered, ticks, applied } = world();
  const other = routeOf(2);
  for (const of of [route, other]) {
    const frame = new Uint8Array(7);
    const its = { ...read(2), route: of, frame };
    reads.addLocal(parked(its), 0);
    reads.addLocal(its, 5);
    reads.add({ ...its, local: false });
    // Half answered.
    reads.addLocal(its, 0);
  }
  expect(route.load).toMatchObject({ reads: 7, readBytes: 28 });
  reads.forget(route);
  expect(route.load).toMatchObject({ reads: 0, readBytes: 0 });
  expect(reads.count).toBe(6);
  applied(5);
  reads.answerReady();
  expect(answered).toEqual([2, 2, 2, 1, 1]);
  ticks(11);
  expect(refused).toHaveLength(2);
  expect([reads.count, other.load.reads]).toEqual([0, 0]);
});

test("reads whose time is up together are refused over several ticks", () => {
  const { reads, read, refused, ticks } = world({ readsMax: 1e6 });
  for (let i = 0; i < 5000; i++) reads.addLocal(parked(read(1)), 0);
  ticks(11);
  expect(refused).toHaveLength(2048);
  ticks(1);
  expect(refused).toHaveLength(4096);
  ticks(1);
  expect(refused).toHaveLength(5000);
  // Their keys are bytes to look at.
  for (let i = 0; i < 3; i++) {
    reads.addLocal(parked({ ...read(1), frame: new Uint8Array(1e6), arrivedTick: 2 }), 0);
  }
  ticks(1);
  expect(refused).toHaveLength(5001);
});

test("a neighbour gets so many reads a tick, the oldest first, and none of another neighbour's clients", () => {
  const { reads, read, routeOf } = world({ readsMax: 1e6 });
  reads.addLocal({ ...read(1), route: routeOf(2, true) }, 9);
  for (let i = 0; i < 5000; i++)
    reads.addLocal({ ...read(1), arrivedTick: i === 4999 ? -1 : 0 }, 9);
  const lent = [reads.lend(), reads.lend(), reads.lend()];
  expect(lent.map(({ length }) => length)).toEqual([4096, 904, 0]);
  expect(lent[0]?.[0]?.arrivedTick).toBe(-1);
  expect(reads.count).toBe(5001);
});

test("local reads that a full disk holds up are refused once it is full, also those in doubt before", () => {
  const { reads, read, refused, ticks, learn, heldUp } = world();
  reads.addLocal(read(1), 9);
  reads.add({ ...read(1), local: false });
  heldUp();
  ticks(1);
  expect(refused).toEqual([expect.stringMatching(/^DISK_FULL/)]);
  const doubted = world();
  doubted.reads.addLocal(doubted.read(1), 9);
  doubted.ticks(6);
  doubted.heldUp();
  doubted.learn(9, 0);
  expect(doubted.refused).toEqual([expect.stringMatching(/^DISK_FULL/)]);
  learn(0);
  expect(refused).toHaveLength(1);
});

test("who has not signed in waits for no revision while access control is on", () => {
  const { reads, read, route, refused, applied, state } = world();
  Object.defineProperty(state, "access", { value: { ...EMPTY_ACCESS, isOn: true } });
  reads.addLocal(parked(read(1)), 0);
  reads.addLocal(parked(read(1)), 5);
  expect(refused).toEqual([expect.stringMatching(/^UNAUTHENTICATED: .* nobody has signed in/)]);
  applied(5);
  reads.answerReady();
  expect(refused).toHaveLength(2);
  const actor = { name: "ann", generation: 1 };
  reads.addLocal(parked({ ...read(1), route: { ...route, actor } }), 5);
  expect([refused.length, reads.count]).toEqual([2, 1]);
});

test("the frames of a guest that rests wait for the end of the rest", () => {
  const { reads, read, routeOf, answered } = world();
  let isResting = true;
  const guest: Route = { ...routeOf(2, true), isResting: () => isResting };
  reads.addLocal({ ...read(2), route: guest }, 0);
  expect(reads.answerReady()).toBe(false);
  expect([answered, guest.load.reads]).toEqual([[], 2]);
  isResting = false;
  expect(reads.answerReady()).toBe(false);
  expect([answered, guest.load.reads]).toEqual([[2, 1], 0]);
});

test("many small frames that wait do not keep the pieces alive in which they came", () => {
  const { reads, read, routeOf } = world({ readsMax: 10_000 });
  const came: PendingRead[] = [];
  for (let id = 1; id <= 2000; id++) {
    const frame = new Uint8Array(65_536).subarray(id, id + 20).fill(id & 0xff);
    came.push({ ...read(1), route: routeOf(id), frame });
  }
  for (const each of came) reads.addLocal(each, 5);
  const waiting = reads.removeAll();
  expect(waiting).toHaveLength(2000);
  const held = waiting.reduce((sum, { frame }) => sum + frame.buffer.byteLength, 0);
  expect(held).toBeLessThan(1100 * 65_536);
  for (const [i, { frame }] of waiting.entries()) expect(frame).toEqual(came[i]!.frame);
});

test("a client that rests gets no first go for what it sent before: its reads wait until it has rested", () => {
  const { reads, route, read, answered } = world();
  let rests = true;
  Object.assign(route, { isResting: () => rests });
  for (let i = 0; i < 3; i++) reads.addLocal(read(1), 0);
  expect(answered).toEqual([]);
  expect([reads.answerReady(), answered]).toEqual([false, []]);
  rests = false;
  reads.answerReady();
  expect(answered).toEqual([1, 1, 1]);
});
