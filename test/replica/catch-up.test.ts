/** A log sync that waits for a snapshot, while sessions and processes come and go. */
import { expect, test } from "vitest";
import { CatchUp, sameSnapshot, type Held } from "../../src/replica/snapshots/catch-up.ts";
import type { ReplicaMessage, SnapshotName } from "../../src/protocol/messages/replica-message.ts";
import type { NodePaxosMessage } from "../../src/protocol/messages/peer-message.ts";

const LEADER = 2;

function syncWith(n: number, snapshot: SnapshotName): NodePaxosMessage {
  const { idx } = snapshot;
  return {
    type: "acceptSync",
    n: { configId: 1, n, priority: 0, pid: LEADER },
    seq: { session: 1, counter: 1 },
    decidedIdx: idx,
    logSync: {
      snapshot: { kind: "complete", idx, value: snapshot },
      syncIdx: idx,
      suffix: [],
      stopSign: null,
    },
  };
}

/** A store that keeps what it received of one snapshot, and makes it durable at once. */
function catchUp(): {
  readonly catching: CatchUp;
  readonly sent: ReplicaMessage[];
  readonly delivered: Held[];
} {
  const sent: ReplicaMessage[] = [];
  const delivered: Held[] = [];
  const complete: SnapshotName[] = [];
  let receiving: { readonly name: SnapshotName; bytes: number } | null = null;
  const received = (name: SnapshotName): number =>
    receiving !== null && sameSnapshot(receiving.name, name) ? receiving.bytes : 0;
  const catching = new CatchUp({
    sink: {
      has: (name) => complete.some((each) => sameSnapshot(each, name)),
      receivedBytes: received,
      hasRoom: () => true,
      receivesIntoFullDisk: false,
      readRaw: () => null,
      append: (name, offset, bytes) => {
        if (offset !== received(name)) return false;
        receiving = { name, bytes: offset + bytes.length };
        return true;
      },
      finish: (name, done) => {
        complete.push(name);
        done(null);
      },
    },
    retryTicks: 3,
    send: (_, message) => sent.push(message),
    deliver: (held) => delivered.push(held),
    onError: (_, error) => {
      throw error;
    },
  });
  return { catching, sent, delivered };
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
  const { catching, sent, delivered } = catchUp();
  const snapshot = { idx: 10, bytes: 100, crc: 1 };
  expect(catching.admit(LEADER, syncWith(1, snapshot))).toBe(false);
  catching.receive(LEADER, piece(snapshot, 0, 60));
  // The connection breaks; what was asked for last is lost. Nobody tells: it is asked for again.
  for (let tick = 0; tick < 3; tick++) catching.tick();
  expect(sent.at(-1)).toEqual({ type: "snapshotRequest", snapshot, offset: 60 });
  catching.receive(LEADER, piece(snapshot, 60, 40));
  expect(delivered.map(({ message }) => message.type)).toEqual(["acceptSync"]);
  // A piece that was on its way twice changes nothing.
  catching.receive(LEADER, piece(snapshot, 60, 40));
  expect(delivered).toHaveLength(1);
});

test("pieces of another snapshot, asked for by an earlier process, are not taken for this one's", () => {
  const { catching, delivered } = catchUp();
  const snapshot = { idx: 10, bytes: 100, crc: 1 };
  catching.admit(LEADER, syncWith(1, snapshot));
  catching.receive(LEADER, piece({ ...snapshot, crc: 2 }, 0, 100));
  catching.receive(LEADER, { type: "snapshotGone", snapshot: { ...snapshot, crc: 2 } });
  expect(catching.progress).toEqual({ snapshot, receivedBytes: 0, isStuck: false });
  expect(delivered).toEqual([]);
});

test("the log sync of a newer leader takes the place of the one that waits", () => {
  const { catching, delivered } = catchUp();
  const snapshot = { idx: 10, bytes: 100, crc: 1 };
  catching.admit(LEADER, syncWith(1, snapshot));
  catching.admit(LEADER, syncWith(2, snapshot));
  catching.receive(LEADER, piece(snapshot, 0, 100));
  expect(delivered.map(({ message }) => message.type === "acceptSync" && message.n.n)).toEqual([2]);
});
