/** The events that simulations should meet, so that a report can name those that none ever met. */
import { type ErrorCode, ERRORS } from "../../base/index.ts";
import type { PeerMessage } from "../../protocol/peer/index.ts";
import { FAULT_KINDS } from "./fault-plan.ts";
import { MISTAKE_KINDS } from "./mistake-plan.ts";

/** A new message does not compile until it stands here. The text: why the simulator cannot come across it. */
const MESSAGES: { readonly [K in PeerMessage["type"]]: string | null } = {
  heartbeatRequest: null,
  heartbeatReply: null,
  prepareReq: null,
  prepare: null,
  promise: null,
  acceptSync: null,
  acceptDecide: null,
  accepted: null,
  decide: null,
  acceptStopSign: "this version does not reconfigure; test/omnipaxos does",
  notAccepted: null,
  proposalForward: null,
  forwardStopSign: "this version does not reconfigure; test/omnipaxos does",
  compaction: "snapshots are each node's own; test/omnipaxos trims and folds",
  progress: null,
  takeOver: null,
  readRequest: null,
  readProbe: null,
  readAck: null,
  readIndex: null,
  readRefused: null,
  quorumRead: null,
  quorumReadAck: null,
  snapshotRequest: null,
  snapshotChunk: null,
  snapshotGone: null,
  relayRequest: null,
  relayReturned: null,
  relayAnswer: null,
  report: null,
  joinRequest: null,
  stateHashes: null,
};

const UNREACHABLE_ERRORS: { readonly [K in ErrorCode]?: string } = {
  BAD_REQUEST: "the clients ask for nothing malformed; test/protocol and test/client do",
  KEY_TOO_LARGE: "keys are small; test/client",
  VALUE_TOO_LARGE: "values are small; test/client and test/store/operations",
  UNAUTHORIZED: "there is no secret; test/links",
  OVERLOADED: "a run is too small to fill a queue; test/client",
  SESSION_EXPIRED: "needs 10,000 sessions; test/store and test/client",
  STALE_REQUEST: "the client never sends below its floor; test/store",
  SHUTTING_DOWN: "a node that stops ends its connections",
  FORBIDDEN: "faults are allowed; test/e2e",
  CANCELLED: "nobody cancels; test/client",
  UNSUPPORTED_VERSION: "one version; test/links",
  UNKNOWN_NODE: "all nodes are known; test/client",
  DIVERGED:
    "needs a disk that nobody could refuse, and a client there at that time; test/proof/simulator/agreement.test.ts",
  INTERNAL: "would be a failure",
};

const PLACES = [
  "role follower/none",
  "role follower/prepare",
  "role follower/accept",
  "role follower/recover",
  "role leader/prepare",
  "role leader/accept",
  "core sequenceGaps",
  "core staleSyncs",
  "core strandedBumps",
  "requests endedReads",
  "requests endedGuests",
  "asker of a leader restarted",
  "asker of a neighbour restarted",
  "client a newcomer",
  "noticed LOG_DAMAGED",
  "noticed IDENTITY_DAMAGED",
  "noticed FOREIGN_LOG",
  "noticed NODE_MISMATCH",
  "noticed MEMBERS_MISMATCH",
  "noticed LOST_IDENTITY",
  "noticed WENT_BACK",
  "noticed REPLACED",
  "operator rejoin",
  "operator putBack",
  "an empty disk has its place",
  "crash process",
  "crash power",
  "crash while starting",
  "start refused by a full disk",
  "process ended by itself",
  "recovery of an empty log",
  "recovery with entries",
  "recovery from a snapshot",
  "snapshot installed from a peer",
  "in slices: a snapshot from a peer is loaded",
  "in slices: the loading of a snapshot is called off",
  "write written",
  "write unknown",
  "write refused",
  "read found",
  "read notFound",
  "read refused",
  "read (local) found",
  "read (local) notFound",
  "read (local) refused",
  "cas written",
  "cas casFailed",
  "cas unknown",
  "delete deleted",
  "delete missing",
  "range: whole",
  "range: whole, of several pages",
  "range: whole, of an old revision",
  "range: COMPACTED",
  "range: by key",
  "range: by create",
  "range: by mod",
  "range: by version",
  "range: by value",
  "range: no older than a revision",
  "range: BAD_REQUEST",
  "keys: read answered",
  "keys: read of a revision answered",
  "keys: keys answered",
  "keys: keys of a revision answered",
  "keys: history answered",
  "keys: history of a revision answered",
  "keys: history goes on",
  "keys: COMPACTED",
  "every kind of request served",
  "range through a cut-off node: asked",
  "range through a cut-off node: whole, of several pages",
  "range through a cut-off node: whole, of an old revision",
  "history: bound proposed",
  "history: compact proposed",
  "watch: created from now",
  "watch: created from a revision",
  "watch: leaves the live feed",
  "watch: its state is replaced",
  "watch: moves",
  "watch: ended with CANCELLED",
  "watch: ended with COMPACTED",
  "watch: at a node that is cut off, and says so",
  "watch: told of all in the end",
  "lease: ended with its last key",
  "history: bound holds",
  "history: compact holds",
] as const;

interface Expectation {
  readonly name: string;
  /** Not null: why it cannot be hit here, and what tests it instead. */
  readonly unreachable: string | null;
}

/** The events that many runs together must meet; `unreachable` says why one of them cannot be met. */
export const EXPECTED: readonly Expectation[] = [
  ...FAULT_KINDS.map((kind) => ({ name: `fault ${kind}`, unreachable: null })),
  ...MISTAKE_KINDS.map((kind) => ({ name: `mistake ${kind}`, unreachable: null })),
  ...["sent", "received"].flatMap((stage) =>
    Object.entries(MESSAGES).map(([type, unreachable]) => ({
      name: `${stage} ${type}`,
      unreachable,
    })),
  ),
  ...PLACES.map((name) => ({ name, unreachable: null })),
  // The keys of ERRORS are its codes.
  ...(Object.keys(ERRORS) as ErrorCode[]).map((code) => ({
    name: `error ${code}`,
    unreachable: UNREACHABLE_ERRORS[code] ?? null,
  })),
];

/** @returns names that could have been hit and were not */
export function neverHit(counts: Readonly<Record<string, number>>): string[] {
  return notHit(counts)
    .filter(({ unreachable }) => unreachable === null)
    .map(({ name }) => name);
}

export function notHit(counts: Readonly<Record<string, number>>): readonly Expectation[] {
  return EXPECTED.filter(({ name }) => !isHit(name, counts));
}

/** An error counts with either kind of outcome. */
function isHit(name: string, counts: Readonly<Record<string, number>>): boolean {
  return (counts[name] ?? 0) > 0 || (counts[`${name} (unknown outcome)`] ?? 0) > 0;
}
