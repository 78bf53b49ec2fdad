/** Reads that wait, and those that are too much for one turn. */
import { expect, test } from "vitest";
import { KvState } from "../../src/store/index.ts";
import { AnswerOutbox } from "../../src/replica/turn/answer-outbox.ts";
import { ClientReads } from "../../src/replica/reads/client-reads.ts";
import type { PendingRead } from "../../src/replica/turn/apply-wait-queue.ts";
import { ReadIndex } from "../../src/replica/reads/read-index.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { RequestMetrics } from "../../src/replica/requests/request-metrics.ts";
import { writerTo } from "../store/helpers.ts";
import { AnswerWriter } from "../../src/protocol/client/client.ts";

const NEVER = { n: 0, priority: 0, pid: 0, configId: 0 };

function world() {
  const outbox = new AnswerOutbox();
  const served = new RequestMetrics();
  const route: Route = {
    ...{ id: 1, relayed: false, answers: new AnswerWriter(), load: new RouteLoad() },
    isOpen: () => true,
    deliver: () => {},
  };
  const answered: number[] = [];
  const state = new KvState();
  let appliedIdx = 0;
  let isCutOffForLong = false;
  /** What the leader would say. */
  let ready: (idx: number, reads: readonly PendingRead[]) => void = () => {};
  const refused: string[] = [];
  outbox.refuseRead = (_, code, text) => void refused.push(`${code}: ${text}`);
  // One key a turn.
  outbox.answerRead = (read) => {
    answered.push(read.count);
    const rest = read.count === 1 ? null : { ...read, count: read.count - 1 };
    return { count: 1, rest, work: 0 };
  };
  const reads = new ClientReads({
    ...{ waitTicks: 10, retryTicks: 5, slowTicks: 8, readsMax: 100, outbox },
    confirm: (handOver) => {
      ready = handOver;
      return new ReadIndex<PendingRead>(
        {
          ...{ pid: 1, boot: 1, peers: [2, 3], writeQuorum: 2, promise: NEVER },
          ...{ decidedIdx: 0, acceptedIdx: 0, isAcceptingLeader: false, adoptedIdx: 0 },
        },
        { roundsMax: 1, retryTicks: 5 },
        () => {},
        handOver,
      );
    },
    state: () => state,
    served,
    appliedIdx: () => appliedIdx,
    decidedIdx: () => appliedIdx,
    knownIdx: () => appliedIdx,
    isHeldUpByDisk: () => false,
    isCutOffForLong: () => isCutOffForLong,
  });
  // Nobody looks into it here.
  const frame = new Uint8Array(0);
  const read = (count: number): PendingRead => ({
    ...{ route, frame, local: true, arrivedTick: 0, count },
  });
  /** Time passes; then the leader tells what the log had when all that asks was asked. */
  const learn = (idx: number): void => {
    for (let i = 0; i < 6; i++) {
      reads.tick();
      reads.expire();
    }
    ready(
      idx,
      reads.rounds.remove(() => true),
    );
  };
  return {
    ...{ reads, route, read, answered, refused, learn, state, served },
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
  expect(reads.remove(() => false)).toHaveLength(0);
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
  expect(reads.remove(() => true)).toHaveLength(1);
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
