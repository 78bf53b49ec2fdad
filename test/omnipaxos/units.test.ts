import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ballotsEqual, compareBallots, OmniPaxos } from "../../src/omnipaxos/index.ts";
import type { Ballot, Effects, Input, OmniPaxosConfig } from "../../src/omnipaxos/index.ts";
import { EntryLog } from "../../src/omnipaxos/log.ts";
import { Cluster, elect } from "./harness/cluster.ts";
import type { Folded } from "./harness/view.ts";

describe("ballots", () => {
  const ballot: fc.Arbitrary<Ballot> = fc.record({
    configId: fc.nat(2),
    n: fc.nat(2),
    priority: fc.nat(2),
    pid: fc.nat(2),
  });

  it("are totally ordered by n, priority and pid; only equality looks at the configuration", () => {
    fc.assert(
      fc.property(ballot, ballot, ballot, (a, b, c) => {
        expect(Math.sign(compareBallots(a, b)) + Math.sign(compareBallots(b, a))).toBe(0);
        if (compareBallots(a, b) <= 0 && compareBallots(b, c) <= 0) {
          expect(compareBallots(a, c)).toBeLessThanOrEqual(0);
        }
        const equal = compareBallots(a, b) === 0 && a.configId === b.configId;
        expect(ballotsEqual(a, b)).toBe(equal);
      }),
    );
  });
});

describe("the log in memory", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("push" as const), count: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ kind: fc.constant("drop" as const), share: fc.nat(120) }),
    fc.record({ kind: fc.constant("cut" as const), share: fc.nat(100) }),
  );

  it("answers as a plain array with an offset would", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const log = new EntryLog<number>(0, []);
        let model: (number | undefined)[] = [];
        let base = 0;
        let next = 0;
        for (const each of steps) {
          const size = model.length - base;
          if (each.kind === "push") {
            for (let i = 0; i < each.count; i += 1) {
              log.push(next);
              model.push(next);
              next += 1;
            }
          } else if (each.kind === "drop") {
            base += Math.floor((size * each.share) / 100);
            log.dropBelow(base);
            if (base > model.length) model = Array.from({ length: base }, () => undefined);
          } else {
            model.length = base + Math.floor((size * each.share) / 100);
            log.truncate(model.length);
          }
          expect([log.base, log.end]).toEqual([base, model.length]);
          expect(log.slice(log.base, log.end)).toEqual(model.slice(base));
          for (const idx of [base - 1, base, model.length - 1, model.length]) {
            expect(log.at(idx)).toBe(idx < base ? undefined : model[idx]);
          }
        }
      }),
    );
  });

  it("refuses ranges that it does not hold instead of answering something shorter", () => {
    const log = new EntryLog(2, ["c", "d"]);
    expect(() => log.slice(1, 3)).toThrow("no entries [1, 3)");
    expect(() => log.slice(3, 5)).toThrow("no entries [3, 5)");
    expect(() => log.truncate(5)).toThrow("cannot cut");
  });
});

describe("inputs and effects", () => {
  it("recorded inputs, written out and read back, lead to the same effects", () => {
    const cluster = new Cluster({ snapshots: "fold", resendTicks: 3 });
    elect(cluster);
    cluster.append(1, "a", "b");
    cluster.append(3, "c");
    cluster.round(5);
    cluster.call(2, (node) => node.tryBecomeLeader());
    cluster.round(5);
    const config: OmniPaxosConfig<string, Folded> = {
      clusterConfig: cluster.clusterConfig,
      pid: 1,
      resendMessageTickTimeout: 3,
      incarnation: 1001,
      snapshots: { kind: "fold", create: (entries) => entries, merge: (a, b) => [...a, ...b] },
    };
    const run = (inputs: readonly Input<string, Folded>[]): Effects<string, Folded>[] => {
      const node = new OmniPaxos(config);
      return inputs.map((input) => {
        node.step(input);
        node.checkInvariants();
        return node.takeEffects();
      });
    };
    const inputs: Input<string, Folded>[] = [];
    const probe = new OmniPaxos(config);
    const give = (input: Input<string, Folded>): void => {
      inputs.push(input);
      probe.step(input);
      for (const { seq } of probe.takeEffects().writes) give({ kind: "persisted", seq });
    };
    give({ kind: "append", entry: "first" });
    for (const envelope of cluster.sent) {
      if (envelope.to === 1) give({ kind: "receive", envelope });
      if (envelope.message.type === "heartbeatRequest") give({ kind: "tick" });
    }
    give({ kind: "setPriority", priority: 2 });
    give({ kind: "reconnected", pid: 2 });
    give({ kind: "snapshot", idx: null, localOnly: false });
    give({ kind: "trim", idx: null });
    give({ kind: "compact", compactIdx: 0, snapshot: { kind: "complete", idx: 0, value: [] } });
    give({ kind: "reconfigure", nextConfig: { configurationId: 2, nodes: [1] }, metadata: null });
    give({ kind: "tryBecomeLeader" });
    expect(probe.decidedIdx).toBe(3);
    const again = JSON.parse(JSON.stringify(inputs)) as Input<string, Folded>[];
    expect(run(again)).toEqual(run(inputs));
  });

  it("a node alone decides when its own write is durable, not before", () => {
    const node = new OmniPaxos<string>({
      clusterConfig: { configurationId: 1, nodes: [4] },
      pid: 4,
      incarnation: 1,
    });
    node.tick();
    expect(node.leader()).toEqual({ pid: 4, phaseIsAccept: true });
    node.append("a");
    const { writes, messages } = node.takeEffects();
    expect(messages).toEqual([]);
    expect(writes.map(({ writes }) => writes.map(({ kind }) => kind))).toEqual([
      ["promise", "acceptedRound", "append"],
    ]);
    expect(node.decidedIdx).toBe(0);
    node.persisted(writes[0]!.seq);
    expect(node.decidedIdx).toBe(1);
    expect(node.entryAt(0)).toBe("a");
  });

  it("many appends before one drain are one write and one message per follower, with the same entries", () => {
    const cluster = new Cluster({ lazy: true });
    elect(cluster);
    cluster.round(2);
    const node = cluster.node(3);
    node.takeEffects();
    for (let i = 0; i < 100; i += 1) node.append(`e${i}`);
    const { writes, messages } = node.takeEffects();
    expect(writes.flatMap((group) => group.writes).length).toBe(1);
    const sent = messages.map(({ message }) => message);
    expect(sent.map((message) => message.type)).toEqual(["acceptDecide", "acceptDecide"]);
    const [first, second] = sent.map((m) => (m.type === "acceptDecide" ? m.entries : []));
    expect(first).toBe(second);
    expect(first?.length).toBe(100);
  });

  it("adoptedIdx is the length of the log that a round starts from, known while it is led", () => {
    const cluster = new Cluster();
    elect(cluster);
    cluster.round(2);
    cluster.append(3, "a", "b");
    cluster.settle();
    expect(cluster.node(3).adoptedIdx).toBe(0);
    cluster.call(2, (node) => node.tryBecomeLeader());
    cluster.append(2, "c");
    expect(cluster.node(2).adoptedIdx).toBeNull();
    cluster.settle();
    expect(cluster.node(2).adoptedIdx).toBe(2);
    expect(cluster.node(2).decidedIdx).toBe(3);
    expect(cluster.node(3).adoptedIdx).toBeNull();
  });
});
