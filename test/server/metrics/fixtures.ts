/** A node that leads a cluster of three and is well. */
import { isDeepStrictEqual } from "node:util";
import { LATENCY_BUCKETS } from "../../../src/base/latency-buckets.ts";
import type { NodeSight } from "../../../src/server/node/sight.ts";
import type { AdminLink, AdminStatus } from "../../../src/protocol/admin/admin.ts";

const BALLOT = { configId: 1, n: 7, priority: 0, pid: 1 };

export function linkTo(peer: number, changes: Partial<AdminLink> = {}): AdminLink {
  return {
    ...{ peer, address: `127.0.0.1:420${peer}`, state: "connected", reason: null, sinceMs: 1000 },
    ...{ roundTripMs: 0.5, brokenIn: false, brokenOut: false, dropPermilleIn: 0 },
    ...{ dropPermilleOut: 0, delayMsIn: 0, delayMsOut: 0, bufferedBytes: 0, sessions: 1 },
    ...{ messagesIn: 10, messagesOut: 10, droppedIn: 0, droppedOut: 0 },
    ...changes,
  };
}

export function statusWith(changes: Partial<AdminStatus> = {}): AdminStatus {
  return {
    ...{ nodeId: 1, clusterId: "test", version: "1.2.3", uptimeMs: 5000 },
    ...{ role: "leader", phase: "accept", leader: 1, ballot: BALLOT, promise: BALLOT },
    ...{ quorumConnected: true, happy: true, standing: "leading" },
    ...{ decidedIdx: 42, acceptedIdx: 43, appliedIdx: 42, compactedIdx: 10, snapshotIdx: 10 },
    ...{ revision: 40, keys: 5, sessions: 2, stateHash: "abc", clients: 3 },
    ...{ waitingWriteBytes: 0, waitingReads: 0, links: [linkTo(2), linkTo(3)], heartbeats: [] },
    storage: {
      ...{ logBytes: 4096, segments: 1, syncs: 3, lastSyncMs: 2 },
      ...{ snapshotBytes: null, isFull: false },
    },
    served: { commandsApplied: 50, reads: 60, writeLatency: buckets({ 8: 4 }) },
    ...{ allowFaults: false, alarms: [] },
    ...changes,
  };
}

export function sightWith(
  changes: Partial<NodeSight> = {},
  status: Partial<AdminStatus> = {},
): NodeSight {
  return {
    status: statusWith(status),
    ...{ leadersSeen: 2, waitingCommands: 1 },
    watches: { watches: 3, behind: 1, events: 20, slowed: 2 },
    leases: { count: 4, keys: 6, clockMs: 12_500, expired: 7 },
    refused: [
      { kind: "read", code: "NO_QUORUM", frames: 4 },
      { kind: "write", code: "NO_QUORUM", frames: 2 },
      { kind: "write", code: "OVERLOADED", frames: 1 },
    ],
    roundTrips: [
      { peer: 2, buckets: buckets({ 4: 3 }), sumMs: 1.5 },
      { peer: 3, buckets: buckets({ 4: 1, 9: 1 }), sumMs: 2.5 },
    ],
    ...{ contentBytes: 1000, stateBytes: 1500, quotaBytes: 1_000_000, heapLimitBytes: 4e9 },
    ...{ syncLatency: buckets({ 5: 2, 39: 1 }), syncMs: 80_003 },
    ...changes,
  };
}

/** Counts by bucket; the others are 0. */
export function buckets(counts: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: LATENCY_BUCKETS }, (_, i) => counts[i] ?? 0);
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by name of what Prometheus would read; throws at a line that it would not. */
export function parseMetrics(text: string): ReadonlyMap<string, readonly Sample[]> {
  const samples = new Map<string, Sample[]>();
  const seen = new Set<string>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("# HELP ")) continue;
    const type = /^# TYPE (\w+) (counter|gauge|histogram|summary)$/.exec(line);
    if (type !== null) {
      const [, name = ""] = type;
      if (seen.has(name)) throw new Error(`${name} twice`);
      seen.add(name);
      continue;
    }
    const match =
      /^([a-zA-Z_:][\w:]*)(?:\{((?:\w+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[\d.]+(?:e[+-]?\d+)?|NaN|\+Inf)$/i.exec(
        line,
      );
    if (match === null) throw new Error(`no sample: ${line}`);
    const [, name = "", labelText = "", value = ""] = match;
    const labels = Object.fromEntries(
      [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text = ""]) => [
        key ?? "",
        text,
      ]),
    );
    samples.set(name, [...(samples.get(name) ?? []), { labels, value: Number(value) }]);
  }
  return samples;
}

/** Of the one sample with exactly these labels. */
export function valueOf(
  samples: ReadonlyMap<string, readonly Sample[]>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  return samples.get(name)?.find((sample) => isDeepStrictEqual({ ...sample.labels }, { ...labels }))
    ?.value;
}
