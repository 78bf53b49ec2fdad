/** Three real servers: what a scrape says of them, a node that is cut off, and `omnikv health` by its exit status. */
import { afterEach, expect, test } from "vitest";
import { readToken } from "../../src/server/probes/read-token.ts";
import { parseMetrics, valueOf, type Sample } from "../server/metrics/fixtures.ts";
import { eventually, TestCluster, type NodeInfo } from "./cluster.ts";

const SECRET = "c0rrect-h0rse-battery-staple-0451";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.dispose();
  cluster = undefined;
});

async function get(
  { nodes }: TestCluster,
  id: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  const { host, port } = nodes.find((node) => node.id === id)!;
  const answer = await fetch(`http://${host}:${port}${path}`, { headers });
  return { status: answer.status, body: await answer.text() };
}

async function scrape(
  from: TestCluster,
  id: number,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const { status, body } = await get(from, id, "/metrics");
  expect(status).toBe(200);
  return parseMetrics(body);
}

test("a scrape tells the truth, a cut-off node is not ready, and comes back", async () => {
  cluster = await TestCluster.create(3);
  const all = cluster;
  await all.startAll();
  const client = all.client();
  for (let i = 0; i < 20; i++) await client.write(`key ${i}`, "value");
  for (let i = 0; i < 20; i++) await client.read(`key ${i}`);
  const admin = all.admin();
  const leader = await all.leader(admin);
  await all.converged(admin);
  await eventually("all are ready", () => all.run(["health"]).status === 0);
  expect(all.run(["health"]).stdout.trimEnd().split("\n")).toEqual(
    all.nodes.map(({ id, host, port }) => `node ${id} at ${host}:${port}: ready`),
  );

  const samples = await eventually("metrics are those of after the writes", async () => {
    const found = await scrape(all, leader);
    return valueOf(found, "etcd_debugging_mvcc_keys_total") === 20 ? found : undefined;
  });
  const value = (name: string, labels = {}): number => valueOf(samples, name, labels) ?? Number.NaN;
  expect(value("omnikv_ready")).toBe(1);
  expect(value("etcd_server_has_leader")).toBe(1);
  expect(value("etcd_server_is_leader")).toBe(1);
  expect(value("etcd_server_leader_changes_seen_total")).toBeGreaterThanOrEqual(1);
  expect(value("etcd_server_proposals_committed_total")).toBeGreaterThanOrEqual(20);
  expect(value("etcd_server_proposals_applied_total")).toBe(value("omnikv_decided_index"));
  expect(value("etcd_disk_wal_fsync_duration_seconds_count")).toBeGreaterThanOrEqual(20);
  expect(value("etcd_disk_wal_fsync_duration_seconds_sum")).toBeGreaterThan(0);
  expect(value("etcd_mvcc_db_total_size_in_bytes")).toBeGreaterThan(20 * 200);
  expect(value("omnikv_quorum_connected")).toBe(1);
  expect(value("nodejs_eventloop_lag_p99_seconds")).toBeGreaterThan(0);
  for (const { id } of all.nodes) {
    if (id === leader) continue;
    expect(value("omnikv_links", { peer: String(id), state: "connected" })).toBe(1);
    expect(valueOf(await scrape(all, id), "etcd_server_is_leader")).toBe(0);
  }

  // The leader hears nobody any more; the others go on without it.
  const others = all.nodes.flatMap(({ id }) => (id === leader ? [] : [id]));
  await all.keepOnly(admin, [[others[0]!, others[1]!]]);
  await eventually(
    "the leader is not ready",
    async () => (await get(all, leader, "/readyz")).status === 503,
  );
  const why = await get(all, leader, "/readyz?verbose");
  expect(why.status).toBe(503);
  expect(why.body).toMatch(/^\[-\]leader failed: /m);
  expect(why.body).toMatch(/^\[-\]quorum failed: no majority is heard/m);
  expect((await get(all, leader, "/livez")).status).toBe(200);
  await eventually("its metrics say so", async () => {
    const cut = await scrape(all, leader);
    return (
      valueOf(cut, "omnikv_ready") === 0 &&
      valueOf(cut, "omnikv_quorum_connected") === 0 &&
      valueOf(cut, "etcd_server_has_leader") === 0 &&
      valueOf(cut, "etcd_server_is_leader") === 0
    );
  });
  await eventually("the others are ready", async () => {
    const answers = await Promise.all(others.map((id) => get(all, id, "/readyz")));
    return answers.every(({ status }) => status === 200);
  });
  const health = all.run(["health", "--json"]);
  expect(health.status).toBe(1);
  const said = health.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { node: number; ready: boolean });
  expect(said.map(({ node, ready }) => [node, ready])).toEqual(
    all.nodes.map(({ id }) => [id, id !== leader]),
  );

  await all.heal(admin);
  await eventually("all are ready again", () => all.run(["health"]).status === 0);
  await all.kill(others[0]!);
  const dead = all.run(["health"]);
  expect(dead.status).toBe(1);
  expect(dead.stdout).toMatch(/: not ready: connect ECONNREFUSED/);
  expect(all.run(["health", "--timeout", "soon"]).status).toBe(2);
}, 240_000);

test("with a secret, strangers learn whether a node is ready and no more", async () => {
  cluster = await TestCluster.create(3, { secret: SECRET });
  const all = cluster;
  await all.startAll();
  await eventually("all are ready", () => all.run(["health"]).status === 0);
  const [{ id }] = all.nodes as [NodeInfo, ...NodeInfo[]];
  expect(await get(all, id, "/readyz")).toEqual({ status: 200, body: "ok\n" });
  for (const path of ["/metrics", "/readyz?verbose"]) {
    expect((await get(all, id, path)).status).toBe(401);
  }
  const token = all.run(["health", "--token"]).stdout.trim();
  expect(token).toBe(readToken(SECRET));
  const metrics = await get(all, id, "/metrics", { authorization: `Bearer ${token}` });
  expect(metrics.body).toContain("\netcd_server_has_leader 1\n");
  expect(metrics.body).not.toContain(SECRET);
}, 240_000);
