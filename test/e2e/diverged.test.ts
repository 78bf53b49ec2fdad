/** A real server whose state goes another way than that of its peers: a module loaded before it makes it lose an entry. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { eventually, ROOT, TestCluster, UNBUNDLED } from "./cluster.ts";

let cluster: TestCluster;
afterEach(async () => {
  vi.unstubAllEnvs();
  await cluster.dispose();
});

/** Of a module for `node --import`: when this file appears, the next entry is lost. */
function spoiler(when: string): string {
  const state = pathToFileURL(join(ROOT, "dist/store/kv-state.js")).href;
  return `
    import { existsSync, rmSync } from "node:fs";
    import { KvState } from ${JSON.stringify(state)};
    const { apply } = KvState.prototype;
    const when = ${JSON.stringify(when)};
    KvState.prototype.apply = function (entry, idx, sink) {
      if (!existsSync(when)) return apply.call(this, entry, idx, sink);
      rmSync(when);
      this.skip(idx);
    };`;
}

test("a server with another state than the other two stops with status 1; they go on with an alarm, until it is sound again", async () => {
  cluster = await TestCluster.create(3);
  const when = join(cluster.directory, "lose-an-entry");
  const module = join(cluster.directory, "spoiler.mjs");
  writeFileSync(module, spoiler(when));
  await Promise.all([cluster.start(1), cluster.start(2)]);
  vi.stubEnv("NODE_OPTIONS", `--import ${pathToFileURL(module).href}`);
  await cluster.start(3, { program: UNBUNDLED });
  vi.unstubAllEnvs();
  const admin = cluster.admin();
  const client = cluster.client();
  await client.write("before", "sound");
  await cluster.converged(admin);

  writeFileSync(when, "");
  await client.write("lost", "at node 3", { node: 1 });
  await eventually("node 3 ends", () => cluster.exitCode(3) !== null);
  expect(existsSync(when)).toBe(false);
  expect(cluster.exitCode(3)).toBe(1);
  expect(cluster.log(3)).toMatch(
    /node 3 stops: the state of node 3 is not that of nodes 1 and 2.*--rejoin/,
  );
  await eventually("both have the alarm", async () => {
    const statuses = await cluster.statuses(admin);
    return (
      statuses.filter(({ alarms }) =>
        alarms.some((alarm) => alarm.kind === "diverged" && alarm.peer === 3),
      ).length === 2
    );
  });
  for (const id of [1, 2]) {
    await client.write(`after ${id}`, "goes on", { node: id });
    expect(cluster.log(id)).toContain("node 3 applied the same log to another state");
  }
  const status = cluster.run(["manage", "-c", "1 status"]);
  expect(status.stdout).toContain("ALARM: its state is not that of node 3");
  expect(status.status).toBe(1);

  // Its log is sound: a process that applies it as it stands comes to the state of the others.
  await cluster.start(3);
  await cluster.converged(admin);
  await eventually("no alarm", async () => {
    const statuses = await cluster.statuses(admin);
    return statuses.length === 3 && statuses.every(({ alarms }) => alarms.length === 0);
  });
  expect(cluster.run(["manage", "-c", "status"]).status).toBe(0);
  expect((await client.read("lost", { node: 3 })).found).toBe(true);
}, 240_000);
