/** A node's answers to management, for tests that change a field or two. */
import type { AdminLink, AdminStatus } from "../../src/protocol/admin/admin.ts";

export function linkTo(peer: number, fields: Partial<AdminLink> = {}): AdminLink {
  return {
    peer,
    address: `127.0.0.1:${4200 + peer}`,
    state: "connected",
    reason: null,
    sinceMs: 65_000,
    roundTripMs: 0.21,
    brokenIn: false,
    brokenOut: false,
    dropPermilleIn: 0,
    dropPermilleOut: 0,
    delayMsIn: 0,
    delayMsOut: 0,
    bufferedBytes: 0,
    sessions: 1,
    messagesIn: 10,
    messagesOut: 10,
    droppedIn: 0,
    droppedOut: 0,
    ...fields,
  };
}

export function statusOf(nodeId: number, fields: Partial<AdminStatus> = {}): AdminStatus {
  const ballot = { configId: 1, n: 4, priority: 0, pid: nodeId };
  return {
    nodeId,
    clusterId: "omnikv-local",
    version: "0.1.0",
    uptimeMs: 3 * 3600_000,
    role: "leader",
    phase: "accept",
    leader: nodeId,
    ballot,
    promise: ballot,
    quorumConnected: true,
    happy: true,
    standing: "leading",
    decidedIdx: 12,
    acceptedIdx: 13,
    appliedIdx: 12,
    compactedIdx: 2,
    snapshotIdx: null,
    revision: 9,
    keys: 1,
    sessions: 2,
    stateHash: "0",
    clients: 3,
    waitingWriteBytes: 0,
    waitingReads: 0,
    links: [],
    heartbeats: [],
    storage: null,
    served: { commandsApplied: 9, reads: 4, writeLatency: Array.from({ length: 40 }, () => 0) },
    allowFaults: true,
    alarms: [],
    ...fields,
  };
}
