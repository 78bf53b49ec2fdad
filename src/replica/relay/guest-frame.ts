import { type ClientFrame, decodeClientFrame } from "../../protocol/client/index.ts";
import { DecodeError } from "../../protocol/codec/index.ts";

/**
 * The frame of a neighbour's client. The neighbour has checked it, but may be of a later version, and its client too: such a frame must
 * not end the session with the neighbour, which may be its only way to a leader.
 * @returns what is wrong, as a text, when this node cannot read it
 */
export function guestFrame(frame: Uint8Array): ClientFrame | string {
  try {
    return decodeClientFrame(frame);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return `a request of its client that cannot be read: ${error.message}`;
  }
}
