/** `omnikv backup --data-dir`: when a majority of the disks is lost, what one is left has begins a new cluster. */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createClient } from "../../src/client/api/index.ts";
import { OMNIKV, TestCluster } from "./cluster.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.dispose();
  cluster = undefined;
});

function omnikv(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [OMNIKV, ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("the disk of one node begins a new cluster, with what it had accepted; its directory stays as it was", async () => {
  cluster = await TestCluster.create(3);
  const all = cluster;
  await all.startAll("--snapshot-entries", "20");
  const client = all.client();
  for (let i = 0; i < 50; i++) await client.write(`key ${i}`, `value ${i}`);
  const leader = await all.leader(all.admin());
  const left = leader === 3 ? 2 : 3;
  const directory = all.dataDirectory(left);
  const file = join(directory, "..", "rest.backup");
  const running = omnikv("backup", "--data-dir", directory, file);
  expect(running).toMatchObject({ status: 1, stdout: "" });
  expect(running.stderr).toMatch(/in use by process \d+: stop that node first/);
  for (const id of [1, 2, 3]) await all.kill(id);
  for (const id of [1, 2, 3]) {
    if (id !== left) rmSync(all.dataDirectory(id), { recursive: true });
  }

  const before = omnikv("verify", directory);
  const made = omnikv("backup", "--data-dir", directory, file);
  expect(made).toMatchObject({ status: 0, stderr: "" });
  expect(made.stdout).toMatch(
    new RegExp(
      `^backup of what node ${left} of cluster \\S+ has on its disk: 50 keys at revision 50, index \\d+, accepted in round \\d+\\.0\\.\\d; `,
    ),
  );
  expect(omnikv("verify", directory)).toEqual(before);
  const who = ["--all", "--size", "1", "--cluster-id", "anew", "--data-dir", `${directory}.anew`];
  expect(omnikv("restore", file, ...who)).toMatchObject({ status: 0, stderr: "" });
  const found = omnikv("verify", join(`${directory}.anew`, "node1"));
  expect(found.stdout).toMatch(/ {2}keys {7}50\n/);
});

test("what a node had accepted and did not know to be decided is in it, and said", async () => {
  cluster = await TestCluster.create(3);
  const all = cluster;
  await all.startAll();
  const client = all.client();
  await client.write("a", "1");
  const leader = await all.leader(all.admin());
  const own = createClient({ nodes: [all.nodes[leader - 1]!], timeoutMs: 1500 });
  // Until it notices that nobody answers it accepts what it is asked for: however late that is, some of these come before.
  let refused = 0;
  const asked: Promise<unknown>[] = [];
  while (refused === 0) {
    asked.push(own.write(`key ${asked.length}`, "1").catch(() => (refused += 1)));
    if (asked.length === 20)
      for (const id of [1, 2, 3]) if (id !== leader) all.signal(id, "SIGSTOP");
    await new Promise((wake) => setTimeout(wake, 5));
  }
  await Promise.all(asked);
  own.close();
  for (const id of [1, 2, 3]) await all.kill(id);
  const directory = all.dataDirectory(leader);
  const file = join(directory, "..", "rest.backup");
  const made = omnikv("backup", "--data-dir", directory, file);
  expect(made.stdout).toMatch(
    /: (\d+) keys at revision \1, .*The node had accepted the last \d+ of its entries and did not know yet that they are decided\n/,
  );
  const inBackup = Number(/: (\d+) keys at revision/.exec(made.stdout)?.[1]);
  const decided = Number(/ {2}keys {7}(\d+)\n/.exec(omnikv("verify", directory).stdout)?.[1]);
  expect(decided).toBeGreaterThan(0);
  expect(inBackup).toBeGreaterThan(decided);
});

test("keys that are bound to a lease are left out by a restore, which says so", async () => {
  cluster = await TestCluster.create(1);
  await cluster.startAll();
  const client = cluster.client();
  await client.write("stays", "1");
  await client.write("leased", "1", { ttl: 600_000 });
  await cluster.kill(1);
  const directory = cluster.dataDirectory(1);
  const file = `${directory}.backup`;
  expect(omnikv("backup", "--data-dir", directory, file).stdout).toContain(": 2 keys at ");
  const who = ["--all", "--size", "1", "--cluster-id", "anew", "--data-dir", `${directory}.anew`];
  const step = omnikv("restore", file, ...who, "--revision-step", String(2 ** 49));
  expect(step).toMatchObject({ status: 0, stderr: "" });
  expect(step.stdout).toMatch(
    /^restored 1 keys at .*:\n {2}without 1 key that was bound to a lease: /,
  );
});

test("what cannot be: no directory of a node, options of a cluster, an empty one that was to rejoin", async () => {
  cluster = await TestCluster.create(3);
  const directory = cluster.dataDirectory(1);
  const file = `${directory}.backup`;
  const none = omnikv("backup", "--data-dir", directory, file);
  expect([none.status, none.stdout]).toEqual([1, ""]);
  expect(none.stderr).toMatch(/there is no identity\.json, so it is no node's\n$/);
  const both = omnikv("backup", "--data-dir", directory, "--node", "2", file);
  expect(both.status).toBe(2);
  expect(both.stderr).toMatch(/--node is of no use with --data-dir/);
  await cluster.start(1, { flags: ["--rejoin"] });
  await cluster.kill(1);
  const empty = omnikv("backup", "--data-dir", directory, file);
  expect(empty.status).toBe(1);
  expect(empty.stderr).toMatch(
    /is to take the place of a lost disk and has taken over nothing yet/,
  );
  expect(existsSync(file)).toBe(false);
  const verified = omnikv("verify", directory);
  expect([verified.status, verified.stderr]).toEqual([1, ""]);
  expect(verified.stdout).toMatch(
    /^\S+ is not complete: it waits to take the place of a lost disk \(--rejoin\)/,
  );
  expect(JSON.parse(omnikv("verify", "--json", directory).stdout)).toMatchObject({
    ...{ ok: false, joined: false, error: expect.stringMatching(/^it waits to take the place/) },
  });
});
