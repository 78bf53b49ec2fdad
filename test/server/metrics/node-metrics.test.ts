/** The text for Prometheus: it can be read, says what the status says, and has no label of a client's choice. */
import { expect, test } from "vitest";
import { renderHistogram } from "../../../src/server/metrics/histogram.ts";
import { NodeMetrics } from "../../../src/server/metrics/node-metrics.ts";
import type { NodeSight } from "../../../src/server/node/sight.ts";
import type { CertificateEnd } from "../../../src/server/probes/certificates.ts";
import { buckets, linkTo, parseMetrics, sightWith, valueOf, type Sample } from "./fixtures.ts";

function metricsOf(sight: () => NodeSight, ofProcess = false): NodeMetrics {
  return new NodeMetrics({ sight, life: () => ({ kind: "running" }), ofProcess });
}

async function scrape(sight: NodeSight): Promise<ReadonlyMap<string, readonly Sample[]>> {
  return parseMetrics(await metricsOf(() => sight).text());
}

test("etcd's names and ours have the values of the status", async () => {
  const samples = await scrape(sightWith());
  const values = Object.fromEntries(
    [...samples].flatMap(([name, list]) =>
      list.length === 1 && Object.keys(list[0]?.labels ?? {}).length === 0
        ? [[name, list[0]?.value]]
        : [],
    ),
  );
  expect(values).toEqual({
    etcd_server_has_leader: 1,
    etcd_server_is_leader: 1,
    etcd_server_leader_changes_seen_total: 2,
    etcd_server_proposals_committed_total: 42,
    etcd_server_proposals_applied_total: 42,
    etcd_server_proposals_pending: 1,
    etcd_server_proposals_failed_total: 3,
    etcd_server_quota_backend_bytes: 1_000_000,
    etcd_mvcc_db_total_size_in_bytes: 1000,
    etcd_debugging_mvcc_keys_total: 5,
    etcd_disk_wal_fsync_duration_seconds_sum: 80.003,
    etcd_disk_wal_fsync_duration_seconds_count: 3,
    omnikv_ready: 1,
    omnikv_quorum_connected: 1,
    omnikv_ballot_number: 7,
    omnikv_leader_node: 1,
    omnikv_decided_index: 42,
    omnikv_applied_index: 42,
    omnikv_sessions: 2,
    omnikv_clients: 3,
    omnikv_memory_bytes: 1500,
    omnikv_content_bytes: 1000,
    omnikv_quota_bytes: 1_000_000,
    omnikv_heap_limit_bytes: 4e9,
    omnikv_log_bytes: 4096,
    omnikv_waiting_write_bytes: 0,
    omnikv_waiting_reads: 0,
    omnikv_watches: 3,
    omnikv_slow_watches: 1,
    omnikv_watch_events_total: 20,
    omnikv_watches_slowed_total: 2,
    omnikv_leases: 4,
    omnikv_lease_keys: 6,
    omnikv_lease_clock_seconds: 12.5,
    omnikv_leases_expired_total: 7,
    omnikv_commands_applied_total: 50,
    omnikv_reads_total: 60,
    omnikv_hash_alarm: 0,
    omnikv_write_duration_seconds_count: 4,
  });
  const trips = "etcd_network_peer_round_trip_time_seconds";
  expect(valueOf(samples, `${trips}_sum`, { To: "2" })).toBe(0.0015);
  expect(valueOf(samples, `${trips}_count`, { To: "3" })).toBe(2);
  expect(valueOf(samples, `${trips}_bucket`, { To: "3", le: "0.0004" })).toBe(1);
  expect(valueOf(samples, "omnikv_refused_total", { kind: "write", reason: "NO_QUORUM" })).toBe(2);
  expect(valueOf(samples, "omnikv_refused_total", { kind: "read", reason: "NO_QUORUM" })).toBe(4);
  expect(valueOf(samples, "omnikv_info", { node: "1", version: "1.2.3" })).toBe(1);
});

test("each certificate in use has its end, in seconds, and none is left of those from before", async () => {
  const name = "omnikv_certificate_end_timestamp_seconds";
  const [clients, peers] = [
    { port: "clients", which: "own", endsMs: 1_900_000_000_000 } as const,
    { port: "peers", which: "authority", endsMs: 1_800_000_000_500 } as const,
  ];
  let certificates: readonly CertificateEnd[] = [clients, peers];
  const metrics = new NodeMetrics({
    ...{ sight: () => sightWith(), life: () => ({ kind: "running" }), ofProcess: false },
    certificates: () => certificates,
  });
  const samples = parseMetrics(await metrics.text());
  expect(valueOf(samples, name, { port: "clients", certificate: "own" })).toBe(1_900_000_000);
  expect(valueOf(samples, name, { port: "peers", certificate: "authority" })).toBe(1_800_000_000.5);
  certificates = [clients];
  expect(parseMetrics(await metrics.text()).get(name)).toHaveLength(1);
});

test("one scrape after another tells what is then, and forgets what was", async () => {
  let sight = sightWith();
  const metrics = metricsOf(() => sight);
  await metrics.text();
  sight = sightWith(
    { refused: [], heapLimitBytes: null },
    {
      ...{ standing: "cutOff", quorumConnected: false, happy: false, leader: null, storage: null },
      links: [linkTo(2, { state: "down", roundTripMs: 3 }), linkTo(3)],
      alarms: [
        { kind: "otherLog", peer: 2 },
        { kind: "otherLog", peer: 3 },
        { kind: "diverged", peer: 2, agreedIdx: 1, differsIdx: 5, refuses: true },
      ],
    },
  );
  const samples = parseMetrics(await metrics.text());
  for (const name of ["omnikv_ready", "omnikv_quorum_connected", "etcd_server_has_leader"]) {
    expect([name, valueOf(samples, name)]).toEqual([name, 0]);
  }
  expect(valueOf(samples, "etcd_server_is_leader")).toBe(0);
  expect(valueOf(samples, "omnikv_leader_node")).toBe(0);
  expect(valueOf(samples, "omnikv_hash_alarm")).toBe(1);
  expect(valueOf(samples, "omnikv_check_ok", { check: "leader" })).toBe(0);
  expect(valueOf(samples, "omnikv_check_ok", { check: "disk" })).toBe(1);
  expect(valueOf(samples, "omnikv_alarms", { kind: "otherLog" })).toBe(2);
  expect(valueOf(samples, "omnikv_alarms", { kind: "diskFull" })).toBe(0);
  expect(valueOf(samples, "omnikv_links", { peer: "2", state: "down" })).toBe(1);
  expect(valueOf(samples, "omnikv_links", { peer: "2", state: "connected" })).toBe(0);
  expect(samples.get("omnikv_link_round_trip_seconds")).toEqual([
    { labels: { peer: "3" }, value: 0.0005 },
  ]);
  expect(samples.get("omnikv_refused_total") ?? []).toEqual([]);
  expect(samples.get("omnikv_heap_limit_bytes") ?? []).toEqual([]);
  expect(samples.get("omnikv_log_bytes") ?? []).toEqual([]);
  expect(valueOf(samples, "etcd_server_proposals_failed_total")).toBe(0);
});

test("the process is told of too, with the delay of its event loop", async () => {
  const samples = parseMetrics(await metricsOf(() => sightWith(), true).text());
  for (const name of [
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "nodejs_eventloop_lag_p99_seconds",
    "nodejs_heap_size_used_bytes",
  ]) {
    expect([name, samples.get(name)?.length]).toEqual([name, 1]);
  }
});

test("a histogram counts what is below each bound, and all of it below none", () => {
  const text = renderHistogram({
    ...{ name: "a_seconds", help: "What it is" },
    series: [{ label: "", sumMs: 1500, buckets: buckets({ 0: 1, 1: 2, 39: 4 }) }],
  });
  const lines = text.split("\n");
  expect(lines.slice(0, 5)).toEqual([
    "# HELP a_seconds What it is",
    "# TYPE a_seconds histogram",
    'a_seconds_bucket{le="0.0001"} 1',
    'a_seconds_bucket{le="0.0001414"} 3',
    'a_seconds_bucket{le="0.0002"} 3',
  ]);
  expect(lines.slice(-4)).toEqual([
    'a_seconds_bucket{le="+Inf"} 7',
    "a_seconds_sum 1.5",
    "a_seconds_count 7",
    "",
  ]);
  const bounds = (parseMetrics(text).get("a_seconds_bucket") ?? []).map(
    ({ labels }) => labels["le"],
  );
  expect(new Set(bounds).size).toBe(40);
});
