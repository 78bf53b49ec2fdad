import { PEER_FRAME_BYTES_MAX, PEER_MESSAGE_BYTES_MAX, type Secrets } from "../base/index.ts";
import type { NodeId } from "../omnipaxos/index.ts";
import type {
  Address,
  Clock,
  Logger,
  Network,
  Random,
  StrangerLog,
} from "../machine/ports/index.ts";
import type { PeerHello } from "../protocol/handshake/index.ts";
import type { PeerMessage } from "../protocol/peer/index.ts";
import type { Refusal } from "./handshake/index.ts";

/** A node as it presents itself to a peer: which disk, and what is on it. */
export interface PeerPresence {
  /** Random per data directory. */
  readonly incarnation: string;
  readonly peer: PeerHello;
}

/** None of them is called from within a call of PeerLinks. */
export interface PeerLinksHandlers {
  onMessage(peer: NodeId, message: PeerMessage): void;
  /** A session began, or was renewed, with the disk that presented itself so: answer with the core's `reconnected(peer)`. */
  onSession(peer: NodeId, presence: PeerPresence): void;
  onSessionEnd(peer: NodeId, reason: string): void;
  /** The peer refuses this node, and will until an operator acts. */
  onRefused(peer: NodeId, refusal: PeerRefusal): void;
}

export interface PeerRefusal extends Refusal {
  /** The peer has shown that it knows the secret, or there is none. */
  readonly proved: boolean;
  /** What the peer said of its own disk, proved or not like the refusal; null: nothing yet. */
  readonly presence: PeerHello | null;
}

export interface PeerLinksOptions {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  /** What this node says of itself to the peer that has, or claims, the id `to`. Called once in each handshake. */
  readonly presence: (to: NodeId) => PeerPresence;
  readonly configurationId: number;
  /** The secret that nodes prove to each other. */
  readonly secret: Secrets;
  /** Where each peer listens; this node not among them. */
  readonly peers: ReadonlyMap<NodeId, Address>;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For lines about what others do wrong. Default: one of its own. */
  readonly strangers?: StrangerLog;
  /**
   * The last word on a peer that has proved itself: whether it is the one that this node knows. When this returns null, what
   * this node must remember of the peer is durable, and the session begins.
   */
  readonly admit: (peer: NodeId, presence: PeerPresence) => Refusal | null;
  readonly limits?: Partial<PeerLinksLimits>;
}

export interface PeerLinksLimits {
  readonly sendBufferBytesMax: number;
  readonly frameBytesMax: number;
  readonly messageBytesMax: number;
  /** A message with more bytes of entries travels in slices. */
  readonly longMessageBytes: number;
  readonly sliceBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Between two measurements of the round trip. */
  readonly pingIntervalMs: number;
}

export const PEER_LINKS_LIMITS: PeerLinksLimits = {
  // What all nodes of a cluster of seven may have under way (proposalBytesMax).
  sendBufferBytesMax: 128 * 1024 * 1024,
  frameBytesMax: PEER_FRAME_BYTES_MAX,
  messageBytesMax: PEER_MESSAGE_BYTES_MAX,
  longMessageBytes: 1024 * 1024,
  // Some tenths of a millisecond to put together and to send.
  sliceBytes: 256 * 1024,
  handshakeTimeoutMs: 5000,
  backoffMinMs: 50,
  backoffMaxMs: 1000,
  pingIntervalMs: 1000,
};
