import { describe, expect, test } from "vitest";
import type { Ballot } from "../../src/omnipaxos/index.ts";
import {
  ApplyWaitQueue,
  type PendingRead,
  WaitingPlace,
} from "../../src/replica/turn/apply-wait-queue.ts";
import { ReadIndex, type ReadView } from "../../src/replica/reads/read-index.ts";
import type { ReplicaMessage } from "../../src/protocol/messages/replica-message.ts";

/** Of this process. */
const BOOT = 77;
const BALLOT: Ballot = { configId: 1, n: 1, priority: 0, pid: 1 };
const leader = (peers: readonly number[], writeQuorum: number): ReadView => ({
  ...{ pid: 1, boot: BOOT, peers, writeQuorum, promise: BALLOT, decidedIdx: 7, acceptedIdx: 9 },
  ...{ isAcceptingLeader: true, adoptedIdx: 3 },
});

interface Read {
  isGone: boolean;
}

const asked = (): Read => ({ isGone: false });

function harness(view: ReadView): {
  readonly reads: ReadIndex<Read>;
  readonly handedOver: Read[];
  readonly sent: { readonly to: number; readonly message: ReplicaMessage }[];
  readonly ready: number[];
} {
  const sent: { readonly to: number; readonly message: ReplicaMessage }[] = [];
  const ready: number[] = [];
  const handedOver: Read[] = [];
  const reads = new ReadIndex<Read>(
    view,
    { roundsMax: 2, retryTicks: 20 },
    (to, message) => sent.push({ to, message }),
    (idx, those) => {
      ready.push(idx);
      handedOver.push(...those);
    },
  );
  return { reads, sent, ready, handedOver };
}

describe("a leader's probe", () => {
  test("goes to a quorum, and to the rest when that is silent", () => {
    const { reads, sent, ready } = harness(leader([2, 3], 2));
    reads.add(asked());
    reads.flush();
    expect(sent.map(({ to }) => to)).toEqual([2]);
    reads.tick();
    expect(sent).toHaveLength(1);
    reads.tick();
    expect(sent.map(({ to }) => to)).toEqual([2, 3]);
    const probe = sent[1]!.message;
    if (probe.type !== "readProbe") throw new Error(probe.type);
    reads.receive(3, { ...probe, type: "readAck" });
    expect(ready).toEqual([7]);
    // Whoever answered last is asked first from now on.
    reads.add(asked());
    reads.flush();
    expect(sent.map(({ to }) => to)).toEqual([2, 3, 3]);
  });

  test("goes to two of four in a cluster of five", () => {
    const { reads, sent } = harness(leader([2, 3, 4, 5], 3));
    reads.add(asked());
    reads.flush();
    expect(sent.map(({ to }) => to)).toEqual([2, 3]);
  });
});

describe("a disk that is replaced", () => {
  test("counts in no probe any more", () => {
    const { reads, sent, ready } = harness(leader([2, 3, 4, 5], 3));
    reads.add(asked());
    reads.flush();
    const { message: first } = sent[0]!;
    if (first.type !== "readProbe") throw new Error(first.type);
    reads.receive(2, { ...first, type: "readAck" });
    const before = sent.length;
    reads.replaced(2);
    // What the others say to the first probe is said to nobody.
    for (const from of [3, 4]) reads.receive(from, { ...first, type: "readAck" });
    expect(ready).toEqual([]);
    const { message: second } = sent[before]!;
    if (second.type !== "readProbe") throw new Error(second.type);
    for (const from of [3, 4]) reads.receive(from, { ...second, type: "readAck" });
    expect(ready).toEqual([7]);
  });

  test("counts in no quorum read any more", () => {
    const { reads, sent, ready } = harness({
      ...leader([2, 3, 4, 5], 3),
      isAcceptingLeader: false,
    });
    reads.add(asked());
    reads.flush();
    for (let i = 0; i < 20; i++) reads.tick();
    const asks = () =>
      sent.flatMap(({ message }) => (message.type === "quorumRead" ? [message] : []));
    const first = asks().at(-1)!;
    const answer = (from: number, { id }: { readonly id: number }, acceptedIdx: number): void =>
      reads.receive(from, { type: "quorumReadAck", boot: BOOT, id, acceptedIdx });
    answer(2, first, 50);
    reads.replaced(2);
    answer(3, first, 8);
    expect(ready).toEqual([]);
    const second = asks().at(-1)!;
    answer(3, second, 8);
    answer(4, second, 11);
    expect(ready).toEqual([11]);
  });

  test("leaves what did not count it as it is", () => {
    const { reads, sent, ready } = harness(leader([2, 3, 4, 5], 3));
    reads.add(asked());
    reads.flush();
    const { message: probe } = sent[0]!;
    if (probe.type !== "readProbe") throw new Error(probe.type);
    reads.replaced(5);
    expect(sent).toHaveLength(2);
    for (const from of [2, 3]) reads.receive(from, { ...probe, type: "readAck" });
    expect(ready).toEqual([7]);
  });
});

describe("a session that ends", () => {
  /** A leader of five that three peers have asked, the first of them in this very turn. */
  test("takes along what its peer asked for, in this turn and in probes, and nothing else", () => {
    const { reads, sent } = harness(leader([2, 3, 4, 5], 3));
    const ask = (from: number, id: number): void =>
      reads.receive(from, { type: "readRequest", boot: 100 + from, id, n: { ...BALLOT, n: 0 } });
    ask(4, 1);
    ask(5, 1);
    reads.flush();
    ask(5, 2);
    expect(reads.sessionEnded(5)).toBe(2);
    ask(5, 3);
    reads.flush();
    const probes = sent.flatMap(({ message }) => (message.type === "readProbe" ? [message] : []));
    for (const probe of probes)
      for (const from of [2, 3]) reads.receive(from, { ...probe, type: "readAck" });
    const answers = sent.filter(({ message }) => message.type === "readIndex");
    expect(answers).toEqual([
      { to: 4, message: { type: "readIndex", boot: 104, id: 1, idx: 7 } },
      { to: 5, message: { type: "readIndex", boot: 105, id: 3, idx: 7 } },
    ]);
  });

  test("takes nothing from rounds of this node, nor from what was acknowledged", () => {
    const { reads, sent, ready } = harness(leader([2, 3, 4, 5], 3));
    reads.add(asked());
    reads.flush();
    const { message: probe } = sent[0]!;
    if (probe.type !== "readProbe") throw new Error(probe.type);
    expect(probe.boot).toBe(BOOT);
    reads.receive(2, { ...probe, type: "readAck" });
    expect(reads.sessionEnded(2)).toBe(0);
    reads.receive(3, { ...probe, type: "readAck" });
    expect(ready).toEqual([7]);
  });
});

describe("reads that are gone before their index is known", () => {
  test("end their round when they are all of it", () => {
    const { reads, sent, ready } = harness(leader([2, 3], 2));
    const read = asked();
    reads.add(read);
    reads.flush();
    read.isGone = true;
    reads.left();
    const probe = sent[0]!.message;
    if (probe.type !== "readProbe") throw new Error(probe.type);
    reads.receive(2, { ...probe, type: "readAck" });
    expect(ready).toEqual([]);
  });

  test("are taken out when they are more than half", () => {
    const { reads, sent, ready, handedOver } = harness(leader([2, 3], 2));
    const all = Array.from({ length: 8 }, asked);
    for (const read of all.slice(0, 6)) reads.add(read);
    reads.flush();
    for (const read of all.slice(6)) reads.add(read);
    const leave = (read: Read): void => {
      read.isGone = true;
      reads.left();
    };
    for (const read of all.slice(2)) leave(read);
    const probe = sent[0]!.message;
    if (probe.type !== "readProbe") throw new Error(probe.type);
    reads.receive(2, { ...probe, type: "readAck" });
    expect(ready).toEqual([7]);
    expect(handedOver.filter(({ isGone }) => !isGone)).toEqual(all.slice(0, 2));
    expect(handedOver.length).toBeLessThan(6);
  });
});

describe("reads that know which index they wait for", () => {
  let looks = 0;
  class Place extends WaitingPlace {
    override get isGone(): boolean {
      looks += 1;
      return super.isGone;
    }
  }
  const place = (arrivedTick: number): Place => {
    const read: PendingRead = {
      route: { id: 1 } as never,
      ...{ frame: new Uint8Array(0), local: false, arrivedTick, count: 1 },
    };
    return new Place(read);
  };
  const called = (pending: ApplyWaitQueue, idx: number): number[] => {
    const ticks: number[] = [];
    pending.takeReady(idx, (there) => ticks.push(there.leave().arrivedTick) > 0);
    return ticks;
  };

  test("are called in as many turns as it takes", () => {
    const pending = new ApplyWaitQueue();
    pending.add(20, [place(5)], 0);
    pending.add(10, [place(1), place(2), place(3)], 0);
    pending.add(11, [place(4)], 0);
    const answered: number[] = [];
    const one = (there: WaitingPlace): boolean => {
      const { arrivedTick } = there.leave();
      answered.push(arrivedTick);
      return arrivedTick === 1;
    };
    expect(pending.takeReady(15, one)).toBe(true);
    expect(answered).toEqual([1, 2]);
    expect(pending.takeReady(15, one)).toBe(true);
    expect(pending.takeReady(15, one)).toBe(false);
    expect(answered).toEqual([1, 2, 3, 4]);
    expect(called(pending, 20)).toEqual([5]);
  });

  test("are called in order of their index, those for the same one as they came, whoever has left", () => {
    const pending = new ApplyWaitQueue();
    const all = Array.from({ length: 300 }, (_, at) => ({ at, idx: (at * 7919) % 37 }));
    const places = all.map(({ at, idx }) => {
      const there = place(at);
      pending.add(idx, [there], 0);
      return there;
    });
    const leaves = ({ at }: { at: number }): boolean => at % 5 > 0;
    for (const each of all) if (leaves(each)) places[each.at]!.leave();
    const stay = all.filter((each) => !leaves(each));
    const inOrder = [...stay].sort((a, b) => a.idx - b.idx || a.at - b.at);
    const first = inOrder.filter(({ idx }) => idx <= 20);
    expect(called(pending, 20)).toEqual(first.map(({ at }) => at));
    expect(called(pending, 99)).toEqual(inOrder.slice(first.length).map(({ at }) => at));
    expect(pending.isReady(Infinity)).toBe(false);
  });

  test("come and leave without a look at all others", () => {
    const pending = new ApplyWaitQueue();
    const places = Array.from({ length: 4096 }, (_, at) => place(at));
    looks = 0;
    for (const [at, there] of places.entries()) pending.add(1e6 - at, [there], 0);
    for (const there of places) there.leave();
    expect(looks).toBeLessThan(3 * places.length);
  });
});
