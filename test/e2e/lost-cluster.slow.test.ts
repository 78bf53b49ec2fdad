/** The drill: a cluster under load is backed up, lost with all its disks, and begun again. */
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { KvClient } from "../../src/client/kv-client.ts";
import { readBackup } from "../../src/storage/backup/read-backup.ts";
import { byteStringOfText } from "../../src/store/index.ts";
import { NEW_ID, omnikv, readMany, restore, textOf, valueOf, writeMany } from "./backups.ts";
import { TestCluster } from "./cluster.ts";

/** Several pieces of a backup. */
const KEYS = 1000;

let cluster: TestCluster;
afterEach(() => cluster.dispose());

/** Writes numbers one after the other, with a little time for others between, until it is stopped. `acknowledged`: the last that was. */
function writeOn(client: KvClient): { acknowledged: () => number; stop: () => Promise<void> } {
  let goesOn = true;
  let last = 0;
  const run = async (): Promise<void> => {
    while (goesOn) {
      await client.write("counter", String(last + 1));
      last += 1;
      await new Promise((wake) => setTimeout(wake, 5));
    }
  };
  const running = run();
  return {
    acknowledged: () => last,
    stop: () => {
      goesOn = false;
      return running;
    },
  };
}

test("what was acknowledged before a backup began survives the loss of the whole cluster", async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  const client = cluster.client();
  await writeMany(client, KEYS);
  const load = writeOn(client);
  const files: { file: string; atLeast: number; atMost: number }[] = [];
  const counterIsWithin = (counter: number, { atLeast, atMost }: (typeof files)[number]): void => {
    expect(counter).toBeGreaterThanOrEqual(atLeast);
    expect(counter).toBeLessThanOrEqual(atMost);
  };
  for (const { id } of cluster.nodes) {
    const file = join(cluster.directory, `from-${id}.backup`);
    const atLeast = load.acknowledged();
    const args = ["--cluster", cluster.clusterFile, "--node", String(id)];
    const ended = await omnikv("backup", ...args, file);
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    expect(ended.stdout.toString()).toMatch(
      new RegExp(
        `^backup of cluster omnikv-local from node ${id}: ${KEYS + 1} keys at revision \\d+, index \\d+; `,
      ),
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    files.push({ file, atLeast, atMost: load.acknowledged() + 1 });
    const { state } = await readBackup([readFileSync(file)]);
    const stored = state.read(byteStringOfText("counter"))?.value;
    counterIsWithin(Number(stored), { file, atLeast, atMost: load.acknowledged() + 1 });
    expect(state.read(byteStringOfText("key 999"))?.value).toBe(valueOf(999));
    expect(state.size).toBe(KEYS + 1);
    if (id > 1) continue;
    const verified = await omnikv("verify", "--json", file);
    expect(verified.status).toBe(0);
    expect(JSON.parse(verified.stdout.toString())).toMatchObject({
      ...{ ok: true, clusterId: "omnikv-local", nodeId: id, keys: KEYS + 1 },
    });
  }
  const piped = await omnikv("backup", "--cluster", cluster.clusterFile, "-");
  const pipedFile = join(cluster.directory, "piped.backup");
  writeFileSync(pipedFile, piped.stdout);
  expect(await omnikv("verify", pipedFile)).toMatchObject({ status: 0 });
  expect(piped.stderr).toContain(`${KEYS + 1} keys`);
  await load.stop();
  const [before] = await cluster.converged(cluster.admin());
  await Promise.all(cluster.nodes.map(({ id }) => cluster.kill(id)));
  for (const { id } of cluster.nodes) rmSync(cluster.dataDirectory(id), { recursive: true });

  // Node by node from one node's backup, as on three machines.
  const [first] = files;
  const description = JSON.parse(readFileSync(cluster.clusterFile, "utf8"));
  writeFileSync(cluster.clusterFile, JSON.stringify({ ...description, clusterId: NEW_ID }));
  for (const { id } of cluster.nodes) {
    const who = ["--node", String(id), "--cluster", cluster.clusterFile, "--restore-id", "one"];
    const made = restore(first!.file, ...who, "--data-dir", cluster.dataDirectory(id));
    expect(made).toMatchObject({ status: 0, stderr: "" });
    expect(made.stdout).toContain(
      "A node whose disk is lost after the first start comes back with --rejoin: never",
    );
  }
  await cluster.startAll();
  const again = cluster.client({ clusterId: NEW_ID });
  await readMany(again, KEYS);
  const counter = await again.read("counter");
  counterIsWithin(counter.found ? Number(textOf(counter.value)) : 0, first!);
  // Revisions go on above all that were ever given.
  const written = await again.write("after", "the restore");
  expect(written.revision).toBeGreaterThan(before!.revision);
  expect(written.revision).toBeGreaterThan(1_000_000_000);
  const statuses = await cluster.converged(cluster.admin());
  expect(statuses.flatMap(({ alarms }) => alarms)).toEqual([]);
  expect(statuses[0]!.sessions).toBeLessThanOrEqual(2);

  // It is a cluster like any other: a node survives a restart, and it can be backed up.
  await cluster.kill(1);
  await cluster.start(1);
  await readMany(cluster.client({ clusterId: NEW_ID, nodes: cluster.nodes.slice(0, 1) }), KEYS);
  const second = join(cluster.directory, "second.backup");
  expect(await omnikv("backup", "--cluster", cluster.clusterFile, second)).toMatchObject({
    status: 0,
  });
  expect((await omnikv("verify", second)).stdout.toString()).toContain(`keys       ${KEYS + 2}`);
}, 180_000);
