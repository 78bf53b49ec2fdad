/**
 * All messages between nodes, field by field, and the form in which each travels:
 *
 *     array of values   messages of the protocol: the code, then the fields
 *     map of values     messages of its hosts: the fields by their names, and the name of the kind as `type`
 *     bytes             those of both that go with every batch and every read, as through msgpack they were most of a node's
 *                       work for a single request; nodes read the form above too
 *
 * Codes and names are part of the format: they are never given a second meaning. Codes 64 to 67 were reads that did not
 * name the process that asks.
 */
import {
  CLIENT_FRAME_BYTES_MAX,
  MEMBERS_MAX,
  PEER_FRAME_BYTES_MAX,
  SNAPSHOT_CHUNK_BYTES,
} from "../../base/index.ts";
import type { Actor } from "../../store/commands/index.ts";
import {
  added,
  BALLOT,
  BOOLEAN,
  byteString,
  DecodeError,
  type Form,
  INDEX,
  integer,
  list,
  mapped,
  optional,
  POSITIVE,
  type Shape,
  type Source,
  type Structure,
  structure,
  text,
  UINT32,
} from "../codec/index.ts";
import {
  type DiskPlace,
  type KeptVersions,
  type PeerMessage,
  STATE_CHECKPOINTS_MAX,
  type StateCheckpoint,
} from "../messages/index.ts";
import { DURABLE_CLAIMS } from "../handshake/index.ts";
import { ENTRIES, LOG_SYNC, SEQUENCE_NUMBER, SNAPSHOT_NAME, STOP_SIGN } from "./protocol-fields.ts";

export interface MessageKind<M> {
  readonly form: Form;
  /** The code of the array; null: it is a map. */
  readonly arrayCode: number | null;
  /** Null: never in bytes. */
  readonly bytesCode: number | null;
  readonly fields: Structure<M>;
}

type MessageOf<K extends PeerMessage["type"]> = Extract<PeerMessage, { readonly type: K }>;

function array<M extends object>(code: number, shape: Shape<M>): MessageKind<M> {
  return { form: "array", arrayCode: code, bytesCode: null, fields: structure(shape) };
}

/** The bytes have the code of the array. */
function frequentArray<M extends object>(code: number, shape: Shape<M>): MessageKind<M> {
  return { ...array(code, shape), bytesCode: code };
}

function map<M extends object>(shape: Shape<M>, bytesCode: number | null = null): MessageKind<M> {
  return { form: "map", arrayCode: null, bytesCode, fields: structure(shape) };
}

function frequentMap<M extends object>(bytesCode: number, shape: Shape<M>): MessageKind<M> {
  return map(shape, bytesCode);
}

const MAYBE_LOG_SYNC = optional(LOG_SYNC);
const CLIENT_FRAME = byteString(CLIENT_FRAME_BYTES_MAX);
const CHUNK = byteString(Math.max(SNAPSHOT_CHUNK_BYTES, PEER_FRAME_BYTES_MAX));
const INCARNATION = text(256);
const ACTOR_NAME = text(128);

/** Nodes of the version before do not say it. */
const WAITS: typeof BOOLEAN = {
  ...BOOLEAN,
  fromValue: (value, name, form) =>
    value === undefined ? false : BOOLEAN.fromValue(value, name, form),
};

const DISK_PLACE: Structure<DiskPlace> = structure((f) => ({
  node: f.take(POSITIVE),
  incarnation: f.take(INCARNATION),
  generation: f.take(UINT32),
  waits: f.take(WAITS),
}));

const KEPT_VERSIONS: Structure<KeptVersions> = structure((f) => ({
  oldest: f.varint(),
  hash: f.take(UINT32),
}));
const MAYBE_KEPT = added(KEPT_VERSIONS);

const CHECKPOINT: Structure<StateCheckpoint> = structure((f) => ({
  idx: f.varint(),
  content: f.take(UINT32),
  history: f.take(UINT32),
  kept: f.take(MAYBE_KEPT),
}));

const DISK_PLACES = list(DISK_PLACE, 0, MEMBERS_MAX);
const CHECKPOINTS = list(CHECKPOINT, 0, STATE_CHECKPOINTS_MAX);

const MAYBE_RULES = added(INDEX);

const ACTOR: Structure<Actor> = structure((f) => ({
  name: f.take(ACTOR_NAME),
  generation: f.varint(),
}));
const MAYBE_ACTOR = added(ACTOR);

const TRIM_OR_SNAPSHOT = integer(0, 1);
const MAYBE_INDEX = optional(INDEX);
const COMPACTION = mapped<MessageOf<"compaction">, { kind: number; idx: number | null }>(
  structure((f) => ({ kind: f.take(TRIM_OR_SNAPSHOT), idx: f.take(MAYBE_INDEX) })),
  ({ compaction: { kind, idx } }) => ({ kind: kind === "trim" ? 0 : 1, idx }),
  ({ kind, idx }) => ({
    type: "compaction",
    compaction: kind === 1 ? { kind: "snapshot", idx } : { kind: "trim", idx: idx ?? noIndex() },
  }),
);

type NamedBallot = "readRequest" | "readProbe" | "readAck";
const namedBallot =
  <K extends NamedBallot>(type: K) =>
  (f: Source) => ({ type, boot: f.varint(), id: f.varint(), n: f.take(BALLOT) });

const relayed =
  <K extends "relayRequest" | "relayReturned">(type: K) =>
  (f: Source) => ({
    type,
    boot: f.varint(),
    id: f.varint(),
    frame: f.take(CLIENT_FRAME),
    ageTicks: f.varint(),
    maybeProposed: f.take(BOOLEAN),
    actor: f.take(MAYBE_ACTOR),
  });

function noIndex(): never {
  throw new DecodeError("compaction.idx: a trim without an index");
}

/** A new message does not compile until it has its fields here. */
export const MESSAGE_KINDS: {
  readonly [K in PeerMessage["type"]]: MessageKind<MessageOf<K>>;
} = {
  heartbeatRequest: frequentArray(1, (f) => ({
    type: "heartbeatRequest",
    round: f.varint(),
    incarnation: f.varint(),
  })),
  heartbeatReply: frequentArray(2, (f) => ({
    type: "heartbeatReply",
    round: f.varint(),
    incarnation: f.varint(),
    ballot: f.take(BALLOT),
    leader: f.take(BALLOT),
    happy: f.take(BOOLEAN),
  })),
  prepareReq: array(3, (f) => ({ type: "prepareReq", n: f.take(BALLOT) })),
  takeOver: array(16, (f) => ({ type: "takeOver", n: f.take(BALLOT) })),
  prepare: array(4, (f) => ({
    type: "prepare",
    n: f.take(BALLOT),
    decidedIdx: f.varint(),
    acceptedRound: f.take(BALLOT),
    acceptedIdx: f.varint(),
  })),
  promise: array(5, (f) => ({
    type: "promise",
    n: f.take(BALLOT),
    acceptedRound: f.take(BALLOT),
    decidedIdx: f.varint(),
    acceptedIdx: f.varint(),
    logSync: f.take(MAYBE_LOG_SYNC),
  })),
  acceptSync: array(6, (f) => ({
    type: "acceptSync",
    n: f.take(BALLOT),
    seq: f.take(SEQUENCE_NUMBER),
    decidedIdx: f.varint(),
    logSync: f.take(LOG_SYNC),
  })),
  acceptDecide: frequentArray(7, (f) => ({
    type: "acceptDecide",
    n: f.take(BALLOT),
    seq: f.take(SEQUENCE_NUMBER),
    decidedIdx: f.varint(),
    entries: f.take(ENTRIES),
  })),
  accepted: frequentArray(8, (f) => ({
    type: "accepted",
    n: f.take(BALLOT),
    acceptedIdx: f.varint(),
    decidedIdx: f.varint(),
  })),
  decide: frequentArray(9, (f) => ({
    type: "decide",
    n: f.take(BALLOT),
    seq: f.take(SEQUENCE_NUMBER),
    decidedIdx: f.varint(),
  })),
  acceptStopSign: array(10, (f) => ({
    type: "acceptStopSign",
    n: f.take(BALLOT),
    seq: f.take(SEQUENCE_NUMBER),
    stopSign: f.take(STOP_SIGN),
  })),
  notAccepted: array(11, (f) => ({ type: "notAccepted", n: f.take(BALLOT) })),
  proposalForward: frequentArray(12, (f) => ({
    type: "proposalForward",
    entries: f.take(ENTRIES),
  })),
  forwardStopSign: array(13, (f) => ({ type: "forwardStopSign", stopSign: f.take(STOP_SIGN) })),
  compaction: { form: "array", arrayCode: 14, bytesCode: null, fields: COMPACTION },
  progress: array(15, (f) => ({
    type: "progress",
    n: f.take(BALLOT),
    seq: f.take(SEQUENCE_NUMBER),
    decidedIdx: f.varint(),
  })),

  readRequest: frequentMap(68, namedBallot("readRequest")),
  readProbe: frequentMap(69, namedBallot("readProbe")),
  readAck: frequentMap(70, namedBallot("readAck")),
  readIndex: frequentMap(71, (f) => ({
    type: "readIndex",
    boot: f.varint(),
    id: f.varint(),
    idx: f.varint(),
  })),
  readRefused: map((f) => ({ type: "readRefused", boot: f.varint(), id: f.varint() })),
  quorumRead: map((f) => ({ type: "quorumRead", boot: f.varint(), id: f.varint() })),
  quorumReadAck: map((f) => ({
    type: "quorumReadAck",
    boot: f.varint(),
    id: f.varint(),
    acceptedIdx: f.varint(),
  })),
  snapshotRequest: map((f) => ({
    type: "snapshotRequest",
    snapshot: f.take(SNAPSHOT_NAME),
    offset: f.varint(),
  })),
  snapshotChunk: map((f) => ({
    type: "snapshotChunk",
    snapshot: f.take(SNAPSHOT_NAME),
    offset: f.varint(),
    bytes: f.take(CHUNK),
  })),
  snapshotGone: map((f) => ({ type: "snapshotGone", snapshot: f.take(SNAPSHOT_NAME) })),
  relayRequest: map(relayed("relayRequest")),
  relayReturned: map(relayed("relayReturned")),
  relayAnswer: map((f) => ({
    type: "relayAnswer",
    boot: f.varint(),
    id: f.varint(),
    frame: f.take(CLIENT_FRAME),
  })),
  report: map((f) => ({
    type: "report",
    promise: f.take(BALLOT),
    joined: f.take(BOOLEAN),
    durable: f.take(DURABLE_CLAIMS),
    mark: f.varint(),
    places: f.take(DISK_PLACES),
  })),
  joinRequest: map((f) => ({
    type: "joinRequest",
    n: f.take(BALLOT),
    acceptedRound: f.take(BALLOT),
    acceptedIdx: f.varint(),
    decidedIdx: f.varint(),
  })),
  stateHashes: map((f) => ({
    type: "stateHashes",
    life: f.take(UINT32),
    checkpoints: f.take(CHECKPOINTS),
    rules: f.take(MAYBE_RULES),
  })),
};
