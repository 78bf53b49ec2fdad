/**
 * The counts of a node, as text for Prometheus: etcd's names where its dashboards and alerts look for them, ours besides.
 *
 * Invariants:
 *   METRICS-1. A value is read when a scraper asks for it. Nothing here is part of a turn.
 *   METRICS-2. No label holds a text that a client has chosen: peers are numbers of the cluster's list, all others come from our own
 *       tables.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import type { NodeSight } from "../node/index.ts";
import type { AdminAlarm } from "../../protocol/admin/index.ts";
import { type CertificateEnd, checksOf, isReady, type Life } from "../probes/index.ts";
import { renderHistogram } from "./histogram.ts";

export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

type Kind = "counter" | "gauge";
interface Single {
  readonly kind: Kind;
  readonly help: string;
  /** Null: there is none now. */
  readonly value: (sight: NodeSight) => number | null;
}

/** Of one value each. A metric that is a gauge in etcd is a gauge here too, even if its name suggests a counter. */
const SINGLES: Readonly<Record<string, Single>> = {
  etcd_server_has_leader: gauge("Whether this node leads or follows a leader (0: cut off)", (s) =>
    bit(s.status.standing !== "cutOff"),
  ),
  etcd_server_is_leader: gauge("Whether this node leads, and is followed by a quorum", (s) =>
    bit(s.status.standing === "leading"),
  ),
  etcd_server_leader_changes_seen_total: counter(
    "Leaderships that this node has seen begin since it started, the first included",
    (s) => s.leadersSeen,
  ),
  etcd_server_proposals_committed_total: gauge(
    "Index up to which this node knows the log to be decided",
    (s) => s.status.decidedIdx,
  ),
  etcd_server_proposals_applied_total: gauge(
    "Index up to which this node has applied the log",
    (s) => s.status.appliedIdx,
  ),
  etcd_server_proposals_pending: gauge(
    "Commands of this node's clients that wait for a leader or are under way to the log",
    (s) => s.waitingCommands,
  ),
  etcd_server_proposals_failed_total: counter(
    "Frames of writes that this node has refused, wholly or in part",
    (s) => sum(s.refused.filter(({ kind }) => kind === "write").map(({ frames }) => frames)),
  ),
  etcd_server_quota_backend_bytes: gauge(
    "Quota of keys and values (the same as omnikv_quota_bytes)",
    (s) => s.quotaBytes,
  ),
  etcd_mvcc_db_total_size_in_bytes: gauge(
    "Keys and values as they count towards the quota: in memory, not on disk",
    (s) => s.contentBytes,
  ),
  etcd_debugging_mvcc_keys_total: gauge("Keys in the state", (s) => s.status.keys),
  omnikv_quorum_connected: gauge("Whether this node itself hears a quorum of the nodes", (s) =>
    bit(s.status.quorumConnected),
  ),
  omnikv_ballot_number: gauge(
    "Number of the ballot that this node has promised: grows with each change of leader",
    (s) => s.status.promise.n,
  ),
  omnikv_leader_node: gauge("Node that this one takes for the leader (0: none)", (s) =>
    s.status.leader === null ? 0 : s.status.leader,
  ),
  omnikv_decided_index: gauge(
    "Index up to which this node knows the log to be decided",
    (s) => s.status.decidedIdx,
  ),
  omnikv_applied_index: gauge(
    "Index up to which this node has applied the log",
    (s) => s.status.appliedIdx,
  ),
  omnikv_sessions: gauge("Sessions of clients in the replicated state", (s) => s.status.sessions),
  omnikv_clients: gauge("Connections of clients to this node", (s) => s.status.clients),
  omnikv_memory_bytes: gauge(
    "What keys, values and sessions are taken to cost of the heap",
    (s) => s.stateBytes,
  ),
  omnikv_content_bytes: gauge("What counts towards the quota", (s) => s.contentBytes),
  omnikv_quota_bytes: gauge("What keys and values may take", (s) => s.quotaBytes),
  omnikv_heap_limit_bytes: gauge(
    "Heap limit of this process; at 40 % of it for the state, growth is refused",
    (s) => s.heapLimitBytes,
  ),
  omnikv_log_bytes: gauge(
    "Bytes of the log on disk, without what is preallocated",
    (s) => s.status.storage?.logBytes ?? null,
  ),
  omnikv_waiting_write_bytes: gauge(
    "Bytes of writes that wait or are under way",
    (s) => s.status.waitingWriteBytes,
  ),
  omnikv_waiting_reads: gauge("Keys of reads that wait", (s) => s.status.waitingReads),
  omnikv_watches: gauge("Watches of this node's clients", (s) => s.watches.watches),
  omnikv_slow_watches: gauge(
    "Of them, those that are read on from the history, as their clients read slowly or begin in the past",
    (s) => s.watches.behind,
  ),
  omnikv_watch_events_total: counter(
    "Events that this node has told watches",
    (s) => s.watches.events,
  ),
  omnikv_watches_slowed_total: counter(
    "Times that a watch has left the live feed as its client did not read",
    (s) => s.watches.slowed,
  ),
  omnikv_leases: gauge("Leases of the cluster", (s) => s.leases.count),
  omnikv_lease_keys: gauge("Keys that are bound to a lease", (s) => s.leases.keys),
  omnikv_lease_clock_seconds: gauge(
    "The clock of the cluster, by which leases end: it stands still while there are none, or no leader",
    (s) => s.leases.clockMs / 1000,
  ),
  omnikv_leases_expired_total: counter(
    "Leases that ended as nobody renewed them",
    (s) => s.leases.expired,
  ),
  omnikv_commands_applied_total: counter(
    "Commands of decided entries that this process has applied, whoever proposed them",
    (s) => s.status.served.commandsApplied,
  ),
  omnikv_reads_total: counter(
    "Keys that clients of this node have read",
    (s) => s.status.served.reads,
  ),
  omnikv_hash_alarm: gauge(
    "Whether this node's state differs from that of a peer by the same log",
    (s) => bit(s.status.alarms.some(({ kind }) => kind === "diverged")),
  ),
};

const ALARM_KINDS: Readonly<Record<Exclude<AdminAlarm["kind"], "unknown">, true>> = {
  diverged: true,
  joining: true,
  unreadableEntry: true,
  noSpace: true,
  diskFull: true,
  otherLog: true,
};

const LINK_STATES = ["connected", "down"] as const;

export interface NodeMetricsOptions {
  readonly sight: () => NodeSight;
  readonly life: () => Life;
  /** Of those in use. Left out: there is no TLS. */
  readonly certificates?: () => readonly CertificateEnd[];
  /** Memory, CPU, garbage collection and the event loop of this process too. Default true. */
  readonly ofProcess?: boolean;
}

export class NodeMetrics {
  readonly #options: NodeMetricsOptions;
  readonly #registry = new Registry();
  readonly #singles = new Map<Single, Counter | Gauge>();
  readonly #ready: Gauge;
  readonly #check: Gauge;
  readonly #alarm: Gauge;
  readonly #links: Gauge;
  readonly #roundTrip: Gauge;
  readonly #refused: Counter;
  readonly #certificate: Gauge;
  /** To measure the event loop wakes the process every 10 ms, so it begins with the first scrape. */
  #toMeasureProcess: boolean;
  readonly #info: Gauge;

  constructor(options: NodeMetricsOptions) {
    this.#options = options;
    const registers = [this.#registry];
    for (const [name, single] of Object.entries(SINGLES)) {
      const { kind, help } = single;
      const Metric = kind === "gauge" ? Gauge : Counter;
      this.#singles.set(single, new Metric({ name, help, registers }));
    }
    const labelled = (name: string, help: string, ...labelNames: string[]): Gauge =>
      new Gauge({ name, help, labelNames, registers });
    this.#ready = labelled("omnikv_ready", "Whether /readyz says that this node is ready");
    this.#check = labelled("omnikv_check_ok", "The checks of /readyz, each", "check");
    this.#alarm = labelled("omnikv_alarms", "Alarms that this node raises, by kind", "kind");
    this.#links = labelled("omnikv_links", "1 for the state that the link is in", "peer", "state");
    this.#roundTrip = labelled(
      "omnikv_link_round_trip_seconds",
      "The last that was measured, while the link is connected",
      "peer",
    );
    this.#info = labelled("omnikv_info", "1, with what this node is", "node", "version");
    this.#refused = new Counter({
      name: "omnikv_refused_total",
      help: "Frames of clients that this node has refused, wholly or in part",
      labelNames: ["kind", "reason"],
      registers,
    });
    this.#certificate = labelled(
      "omnikv_certificate_end_timestamp_seconds",
      "Unix time at which a certificate in use ends",
      "port",
      "certificate",
    );
    this.#toMeasureProcess = options.ofProcess !== false;
  }

  /** As METRICS_TYPE. */
  async text(): Promise<string> {
    if (this.#toMeasureProcess) collectDefaultMetrics({ register: this.#registry });
    this.#toMeasureProcess = false;
    const sight = this.#options.sight();
    this.#fill(sight);
    const histograms = [
      renderHistogram({
        name: "etcd_disk_wal_fsync_duration_seconds",
        help: "Durable writes of the log: each writes and syncs what has gathered",
        series: [{ label: "", buckets: sight.syncLatency, sumMs: sight.syncMs }],
      }),
      renderHistogram({
        name: "etcd_network_peer_round_trip_time_seconds",
        help: "From a question to each peer to its answer, once a second or so while connected",
        series: sight.roundTrips.map(({ peer, ...rest }) => ({ label: `To="${peer}"`, ...rest })),
      }),
      renderHistogram({
        name: "omnikv_write_duration_seconds",
        help: "From the turn in which a frame of writes came in from a client to its answer",
        series: [{ label: "", buckets: sight.status.served.writeLatency, sumMs: null }],
      }),
    ];
    return [await this.#registry.metrics(), ...histograms].join("\n");
  }

  #fill(sight: NodeSight): void {
    const { status } = sight;
    for (const [single, metric] of this.#singles) {
      const value = single.value(sight);
      if (metric instanceof Gauge) {
        if (value === null) metric.remove();
        else metric.set(value);
      } else {
        metric.reset();
        metric.inc(value ?? 0);
      }
    }
    const checks = checksOf(this.#options.life(), status);
    this.#ready.set(bit(isReady(checks)));
    for (const { name, failure } of checks) this.#check.set({ check: name }, bit(failure === null));
    for (const kind of Object.keys(ALARM_KINDS)) {
      const raised = status.alarms.filter((alarm) => alarm.kind === kind).length;
      this.#alarm.set({ kind }, raised);
    }
    this.#roundTrip.reset();
    for (const { peer, state, roundTripMs } of status.links) {
      for (const each of LINK_STATES) this.#links.set({ peer, state: each }, bit(state === each));
      if (state === "connected" && roundTripMs !== null) {
        this.#roundTrip.set({ peer }, roundTripMs / 1000);
      }
    }
    this.#certificate.reset();
    for (const { port, which, endsMs } of this.#options.certificates?.() ?? []) {
      this.#certificate.set({ port, certificate: which }, endsMs / 1000);
    }
    this.#info.set({ node: status.nodeId, version: status.version }, 1);
    this.#refused.reset();
    for (const { kind, code, frames } of sight.refused) {
      this.#refused.inc({ kind, reason: code }, frames);
    }
  }
}

function gauge(help: string, value: Single["value"]): Single {
  return { kind: "gauge", help, value };
}

function counter(help: string, value: Single["value"]): Single {
  return { kind: "counter", help, value };
}

function bit(holds: boolean): number {
  return holds ? 1 : 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
