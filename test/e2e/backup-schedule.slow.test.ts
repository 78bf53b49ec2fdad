/** Backups one after another of a real cluster, each checked, the oldest removed; while it is away none, and then again. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

let cluster: TestCluster | undefined;
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await cluster?.dispose();
  cluster = undefined;
});

interface Running {
  readonly child: ChildProcess;
  readonly said: { out: string; err: string };
  readonly ended: Promise<number | null>;
}

function backups(...args: string[]): Running {
  const child = spawn(process.execPath, [OMNIKV, "backup", ...args]);
  children.push(child);
  const said = { out: "", err: "" };
  child.stdout.on("data", (bytes: Buffer) => (said.out += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (said.err += bytes.toString()));
  return { child, said, ended: new Promise((done) => child.on("close", done)) };
}

test("a schedule keeps the newest, lives through an outage, and ends with 0 when all was well", async () => {
  cluster = await TestCluster.create(3);
  const all = cluster;
  await all.startAll();
  await all.client().write("35", "hello");
  const directory = join(all.directory, "kept");
  mkdirSync(directory);
  const names = (): string[] =>
    readdirSync(directory).filter((name) => /^omnikv-local-.*[.]backup$/.test(name));
  const flags = ["--cluster", all.clusterFile, "--keep", "2", directory];

  const first = backups(...flags);
  expect(await first.ended).toBe(0);
  expect(first.said.err).toBe("");
  expect(first.said.out).toMatch(
    /^\d{4}-\S+Z omnikv-local-\d{8}T\d{6}Z\.backup: 1 keys at revision 1, \d+ bytes; checked\n$/,
  );
  expect(names()).toHaveLength(1);
  writeFileSync(join(directory, "by-hand.backup"), "stays");

  const running = backups("--every", "1s", ...flags);
  await eventually("an older one is removed", () => running.said.out.includes("1 older removed"));
  const beside = backups(...flags);
  expect(await beside.ended).toBe(1);
  expect(beside.said.err).toMatch(/another omnikv backup makes files in .* by process \d+\)/);

  await Promise.all(all.nodes.map(({ id }) => all.kill(id)));
  await eventually("that none could be made is said", () =>
    running.said.err.includes("no backup was made: "),
  );
  const before = names();
  await all.startAll();
  await eventually("there are new ones", () => names().every((name) => !before.includes(name)));
  running.child.kill("SIGTERM");
  expect(await running.ended).toBe(0);
  expect(names()).toHaveLength(2);
  expect(existsSync(join(directory, "by-hand.backup"))).toBe(true);
  for (const name of names()) {
    const verified = spawnSync(process.execPath, [OMNIKV, "verify", join(directory, name)]);
    expect(verified.status).toBe(0);
  }
}, 240_000);

test("two clusters of one id: neither removes the other's, and that they stay is said", async () => {
  cluster = await TestCluster.create(1);
  const other = await TestCluster.create(1);
  try {
    const directory = join(cluster.directory, "kept");
    mkdirSync(directory);
    for (const each of [cluster, other]) {
      await each.startAll();
      await each.client().write("a", "1");
    }
    const made = async (of: TestCluster): Promise<string> => {
      const running = backups("--cluster", of.clusterFile, "--keep", "1", directory);
      expect([await running.ended, running.said.err]).toEqual([0, ""]);
      return running.said.out;
    };
    const stays =
      /: 1 keys .*; checked\n.* \S+\.backup is of another cluster that has this id, .*: is not removed; /;
    expect(await made(cluster)).not.toMatch(/another cluster/);
    await new Promise((wake) => setTimeout(wake, 1000));
    expect(await made(other)).toMatch(stays);
    await new Promise((wake) => setTimeout(wake, 1000));
    const again = await made(other);
    expect(again).toMatch(/1 older removed, 1 are kept\n/);
    expect(again).toMatch(/is of another cluster that has this id/);
    const names = readdirSync(directory).filter((name) => name.endsWith(".backup"));
    expect(names).toHaveLength(2);
  } finally {
    await other.dispose();
  }
}, 240_000);

test("told to end while none can be made it ends with 1; wrong flags are said", async () => {
  cluster = await TestCluster.create(1);
  const directory = join(cluster.directory, "kept");
  const flags = ["--cluster", cluster.clusterFile, directory];
  const missing = backups("--keep", "2", ...flags);
  expect([await missing.ended, missing.said.err]).toEqual([
    ...[
      1,
      `omnikv backup: there is no directory ${directory}: correct the name, mount what is to be there, or create it first\n`,
    ],
  ]);
  mkdirSync(directory);
  const running = backups("--every", "1h", "--keep", "2", ...flags);
  await eventually("that none could be made is said", () =>
    running.said.err.includes("no backup was made: "),
  );
  running.child.kill("SIGTERM");
  expect(await running.ended).toBe(1);
  const wrong: readonly [string, readonly string[]][] = [
    ["--every needs --keep", ["--every", "1h"]],
    ["--keep: expected an integer from 1 to 10000", ["--keep", "0"]],
    ["--every: expected a time like", ["--keep", "2", "--every", "soon"]],
    ["--every: expected a time like", ["--keep", "2", "--every", "24"]],
    ["--force make no sense", ["--keep", "2", "--force"]],
  ];
  for (const [text, args] of wrong) {
    const refused = backups(...args, ...flags);
    expect([await refused.ended, refused.said.err]).toEqual([2, expect.stringContaining(text)]);
  }
}, 240_000);
