import { LATENCY_BUCKETS, type LinkFault } from "../base/index.ts";
import type { NodeId } from "../omnipaxos/index.ts";

/** Since the process started, over all sessions of one link. */
export interface LinkCounters {
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
  messagesIn: number;
  messagesOut: number;
  /** Taken by the drop table. */
  droppedIn: number;
  droppedOut: number;
  /** Lost because there was no session, or the session ended first for want of room. */
  unsent: number;
  sessions: number;
  /** Sessions ended because the send buffer was full, and because of what the peer sent. */
  overflows: number;
  malformed: number;
  /** Round trips by latencyBucket, and all of them together in milliseconds. */
  readonly roundTrips: number[];
  roundTripsMs: number;
}

export function newLinkCounters(): LinkCounters {
  return {
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    messagesIn: 0,
    messagesOut: 0,
    droppedIn: 0,
    droppedOut: 0,
    unsent: 0,
    sessions: 0,
    overflows: 0,
    malformed: 0,
    roundTrips: Array.from({ length: LATENCY_BUCKETS }, () => 0),
    roundTripsMs: 0,
  };
}

export interface LinkStatus {
  readonly peer: NodeId;
  /** "host:port" as configured. */
  readonly address: string;
  readonly state: "connected" | "down";
  /** Why it is down. Null while connected. */
  readonly reason: string | null;
  /** How long it has been so, in milliseconds. */
  readonly sinceMs: number;
  /** Whether this node dials. */
  readonly dials: boolean;
  readonly faults: { readonly in: LinkFault; readonly out: LinkFault };
  readonly bufferedBytes: number;
  /** The last measured; at most a second or so old while connected. */
  readonly roundTripMs: number | null;
  readonly counters: Readonly<LinkCounters>;
}
