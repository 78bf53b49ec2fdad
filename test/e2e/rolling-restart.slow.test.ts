/** Servers stopped and started again one by one under load: nobody is to notice more than that a request took a little longer. */
import { afterEach, expect, test } from "vitest";
import { eventually, TestCluster } from "./cluster.ts";
import { startLoad } from "./load.ts";

let cluster: TestCluster;
afterEach(() => cluster.dispose());

/** Longer than a busy machine lets a process wait for its turn, so that what is measured is the cluster's doing. */
const ELECTION_TIMEOUT_MS = 1000;
const TIMING = ["--election-timeout-ms", String(ELECTION_TIMEOUT_MS)];

test("a rolling restart fails no request and holds none up for an election time-out", async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll(...TIMING);
  const admin = cluster.admin();
  await cluster.leader(admin);
  const loads = Array.from({ length: 4 }, (_, i) => startLoad(cluster.client(), `k${i}`));
  const turns = [...cluster.nodes.map(({ id }) => id)];
  let handedOver = 0;
  // Whoever leads is last, so that leadership moves at least once to a node that was restarted before.
  const first = await cluster.leader(admin);
  for (const id of [...turns.filter((turn) => turn !== first), first]) {
    const before = loads.map((load) => load.count());
    await eventually("requests go on", () =>
      loads.every((load, i) => load.count() > before[i]! + 20),
    );
    const wasLeader = (await cluster.leader(admin)) === id;
    expect(await cluster.stop(id)).toBe(0);
    if (wasLeader) {
      handedOver += 1;
      expect(cluster.log(id)).toContain("leadership is handed over");
    }
    await cluster.start(id, { flags: TIMING });
    await eventually("it is in step again", async () => {
      const statuses = await cluster.statuses(admin);
      return statuses.find(({ nodeId }) => nodeId === id)?.standing === "following";
    });
  }
  const results = await Promise.all(loads.map((load) => load.stop()));
  expect(handedOver).toBeGreaterThan(0);
  expect(results.flatMap(({ failures }) => failures)).toEqual([]);
  const slowestMs = Math.max(...results.map((result) => result.slowestMs));
  console.log(`slowest request: ${slowestMs.toFixed(0)} ms`);
  expect(slowestMs).toBeLessThan(ELECTION_TIMEOUT_MS);
}, 240_000);
