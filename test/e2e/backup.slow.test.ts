/** Backups of real nodes, and clusters that begin with them. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import { loopbackNodes } from "../../src/measure/subjects/places.ts";
import { takeBackup } from "../../src/client/api/take-backup.ts";
import { byteStringOfText, SnapshotDecoder } from "../../src/store/index.ts";
import { NEW_ID, omnikv, readMany, restore, textOf, writeMany } from "./backups.ts";
import { eventually, TestCluster } from "./cluster.ts";

const clusters: TestCluster[] = [];
afterEach(() => Promise.all(clusters.splice(0).map((cluster) => cluster.dispose())));

/** Of five hundred keys, and a backup of it. The last of its tests stops nodes of it. */
let made: Promise<{ cluster: TestCluster; file: string }> | null = null;
afterAll(async () => (await made)?.cluster.dispose());

function source(): Promise<{ cluster: TestCluster; file: string }> {
  const make = async (): Promise<{ cluster: TestCluster; file: string }> => {
    const cluster = await TestCluster.create(3);
    await cluster.startAll();
    await writeMany(cluster.client(), 500);
    const file = join(cluster.directory, "a.backup");
    const done = await omnikv("backup", "--cluster", cluster.clusterFile, file);
    expect(done).toMatchObject({ status: 0 });
    return { cluster, file };
  };
  return (made ??= make());
}

async function newCluster(): Promise<TestCluster> {
  const cluster = await TestCluster.create(3);
  clusters.push(cluster);
  return cluster;
}

test("a backup from a node that is behind holds what was acknowledged before it was asked for", async () => {
  const cluster = await newCluster();
  await cluster.startAll("--election-timeout-ms", "1000");
  const admin = cluster.admin();
  const leader = await cluster.leader(admin);
  const behind = leader === 3 ? 2 : 3;
  const late = { direction: "in", dropPermille: 0, delayMs: 150 } as const;
  await admin.call(behind, "setFault", { peer: leader, ...late });
  const client = cluster.client({ nodes: cluster.nodes.filter(({ id }) => id === leader) });
  for (let i = 1; i <= 10; i++) {
    for (let n = 0; n < 5; n++) await client.write("counter", `${i} ${n}`);
    const { pieces } = await takeBackup(admin, behind);
    const decoder = new SnapshotDecoder();
    for await (const piece of pieces) {
      decoder.push(piece);
      while (decoder.step(Infinity));
    }
    const state = decoder.finish();
    expect(state.read(byteStringOfText("counter"))?.value).toBe(`${i} 4`);
  }
}, 240_000);

test("nodes that were not restored take everything from the others, and a cluster of such nodes takes nothing in", async () => {
  const { file } = await source();
  const options = (cluster: TestCluster, id: number): string[] => [
    ...["--node", String(id), "--cluster", cluster.clusterFile, "--cluster-id", NEW_ID],
    ...["--data-dir", cluster.dataDirectory(id), "--restore-id", "one"],
  ];

  const mostly = await newCluster();
  for (const id of [1, 2]) expect(restore(file, ...options(mostly, id)).status).toBe(0);
  await mostly.startAll("--cluster-id", NEW_ID);
  await readMany(mostly.client({ nodes: mostly.nodes.slice(2) }), 500);
  await mostly.converged(mostly.admin());
  await Promise.all(mostly.nodes.map(({ id }) => mostly.kill(id)));

  const hardly = await newCluster();
  expect(restore(file, ...options(hardly, 1)).status).toBe(0);
  const flags = ["--cluster-id", NEW_ID];
  await hardly.start(2, { flags });
  await hardly.start(3, { flags });
  await hardly.client({ nodes: hardly.nodes.slice(1) }).write("key 1", "of the empty cluster");
  await hardly.start(1, { flags });
  const admin = hardly.admin();
  await eventually("it is noticed", async () => {
    if (hardly.exitCode(1) !== null) return true;
    const statuses = await hardly.statuses(admin);
    return statuses.some(({ alarms }) => alarms.some(({ kind }) => kind === "otherLog"));
  });
  const own = hardly.client({ nodes: hardly.nodes.slice(0, 1), timeoutMs: 2000 });
  await expect(own.write("key 1", "lost")).rejects.toBeInstanceOf(KvError);
}, 240_000);

test("omnikv start runs the data of a restore, under the id that it was given", async () => {
  const { cluster, file } = await source();
  const directory = join(cluster.directory, "started");
  const made = ["--cluster-id", "monday", "--data-dir", directory];
  expect(restore(file, "--all", "--size", "1", ...made).status).toBe(0);
  const [{ port } = { port: 0 }] = await loopbackNodes(1);
  const where = ["--size", "1", "--base-port", String(port - 1)];
  const read = await omnikv("start", ...made, ...where, "-c", "wait-leader; get 'key 7'");
  expect(read).toMatchObject({ status: 0, stderr: "" });
  expect(textOf(read.stdout)).toMatch(/\n"value 7\.+" \(revision/);
  const unnamed = await omnikv("start", "--data-dir", directory, ...where, "-c", "get x");
  expect(unnamed.stderr).toContain('belongs to cluster "monday", this server to cluster');
}, 240_000);

test("a backup is refused where it would be stale or replace something, and damage is told", async () => {
  const { cluster, file } = await source();
  const where = ["--cluster", cluster.clusterFile];
  const twice = await omnikv("backup", ...where, file);
  expect(twice.status).toBe(2);
  expect(twice.stderr).toContain("exists: give another name, or --force to replace it");
  expect(await omnikv("backup", ...where, "--force", file)).toMatchObject({ status: 0 });

  const pipe = join(cluster.directory, "pipe");
  spawnSync("mkfifo", [pipe]);
  for (const command of ["backup", "export"]) {
    const piped = await omnikv(command, ...where, "--force", pipe);
    expect(piped.status).toBe(2);
    expect(piped.stderr).toContain(`${pipe} is no regular file, and is not replaced by one`);
    expect(statSync(pipe).isFIFO()).toBe(true);
    const nowhere = await omnikv(command, ...where, join(cluster.directory, "missing", "file"));
    expect(nowhere.status).toBe(2);
    expect(nowhere.stderr).toMatch(/there is no directory .*missing, make it first/);
    expect((await omnikv(command, ...where, "")).stderr).toContain("the file has no name: give");
  }
  const ofDirectory = restore(
    cluster.directory,
    "--all",
    "--cluster-id",
    "x",
    "--data-dir",
    `${pipe}-new`,
  );
  expect(ofDirectory.status).toBe(2);
  expect(ofDirectory.stderr).toContain("is a directory: expected a file that omnikv backup has");

  const whole = readFileSync(file);
  const damaged = Buffer.from(whole);
  damaged[whole.length >> 1]! ^= 1;
  writeFileSync(file, damaged);
  const found = await omnikv("verify", file);
  expect(found.status).toBe(1);
  expect(found.stderr).toMatch(
    /a\.backup: damaged in the record at byte \d+: the checksum is wrong/,
  );
  const directory = join(cluster.directory, "new");
  const refused = restore(file, "--all", "--cluster-id", "x", "--data-dir", directory);
  expect(refused.status).toBe(1);
  expect(existsSync(directory)).toBe(false);
  writeFileSync(file, whole.subarray(0, whole.length - 3));
  expect((await omnikv("verify", file)).stderr).toContain("it is cut short");
  writeFileSync(file, whole);

  const link = join(cluster.directory, "link");
  symlinkSync(cluster.directory, link);
  const node = ["--node", "1", "--cluster-id", "x", "--data-dir", link];
  const nameless = restore(file, ...node);
  expect(nameless.status).toBe(2);
  expect(nameless.stderr).toMatch(/new with every restore: --restore-id [0-9a-f]{12}\n/);
  const linked = restore(file, ...node, "--restore-id", "one");
  expect(linked.status).toBe(2);
  expect(linked.stderr).toContain("link is a symbolic link, which cannot be replaced");
  const sameId = restore(file, "--all", "--data-dir", directory);
  expect(sameId.status).toBe(2);
  expect(sameId.stderr).toContain("needs an id of its own");
  mkdirSync(join(directory, "node2"), { recursive: true });
  writeFileSync(join(directory, "node2", "something"), "of somebody");
  const full = restore(file, "--all", "--cluster-id", "x", "--data-dir", directory);
  expect(full.status).toBe(2);
  expect(full.stderr).toContain("is not empty");
  expect(readdirSync(directory)).toEqual(["node2"]);
  // As a restore leaves it that was killed while it gave them their names.
  mkdirSync(join(directory, "node3.restoring"));
  const halved = restore(file, "--all", "--cluster-id", "x", "--data-dir", directory);
  expect(halved.status).toBe(2);
  const [two, three] = ["node2", "node3.restoring"].map((name) => join(directory, name));
  expect(halved.stderr).toContain(
    `was interrupted, or is still at work, and these are of it, complete or not: ${two}, ${three}. All nodes must come from one run: `,
  );
  expect(readdirSync(directory)).toEqual(["node2", "node3.restoring"]);
  rmSync(join(directory, "node3.restoring"), { recursive: true });
  rmSync(join(directory, "node2", "something"));
  expect(restore(file, "--all", "--cluster-id", "x", "--data-dir", directory)).toMatchObject({
    status: 0,
  });
  expect(readdirSync(directory)).toEqual(["node1", "node2", "node3"]);

  // A node that hears no majority may be behind: nothing is better than that.
  await cluster.kill(2);
  await cluster.kill(3);
  const alone = join(cluster.directory, "alone.backup");
  const cutOff = await omnikv("backup", ...where, "--node", "1", alone);
  expect(cutOff.status).toBe(1);
  expect(cutOff.stderr).toContain("reaches no leader with a quorum");
  expect(existsSync(alone)).toBe(false);
  expect(existsSync(`${alone}.tmp`)).toBe(false);
}, 240_000);
