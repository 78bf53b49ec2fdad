/** What one node says to another: a message of the protocol, or one of its host's. Who speaks is the link's knowledge. */
import {
  BALLOT_N_MAX,
  CLIENT_FRAME_BYTES_MAX,
  PEER_FRAME_BYTES_MAX,
  SNAPSHOT_CHUNK_BYTES,
} from "../base/limits.ts";
import type { Ballot } from "../omnipaxos/index.ts";
import { COMPACT_MARK, decodeCompact, encodeCompact } from "./compact.ts";
import { checkBoolean, checkBytes, checkInteger, checkObject, checkString } from "./checks.ts";
import { DecodeError } from "./decode-error.ts";
import type { HostMessage, HostMessageType, RelayedFrame, SnapshotName } from "./host-message.ts";
import { decodeMsgpack, encodeMsgpack } from "./msgpack.ts";
import { paxosFromFields, paxosToFields, type NodePaxosMessage } from "./paxos-codec.ts";

export type PeerMessage = NodePaxosMessage | HostMessage;

type Fields = Readonly<Record<string, unknown>>;

/** A new host message does not compile until it has its check here. */
const HOST_CHECKS: {
  readonly [K in HostMessageType]: (fields: Fields) => Extract<HostMessage, { type: K }>;
} = {
  readRequest: (f) => ({ type: "readRequest", id: id(f), n: ballot(f["n"]) }),
  readProbe: (f) => ({ type: "readProbe", id: id(f), n: ballot(f["n"]) }),
  readAck: (f) => ({ type: "readAck", id: id(f), n: ballot(f["n"]) }),
  readIndex: (f) => ({ type: "readIndex", id: id(f), idx: checkInteger(f["idx"], "idx") }),
  readRefused: (f) => ({ type: "readRefused", id: id(f) }),
  quorumRead: (f) => ({ type: "quorumRead", id: id(f) }),
  quorumReadAck: (f) => ({
    type: "quorumReadAck",
    id: id(f),
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
  relayRequest: (f) => ({ type: "relayRequest", ...relayedFrame(f) }),
  relayReturned: (f) => ({ type: "relayReturned", ...relayedFrame(f) }),
  relayAnswer: (f) => ({
    type: "relayAnswer",
    id: id(f),
    frame: checkBytes(f["frame"], "frame", CLIENT_FRAME_BYTES_MAX),
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
    id: id(fields),
    frame: checkBytes(fields["frame"], "frame", CLIENT_FRAME_BYTES_MAX),
    ageTicks: checkInteger(fields["ageTicks"], "ageTicks"),
    maybeProposed: checkBoolean(fields["maybeProposed"], "maybeProposed"),
  };
}

function id(fields: Fields): number {
  return checkInteger(fields["id"], "id");
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

function snapshotName(value: unknown): SnapshotName {
  const fields = checkObject(value, "snapshot");
  return {
    idx: checkInteger(fields["idx"], "snapshot.idx"),
    bytes: checkInteger(fields["bytes"], "snapshot.bytes"),
    crc: checkInteger(fields["crc"], "snapshot.crc", 0, 2 ** 32 - 1),
  };
}
