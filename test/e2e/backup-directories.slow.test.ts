/** Of several disks of a lost cluster the right one is taken: that of the highest accepted round, however long the others' logs are. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LeftNode, leaveDirectory, WrittenLog } from "../storage/backup/left-directory.ts";
import { OMNIKV, TestCluster } from "./cluster.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "omnikv-left-"));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function omnikv(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [OMNIKV, ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

async function left(name: string, node: LeftNode): Promise<string> {
  const path = join(root, name);
  await leaveDirectory(path, node);
  return path;
}

/** What the two had in common before the leader was cut off. */
const common = (): WrittenLog => new WrittenLog().write("a");

function backupOf(...directories: string[]): ReturnType<typeof omnikv> & { file: string } {
  const file = join(root, "rest.backup");
  const flags = directories.flatMap((directory) => ["--data-dir", directory]);
  return { ...omnikv("backup", ...flags, file), file };
}

test("a leader that was cut off has the longest log and the wrong one: the highest accepted round is taken", async () => {
  // What nobody has confirmed: five writes of the old leader.
  const cutOff = await left("cut-off", {
    ...{ nodeId: 1, acceptedRound: { n: 2, pid: 1 }, decidedIdx: 2 },
    entries: common().write("b", "c", "d", "e", "f").entries,
  });
  // What a majority has acknowledged in a later round.
  const moved = await left("moved-on", {
    ...{ nodeId: 3, acceptedRound: { n: 10, pid: 3 }, decidedIdx: 3 },
    entries: common().write("acknowledged").entries,
  });
  for (const order of [
    [cutOff, moved],
    [moved, cutOff],
  ]) {
    const made = backupOf(...order);
    expect(made).toMatchObject({ status: 0, stderr: "" });
    expect(made.stdout).toContain(`${cutOff}: node 1, accepted in round 2.0.1, 7 entries, 2 known`);
    expect(made.stdout).toContain(`${moved}: node 3, accepted in round 10.0.3, 3 entries, 3 known`);
    expect(made.stdout).toContain(`${moved} is taken: its log was accepted in the highest round\n`);
    expect(made.stdout).toContain("2 keys at revision 2, index 3, accepted in round 10.0.3; ");
    const verified = omnikv("verify", made.file);
    expect(verified.stdout).toMatch(/ {2}index {6}3\n {2}round {6}10\.0\.3\n/);
    expect(JSON.parse(omnikv("verify", "--json", made.file).stdout)).toMatchObject({
      ...{ nodeId: 3, keys: 2, acceptedRound: "10.0.3" },
    });
    rmSync(made.file);
  }
  // On different machines the two are compared by eye.
  expect(omnikv("verify", cutOff).stdout).toMatch(/ {2}round {6}2\.0\.1\n/);
  expect(JSON.parse(omnikv("verify", "--json", moved).stdout)).toMatchObject({
    ...{ acceptedIdx: 3, acceptedRound: "10.0.3" },
  });
  const alone = backupOf(cutOff);
  expect(alone.stdout).toMatch(/^backup of what node 1 .* index 7, accepted in round 2\.0\.1; /);
});

test("of a real cluster whose leader was cut off: what the others acknowledged meanwhile is in the backup", async () => {
  const cluster = await TestCluster.create(3);
  try {
    await cluster.startAll();
    const admin = cluster.admin();
    await cluster.client().write("a", "1");
    const leader = await cluster.leader(admin);
    const others = cluster.nodes.filter(({ id }) => id !== leader);
    const own = cluster.client({ nodes: [cluster.nodes[leader - 1]!], timeoutMs: 2000 });
    await own.write("a", "2");
    for (const { id: peer } of others) {
      const fault = { peer, direction: "both", dropPermille: 1000, delayMs: 0 } as const;
      await admin.call(leader, "setFault", fault);
    }
    // It appends them until it notices that nobody answers; nobody is told that they are done.
    const lost: Promise<"done" | "not done">[] = [];
    for (let i = 0; i < 40; i++) {
      const write = own.write(`lost ${i}`, "x");
      lost.push(
        write.then(
          () => "done",
          () => "not done",
        ),
      );
      await new Promise((wake) => setTimeout(wake, 5));
    }
    await cluster.client({ nodes: others, timeoutMs: 60_000 }).write("acknowledged", "1");
    expect(new Set(await Promise.all(lost))).toEqual(new Set(["not done"]));
    for (const { id } of cluster.nodes) await cluster.kill(id);
    const [survivor = leader] = others.map(({ id }) => id);
    const right = cluster.dataDirectory(survivor);
    const made = backupOf(cluster.dataDirectory(leader), right);
    expect(made.stdout).toContain(`${right} is taken: its log was accepted in the highest round\n`);
    expect(made.stdout).toContain(": 2 keys at revision 3, ");
  } finally {
    await cluster.dispose();
  }
});

test("of one round the longer log is taken", async () => {
  const round = { n: 4, pid: 2 };
  const short = { nodeId: 1, acceptedRound: round, entries: common().entries };
  const long = { nodeId: 2, acceptedRound: round, entries: common().write("b").entries };
  const directories = [await left("one", short), await left("two", long)];
  const made = backupOf(...directories);
  expect(made.stdout).toContain(
    `${directories[1]} is taken: of those that were accepted in the highest round its log is the longest`,
  );
  expect(made.stdout).toContain("2 keys at revision 2, index 3, ");
});

test("directories that are not of one cluster, or contradict each other, are refused with a sentence", async () => {
  const { entries } = common();
  const node = { entries, acceptedRound: { n: 2, pid: 1 }, decidedIdx: 2 };
  const own = await left("own", node);
  const others: readonly [string, LeftNode][] = [
    ["of clusters shop and other: name only directories", { ...node, clusterId: "other" }],
    ["of clusters of nodes 1, 2, 3 and of nodes 1, 2: name only", { ...node, members: [1, 2] }],
    [
      "begun with different logs: name only directories of one cluster",
      { ...node, nodeId: 2, entries: new WrittenLog(2).write("a").entries },
    ],
    [
      `${own} knows 2 entries to be decided, and the log of ${join(root, "3")}, which was accepted in round 3.0.2, has 1 of them`,
      { ...node, entries: entries.slice(0, 1), acceptedRound: { n: 3, pid: 2 }, decidedIdx: 1 },
    ],
  ];
  for (const [i, [text, other]] of others.entries()) {
    const made = backupOf(own, await left(String(i), other));
    expect(made).toMatchObject({ status: 1, stdout: "" });
    expect(made.stderr).toContain(text);
    expect(existsSync(made.file)).toBe(false);
  }
  // One in which nothing was decided fits any.
  const empty = { nodeId: 3, entries: [], acceptedRound: { n: 1, pid: 3 } };
  expect(backupOf(own, await left("empty", empty)).status).toBe(0);
  rmSync(join(root, "rest.backup"));
  const none = backupOf(own, join(root, "no-such"));
  expect(none.stderr).toContain(`${join(root, "no-such")}: there is no identity.json`);
});
