/** What a node is told: who it is and its peers are, its times and its bounds. */
import type { Secrets } from "../../base/index.ts";
import { RANGE_PAGE, type PageLimits } from "../../store/index.ts";
import type { PeerLinksLimits } from "../../links/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import type { Address } from "../../machine/ports/index.ts";
import {
  type CompactionPolicy,
  DEFAULT_COMPACTION,
  DEFAULT_WATCH_LIMITS,
  type WatchLimits,
} from "../../replica/index.ts";

/** Times of a node, in milliseconds. */
export interface NodeTiming {
  readonly tickMs: number;
  /**
   * A leader that no longer hears a quorum is replaced within four of these, if some node hears one; the leader's heartbeat
   * rounds must exceed the worst round trip between nodes.
   */
  readonly electionTimeoutMs: number;
  /** After so long a node repeats messages that may have been lost. */
  readonly resendMs: number;
  /** A request that the node cannot serve for so long is refused, definitely. Below the clients' own time-out. */
  readonly requestWaitMs: number;
}

export const DEFAULT_TIMING: NodeTiming = {
  tickMs: 10,
  electionTimeoutMs: 100,
  resendMs: 200,
  requestWaitMs: 3000,
};

/**
 * How long a heartbeat round takes, in election time-outs. Up to four rounds pass until a node takes over: two until the
 * others see that their leader is gone, two until the node has heard so from all of them. Then it prepares and writes, which
 * takes time of its own: that too must fit into four election time-outs.
 */
export const ROUND_PER_ELECTION_TIMEOUT = 0.9;
/** A proposal not applied after this many request waits is forgotten by the node that took it. */
export const ABANDON_WAITS = 10;
/** Cut off from the leader for this many election time-outs, a node asks its neighbours to serve its clients. */
export const RELAY_AFTER_ELECTION_TIMEOUTS = 3;

/**
 * After it has been cut off for so many election time-outs, a node tells its watchers. It may take one and a half of them to notice
 * that itself.
 */
export const ISOLATED_AFTER_ELECTION_TIMEOUTS = 0.5;

/** How a node makes a snapshot from a peer into a state while it goes on serving. */
export interface LoadPace {
  /** Milliseconds in which the node does nothing else. Above 0. */
  readonly sliceMs: number;
  /** A slice ends after so many bytes too, for clocks that stand still meanwhile. Above 0. */
  readonly sliceBytes: number;
  /** Milliseconds from one slice to the next; 0: the next turn. */
  readonly pauseMs: number;
}

/** At 6 µs a key, a slice is some hundred keys: a tenth of the default election time-out would be too much, this is half. */
export const DEFAULT_LOAD_PACE: LoadPace = { sliceMs: 5, sliceBytes: 1024 * 1024, pauseMs: 0 };

export interface NodeOptions {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  /** The version of the program, for the status. */
  readonly version: string;
  /** Where each node of the cluster talks to its peers, this one included. */
  readonly peerAddresses: ReadonlyMap<NodeId, Address>;
  readonly clientAddress: Address;
  /** The secret that clients and managers prove to know. None: the node trusts anybody who reaches the port. */
  readonly secret: Secrets;
  /** The secret that nodes prove to know. None: the node trusts anybody who reaches the port, as far as secrets go. */
  readonly peerSecret: Secrets;
  /** Management may break links. */
  readonly allowFaults: boolean;
  readonly timing: NodeTiming;
  readonly compaction: CompactionPolicy;
  readonly load: LoadPace;
  /** Where they differ from the usual ones. */
  readonly linkLimits: Partial<PeerLinksLimits>;
  /** With a new data directory the node must take everything from the others before it takes part. */
  readonly rejoin: boolean;
  /** The operator vouches for the members of a data directory that does not know them. */
  readonly confirmMembers: boolean;
  readonly segmentBytes: number;
  readonly proposalBytesMax: number;
  readonly proposalCommandsMax: number;
  readonly readsMax: number;
  readonly readBytesMax: number;
  /** What one page of a range may hold, and how much work it may take. */
  readonly rangePage: PageLimits;
  /** Limits of watches. */
  readonly watches: WatchLimits;
  readonly clientConnectionsMax: number;
  readonly adminConnectionsMax: number;
  /** Bytes of answers that may wait for one client before its connection is ended. */
  readonly clientBufferBytesMax: number;
  /** Bytes of frames and answers that the node may hold for all clients together before it ends the connections that hold most. */
  readonly bufferBytesMax: number;
}

export const NODE_DEFAULTS = {
  secret: null,
  peerSecret: null,
  allowFaults: false,
  timing: DEFAULT_TIMING,
  compaction: DEFAULT_COMPACTION,
  load: DEFAULT_LOAD_PACE,
  linkLimits: {},
  rejoin: false,
  confirmMembers: false,
  segmentBytes: 16 * 1024 * 1024,
  proposalBytesMax: 16 * 1024 * 1024,
  // As many as a small machine carries out in a tenth of a second. With four times as many, turns grew so long that heartbeats
  // came late and leaders changed (docs/performance.md, "Overload").
  proposalCommandsMax: 8192,
  readsMax: 65_536,
  // Less than a link to a neighbour takes (sendBufferBytesMax), which may be lent all of it.
  readBytesMax: 32 * 1024 * 1024,
  rangePage: RANGE_PAGE,
  watches: DEFAULT_WATCH_LIMITS,
  clientConnectionsMax: 5_000,
  adminConnectionsMax: 100,
  clientBufferBytesMax: 64 * 1024 * 1024,
  bufferBytesMax: 256 * 1024 * 1024,
} satisfies Partial<NodeOptions>;
