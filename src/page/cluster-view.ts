/** What the page knows of the cluster: the views draw this and nothing else. Times are milliseconds of the page's clock. */
import type { ErrorCode, LinkFault } from "../base/index.ts";
import type { LoadView } from "../client/scenarios/index.ts";
import type { AdminStatus } from "../protocol/admin/index.ts";
import type { Who } from "./rights.ts";

/**
 * connecting: never heard yet. live: its status is fresh. silent: connected, but no answer for a second. down: no connection.
 * refused: the node refuses this page (reason says why, for instance a wrong secret).
 */
type Reach = "connecting" | "live" | "silent" | "down" | "refused";

export interface NodeView {
  readonly id: number;
  /** host:port that clients use. */
  readonly address: string;
  readonly reach: Reach;
  readonly reason: string | null;
  /** The code of the same failure; null while there is none. */
  readonly code: ErrorCode | null;
  /** When `status` arrived; null: never. */
  readonly heardAt: number | null;
  /** The last there was: to be shown as past unless reach is "live". */
  readonly status: AdminStatus | null;
  /** Commands this node applied, over the last second or so; null while not live. */
  readonly appliedPerSecond: number | null;
}

type LinkState = "connected" | "broken" | "faulty" | "down" | "unknown";

/** One direction of a link. */
export interface LinkSide extends LinkFault {
  /**
   * A link is broken when all messages are dropped on purpose, and faulty when there is a lesser fault in it, as a loss or a delay. It is
   * unknown when neither end is live.
   */
  readonly state: LinkState;
  /** How many messages were sent in this direction. */
  readonly messagesPerSecond: number;
}

/** Between two nodes, a < b. */
export interface LinkView {
  readonly a: number;
  readonly b: number;
  readonly aToB: LinkSide;
  readonly bToA: LinkSide;
  readonly roundTripMs: number | null;
}

/** One point of the plots; samples are evenly spaced, oldest first. */
export interface Sample {
  readonly at: number;
  /** Commands the cluster applied (of the node that was furthest). */
  readonly appliedPerSecond: number;
  /** The median latency of writes, as the nodes that answered them measured; null: there were none. */
  readonly writeP50Ms: number | null;
  readonly writeP99Ms: number | null;
}

export interface Mark {
  readonly at: number;
  /** The nodes it is about: one node, or both ends of a link. None: the cluster, which this page did something to ("deed"). */
  readonly nodes: readonly number[];
  readonly kind: "leads" | "follows" | "ballot" | "down" | "back" | "link" | "healed" | "deed";
  /** What happened to them, for people: "leads with ballot 4.0.2", "broken", "chain: a line: 1 – 2 – 3". */
  readonly text: string;
}

/** A stretch of a node's strip: what it was over that time. */
export interface Stretch {
  readonly from: number;
  /** Null: still. */
  readonly to: number | null;
  readonly role: "leader" | "follower" | "cutOff" | "down" | "unknown";
}

export interface ClusterView {
  readonly at: number;
  readonly clusterId: string;
  /** The node that served this page. */
  readonly self: number;
  readonly faultsAllowed: boolean;
  /** The nodes want a secret that the page does not have yet, or had wrong. */
  readonly needsSecret: "no" | "ask" | "wrong";
  /** Which user this page is to the nodes; null: no node has told yet. */
  readonly who: Who | null;
  readonly nodes: readonly NodeView[];
  readonly links: readonly LinkView[];
  /** The live node that leads with the highest ballot. */
  readonly leader: number | null;
  readonly samples: readonly Sample[];
  readonly marks: readonly Mark[];
  /** The writes that this page itself makes, so that a scenario on an idle cluster shows something. */
  readonly load: LoadView;
  /** By node, oldest first. */
  readonly strips: ReadonlyMap<number, readonly Stretch[]>;
}
