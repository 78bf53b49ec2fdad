/**
 * First frames of every connection, the same for nodes, clients and management. The layout up to and including the
 * version, and all of a refusal, never change: that is how two programs of different versions tell each other why not.
 *
 *     frame: "OMKV" (4) · kind (1) · version (2) · msgpack array
 *
 *     dialer                       acceptor
 *       hello            ->
 *                        <-          hello
 *       proof            ->
 *                        <-          welcome (its proof, the session's id)
 *       ready            ->
 *
 * Either side may send a refusal instead, which is the last it says.
 */
import { type ErrorCode, HANDSHAKE_FRAME_BYTES_MAX, unreachable } from "../../base/index.ts";
import {
  checkArray,
  checkBoolean,
  checkBytes,
  checkInteger,
  checkString,
  DecodeError,
  decodeMsgpack,
  encodeMsgpack,
} from "../codec/index.ts";
import { peerHelloFromFields, peerHelloToFields, type PeerHello } from "./peer-hello.ts";

const CHANNELS = ["peer", "client", "admin"] as const;
export type Channel = (typeof CHANNELS)[number];

/** Of each channel: grows with every change there that an older program would misunderstand. */
export const PROTOCOL_VERSIONS: Readonly<Record<Channel, number>> = {
  peer: 2,
  client: 1,
  admin: 1,
};
export const NONCE_BYTES = 32;
const PROOF_BYTES = 32;
const NAME_LENGTH_MAX = 256;
/** A refusal's text, in UTF-16 units. */
export const REFUSAL_TEXT_MAX = 1024;

/** Why a connection is not wanted, and what a client reports for it. */
export const REFUSALS = {
  BAD_HANDSHAKE: "BAD_REQUEST",
  UNSUPPORTED_VERSION: "UNSUPPORTED_VERSION",
  /** Two names of clusters, or logs that began differently. */
  WRONG_CLUSTER: "WRONG_CLUSTER",
  /** The node that was asked for is not the one that answered, or is no peer of it. */
  UNKNOWN_NODE: "UNKNOWN_NODE",
  /** Wrong or missing secret, on either side. */
  UNAUTHORIZED: "UNAUTHORIZED",
  /** A known node id came back with another data directory: it has forgotten what it promised. */
  LOST_IDENTITY: "FORBIDDEN",
  /** A known disk came back with less than it has told, or without a mark it has told: it is an older copy, or damaged. */
  WENT_BACK: "FORBIDDEN",
  /** Another disk has taken this one's place, by agreement. */
  REPLACED: "FORBIDDEN",
  /** An empty disk asks to take the place of one that is connected. */
  NOT_LOST: "FORBIDDEN",
  /** The two sides were started with different lists of nodes. */
  OTHER_MEMBERS: "BAD_REQUEST",
} as const satisfies Record<string, ErrorCode>;
export type RefusalCode = keyof typeof REFUSALS;

/** Each side's description of itself. Null: not applicable, or not known (a client need not know the cluster's name). */
export interface Hello {
  readonly channel: Channel;
  readonly clusterId: string | null;
  readonly nodeId: number | null;
  /** The node that the dialer means to talk to. */
  readonly targetId: number | null;
  /** Of a node to a node: random per data directory. */
  readonly incarnation: string | null;
  /**
   * Of a node to a client: the origin of the log that its state comes from, NO_ORIGIN when there is none yet. Null: it does
   * not say, as version 0.1. It stands in the place of the incarnation, which that version leaves empty and does not look at.
   */
  readonly origin: number | null;
  readonly configurationId: number | null;
  /** Whether this side has a secret to prove. */
  readonly authenticates: boolean;
  /**
   * Whether its proofs are made over the binding of an encrypted connection (WireSecurity). Where they are not, nothing stands
   * for it in the frame, which is then as version 0.1 has it.
   */
  readonly bound: boolean;
  readonly nonce: Uint8Array;
  /** Of a node to a node; null on the other channels. */
  readonly peer: PeerHello | null;
}

export type HandshakeFrame =
  | { readonly kind: "hello"; readonly hello: Hello }
  | { readonly kind: "proof"; readonly proof: Uint8Array | null }
  | { readonly kind: "welcome"; readonly proof: Uint8Array | null; readonly session: number }
  | { readonly kind: "ready" }
  | {
      readonly kind: "refusal";
      readonly code: RefusalCode;
      readonly text: string;
      /** Only towards a side that has proved itself. */
      readonly proof: Uint8Array | null;
    };

/** The other program speaks another version of the protocol. */
export class VersionError extends DecodeError {
  readonly theirs: number;
  constructor(channel: Channel, theirs: number) {
    const ours = PROTOCOL_VERSIONS[channel];
    super(
      `this program speaks version ${ours} of the ${channel} protocol, the other side version ${theirs}`,
    );
    this.theirs = theirs;
  }
}

const MAGIC = [0x4f, 0x4d, 0x4b, 0x56] as const;
const HEADER_BYTES = 7;
const KINDS = { hello: 1, proof: 2, welcome: 3, ready: 4, refusal: 5 } as const;

/** @param channel what the connection is for: each has its own version */
export function encodeHandshake(
  frame: HandshakeFrame,
  channel: Channel,
  version = PROTOCOL_VERSIONS[channel],
): Uint8Array {
  const body = encodeMsgpack(bodyOf(frame));
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  bytes.set(MAGIC);
  bytes[4] = KINDS[frame.kind];
  new DataView(bytes.buffer).setUint16(5, version);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

function bodyOf(frame: HandshakeFrame): readonly unknown[] {
  switch (frame.kind) {
    case "hello": {
      const { hello } = frame;
      const fields = [
        CHANNELS.indexOf(hello.channel),
        hello.clusterId,
        hello.nodeId,
        hello.targetId,
        hello.channel === "peer" ? hello.incarnation : originToField(hello.origin),
        hello.configurationId,
        hello.authenticates,
        hello.nonce,
      ];
      const peer = hello.peer === null ? null : peerHelloToFields(hello.peer);
      if (hello.bound) return [...fields, peer, true];
      return peer === null ? fields : [...fields, peer];
    }
    case "proof":
      return [frame.proof];
    case "welcome":
      return [frame.proof, frame.session];
    case "ready":
      return [];
    case "refusal":
      return [frame.code, frame.text, frame.proof];
    default:
      return unreachable(frame, "handshake frame");
  }
}

/**
 * @param channel what the connection is for
 * @throws VersionError when the frame is not a refusal and of another version
 * @throws DecodeError when it is anything else than a frame of a handshake
 */
export function decodeHandshake(bytes: Uint8Array, channel: Channel): HandshakeFrame {
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new DecodeError("not a handshake of omnikv");
  }
  if (bytes.length > HANDSHAKE_FRAME_BYTES_MAX) throw new DecodeError("handshake frame too long");
  const kind = bytes[4] ?? 0;
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint16(5);
  if (kind !== KINDS.refusal && version !== PROTOCOL_VERSIONS[channel]) {
    throw new VersionError(channel, version);
  }
  const body = decodeMsgpack(bytes.subarray(HEADER_BYTES));
  switch (kind) {
    case KINDS.hello:
      return { kind: "hello", hello: helloIn(checkArray(body, "hello", 8, 10)) };
    case KINDS.proof:
      return { kind: "proof", proof: proofIn(checkArray(body, "proof", 1, 1)[0]) };
    case KINDS.welcome: {
      const fields = checkArray(body, "welcome", 2, 2);
      const session = checkInteger(fields[1], "session", 0, 2 ** 32 - 1);
      return { kind: "welcome", proof: proofIn(fields[0]), session };
    }
    case KINDS.ready:
      checkArray(body, "ready", 0, 0);
      return { kind: "ready" };
    case KINDS.refusal: {
      const fields = checkArray(body, "refusal", 3, 16);
      const code = checkString(fields[0], "code", NAME_LENGTH_MAX);
      const text = checkString(fields[1], "text", REFUSAL_TEXT_MAX);
      const known = isRefusalCode(code) ? code : "BAD_HANDSHAKE";
      return { kind: "refusal", code: known, text, proof: proofIn(fields[2]) };
    }
    default:
      throw new DecodeError(`handshake frame of unknown kind ${kind}`);
  }
}

function isRefusalCode(code: string): code is RefusalCode {
  return Object.hasOwn(REFUSALS, code);
}

function helloIn(fields: readonly unknown[]): Hello {
  const channel = CHANNELS[checkInteger(fields[0], "channel", 0, CHANNELS.length - 1)];
  if (channel === undefined) throw new DecodeError("hello.channel");
  const disk = nullOr(fields[4], (value) => checkString(value, "incarnation", NAME_LENGTH_MAX));
  return {
    channel,
    clusterId: nullOr(fields[1], (value) => checkString(value, "clusterId", NAME_LENGTH_MAX)),
    nodeId: nullOr(fields[2], (value) => checkInteger(value, "nodeId", 1)),
    targetId: nullOr(fields[3], (value) => checkInteger(value, "targetId", 1)),
    incarnation: channel === "peer" ? disk : null,
    origin: channel === "peer" ? null : originFromField(disk),
    configurationId: nullOr(fields[5], (value) => checkInteger(value, "configurationId", 1)),
    authenticates: checkBoolean(fields[6], "authenticates"),
    nonce: exactly(fields[7], "nonce", NONCE_BYTES),
    peer: fields[8] === undefined || fields[8] === null ? null : peerHelloFromFields(fields[8]),
    bound: fields[9] === undefined ? false : checkBoolean(fields[9], "bound"),
  };
}

function originToField(origin: number | null): string | null {
  return origin === null ? null : originText(origin);
}

function originFromField(text: string | null): number | null {
  if (text === null) return null;
  const origin = /^[0-9a-f]{14}$/.test(text) ? Number.parseInt(text, 16) : Number.NaN;
  if (!Number.isSafeInteger(origin)) throw new DecodeError("origin: expected 14 digits");
  return origin;
}

/** 14 hexadecimal digits. */
export function originText(origin: number): string {
  return origin.toString(16).padStart(14, "0");
}

function proofIn(value: unknown): Uint8Array | null {
  return nullOr(value, (bytes) => exactly(bytes, "proof", PROOF_BYTES));
}

function exactly(value: unknown, name: string, length: number): Uint8Array {
  const bytes = checkBytes(value, name, length);
  if (bytes.length !== length) throw new DecodeError(`${name}: expected ${length} bytes`);
  return bytes;
}

function nullOr<T>(value: unknown, check: (value: unknown) => T): T | null {
  return value === null ? null : check(value);
}
