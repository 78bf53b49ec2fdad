/**
 * How a session gets its number: from a hash over what only its client and the servers know (the nonce) and where in the
 * log it was opened, so that no client can name another's session, and two clients with one nonce get two sessions.
 * docs/security.md says which attackers this keeps out, and why 52 bits are enough.
 */
import { createHash } from "node:crypto";
import { bytesOf, type ByteString, byteStringOfText } from "../../base/index.ts";

/** Sessions opened by entries of version 1 have numbers from a counter, which stays below this. */
export const HASHED_IDS_START = 2 ** 52;

export interface SessionName {
  /** 2^52 and 52 bits. Anybody who knows it can write in the session's name: a node tells it to the session's client only. */
  readonly id: number;
  /**
   * 32 other bits of the same hash, which reveal nothing of the id. They stand for the session in the history hash, which
   * peers and managers see.
   */
  readonly tag: number;
  /** 53 further bits, never NO_ORIGIN: see `StateHeader.origin`. */
  readonly origin: number;
}

/**
 * @param idx of the entry that opens it
 * @param position of the command among all of that entry
 * @param attempt 0, and one more for each id that was taken already
 */
export function hashedSessionName(
  nonce: ByteString,
  idx: number,
  position: number,
  attempt: number,
): SessionName {
  const place = byteStringOfText(`omnikv session ${idx} ${position} ${attempt} `);
  const { buffer, byteOffset } = createHash("sha256")
    .update(bytesOf(place))
    .update(bytesOf(nonce))
    .digest();
  const digest = new DataView(buffer, byteOffset);
  const id = HASHED_IDS_START + (digest.getUint32(0) >>> 12) * 2 ** 32 + digest.getUint32(4);
  const origin = (digest.getUint32(12) >>> 11) * 2 ** 32 + digest.getUint32(16);
  return { id, tag: digest.getInt32(8), origin: Math.max(1, origin) };
}
