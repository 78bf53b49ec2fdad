/** A log sync that waits for a snapshot, while sessions and processes come and go. */
import { expect, test } from "vitest";
import type { LogSync } from "../../src/omnipaxos/index.ts";
import { CatchUp } from "../../src/replica/snapshots/catch-up.ts";
import { StoredSnapshots } from "../../src/replica/snapshots/stored-snapshots.ts";
import type { ReplicaMessage, SnapshotName } from "../../src/protocol/messages/replica-message.ts";
import type { NodePaxosMessage } from "../../src/protocol/messages/peer-message.ts";

const LEADER = 2;
const RETRY_TICKS = 3;
const MIB = 1024 * 1024;

/** A log that is all in the snapshot. */
function logSyncOf(snapshot: SnapshotName): LogSync<Uint8Array, SnapshotName> {
  const { idx } = snapshot;
  return {
    snapshot: { kind: "complete", idx, value: snapshot },
    syncIdx: idx,
    suffix: [],
    stopSign: null,
  };
}

function syncWith(n: number, snapshot: SnapshotName): NodePaxosMessage {
  const { idx } = snapshot;
  return {
    type: "acceptSync",
    n: { configId: 1, n, priority: 0, pid: LEADER },
    seq: { session: 1, counter: 1 },
    decidedIdx: idx,
    logSync: logSyncOf(snapshot),
  };
}

class Node {
  role: "leader" | "follower" = "follower";
  readonly sent: ReplicaMessage[] = [];
  readonly delivered: { readonly from: number; readonly message: NodePaxosMessage }[] = [];
  readonly stored = new StoredSnapshots();
  readonly catching = new CatchUp({
    stored: this.stored,
    retryTicks: RETRY_TICKS,
    send: (_, message) => this.sent.push(message),
    core: this.#core(),
  });

  tick(): void {
    for (let tick = 0; tick < RETRY_TICKS; tick++) this.catching.tick();
  }

  /** The next piece of this length comes from the leader. @returns what is asked for then, from which byte on */
  comes(snapshot: SnapshotName, offset: number, length: number): number | null {
    const before = this.sent.length;
    this.catching.receive(LEADER, piece(snapshot, offset, length));
    return this.#askedSince(before);
  }

  kept(snapshot: SnapshotName, bytes: number): number | null {
    const before = this.sent.length;
    this.catching.onKept(snapshot, bytes);
    return this.#askedSince(before);
  }

  get deliveredRounds(): readonly number[] {
    return this.delivered.map(({ message }) => (message.type === "acceptSync" ? message.n.n : -1));
  }

  #core(): ConstructorParameters<typeof CatchUp>[0]["core"] {
    const role = (): "leader" | "follower" => this.role;
    return {
      pid: 1,
      phase: "accept",
      get role() {
        return role();
      },
      receive: ({ from, message }) => void this.delivered.push({ from, message }),
    };
  }

  #askedSince(before: number): number | null {
    const [asked] = this.sent.slice(before);
    return asked?.type === "snapshotRequest" ? asked.offset : null;
  }
}

const piece = (
  snapshot: SnapshotName,
  offset: number,
  length: number,
): ReplicaMessage & { type: "snapshotChunk" } => ({
  type: "snapshotChunk",
  snapshot,
  offset,
  bytes: new Uint8Array(length),
});

test("what a session brought of a snapshot counts in the next one, and the log sync with it", () => {
  const node = new Node();
  const { catching, sent, delivered } = node;
  const snapshot = { idx: 10, bytes: 100, crc: 1 };
  expect(catching.admit(LEADER, syncWith(1, snapshot))).toBe(false);
  node.comes(snapshot, 0, 60);
  // The connection breaks; what was asked for last is lost. Nobody tells: it is asked for again.
  node.tick();
  expect(sent.at(-1)).toEqual({ type: "snapshotRequest", snapshot, offset: 60 });
  node.comes(snapshot, 60, 40);
  expect(delivered).toEqual([]);
  catching.onWhole(snapshot);
  expect(node.deliveredRounds).toEqual([1]);
  // A piece that was on its way twice changes nothing.
  node.comes(snapshot, 60, 40);
  expect(delivered).toHaveLength(1);
  expect(catching.takePieces().map(({ offset, bytes }) => [offset, bytes.length])).toEqual([
    [0, 60],
    [60, 40],
  ]);
});

test("pieces of another snapshot, asked for by an earlier process, are not taken for this one's", () => {
  const { catching, delivered } = new Node();
  const snapshot = { idx: 10, bytes: 100, crc: 1 };
  catching.admit(LEADER, syncWith(1, snapshot));
  catching.receive(LEADER, piece({ ...snapshot, crc: 2 }, 0, 100));
  catching.receive(LEADER, { type: "snapshotGone", snapshot: { ...snapshot, crc: 2 } });
  expect(catching.progress).toEqual({ snapshot, receivedBytes: 0, isStuck: false });
  expect(delivered).toEqual([]);
  expect(catching.takePieces()).toEqual([]);
});

test("the log sync of a newer leader takes the place of the one that waits", () => {
  const node = new Node();
  const snapshot = { idx: 10, bytes: 100, crc: 1 };
  node.catching.admit(LEADER, syncWith(1, snapshot));
  node.catching.admit(LEADER, syncWith(2, snapshot));
  node.comes(snapshot, 0, 100);
  node.catching.onWhole(snapshot);
  expect(node.deliveredRounds).toEqual([2]);
});

test("nobody learns of a log sync before its snapshot is durable, and a newer one is fetched only then", () => {
  const node = new Node();
  const snapshot = { idx: 10, bytes: 100, crc: 1 };
  const newer = { idx: 20, bytes: 100, crc: 2 };
  node.catching.admit(LEADER, syncWith(1, snapshot));
  expect(node.comes(snapshot, 0, 100)).toBeNull();
  node.catching.admit(LEADER, syncWith(2, newer));
  node.tick();
  expect(node.sent.at(-1)).toMatchObject({ snapshot });
  expect(node.delivered).toEqual([]);
  node.catching.onWhole(snapshot);
  expect(node.sent.at(-1)).toEqual({ type: "snapshotRequest", snapshot: newer, offset: 0 });
  expect(node.delivered).toEqual([]);
  // What is there needs not be fetched.
  expect(node.catching.admit(LEADER, syncWith(3, snapshot))).toBe(true);
});

test("on a disk slower than the network no more than 2 MiB wait, asked for or not", () => {
  const node = new Node();
  const snapshot = { idx: 10, bytes: 100 * MIB, crc: 1 };
  node.catching.admit(LEADER, syncWith(1, snapshot));
  expect(node.comes(snapshot, 0, MIB)).toBe(MIB);
  expect(node.comes(snapshot, MIB, MIB)).toBeNull();
  // Nor is it asked for in time, as if it had been lost.
  node.tick();
  expect(node.sent).toHaveLength(2);
  expect(node.comes(snapshot, 2 * MIB, MIB)).toBeNull();
  expect(node.catching.takePieces()).toHaveLength(2);
  expect(node.kept({ ...snapshot, crc: 2 }, MIB)).toBeNull();
  expect(node.kept(snapshot, MIB)).toBe(2 * MIB);
  expect(node.comes(snapshot, 2 * MIB, MIB)).toBeNull();
  expect(node.kept(snapshot, 3 * MIB)).toBe(3 * MIB);
});

test("what could not be kept is asked for from its first byte on, in its time", () => {
  const node = new Node();
  const snapshot = { idx: 10, bytes: 100 * MIB, crc: 1 };
  node.catching.admit(LEADER, syncWith(1, snapshot));
  node.comes(snapshot, 0, 2 * MIB);
  const { sent } = node;
  expect(node.catching.isStuck).toBe(false);
  node.catching.onNotKept(snapshot, true);
  // Not even what came in this turn goes to the host.
  expect(node.catching.takePieces()).toEqual([]);
  expect(node.catching.isStuck).toBe(true);
  expect(sent).toHaveLength(1);
  node.tick();
  expect(sent.at(-1)).toEqual({ type: "snapshotRequest", snapshot, offset: 0 });
  node.comes(snapshot, 0, MIB);
  node.catching.onNotKept(snapshot, false);
  expect(node.catching.isStuck).toBe(false);
});

/** A promise of this peer to a candidate of this round. */
function promiseOf(n: number, snapshot: SnapshotName): NodePaxosMessage {
  const { idx } = snapshot;
  const ballot = { configId: 1, n, priority: 0, pid: 1 };
  return {
    type: "promise",
    n: ballot,
    acceptedRound: { ...ballot, n: n - 1 },
    acceptedIdx: idx,
    decidedIdx: idx,
    logSync: logSyncOf(snapshot),
  };
}

test("two promises with different snapshots, repeated again and again: the first is fetched to its end, then the other", () => {
  const node = new Node();
  const { catching, sent } = node;
  const first = { idx: 10, bytes: 100, crc: 1 };
  const second = { idx: 12, bytes: 100, crc: 2 };
  const OTHER = LEADER + 1;
  expect(catching.admit(LEADER, promiseOf(2, first))).toBe(false);
  for (let offset = 0; offset < 100; offset += 10) {
    expect(catching.admit(OTHER, promiseOf(2, second))).toBe(false);
    expect(catching.admit(LEADER, promiseOf(2, first))).toBe(false);
    node.comes(first, offset, 10);
    node.tick();
  }
  catching.onWhole(first);
  expect(node.delivered).toMatchObject([{ from: LEADER }]);
  expect(catching.admit(OTHER, promiseOf(2, second))).toBe(false);
  expect(sent.at(-1)).toEqual({ type: "snapshotRequest", snapshot: second, offset: 0 });
});

test("a held message gives way to a higher ballot at once, and to another peer when nothing comes any more", () => {
  const node = new Node();
  const { catching } = node;
  const [first, second, third] = [1, 2, 3].map((crc) => ({ idx: 10 + crc, bytes: 100, crc }));
  if (first === undefined || second === undefined || third === undefined) throw new Error();
  const held = (): unknown => catching.progress?.snapshot;
  catching.admit(LEADER, promiseOf(2, first));
  catching.admit(LEADER + 1, promiseOf(3, second));
  expect(held()).toEqual(second);
  catching.admit(LEADER, promiseOf(2, first));
  expect(held()).toEqual(second);
  for (let retry = 0; retry < 6; retry++) {
    catching.admit(LEADER, promiseOf(3, third));
    expect(held()).toEqual(second);
    node.tick();
    // The peer lives, and repeats its promise; only of the snapshot nothing comes.
    catching.admit(LEADER + 1, promiseOf(3, second));
  }
  catching.admit(LEADER, promiseOf(3, third));
  expect(held()).toEqual(third);
});

test("a leader that has adopted its log fetches no snapshot of a late promise", () => {
  const node = new Node();
  node.role = "leader";
  const snapshot = { idx: 10, bytes: 100, crc: 1 };
  expect(node.catching.admit(LEADER, promiseOf(2, snapshot))).toBe(true);
  expect(node.sent).toEqual([]);
  expect(node.catching.admit(LEADER, syncWith(3, snapshot))).toBe(false);
});
