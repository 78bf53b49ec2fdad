/** A few messages of every kind that nodes send each other, among them the smallest and the largest numbers. */
import { BALLOT_N_MAX } from "../../src/base/limits.ts";
import type { PeerMessage } from "../../src/protocol/peer/peer.ts";
import type { PeerHello } from "../../src/protocol/handshake/peer-hello.ts";

const MAX = Number.MAX_SAFE_INTEGER;
const U32 = 2 ** 32 - 1;
const ZERO = { configId: 0, n: 0, priority: 0, pid: 0 };
const BALLOT = { configId: 1, n: 300, priority: 2, pid: 3 };
const LARGE = { configId: MAX, n: BALLOT_N_MAX, priority: 2 ** 31, pid: 2 ** 32 };
const SEQ = { session: 70_000, counter: 127 };
const NAME = { idx: 128, bytes: 2 ** 40, crc: U32 };
const NAMED = { boot: U32, id: 16_384 };
const RELAYED = { frame: bytes(200), ageTicks: 5, maybeProposed: true, actor: null };
const STOP_SIGN = {
  nextConfig: { configurationId: 2, nodes: [1, 2, 300], flexibleQuorum: { read: 2, write: 2 } },
  metadata: bytes(40),
};
const PLAIN_STOP_SIGN = { nextConfig: { configurationId: 1, nodes: [7] }, metadata: null };

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31) & 0xff);
}

function acceptDecide(entries: readonly Uint8Array[]): PeerMessage {
  return { type: "acceptDecide", n: BALLOT, seq: SEQ, decidedIdx: 2 ** 31, entries };
}

export const PEER_SAMPLES: readonly PeerMessage[] = [
  { type: "heartbeatRequest", round: 0, incarnation: MAX },
  { type: "heartbeatRequest", round: 127, incarnation: 128 },
  {
    type: "heartbeatReply",
    round: 128,
    incarnation: U32,
    ballot: BALLOT,
    leader: LARGE,
    happy: true,
  },
  { type: "heartbeatReply", round: 1, incarnation: 2, ballot: ZERO, leader: ZERO, happy: false },
  { type: "prepareReq", n: BALLOT },
  { type: "prepare", n: LARGE, decidedIdx: 5, acceptedRound: BALLOT, acceptedIdx: MAX },
  {
    type: "promise",
    n: BALLOT,
    acceptedRound: ZERO,
    decidedIdx: 9,
    acceptedIdx: 1000,
    logSync: null,
  },
  {
    type: "promise",
    n: BALLOT,
    acceptedRound: BALLOT,
    decidedIdx: 9,
    acceptedIdx: 1000,
    logSync: {
      snapshot: { kind: "delta", baseIdx: 3, idx: 128, value: NAME },
      syncIdx: 128,
      suffix: [bytes(0), bytes(10)],
      stopSign: STOP_SIGN,
    },
  },
  {
    type: "acceptSync",
    n: BALLOT,
    seq: SEQ,
    decidedIdx: 200,
    logSync: {
      snapshot: { kind: "complete", idx: 128, value: NAME },
      syncIdx: 129,
      suffix: [bytes(300)],
      stopSign: PLAIN_STOP_SIGN,
    },
  },
  {
    type: "acceptSync",
    n: BALLOT,
    seq: SEQ,
    decidedIdx: 0,
    logSync: { snapshot: null, syncIdx: 0, suffix: [], stopSign: null },
  },
  acceptDecide([]),
  acceptDecide(Array.from({ length: 64 }, (_, i) => bytes(i * 3))),
  // Too large for the compact form by one byte, and not.
  acceptDecide([bytes(64 * 1024), bytes(1)]),
  acceptDecide([bytes(64 * 1024)]),
  { type: "accepted", n: BALLOT, acceptedIdx: 2 ** 31 - 1, decidedIdx: 2 ** 35 },
  { type: "decide", n: LARGE, seq: { session: MAX, counter: MAX }, decidedIdx: MAX },
  { type: "acceptStopSign", n: BALLOT, seq: SEQ, stopSign: STOP_SIGN },
  { type: "notAccepted", n: BALLOT },
  { type: "proposalForward", entries: [bytes(5), bytes(130)] },
  { type: "proposalForward", entries: [bytes(70_000)] },
  { type: "forwardStopSign", stopSign: PLAIN_STOP_SIGN },
  { type: "compaction", compaction: { kind: "trim", idx: 77 } },
  { type: "compaction", compaction: { kind: "snapshot", idx: 78 } },
  { type: "compaction", compaction: { kind: "snapshot", idx: null } },
  { type: "progress", n: BALLOT, seq: SEQ, decidedIdx: 12 },
  { type: "readRequest", ...NAMED, n: BALLOT },
  { type: "readProbe", ...NAMED, n: BALLOT },
  { type: "readAck", ...NAMED, n: LARGE },
  { type: "readIndex", ...NAMED, idx: MAX },
  { type: "readRefused", ...NAMED },
  { type: "quorumRead", ...NAMED },
  { type: "quorumReadAck", ...NAMED, acceptedIdx: 4 },
  { type: "snapshotRequest", snapshot: NAME, offset: 1_000_000 },
  { type: "snapshotChunk", snapshot: NAME, offset: 0, bytes: bytes(1000) },
  { type: "snapshotGone", snapshot: NAME },
  { type: "relayRequest", ...NAMED, ...RELAYED },
  { type: "relayReturned", ...NAMED, ...RELAYED, maybeProposed: false },
  { type: "relayAnswer", ...NAMED, frame: bytes(3) },
  {
    type: "report",
    promise: BALLOT,
    joined: true,
    durable: { promise: BALLOT, acceptedRound: ZERO, acceptedIdx: 5, decidedIdx: 4 },
    mark: 3,
    places: [{ node: 2, incarnation: "süß", generation: U32, waits: true }],
  },
  { type: "joinRequest", n: BALLOT, acceptedRound: ZERO, acceptedIdx: 5, decidedIdx: 4 },
  {
    type: "stateHashes",
    life: U32,
    checkpoints: [{ idx: MAX, content: U32, history: 0, kept: null }],
    rules: null,
  },
  {
    type: "stateHashes",
    life: U32,
    checkpoints: [{ idx: MAX, content: U32, history: 0, kept: { oldest: 7, hash: U32 } }],
    rules: 10,
  },
];

export const HELLO_SAMPLE: PeerHello = {
  members: [1, 2, 300],
  joined: true,
  generation: U32,
  marks: [
    { boot: 0, from: 1, to: 1 },
    { boot: U32, from: 5, to: 70_000 },
  ],
  durable: { promise: LARGE, acceptedRound: BALLOT, acceptedIdx: 300, decidedIdx: 200 },
  origin: MAX,
};
