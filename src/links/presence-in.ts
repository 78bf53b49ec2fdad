import type { Hello } from "../protocol/handshake/index.ts";
import type { PeerPresence } from "./peer-links-options.ts";

/** Which disk the other side of a handshake says to be. Null: it says nothing, as no node does. */
export function presenceIn({ incarnation, peer }: Hello): PeerPresence | null {
  return incarnation === null || peer === null ? null : { incarnation, peer };
}
