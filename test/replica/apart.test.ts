/** Two nodes whose states differ take no part in each other's decisions (AGREE-8). */
import { expect, test } from "vitest";
import { KvState } from "../../src/store/index.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { TurnEffects } from "../../src/replica/turn/replica-options.ts";
import type { StateHashes } from "../../src/protocol/messages/replica-message.ts";
import { entryOf } from "../store/helpers.ts";
import { deliver } from "./deliver.ts";
import { replicaOptions } from "./options.ts";

const ballot = (n: number, pid: number) => ({ configId: 1, n, priority: 0, pid });
/** The round that both logs are of: node 2 led twice with this ballot, as its disk was put back. */
const ROUND = ballot(4, 2);
const LOG = [1, 2, 3].map((sequence) =>
  entryOf({
    session: 1,
    floor: 0,
    commands: [[sequence, { op: "write", key: "k", value: `c${sequence}` }]],
  }),
);

/** Node 3, which has decided and applied LOG. */
function nodeThree(): Replica {
  const replica = new Replica(
    replicaOptions([1, 2, 3], { pid: 3, incarnation: 33 }),
    {
      ...{ promise: ROUND, acceptedRound: ROUND, entries: LOG, decidedIdx: LOG.length },
      ...{ compactedIdx: 0, snapshot: null, stopSign: null },
    },
    new KvState(),
  );
  for (let effects = turn(replica); effects.again;) effects = turn(replica);
  return replica;
}

const turn = (replica: Replica): TurnEffects => deliver(replica.endTurn(0));

/** What a session begins with. */
function hashesOf(replica: Replica): StateHashes {
  replica.onSession(1);
  for (const { to, message } of turn(replica).replicaMessages) {
    if (to === 1 && message.type === "stateHashes") return message;
  }
  throw new Error("a session begins with the hashes of states");
}

/** What node 3 says to the core of node 1 that leads with this ballot. */
function saysToLeader(replica: Replica, n: number): readonly string[] {
  const leader = ballot(n, 1);
  replica.onPeerMessage(1, {
    ...{ type: "prepare", n: leader, decidedIdx: 1, acceptedRound: ROUND, acceptedIdx: 7 },
  });
  const { messages, writes } = turn(replica);
  // A promise leaves when it is durable.
  for (const { seq } of writes) replica.onPersisted(seq);
  const after = turn(replica).messages;
  return [...messages, ...after].filter(({ to }) => to === 1).map(({ message }) => message.type);
}

const changed = ({ life, checkpoints }: StateHashes): StateHashes => ({
  life: life + 1,
  checkpoints: checkpoints.map((each) => ({ ...each, history: (each.history + 1) >>> 0 })),
});

test("a node promises nothing to one whose state is another, and does not hear what it says", () => {
  const replica = nodeThree();
  replica.onPeerMessage(1, { type: "stateHashes", rules: null, ...changed(hashesOf(replica)) });
  expect(replica.alarms).toMatchObject([{ peer: 1 }]);
  turn(replica);
  expect(saysToLeader(replica, 9)).toEqual([]);
  expect(replica.core.promise).toEqual(ROUND);
});

test("and takes part again when that node comes back with another state", () => {
  const replica = nodeThree();
  const hashes = hashesOf(replica);
  replica.onPeerMessage(1, { type: "stateHashes", rules: null, ...changed(hashes) });
  replica.onPeerMessage(1, { type: "stateHashes", rules: null, life: 77, checkpoints: [] });
  turn(replica);
  expect(saysToLeader(replica, 9)).toContain("promise");
});

test("nor does it say anything that counts for the other one's reads, or count what that says", () => {
  const asked = { type: "quorumRead", boot: 11, id: 1 } as const;
  const saysToReader = (replica: Replica): readonly string[] => {
    replica.onPeerMessage(1, asked);
    return turn(replica).replicaMessages.map(({ message }) => message.type);
  };
  const replica = nodeThree();
  const hashes = hashesOf(replica);
  expect(saysToReader(replica)).toContain("quorumReadAck");
  replica.onPeerMessage(1, { type: "stateHashes", rules: null, ...changed(hashes) });
  turn(replica);
  expect(saysToReader(replica)).toEqual([]);
});
