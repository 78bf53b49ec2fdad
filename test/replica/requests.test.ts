/** Requests between nodes: an answer goes to the process that asked, and what a peer asked for ends with its session. */
import { expect, test } from "vitest";
import { buildEntry, KvState } from "../../src/store/index.ts";
import { AnswerOutbox } from "../../src/replica/turn/answer-outbox.ts";
import { Applier } from "../../src/replica/writes/applier.ts";
import type { ReplicaOptions, TurnEffects } from "../../src/replica/turn/replica-options.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import {
  AnswerWriter,
  decodeClientFrame,
  ReadsWriter,
  writesFrame,
} from "../../src/protocol/client/client.ts";
import type { ReplicaMessage } from "../../src/protocol/messages/replica-message.ts";
import { bytes, groupBytes } from "../store/helpers.ts";
import { deliver } from "./deliver.ts";
import { replicaOptions } from "./options.ts";

const BOOT = 4_000_000_001;
const PEER = 9;
const PEER_BOOT = 4_000_000_002;
const OPTIONS = replicaOptions([1], { pid: 1, incarnation: BOOT });

function newReplica(options: ReplicaOptions): Replica {
  return new Replica(options, undefined, new KvState());
}

/** One node alone, which leads; and a peer that has a session with it. */
class Served {
  readonly replica: Replica;

  constructor(leads = true, changes: Partial<ReplicaOptions> = {}) {
    this.replica = newReplica({ ...OPTIONS, ...changes });
    if (leads) for (let tick = 0; this.replica.standing().kind !== "leading"; tick++) this.tick();
    this.replica.onSession(PEER);
  }

  /** Writes are durable at once. */
  turn(): TurnEffects["replicaMessages"] {
    const { replicaMessages, writes } = deliver(this.replica.endTurn(0));
    for (const { seq } of writes) this.replica.onPersisted(seq);
    return replicaMessages.filter(({ message }) => message.type !== "stateHashes");
  }

  tick(): TurnEffects["replicaMessages"] {
    this.replica.onTick();
    return this.turn();
  }

  /** @returns what is wrong with it */
  relay(id: number, frame: Uint8Array, boot = PEER_BOOT): string | null {
    const message = { type: "relayRequest", boot, id, frame, ageTicks: 0 } as const;
    return this.replica.onPeerMessage(PEER, { ...message, maybeProposed: false, actor: null });
  }
}

function readFrame(): Uint8Array {
  const writer = new ReadsWriter();
  writer.read(1, bytes("secret"));
  return writer.take(false, 0);
}

const writeFrame = (): Uint8Array =>
  writesFrame(
    groupBytes({ session: 0, floor: 0, commands: [[1, { op: "openSession", nonce: 5 }]] }),
  );

test("an answer names the process that asked, and the client's connection there", () => {
  const served = new Served();
  served.relay(3, readFrame());
  expect(served.turn()).toMatchObject([
    { to: PEER, message: { type: "relayAnswer", boot: PEER_BOOT, id: 3 } },
  ]);
});

test.each([
  ["of an unknown kind", Uint8Array.of(99, 1)],
  ["with an unknown kind of read", Uint8Array.of(2, 0, 0, 1, 1, 99)],
  ["with an unknown command", Uint8Array.of(1, 5, 0, 1, 1, 63)],
])("a request of a neighbour's client %s goes back, and the session stays", (_, frame) => {
  const served = new Served();
  expect(served.relay(3, frame)).toMatch(/^a request of its client that cannot be read: /);
  const back = { type: "relayReturned", boot: PEER_BOOT, id: 3, frame, maybeProposed: false };
  expect(served.turn()).toMatchObject([{ to: PEER, message: back }]);
});

test("clients of two processes are two, though their connections have one number", () => {
  const served = new Served();
  served.relay(1, readFrame(), PEER_BOOT);
  served.relay(1, readFrame(), PEER_BOOT + 1);
  const boots = served
    .turn()
    .map(({ message }) => (message.type === "relayAnswer" ? message.boot : 0));
  expect(boots).toEqual([PEER_BOOT, PEER_BOOT + 1]);
});

test.each([true, false])(
  "joined %s: of two nodes one answers reads, unless it has no place yet",
  (joined) => {
    const core = { ...OPTIONS.core, clusterConfig: { configurationId: 1, nodes: [1, PEER] } };
    const served = new Served(false, { core, joined });
    const answers: number[] = [];
    const route: Route = {
      ...{ id: 1, relayed: false, answers: new AnswerWriter(), isOpen: () => true },
      load: new RouteLoad(),
      deliver: (frame) => answers.push(frame.length),
    };
    const frame = readFrame();
    const decoded = decodeClientFrame(frame);
    if (decoded.kind === "reads") served.replica.onReads(route, frame, decoded);
    for (let tick = 0; tick < OPTIONS.timing.waitTicks; tick++) served.tick();
    expect(answers.length).toBe(joined ? 1 : 0);
  },
);

test.each(["read", "write"])("a guest's %s gives no answer once its session is over", (kind) => {
  const served = new Served();
  served.relay(1, kind === "read" ? readFrame() : writeFrame());
  served.replica.onSessionEnd(PEER);
  served.replica.onSession(PEER);
  const left = [...served.turn(), ...served.turn(), ...served.tick()];
  expect(left).toEqual([]);
  expect(served.replica.requests.endedGuests).toBe(1);
  // What is under way stays so: nobody could be told that it did not happen.
  expect(served.replica.appliedIdx).toBe(kind === "write" ? 1 : 0);
});

test("a route that is closed is not refused anything either", () => {
  const outbox = new AnswerOutbox();
  let open = true;
  let delivered = 0;
  const answers = new AnswerWriter();
  const route: Route = {
    ...{ id: 1, relayed: true, answers, load: new RouteLoad(), isOpen: () => open },
    deliver: () => (delivered += 1),
  };
  const refuse = (): void => {
    const read = { route, frame: readFrame(), local: false, arrivedTick: 0, count: 1 };
    outbox.refuseRead(read, "NO_QUORUM", "nobody there");
    outbox.refuseGroup(route, writeFrame().subarray(1), false, "NO_QUORUM", "nobody there");
    outbox.drain(0);
  };
  refuse();
  expect(delivered).toBe(1);
  open = false;
  refuse();
  expect(delivered).toBe(1);
  expect(outbox.refused.counts()).toEqual([
    { kind: "read", code: "NO_QUORUM", frames: 1 },
    { kind: "write", code: "NO_QUORUM", frames: 1 },
  ]);
});

test("an answer that waits for the end of the turn does not leave in the next session", () => {
  const served = new Served(false);
  served.relay(1, readFrame());
  served.replica.onPeerMessage(PEER, { type: "quorumRead", boot: PEER_BOOT, id: 1 });
  served.replica.onSessionEnd(PEER);
  served.replica.onSession(PEER);
  expect(served.turn()).toEqual([]);
});

test("a link that is made whole is the same session: its guests are answered", () => {
  const served = new Served();
  served.relay(1, readFrame());
  served.replica.onSession(PEER);
  expect(served.turn()).toMatchObject([{ to: PEER, message: { type: "relayAnswer", id: 1 } }]);
  expect(served.replica.requests.endedGuests).toBe(0);
});

test("an answer to an earlier process is dropped, whatever it says", () => {
  const { replica } = new Served();
  const n = { configId: 1, n: 1, priority: 0, pid: 1 };
  const name = { boot: BOOT - 1, id: 1 };
  const answers: ReplicaMessage[] = [
    { type: "readAck", ...name, n },
    { type: "readIndex", ...name, idx: 0 },
    { type: "readRefused", ...name },
    { type: "quorumReadAck", ...name, acceptedIdx: 0 },
    {
      type: "relayReturned",
      ...name,
      frame: readFrame(),
      ageTicks: 0,
      maybeProposed: false,
      actor: null,
    },
    { type: "relayAnswer", ...name, frame: new Uint8Array(9) },
  ];
  for (const answer of answers) replica.onPeerMessage(PEER, answer);
  expect(replica.requests.strayAnswers).toBe(answers.length);
  for (const answer of answers)
    replica.onPeerMessage(PEER, { ...answer, boot: BOOT } as ReplicaMessage);
  expect(replica.requests.strayAnswers).toBe(answers.length);
});

test("an entry of an earlier process answers no client of this one, though its batch has the same number", () => {
  const applier = new Applier(
    1,
    BOOT,
    new KvState(),
    () => {},
    () => "",
  );
  const entry = (nonce: number): Uint8Array =>
    buildEntry({ node: 1, nonce, batch: 1 }, [writeFrame().subarray(1)]);
  expect(applier.ownBatch(entry(BOOT))).toBe(1);
  expect(applier.ownBatch(entry(BOOT - 1))).toBeNull();
});

test("an answer leaves with the effects of the turn, and by no other way", () => {
  const served = new Served();
  const frames: Uint8Array[] = [];
  const route: Route = {
    ...{ id: 1, relayed: false, answers: new AnswerWriter(), isOpen: () => true },
    load: new RouteLoad(),
    deliver: (frame) => frames.push(frame),
  };
  const frame = readFrame();
  const decoded = decodeClientFrame(frame);
  if (decoded.kind === "reads") served.replica.onReads(route, frame, decoded);
  served.replica.onTick();
  const effects = served.replica.endTurn(0);
  expect(frames).toEqual([]);
  expect(effects.answers.map((answer) => answer.route)).toEqual([route]);
  deliver(effects);
  expect(frames).toHaveLength(1);
});

test("the reads of a client that is gone go with it", () => {
  const served = new Served(false);
  const [gone, other] = [1, 2].map((id): Route => ({
    ...{ id, relayed: false, answers: new AnswerWriter(), isOpen: () => true },
    load: new RouteLoad(),
    deliver: () => {},
  }));
  const frame = readFrame();
  const decoded = decodeClientFrame(frame);
  if (decoded.kind !== "reads" || gone === undefined || other === undefined) throw new Error();
  const parked = { ...decoded, local: true, atLeast: 1e12 };
  for (const route of [gone, other]) served.replica.onReads(route, frame, parked);
  served.replica.onRouteClosed(gone);
  expect([served.replica.waiting.reads, gone.load.reads, other.load.reads]).toEqual([1, 0, 1]);
});
