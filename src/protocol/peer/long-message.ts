/**
 * The leader sends a follower far behind all the log that it lacks in one message. That may be a hundred megabytes, and to encode
 * them in one turn would hold back this node's heartbeats for longer than an election time-out: so the message is encoded piece
 * by piece, as the link has room. The bytes may differ from those of `encodePeerMessage`, but decode to the same message.
 */
import { ballotText } from "../../omnipaxos/index.ts";
import { encodeMsgpack } from "../codec/index.ts";
import type { PeerMessage } from "../messages/index.ts";
import { arrayOf } from "./peer.ts";

export interface LongMessage {
  /** Two with the same key say the same, or the later one a little more: one of them will do. */
  readonly key: string;
  /** How many bytes the entries in it have. */
  readonly entryBytes: number;
  /** Its encoding, piece by piece. Byte strings among them are views of the message's. */
  pieces(): Iterator<Uint8Array>;
}

/** @returns null when the entries in it have no more than `bytesMax` bytes, or it is of a kind that never has many */
export function asLongMessage(message: PeerMessage, bytesMax: number): LongMessage | null {
  if (message.type !== "acceptSync" && message.type !== "promise") return null;
  let entryBytes = 0;
  for (const entry of message.logSync?.suffix ?? []) entryBytes += entry.length;
  if (entryBytes <= bytesMax) return null;
  return {
    key: `${message.type} ${message.n.configId} ${ballotText(message.n)}`,
    entryBytes,
    pieces: () => piecesOf(arrayOf(message)),
  };
}

function* piecesOf(value: unknown): Generator<Uint8Array, void, undefined> {
  if (Array.isArray(value)) {
    yield header(0xdd, value.length);
    for (const item of value as readonly unknown[]) yield* piecesOf(item);
  } else if (value instanceof Uint8Array) {
    yield header(0xc6, value.length);
    yield value;
  } else {
    yield encodeMsgpack(value);
  }
}

/** msgpack's arrays and byte strings with a length of four bytes. */
function header(token: 0xdd | 0xc6, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(5);
  bytes[0] = token;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}
