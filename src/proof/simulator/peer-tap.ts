/** Listens in on the frames between nodes, for the checker, the coverage and people. */
import { ballotText, type NodeId } from "../../omnipaxos/index.ts";
import { decodePeerMessage, type PeerMessage } from "../../protocol/peer/index.ts";

const PEER_FRAME = 1;
const HEADER_BYTES = 11;
const PART_HEADER_BYTES = 5;
const WHOLE_MESSAGE = 0;

/** Whether a frame belongs to a session, and not to the handshake before it. */
export function isOfSession(frame: Uint8Array): boolean {
  return frame[0] === PEER_FRAME;
}

/** The whole messages in a frame of a session between nodes; of a handshake, or of fragments, none. */
export function messagesIn(frame: Uint8Array): readonly PeerMessage[] {
  if (!isOfSession(frame)) return [];
  const messages: PeerMessage[] = [];
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  for (let position = HEADER_BYTES; position + PART_HEADER_BYTES <= frame.length;) {
    const start = position + PART_HEADER_BYTES;
    const end = start + view.getUint32(position + 1);
    if (frame[position] === WHOLE_MESSAGE) {
      messages.push(decodePeerMessage(frame.subarray(start, end)));
    }
    position = end;
  }
  return messages;
}

/** One message for people: ballots as "n.priority.pid", bytes as their number. */
export function describeMessage(message: PeerMessage): string {
  const { type, ...rest } = message;
  const text = JSON.stringify(rest, (_, value: unknown) => {
    if (value instanceof Uint8Array) return `<${value.length} bytes>`;
    // What JSON makes of a Buffer before we see it.
    if (isBallot(value)) return ballotText(value);
    return value;
  });
  return `${type} ${text.replaceAll('"', "")}`;
}

function isBallot(value: unknown): value is { n: number; priority: number; pid: NodeId } {
  return typeof value === "object" && value !== null && "n" in value && "priority" in value;
}
