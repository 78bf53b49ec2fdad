import { describe, expect, test } from "vitest";
import type { Ballot } from "../../src/omnipaxos/index.ts";
import { ApplyWaitQueue, type PendingRead } from "../../src/replica/turn/apply-wait-queue.ts";
import { ReadIndex, type ReadView } from "../../src/replica/reads/read-index.ts";
import type { ReplicaMessage } from "../../src/protocol/messages/replica-message.ts";

/** Of this process. */
const BOOT = 77;
const BALLOT: Ballot = { configId: 1, n: 1, priority: 0, pid: 1 };
const leader = (peers: readonly number[], writeQuorum: number): ReadView => ({
  ...{ pid: 1, boot: BOOT, peers, writeQuorum, promise: BALLOT, decidedIdx: 7, acceptedIdx: 9 },
  ...{ isAcceptingLeader: true, adoptedIdx: 3 },
});

function harness(view: ReadView): {
  readonly reads: ReadIndex<{ readonly count: number }>;
  readonly sent: { readonly to: number; readonly message: ReplicaMessage }[];
  readonly ready: number[];
} {
  const sent: { readonly to: number; readonly message: ReplicaMessage }[] = [];
  const ready: number[] = [];
  const reads = new ReadIndex<{ readonly count: number }>(
    view,
    { roundsMax: 2, retryTicks: 20 },
    (to, message) => sent.push({ to, message }),
    (idx) => ready.push(idx),
  );
  return { reads, sent, ready };
}

describe("a leader's probe", () => {
  test("goes to a quorum, and to the rest when that is silent", () => {
    const { reads, sent, ready } = harness(leader([2, 3], 2));
    reads.add({ count: 1 });
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
    reads.add({ count: 1 });
    reads.flush();
    expect(sent.map(({ to }) => to)).toEqual([2, 3, 3]);
  });

  test("goes to two of four in a cluster of five", () => {
    const { reads, sent } = harness(leader([2, 3, 4, 5], 3));
    reads.add({ count: 1 });
    reads.flush();
    expect(sent.map(({ to }) => to)).toEqual([2, 3]);
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
    reads.add({ count: 1 });
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

describe("how much waits", () => {
  test("is counted by the key, until its index is known", () => {
    const { reads, sent } = harness(leader([2, 3], 2));
    reads.add({ count: 5 });
    reads.flush();
    reads.add({ count: 2 });
    expect(reads.waitingCount).toBe(7);
    reads.remove(({ count }) => count === 2);
    expect(reads.waitingCount).toBe(5);
    const probe = sent[0]!.message;
    if (probe.type !== "readProbe") throw new Error(probe.type);
    reads.receive(2, { ...probe, type: "readAck" });
    expect(reads.waitingCount).toBe(0);
  });

  test("and until it is answered", () => {
    const pending = new ApplyWaitQueue();
    const read = (count: number): PendingRead => ({
      route: { id: 1, relayed: false, isOpen: () => true, deliver: () => {} } as never,
      ...{ frame: new Uint8Array(0), local: false, arrivedTick: 0, count },
    });
    pending.add(10, [read(3), read(4)], 0);
    pending.add(20, [read(5)], 0);
    expect(pending.count).toBe(12);
    expect(pending.takeReady(10, () => true)).toBe(false);
    expect(pending.count).toBe(5);
    pending.remove(() => true);
    expect(pending.count).toBe(0);
  });

  test("and in as many turns as it takes", () => {
    const pending = new ApplyWaitQueue();
    const read = (arrivedTick: number): PendingRead => ({
      route: { id: 1 } as never,
      ...{ frame: new Uint8Array(0), local: false, arrivedTick, count: 1 },
    });
    pending.add(10, [read(1), read(2), read(3)], 0);
    pending.add(11, [read(4)], 0);
    pending.add(20, [read(5)], 0);
    const answered: number[] = [];
    const one = ({ arrivedTick }: PendingRead): boolean => {
      answered.push(arrivedTick);
      return arrivedTick === 1;
    };
    expect(pending.takeReady(15, one)).toBe(true);
    expect(answered).toEqual([1, 2]);
    expect(pending.takeReady(15, one)).toBe(true);
    expect(pending.takeReady(15, one)).toBe(false);
    expect(answered).toEqual([1, 2, 3, 4]);
    expect(pending.count).toBe(1);
  });
});
