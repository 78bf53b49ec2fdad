/** What a faulty peer sends neither ends a node nor leaves a cluster without a leader; what a sound one sends is taken. */
import { describe, expect, test } from "vitest";
import { ENTRY_VERSION_MAX } from "../../src/store/entries/command.ts";
import { KvState } from "../../src/store/index.ts";
import type { Ballot } from "../../src/omnipaxos/index.ts";
import { Admission, BALLOT_STEP_MAX } from "../../src/replica/trust/admission.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { AnswerWriter } from "../../src/protocol/client/client.ts";
import type { NodePaxosMessage } from "../../src/protocol/messages/peer-message.ts";
import { entryOf, groupBytes } from "../store/helpers.ts";
import { deliver } from "./deliver.ts";
import { replicaOptions } from "./options.ts";

const ballot = (n: number, pid = 2): Ballot => ({ configId: 1, n, priority: 0, pid });
const noop = entryOf({ session: 0, floor: 0, commands: [[1, { op: "noop" }]] });
const GARBAGE: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", new Uint8Array(0)],
  ["text", Buffer.from("no entry at all")],
  ["an entry cut short", noop.subarray(0, -1)],
  ["a key that is too long", entryWithKey(5000)],
  ["a later version", Uint8Array.from([ENTRY_VERSION_MAX + 1, ...noop.subarray(1)])],
];

/** What no group writer makes. */
function entryWithKey(length: number): Uint8Array {
  const good = entryOf({ session: 1, floor: 0, commands: [[1, { op: "delete", key: "k" }]] });
  const header = good.subarray(0, -2);
  return Uint8Array.from([
    ...header,
    (length & 0x7f) | 0x80,
    length >> 7,
    ...new Uint8Array(length).fill(0x61),
  ]);
}

/** Nodes whose messages arrive at once, in memory; what is written is durable at once. */
class Cluster {
  readonly replicas: readonly Replica[];

  constructor(size: number) {
    const nodes = Array.from({ length: size }, (_, i) => i + 1);
    this.replicas = nodes.map(
      (pid) =>
        new Replica(
          replicaOptions(
            nodes,
            { pid, electionTickTimeout: 5, resendMessageTickTimeout: 10, incarnation: pid },
            { agreeTicks: 50 },
          ),
          undefined,
          new KvState(),
        ),
    );
    for (const replica of this.replicas) {
      for (const pid of nodes) if (pid !== replica.core.pid) replica.onSession(pid);
    }
  }

  get leader(): Replica | undefined {
    return this.replicas.find(({ core }) => core.adoptedIdx !== null);
  }

  turns(count: number, silent: number | null = null): void {
    for (let i = 0; i < count; i++) {
      for (const replica of this.replicas) {
        if (replica.core.pid === silent) continue;
        replica.onTick();
        this.#turn(replica, silent);
      }
    }
  }

  #turn(replica: Replica, silent: number | null): void {
    for (let again = true; again;) {
      const effects = deliver(replica.endTurn(0));
      ({ again } = effects);
      const from = replica.core.pid;
      for (const { seq } of effects.writes) replica.onPersisted(seq);
      const messages = [
        ...effects.messages.map(({ to, message }) => ({ to, message })),
        ...effects.replicaMessages,
      ];
      again ||= effects.writes.length > 0;
      for (const { to, message } of messages) {
        if (to !== silent) this.replicas[to - 1]?.onPeerMessage(from, message);
      }
    }
  }
}

function client(): Route & { readonly frames: Uint8Array[] } {
  const frames: Uint8Array[] = [];
  return {
    id: 1,
    relayed: false,
    answers: new AnswerWriter(),
    load: new RouteLoad(),
    isOpen: () => true,
    deliver: (frame) => frames.push(frame),
    frames,
  };
}

function started(size = 3): { cluster: Cluster; leader: Replica; bad: number } {
  const cluster = new Cluster(size);
  cluster.turns(60);
  const { leader } = cluster;
  if (leader === undefined) throw new Error("no leader");
  return { cluster, leader, bad: leader.core.pid === 1 ? 2 : 1 };
}

describe("a proposal that cannot be read", () => {
  test.each(GARBAGE)("is not appended, and the node goes on: %s", (_, entry) => {
    const { cluster, leader, bad } = started();
    const before = leader.core.acceptedIdx;
    const refused = leader.onPeerMessage(bad, {
      type: "proposalForward",
      entries: [noop, entry, noop],
    });
    expect(refused).toMatch(/cannot be read/);
    cluster.turns(10);
    // What came with it and can be read was taken.
    expect(leader.core.decidedIdx).toBe(before + 2);
    expect(cluster.replicas.map(({ appliedIdx }) => appliedIdx)).toEqual(
      cluster.replicas.map(() => before + 2),
    );
  });

  test("is not handed on to the leader by a follower either", () => {
    const admission = new Admission();
    const forward: NodePaxosMessage = { type: "proposalForward", entries: [Buffer.from("x")] };
    expect(admission.admit(forward, ballot(1)).message).toBeNull();
    const sound: NodePaxosMessage = { type: "proposalForward", entries: [noop] };
    expect(admission.admit(sound, ballot(1))).toEqual({ message: sound, refused: null });
  });

  test("in a faulty leader's stream is passed over by all that have it", () => {
    const state = new KvState();
    const replica = new Cluster(1).replicas[0]!;
    for (let i = 0; i < 30; i++) {
      replica.onTick();
      for (const { seq } of deliver(replica.endTurn(0)).writes) replica.onPersisted(seq);
    }
    for (const entry of [noop, Buffer.from("garbage"), noop]) {
      expect(replica.core.append(entry).ok).toBe(true);
    }
    for (let i = 0; i < 5; i++) {
      for (const { seq } of deliver(replica.endTurn(0)).writes) replica.onPersisted(seq);
    }
    expect(replica.appliedIdx).toBe(3);
    for (let idx = 0; idx < 3; idx++) state.apply(replica.core.entryAt(idx)!, idx);
    expect(replica.unreadableEntries).toEqual({ count: 1, lastIdx: 1 });
    expect(replica.state.hash()).toBe(state.hash());
  });
});

test("an entry that claims to be one of this node's batches answers nobody here, and is checked like any other", () => {
  const { cluster, leader, bad } = started();
  const route = client();
  const group = groupBytes({ session: 0, floor: 0, commands: [[77, { op: "noop" }]] });
  // The leader's own incarnation and first batch, with something else in it that cannot be read.
  leader.onWrites(route, group, 1);
  const forged = Uint8Array.from(
    entryOf({ session: 0, floor: 0, commands: [[5, { op: "noop" }]] }),
  );
  forged[1] = leader.core.pid;
  forged.set([0, 0, 0, leader.core.pid], 2);
  forged[6] = 1;
  leader.onPeerMessage(bad, { type: "proposalForward", entries: [forged] });
  cluster.turns(10);
  // One answer, to what was asked: sequence 77.
  expect(route.frames.length).toBe(1);
  expect([...route.frames[0]!]).toContain(77);
});

describe("a ballot out of all bounds", () => {
  const messages = (n: number): readonly NodePaxosMessage[] => [
    {
      type: "prepare",
      n: ballot(n),
      decidedIdx: 0,
      acceptedRound: ballot(n),
      acceptedIdx: 0,
    },
    { type: "prepareReq", n: ballot(n) },
    { type: "notAccepted", n: ballot(n) },
    {
      type: "heartbeatReply",
      round: 1,
      incarnation: 1,
      ballot: ballot(n),
      leader: ballot(n),
      happy: true,
    },
  ];

  test("is not believed, and the cluster finds another leader when it has to", () => {
    const { cluster, leader, bad } = started();
    const n = leader.core.promise.n;
    for (const replica of cluster.replicas) {
      for (const message of messages(n + BALLOT_STEP_MAX + 1)) {
        expect(replica.onPeerMessage(bad, message)).toMatch(/a ballot/);
      }
    }
    expect(cluster.replicas.every(({ core }) => core.promise.n === n)).toBe(true);
    cluster.turns(200, leader.core.pid);
    const next = cluster.replicas.find(
      (replica) => replica !== leader && replica.core.adoptedIdx !== null,
    );
    expect(next).toBeDefined();
  });

  test("up to the bound is taken, and any by who has never promised anything", () => {
    const admission = new Admission();
    for (const message of messages(7 + BALLOT_STEP_MAX)) {
      expect(admission.admit(message, ballot(7))).toEqual({ message, refused: null });
    }
    for (const message of messages(2 ** 40)) {
      expect(
        admission.admit(message, { configId: 0, n: 0, priority: 0, pid: 0 }).refused,
      ).toBeNull();
    }
  });
});

test("nobody has the log sealed", () => {
  const { cluster, leader, bad } = started();
  const stopSign = { nextConfig: { configurationId: 2, nodes: [bad] }, metadata: null };
  expect(leader.onPeerMessage(bad, { type: "forwardStopSign", stopSign })).toMatch(/seal/);
  cluster.turns(10);
  expect(leader.core.stopSign).toBeNull();
});
