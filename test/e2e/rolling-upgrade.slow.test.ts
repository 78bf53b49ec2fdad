/**
 * From the version before to this one, node by node, under load. The version before is built from the history of this repository,
 * once; where that is not there, the test is skipped. OMNIKV_UPGRADE_FROM names another commit, OMNIKV_UPGRADE_STEP_S how many seconds
 * of load each step takes at least: scripts/rolling-upgrade.sh.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually, ROOT, TestCluster } from "./cluster.ts";
import { startLoad } from "./load.ts";

/** The last one without leases: data, entries and messages of before. */
const BEFORE = process.env["OMNIKV_UPGRADE_FROM"] ?? "e537031";
const STEP_MS = 1000 * Number(process.env["OMNIKV_UPGRADE_STEP_S"] ?? "1");
const TIMING = ["--election-timeout-ms", "1000"];
const BUILD_MS = 300_000;

const { status } = spawnSync("git", ["rev-parse", "--quiet", "--verify", `${BEFORE}^{commit}`], {
  cwd: ROOT,
});

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.dispose();
  cluster = undefined;
});

describe.skipIf(status !== 0)(
  `from ${BEFORE} (skipped where the history of the repository is not there)`,
  () => {
    let before = "";
    beforeAll(() => {
      const script = join(ROOT, "scripts/build-version.mjs");
      const built = spawnSync(process.execPath, [script, BEFORE], { encoding: "utf8" });
      if (built.status !== 0) throw new Error(`${BEFORE} cannot be built: ${built.stderr}`);
      before = join(built.stdout.trim(), "dist/bin/omnikv.js");
    }, BUILD_MS);

    test(
      "no request fails, what was written stays, and old and new programs are served all along",
      async () => {
        cluster = await TestCluster.create(3);
        const all = cluster;
        const ids = all.nodes.map(({ id }) => id);
        await Promise.all(ids.map((id) => all.start(id, { flags: TIMING, program: before })));
        const admin = all.admin();
        const first = await all.leader(admin);
        const old = all.client();
        for (let i = 0; i < 200; i += 1) await old.write(`old ${i}`, `value ${i}`);
        const loads = Array.from({ length: 4 }, (_, i) => startLoad(all.client(), `k${i}`));
        const goOn = async (): Promise<void> => {
          const counts = loads.map((load) => load.count());
          const since = performance.now();
          await eventually(
            "requests go on",
            () =>
              performance.now() - since >= STEP_MS &&
              loads.every((load, i) => load.count() > counts[i]! + 20),
            STEP_MS + 30_000,
          );
        };
        /** A program of the version before asks all nodes, whatever they run. */
        const askAsBefore = (): void => {
          const args = [before, "get", "old 7", "--raw", "--cluster", all.clusterFile];
          const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
          expect([stdout, stderr]).toEqual(["value 7", ""]);
        };
        // Whoever leads is last: a node of the version before feeds those of this one, and then hands over to one.
        for (const id of [...ids.filter((each) => each !== first), first]) {
          await goOn();
          expect(await all.stop(id)).toBe(0);
          await all.start(id, { flags: TIMING });
          await eventually("it is in step again", async () => {
            const statuses = await all.statuses(admin);
            return statuses.find(({ nodeId }) => nodeId === id)?.standing === "following";
          });
          askAsBefore();
        }
        await goOn();
        const results = await Promise.all(loads.map((load) => load.stop()));
        expect(results.flatMap(({ failures }) => failures)).toEqual([]);
        const requests = results.reduce((sum, load) => sum + load.requests, 0);
        const slowestMs = Math.max(...results.map((load) => load.slowestMs));
        // How long a hand-over takes is for the test of rolling restarts: here it is that of the version before.
        console.log(`${requests} requests, the slowest took ${slowestMs.toFixed(0)} ms`);
        const fresh = all.client();
        for (let i = 0; i < 200; i += 1) {
          const read = await fresh.read(`old ${i}`);
          expect(read.text()).toBe(`value ${i}`);
        }
        const statuses = await all.converged(admin);
        expect(statuses.flatMap(({ alarms }) => alarms)).toEqual([]);
      },
      120_000 + 4 * STEP_MS,
    );
  },
);
