/**
 * The messages between nodes, as bytes: see peer-table.ts. They do not name the sender: the link knows it.
 *
 *     array, map: a msgpack value, which never begins with 0xc1
 *     bytes:      0xc1 (1) · code (1) · fields
 */
import { ByteReader, ByteWriter } from "../../base/index.ts";
import {
  checkInteger,
  checkObject,
  checkString,
  DecodeError,
  decodeMsgpack,
  encodeMsgpack,
} from "../codec/index.ts";
import type { ReplicaMessage, PeerMessage } from "../messages/index.ts";
import { MESSAGE_KINDS, type MessageKind } from "./peer-table.ts";

export type { PeerMessage };

const BYTES_MARK = 0xc1;
/** Beyond it the copy that is saved by msgpack, which writes into the message's own buffer, counts for more. */
const ENTRY_BYTES_IN_BYTES_MAX = 64 * 1024;

const kinds = Object.entries<MessageKind<PeerMessage>>(MESSAGE_KINDS).map(([type, kind]) => ({
  ...kind,
  type,
}));
const byArrayCode = new Map(kinds.map((kind) => [kind.arrayCode, kind]));
const byBytesCode: (typeof kinds)[number][] = [];
for (const kind of kinds) if (kind.bytesCode !== null) byBytesCode[kind.bytesCode] = kind;

// Encoding and decoding are synchronous and never re-entered, so one of each serves all links.
const out = new ByteWriter(4096);
const reader = new ByteReader();

export function encodePeerMessage(message: PeerMessage): Uint8Array {
  const { bytesCode, form, fields } = kindOf(message);
  if (bytesCode !== null && isSmall(message)) {
    out.clear();
    out.u8(BYTES_MARK);
    out.u8(bytesCode);
    fields.write(out, message);
    return out.pooledCopy();
  }
  return encodeMsgpack(form === "map" ? message : arrayOf(message));
}

/** The message as a value for msgpack; of one whose form is an array. */
export function arrayOf(message: PeerMessage): readonly unknown[] {
  const { arrayCode, fields } = kindOf(message);
  return [arrayCode, ...fields.toValue(message)];
}

/**
 * Byte strings of the result are views of `bytes`.
 * @throws DecodeError, and nothing else for any bytes
 */
export function decodePeerMessage(bytes: Uint8Array): PeerMessage {
  if (bytes[0] === BYTES_MARK) return decodeBytes(bytes);
  const value = decodeMsgpack(bytes);
  if (Array.isArray(value)) {
    const code = checkInteger(value[0], "type code");
    const kind = byArrayCode.get(code);
    if (kind === undefined) throw new DecodeError(`unknown message type ${code}`);
    return kind.fields.fromValue(value.slice(1), kind.type, "array");
  }
  const type = checkString(checkObject(value, "message")["type"], "type", 40);
  const kind = Object.hasOwn(MESSAGE_KINDS, type) ? kindOf({ type } as PeerMessage) : null;
  if (kind?.form !== "map") throw new DecodeError(`unknown message type "${type}"`);
  return kind.fields.fromValue(value, type, "map");
}

function decodeBytes(bytes: Uint8Array): PeerMessage {
  const kind = byBytesCode[bytes[1] ?? 0];
  if (kind === undefined) throw new DecodeError(`unknown compact message ${bytes[1]}`);
  const message = kind.fields.read(reader.reset(bytes, 2));
  if (!reader.isAtEnd) reader.fail("the end of the message");
  const problem = reader.failed ? reader.problem : null;
  reader.release();
  if (problem !== null) throw new DecodeError(`${kind.type}: ${problem}`);
  return message;
}

export function isReplicaMessage(message: PeerMessage): message is ReplicaMessage {
  return kindOf(message).form === "map";
}

function kindOf(message: PeerMessage): MessageKind<PeerMessage> {
  return MESSAGE_KINDS[message.type];
}

function isSmall(message: PeerMessage): boolean {
  if (message.type !== "acceptDecide" && message.type !== "proposalForward") return true;
  let bytes = 0;
  for (const entry of message.entries) bytes += entry.length;
  return bytes <= ENTRY_BYTES_IN_BYTES_MAX;
}
