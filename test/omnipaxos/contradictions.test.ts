import { describe, expect, it } from "vitest";
import { BALLOT_BOTTOM, OmniPaxos } from "../../src/omnipaxos/index.ts";
import type {
  Contradiction,
  DurableState,
  LogSync,
  NodeId,
  OmniPaxosConfig,
} from "../../src/omnipaxos/index.ts";
import { FOLD } from "./harness/cluster.ts";
import { logOf } from "./harness/view.ts";
import type { Folded, Message, Node } from "./harness/view.ts";

/** JUDGE-1–JUDGE-3: what a peer says and what is decided here cannot both be true. Reported, never applied; then silence. */

const round = (n: number, pid: NodeId) => ({ configId: 1, n, priority: 0, pid });
const OLD = round(1, 2);
const NEW = round(2, 1);
const SEAL = { nextConfig: { configurationId: 2, nodes: [1, 2] }, metadata: null };
const OTHER_SEAL = { nextConfig: { configurationId: 2, nodes: [1, 3] }, metadata: null };
const EMPTY: DurableState<string, Folded> = {
  promise: OLD,
  acceptedRound: OLD,
  decidedIdx: 0,
  compactedIdx: 0,
  entries: [],
  snapshot: null,
  stopSign: null,
};
const HALF = { entries: ["a", "b", "c"], decidedIdx: 2 };
const SEALED = { entries: ["a"], stopSign: SEAL, decidedIdx: 2 };

type Over = Partial<OmniPaxosConfig<string, Folded>>;
function start(pid: NodeId, disk: Partial<DurableState<string, Folded>>, over: Over = {}): Node {
  const clusterConfig = { configurationId: 1, nodes: [1, 2, 3] };
  const config = { clusterConfig, pid, incarnation: 1, ...over };
  const node: Node = new OmniPaxos(config, { ...EMPTY, ...disk });
  perform(node);
  return node;
}

function perform(node: Node): readonly Message[] {
  const { writes, messages } = node.takeEffects();
  for (const { seq } of writes) node.persisted(seq);
  return messages.map(({ message }) => message);
}

function receive(node: Node, from: NodeId, message: Message): readonly Message[] {
  node.receive({ from, to: node.pid, message });
  return perform(node);
}

const sync = (over: Partial<LogSync<string, Folded>>): LogSync<string, Folded> => ({
  snapshot: null,
  syncIdx: 0,
  suffix: [],
  stopSign: null,
  ...over,
});

/** Node 3 promised node 1's new round. */
function promised(disk: Partial<DurableState<string, Folded>>, over: Over = {}): Node {
  const node = start(3, disk, over);
  const nothing = { decidedIdx: 0, acceptedRound: BALLOT_BOTTOM, acceptedIdx: 0 };
  receive(node, 1, { type: "prepare", n: NEW, ...nothing });
  expect(node.phase).toBe("prepare");
  return node;
}

function acceptSync(node: Node, logSync: LogSync<string, Folded>): readonly Message[] {
  const seq = { session: 1, counter: 1 };
  return receive(node, 1, { type: "acceptSync", n: NEW, seq, decidedIdx: 0, logSync });
}

const found = (kind: Contradiction["kind"], from: number, to: number, pid = 1) => ({
  kind,
  from,
  to,
  with: pid,
  decidedIdx: 2,
});

describe("a follower is sent a log", () => {
  const snapshot = { kind: "complete" as const, idx: 2, value: ["a", "?"] };
  const seal = structuredClone(SEAL);

  it.each([
    ["another decided entry", HALF, { suffix: ["a", "x", "c"] }, found("differs", 1, 2)],
    ["an end below the decided index", HALF, { suffix: ["a"] }, found("endsBelow", 1, 2)],
    [
      "an earlier end by a stop-sign",
      HALF,
      { suffix: ["a"], stopSign: SEAL },
      found("differs", 1, 2),
    ],
    ["another stop-sign", SEALED, { suffix: ["a"], stopSign: OTHER_SEAL }, found("differs", 1, 2)],
    ["an entry instead of the stop-sign", SEALED, { suffix: ["a", "x"] }, found("differs", 1, 2)],
    ["a snapshot of it", SEALED, { snapshot, syncIdx: 2 }, found("differs", 1, 2)],
    ["an end before the stop-sign", SEALED, { suffix: ["a"] }, found("endsBelow", 1, 2)],
  ])("with %s: not applied, not acknowledged", (_, disk, over, expected) => {
    const node = promised(disk, { snapshots: { kind: "host" } });
    const log = logOf(node);
    const { acceptedRound, decidedIdx } = node;
    expect(acceptSync(node, sync(over))).toEqual([]);
    expect(node.contradiction).toEqual(expected);
    expect(node.takeEffects().contradiction).toEqual(expected);
    expect([logOf(node), node.acceptedRound, node.decidedIdx]).toEqual([
      log,
      acceptedRound,
      decidedIdx,
    ]);
  });

  it.each([
    ["other undecided entries", HALF, { suffix: ["a", "b", "z"] }, ["a", "b", "z"]],
    ["the same stop-sign", SEALED, { suffix: ["a"], stopSign: seal }, ["a", "SS"]],
    ["an undecided stop-sign less", { ...SEALED, decidedIdx: 1 }, { suffix: ["a"] }, ["a"]],
    [
      "what it has in a snapshot only",
      { ...HALF, compactedIdx: 1, entries: ["b", "c"], snapshot: { ...snapshot, idx: 1 } },
      { suffix: ["x", "b"] },
      ["a", "?", "b"],
    ],
  ])("with %s: taken", (_, disk, over, log) => {
    const node = promised(disk, { snapshots: { kind: "host" } });
    expect(acceptSync(node, sync(over)).map(({ type }) => type)).toEqual(["accepted"]);
    expect(node.contradiction).toBeNull();
    expect(logOf(node)).toEqual(log);
  });

  it.each([
    [0, found("differs", 0, 2)],
    [1, found("differs", 1, 2)],
    [2, null],
    [null, null],
  ])(
    "a snapshot in the place of decided entries is taken only if the host knows nothing against it (%s)",
    (parts, expected) => {
      const asked: Folded[] = [];
      const partsAt = (value: Folded): number | null => {
        asked.push(value);
        return parts;
      };
      const node = promised(HALF, { snapshots: { kind: "host", partsAt } });
      const other = { kind: "complete" as const, idx: 5, value: ["five"] };
      acceptSync(node, sync({ snapshot: other, syncIdx: 5, suffix: ["f"] }));
      expect(asked).toEqual([["five"]]);
      expect(node.contradiction).toEqual(expected);
      expect(node.decidedIdx).toBe(expected === null ? 5 : 2);
      expect(node.storedSnapshot?.value).toEqual(expected === null ? ["five"] : undefined);
    },
  );

  it("entries are compared as the configuration says, and only decided ones", () => {
    const seen: string[][] = [];
    const sameEntry = (a: string, b: string): boolean => {
      seen.push([a, b]);
      return a.toLowerCase() === b.toLowerCase();
    };
    const node = promised(HALF, { sameEntry });
    acceptSync(node, sync({ syncIdx: 1, suffix: ["B", "C"] }));
    expect(node.contradiction).toBeNull();
    expect(seen).toEqual([["b", "B"]]);
  });

  it.each<readonly [string, (seq: { session: number; counter: number }) => Message]>([
    ["another stop-sign", (seq) => ({ type: "acceptStopSign", n: NEW, seq, stopSign: OTHER_SEAL })],
    ["an entry", (seq) => ({ type: "acceptDecide", n: NEW, seq, decidedIdx: 2, entries: ["x"] })],
  ])("%s in the stream behind a decided stop-sign is a contradiction, too", (_, message) => {
    const node = promised(SEALED);
    acceptSync(node, sync({ suffix: ["a"], stopSign: SEAL }));
    expect(receive(node, 1, message({ session: 1, counter: 2 }))).toEqual([]);
    expect(node.contradiction).toEqual(found("differs", 1, 2));
    expect(logOf(node)).toEqual(["a", "SS"]);
    expect(node.snapshotState().seq).toEqual({ session: 1, counter: 1 });
  });
});

describe("a leader is promised", () => {
  /** Node 1 prepares its new round; the log on its disk is of the old one. */
  function preparing(disk: Partial<DurableState<string, Folded>>, over: Over = {}): Node {
    const node = start(1, disk, over);
    node.tryBecomeLeader();
    perform(node);
    expect(node).toMatchObject({ role: "leader", phase: "prepare", promise: NEW });
    return node;
  }

  interface Claim {
    readonly acceptedRound?: typeof OLD;
    readonly acceptedIdx: number;
    readonly decidedIdx?: number;
    readonly logSync?: LogSync<string, Folded> | null;
  }
  function promise(node: Node, from: NodeId, claim: Claim): readonly Message[] {
    const rest = { acceptedRound: OLD, decidedIdx: 0, logSync: null, ...claim };
    return receive(node, from, { type: "promise", n: node.promise, ...rest });
  }

  const newer = round(1, 3);
  it("a snapshot with something else in decided places: not adopted", () => {
    const node = preparing(HALF, { snapshots: { kind: "host", partsAt: () => 1 } });
    const snapshot = { kind: "complete" as const, idx: 5, value: ["five"] };
    const logSync = sync({ snapshot, syncIdx: 5 });
    expect(promise(node, 2, { acceptedRound: newer, acceptedIdx: 5, logSync })).toEqual([]);
    expect(node.contradiction).toEqual(found("differs", 1, 2, 2));
    expect(node.storedSnapshot).toBeNull();
  });

  it.each<readonly [string, Claim, Contradiction]>([
    [
      "the log of a newer round that ends below its decided index",
      { acceptedRound: newer, acceptedIdx: 1, logSync: sync({ syncIdx: 1 }) },
      found("endsBelow", 1, 2, 2),
    ],
    [
      "the log of a newer round with another decided entry",
      { acceptedRound: newer, acceptedIdx: 2, logSync: sync({ suffix: ["a", "x"] }) },
      found("differs", 1, 2, 2),
    ],
    [
      "a log that starts beyond its own",
      { acceptedRound: newer, acceptedIdx: 7, logSync: sync({ syncIdx: 6, suffix: ["x"] }) },
      found("differs", 2, 7, 2),
    ],
    [
      "a better log without the log",
      { acceptedRound: newer, acceptedIdx: 7 },
      found("differs", 2, 7, 2),
    ],
    [
      "a decided index beyond the best log",
      { acceptedRound: round(1, 1), acceptedIdx: 4, decidedIdx: 4 },
      found("endsBelow", 3, 4, 2),
    ],
    [
      "entries of a round that it has yet to lead",
      { acceptedRound: NEW, acceptedIdx: 3 },
      found("differs", 2, 3, 2),
    ],
  ])("%s: adopts nothing", (_, claim, expected) => {
    const node = preparing(HALF);
    expect(promise(node, 2, claim)).toEqual([]);
    expect(node.contradiction).toEqual(expected);
    expect(node).toMatchObject({ role: "follower", promise: NEW, acceptedRound: OLD });
    expect(logOf(node)).toEqual(["a", "b", "c"]);
    expect(node.decidedIdx).toBe(2);
  });

  /** Node 1 leads with node 2's promise. */
  function leading(): Node {
    const node = preparing(HALF);
    promise(node, 2, { acceptedIdx: 3 });
    expect(node.phase).toBe("accept");
    return node;
  }

  it.each<readonly [string, Claim, Contradiction | null]>([
    [
      "a decided index beyond what it adopted",
      { acceptedIdx: 4, decidedIdx: 4 },
      found("endsBelow", 3, 4, 3),
    ],
    [
      "another decided entry",
      { acceptedIdx: 2, decidedIdx: 2, logSync: sync({ suffix: ["a", "x"] }) },
      found("differs", 1, 2, 3),
    ],
    [
      "other entries that the promiser has not decided",
      { acceptedIdx: 2, decidedIdx: 1, logSync: sync({ suffix: ["a", "x"] }) },
      null,
    ],
  ])("late, %s", (_, claim, expected) => {
    const node = leading();
    promise(node, 3, claim);
    expect(node.contradiction).toEqual(expected);
  });

  it.each<readonly [string, Claim]>([
    ["a newer round than it promises", { acceptedRound: round(3, 3), acceptedIdx: 1 }],
    ["more decided than accepted", { acceptedIdx: 1, decidedIdx: 3 }],
    ["more of this round than there is", { acceptedRound: NEW, acceptedIdx: 9 }],
  ])("%s: ignored and counted", (_, claim) => {
    const node = leading();
    expect(promise(node, 3, claim)).toEqual([]);
    expect([node.counters.misbehaved, node.contradiction]).toEqual([1, null]);
  });

  it("an acknowledgement beyond its log is ignored and counted", () => {
    const node = leading();
    const accepted = (acceptedIdx: number, decidedIdx: number): Message => ({
      type: "accepted",
      n: NEW,
      acceptedIdx,
      decidedIdx,
    });
    expect(receive(node, 2, accepted(4, 0))).toEqual([]);
    expect(receive(node, 2, accepted(3, 4))).toEqual([]);
    expect(node.counters.misbehaved).toBe(2);
    expect(node).toMatchObject({ phase: "accept", decidedIdx: 2, contradiction: null });
    expect(node.acceptedIndexes()?.get(2)).toBe(0);
    receive(node, 2, accepted(3, 2));
    expect(node.decidedIdx).toBe(3);
  });
});

describe("after a contradiction", () => {
  it("the node hears nothing, says nothing, proposes nothing, and keeps what it has on disk", () => {
    const node = start(1, HALF, { resendMessageTickTimeout: 1 });
    node.tryBecomeLeader();
    node.append("waits");
    perform(node);
    const logSync = sync({ syncIdx: 1 });
    const promise = { acceptedRound: round(1, 3), acceptedIdx: 1, decidedIdx: 0, logSync };
    node.receive({ from: 2, to: 1, message: { type: "promise", n: NEW, ...promise } });
    const effects = node.takeEffects();
    expect(effects).toMatchObject({ messages: [], rejected: ["waits"] });
    const before = node.snapshotState();

    const higher = { n: round(9, 3), decidedIdx: 0, acceptedRound: OLD, acceptedIdx: 0 };
    node.receive({ from: 3, to: 1, message: { type: "prepare", ...higher } });
    const heartbeat = { type: "heartbeatRequest" as const, round: 1, incarnation: 1 };
    node.receive({ from: 3, to: 1, message: heartbeat });
    for (let i = 0; i < 10; i += 1) node.tick();
    node.reconnected(2);
    node.replaced(2);
    node.tryBecomeLeader();
    expect(node.append("late")).toEqual({ ok: true });
    const { contradiction } = node;
    const refused = { ok: false, error: { kind: "contradiction", contradiction } };
    expect(node.reconfigure(SEAL.nextConfig)).toEqual(refused);
    expect(node.trim()).toEqual(refused);
    expect(node.snapshot()).toEqual(refused);
    expect(node.takeEffects()).toEqual({
      writes: [],
      messages: [],
      rejected: ["late"],
      contradiction,
    });
    expect(node.snapshotState()).toEqual(before);
    node.checkInvariants();
  });

  it("what it had decided is written, so that a restart contradicts the same", () => {
    const node = promised({ ...HALF, decidedIdx: 0 }, { snapshots: FOLD });
    acceptSync(node, sync({ suffix: ["a", "b", "c"] }));
    const seq = { session: 1, counter: 2 };
    receive(node, 1, { type: "decide", n: NEW, seq, decidedIdx: 3 });
    expect([node.decidedIdx, node.durable.decidedIdx]).toEqual([3, 0]);
    const next = round(3, 2);
    const prepare = { n: next, decidedIdx: 0, acceptedRound: OLD, acceptedIdx: 0 };
    node.receive({ from: 2, to: 3, message: { type: "prepare", ...prepare } });
    const logSync = sync({ suffix: ["x"] });
    const late = { n: next, seq: { session: 1, counter: 1 }, decidedIdx: 0, logSync };
    node.receive({ from: 2, to: 3, message: { type: "acceptSync", ...late } });
    // The promise of the same turn is written, and not sent.
    expect(perform(node)).toEqual([]);
    expect(node.contradiction).toMatchObject({ with: 2, kind: "differs", from: 0 });
    expect(node.durable).toEqual({
      promise: next,
      acceptedRound: NEW,
      acceptedIdx: 3,
      decidedIdx: 3,
    });
  });
});
