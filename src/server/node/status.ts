/** What a node tells of itself: to management, to the page, and in its log. */
import { BROKEN_PERMILLE } from "../../base/index.ts";
import type { UnreadableEntries } from "../../store/index.ts";
import type { LinkStatus, PeerLinks } from "../../links/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import type { Replica } from "../../replica/index.ts";
import type { LogStorage } from "../../storage/index.ts";
import type { AdminLink, AdminStatus } from "../../protocol/admin/index.ts";
import { alarmsOf, lackOf } from "./alarms.ts";
import type { NodeSight } from "./sight.ts";
import type { SnapshotJobs } from "./snapshot-jobs.ts";

export interface StatusParts {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly version: string;
  readonly uptimeMs: number;
  readonly clients: number;
  readonly replica: Replica;
  readonly links: PeerLinks;
  readonly storage: LogStorage;
  /** Keeps the snapshots that peers send. */
  readonly snapshots: Pick<SnapshotJobs, "receiveLack">;
  readonly allowFaults: boolean;
  /** Entries that this process has passed over. */
  readonly unreadable: UnreadableEntries;
  /** Peers whose data come from another beginning. */
  readonly otherLogs: readonly NodeId[];
}

/** Required: with a field that nodes of an earlier version leave out, this does not compile without it either. */
export function nodeStatus(parts: StatusParts): Required<AdminStatus> {
  const { nodeId, clusterId, version, uptimeMs, clients, replica, links, storage } = parts;
  const { core, state, waiting } = replica;
  const snapshot = core.storedSnapshot;
  return {
    nodeId,
    clusterId,
    version,
    uptimeMs,
    role: core.role,
    phase: core.phase,
    leader: core.leader()?.pid ?? null,
    ballot: core.ownBallot,
    promise: core.promise,
    quorumConnected: core.isQuorumConnected(),
    happy: core.isHappy,
    standing: replica.standing().kind,
    decidedIdx: core.decidedIdx,
    acceptedIdx: core.acceptedIdx,
    appliedIdx: replica.appliedIdx,
    compactedIdx: core.compactedIdx,
    snapshotIdx: snapshot?.idx ?? null,
    revision: state.revision,
    keys: state.size,
    sessions: state.sessionCount,
    stateHash: state.hash(),
    origin: state.origin,
    clients,
    waitingWriteBytes: waiting.proposalBytes,
    waitingReads: waiting.reads,
    links: links.status().map(adminLink),
    heartbeats: [...core.connectedPeers()].map(([peer, view]) => ({ peer, ...view })),
    storage: {
      logBytes: storage.stats.logBytes,
      segments: storage.stats.segments,
      syncs: storage.stats.syncs,
      lastSyncMs: storage.stats.lastSyncMs,
      snapshotBytes: snapshot?.value.bytes ?? null,
      isFull: !storage.hasRoom,
    },
    served: {
      commandsApplied: replica.served.commandsApplied,
      reads: replica.served.reads,
      writeLatency: replica.served.writeLatency,
    },
    allowFaults: parts.allowFaults,
    alarms: alarmsOf(replica, parts.unreadable, lackOf(parts), parts.otherLogs),
    leases: { count: state.leases.size, clockMs: state.leases.clockMs },
  };
}

export function roundTripsTo({ peer, counters }: LinkStatus): NodeSight["roundTrips"][number] {
  return { peer, buckets: [...counters.roundTrips], sumMs: counters.roundTripsMs };
}

/** Required, as `nodeStatus`. */
export function adminLink(link: LinkStatus): Required<AdminLink> {
  const { faults, counters } = link;
  return {
    peer: link.peer,
    address: link.address,
    state: link.state,
    reason: link.reason,
    sinceMs: link.sinceMs,
    roundTripMs: link.roundTripMs,
    brokenIn: faults.in.dropPermille === BROKEN_PERMILLE,
    brokenOut: faults.out.dropPermille === BROKEN_PERMILLE,
    dropPermilleIn: faults.in.dropPermille,
    dropPermilleOut: faults.out.dropPermille,
    delayMsIn: faults.in.delayMs,
    delayMsOut: faults.out.delayMs,
    bufferedBytes: link.bufferedBytes,
    sessions: counters.sessions,
    messagesIn: counters.messagesIn,
    messagesOut: counters.messagesOut,
    droppedIn: counters.droppedIn,
    droppedOut: counters.droppedOut,
  };
}
