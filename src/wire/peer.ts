/** What one node says to another: a message of the protocol, or one of its host's. Who speaks is the link's knowledge. */
import {
  BALLOT_N_MAX,
  CLIENT_FRAME_BYTES_MAX,
  PEER_FRAME_BYTES_MAX,
  SNAPSHOT_CHUNK_BYTES,
} from "../base/limits.ts";
import type { Ballot } from "../omnipaxos/index.ts";
import { COMPACT_MARK, decodeCompact, encodeCompact } from "./compact.ts";
import {
  checkArray,
  checkBoolean,
  checkBytes,
  checkInteger,
  checkObject,
  checkString,
} from "./checks.ts";
import { DecodeError } from "./decode-error.ts";
import {
  STATE_CHECKPOINTS_MAX,
  type DiskPlace,
  type HostMessage,
  type HostMessageType,
  type RelayedFrame,
  type RequestName,
  type SnapshotName,
  type StateCheckpoint,
} from "./host-message.ts";
import { decodeMsgpack, encodeMsgpack } from "./msgpack.ts";
import { paxosFromFields, paxosToFields } from "./paxos-codec.ts";
import type { PeerMessage } from "./peer-message.ts";
import { MEMBERS_MAX, type DurableClaims } from "./peer-hello.ts";

export type { PeerMessage };

const INCARNATION_LENGTH_MAX = 256;

type Fields = Readonly<Record<string, unknown>>;

/** A new host message does not compile until it has its check here. */
const HOST_CHECKS: {
  readonly [K in HostMessageType]: (fields: Fields) => Extract<HostMessage, { type: K }>;
} = {
  readRequest: (f) => ({ type: "readRequest", ...requestName(f), n: ballot(f["n"]) }),
  readProbe: (f) => ({ type: "readProbe", ...requestName(f), n: ballot(f["n"]) }),
  readAck: (f) => ({ type: "readAck", ...requestName(f), n: ballot(f["n"]) }),
  readIndex: (f) => ({
    type: "readIndex",
    ...requestName(f),
    idx: checkInteger(f["idx"], "idx"),
  }),
  readRefused: (f) => ({ type: "readRefused", ...requestName(f) }),
  quorumRead: (f) => ({ type: "quorumRead", ...requestName(f) }),
  quorumReadAck: (f) => ({
    type: "quorumReadAck",
    ...requestName(f),
    acceptedIdx: checkInteger(f["acceptedIdx"], "acceptedIdx"),
  }),
  snapshotRequest: (f) => ({
    type: "snapshotRequest",
    snapshot: snapshotName(f["snapshot"]),
    offset: checkInteger(f["offset"], "offset"),
  }),
  snapshotChunk: (f) => ({
    type: "snapshotChunk",
    snapshot: snapshotName(f["snapshot"]),
    offset: checkInteger(f["offset"], "offset"),
    bytes: checkBytes(f["bytes"], "bytes", Math.max(SNAPSHOT_CHUNK_BYTES, PEER_FRAME_BYTES_MAX)),
  }),
  snapshotGone: (f) => ({ type: "snapshotGone", snapshot: snapshotName(f["snapshot"]) }),
  relayRequest: (f) => ({ type: "relayRequest", ...requestName(f), ...relayedFrame(f) }),
  relayReturned: (f) => ({ type: "relayReturned", ...requestName(f), ...relayedFrame(f) }),
  relayAnswer: (f) => ({
    type: "relayAnswer",
    ...requestName(f),
    frame: checkBytes(f["frame"], "frame", CLIENT_FRAME_BYTES_MAX),
  }),
  report: (f) => ({
    type: "report",
    promise: ballot(f["promise"]),
    joined: checkBoolean(f["joined"], "joined"),
    durable: durableClaims(f["durable"]),
    mark: checkInteger(f["mark"], "mark"),
    places: checkArray(f["places"], "places", 0, MEMBERS_MAX).map(diskPlace),
  }),
  joinRequest: (f) => ({
    type: "joinRequest",
    n: ballot(f["n"]),
    acceptedRound: ballot(f["acceptedRound"]),
    acceptedIdx: checkInteger(f["acceptedIdx"], "acceptedIdx"),
    decidedIdx: checkInteger(f["decidedIdx"], "decidedIdx"),
  }),
  stateHashes: (f) => ({
    type: "stateHashes",
    life: uint32(f["life"], "life"),
    checkpoints: checkArray(f["checkpoints"], "checkpoints", 0, STATE_CHECKPOINTS_MAX).map(
      checkpoint,
    ),
  }),
};

/** The frequent ones are compact; else host messages travel as maps, protocol messages as arrays: that tells them apart. */
export function encodePeerMessage(message: PeerMessage): Uint8Array {
  const compact = encodeCompact(message);
  if (compact !== null) return compact;
  return encodeMsgpack(isHostMessage(message) ? message : paxosToFields(message));
}

/**
 * Byte strings of the result are views of `bytes`.
 * @throws DecodeError, whatever the bytes
 */
export function decodePeerMessage(bytes: Uint8Array): PeerMessage {
  if (bytes[0] === COMPACT_MARK) return decodeCompact(bytes);
  const value = decodeMsgpack(bytes);
  if (Array.isArray(value)) return paxosFromFields(value as readonly unknown[]);
  const fields = checkObject(value, "message");
  const type = checkString(fields["type"], "type", 40);
  if (!isHostMessageType(type)) throw new DecodeError(`unknown message type "${type}"`);
  try {
    return HOST_CHECKS[type](fields);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError(`${type}.${error.message}`, { cause: error });
  }
}

export function isHostMessage(message: PeerMessage): message is HostMessage {
  return isHostMessageType(message.type);
}

function isHostMessageType(type: string): type is HostMessageType {
  return Object.hasOwn(HOST_CHECKS, type);
}

function relayedFrame(fields: Fields): RelayedFrame {
  return {
    frame: checkBytes(fields["frame"], "frame", CLIENT_FRAME_BYTES_MAX),
    ageTicks: checkInteger(fields["ageTicks"], "ageTicks"),
    maybeProposed: checkBoolean(fields["maybeProposed"], "maybeProposed"),
  };
}

function requestName(fields: Fields): RequestName {
  return { boot: checkInteger(fields["boot"], "boot"), id: checkInteger(fields["id"], "id") };
}

function ballot(value: unknown): Ballot {
  const fields = checkObject(value, "n");
  return {
    configId: checkInteger(fields["configId"], "n.configId"),
    n: checkInteger(fields["n"], "n.n", 0, BALLOT_N_MAX),
    priority: checkInteger(fields["priority"], "n.priority"),
    pid: checkInteger(fields["pid"], "n.pid"),
  };
}

function durableClaims(value: unknown): DurableClaims {
  const fields = checkObject(value, "durable");
  return {
    promise: ballot(fields["promise"]),
    acceptedRound: ballot(fields["acceptedRound"]),
    acceptedIdx: checkInteger(fields["acceptedIdx"], "durable.acceptedIdx"),
    decidedIdx: checkInteger(fields["decidedIdx"], "durable.decidedIdx"),
  };
}

function diskPlace(value: unknown): DiskPlace {
  const fields = checkObject(value, "places");
  return {
    node: checkInteger(fields["node"], "places.node", 1),
    incarnation: checkString(fields["incarnation"], "places.incarnation", INCARNATION_LENGTH_MAX),
    generation: uint32(fields["generation"], "places.generation"),
  };
}

function checkpoint(value: unknown): StateCheckpoint {
  const fields = checkObject(value, "checkpoint");
  return {
    idx: checkInteger(fields["idx"], "checkpoint.idx"),
    content: uint32(fields["content"], "checkpoint.content"),
    history: uint32(fields["history"], "checkpoint.history"),
  };
}

function uint32(value: unknown, what: string): number {
  return checkInteger(value, what, 0, 2 ** 32 - 1);
}

function snapshotName(value: unknown): SnapshotName {
  const fields = checkObject(value, "snapshot");
  return {
    idx: checkInteger(fields["idx"], "snapshot.idx"),
    bytes: checkInteger(fields["bytes"], "snapshot.bytes"),
    crc: uint32(fields["crc"], "snapshot.crc"),
  };
}
