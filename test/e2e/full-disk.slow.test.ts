/** A node whose disk is full, as a small file system in memory: what it says, how often, and what its clients are told. */
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NODE_FLAGS } from "../../src/server/launch/node-flags.ts";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

const canMount =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/tmp"]).status === 0;
/** Of the small file system: two segments, half of a third, and a snapshot with what was overwritten. */
const MEGABYTES = 64;
/** An election time-out that no busy machine misses. */
const LONG_MS = 2000;

let cluster: TestCluster;
let mounted = "";
beforeEach(async () => {
  cluster = await TestCluster.create(3);
});
afterEach(async () => {
  // The server first: it uses the file system.
  for (const { id } of cluster.nodes) await cluster.kill(id);
  if (mounted !== "") spawnSync("umount", ["-l", mounted]);
  mounted = "";
  await cluster.dispose();
});

function mount(directory: string, megabytes = MEGABYTES): void {
  mkdirSync(directory);
  const options = ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", directory];
  expect(spawnSync("mount", options).status).toBe(0);
  mounted = directory;
}

/** Takes all room that is left. */
function fill(): void {
  expect(() =>
    writeFileSync(join(mounted, "ballast"), Buffer.alloc((2 * MEGABYTES) << 20)),
  ).toThrow(/ENOSPC/);
}

const count = (text: string, part: string): number => text.split(part).length - 1;

test.skipIf(!canMount)(
  "it is said once; a local read that cannot be answered is refused at once, others go on (needs root and mount)",
  async () => {
    mount(cluster.dataDirectory(3));
    const flags = ["--snapshot-entries", "10"];
    await cluster.startAll(...flags);
    const client = cluster.client();
    await client.write("kept", "value");
    await cluster.converged(cluster.admin());
    await cluster.stop(3);
    // The segment that is ready for when this one is full: so the log has no room either.
    rmSync(join(mounted, "log", "00000002.log"));
    fill();
    // So much that the others throw away the log that node 3 would need: it has to fetch a snapshot, and has no room.
    const value = "v".repeat(50_000);
    for (let round = 0; round < 30; round++) {
      await Promise.all(Array.from({ length: 10 }, (_, i) => client.write(`key${i}`, value)));
    }
    await cluster.start(3, { flags });
    await eventually("node 3 finds no room", () => cluster.log(3).includes("cannot be kept"));
    await expect(client.read("key1", { node: 3, consistency: "local" })).rejects.toMatchObject({
      code: "DISK_FULL",
      definite: true,
    });
    const began = performance.now();
    await client.read("key1", { node: 3, consistency: "local" }).catch(() => {});
    // The wait for a quorum, after which it was refused before, is 3 s.
    expect(performance.now() - began).toBeLessThan(1500);
    // Management is told, as long as it lasts.
    const table = cluster.run(["manage", "--exec", "status"]);
    expect(table.stdout).toMatch(/ALARM: node 3: its disk is full: until there is room/);
    expect(table.status).toBe(1);
    const json = cluster.run(["manage", "--json", "--exec", "3 status"]);
    expect(json.stdout).toContain('"alarms":[{"kind":"diskFull","cause":"space"}]');
    // Not tied to a node it goes to another one, and so do reads that have to be linearizable.
    expect((await client.read("key1", { consistency: "local" })).found).toBe(true);
    expect((await client.read("key1")).found).toBe(true);
    // A client that has seen nothing newer is served by what is there, however old.
    await cluster.client().read("kept", { node: 3, consistency: "local" });
    // Several attempts later.
    const before = cluster.log(3);
    await new Promise((wake) => setTimeout(wake, 2000));
    expect(cluster.log(3)).toBe(before);
    for (const once of ["the disk is full:", "cannot be kept"]) expect(count(before, once)).toBe(1);
    expect(count(before, "could not be written")).toBeLessThanOrEqual(1);
    rmSync(join(mounted, "ballast"));
    await cluster.converged(cluster.admin());
    await eventually("it is said that it is over", () => cluster.log(3).includes("has room again"));
    for (const once of ["has room again", "can be kept again"]) {
      expect(count(cluster.log(3), once)).toBe(1);
    }
    expect((await client.read("key1", { node: 3, consistency: "local" })).found).toBe(true);
    expect(cluster.run(["manage", "--exec", "status"]).stdout).not.toContain("ALARM");
  },
  240_000,
);

test.skipIf(!canMount)(
  "a backup or an export that does not fit says so, and leaves nothing (needs root and mount)",
  async () => {
    await cluster.startAll();
    const client = cluster.client();
    for (let i = 0; i < 4; i++) await client.write(`key${i}`, "v".repeat(800_000));
    const directory = join(cluster.directory, "small");
    mount(directory, 1);
    for (const [command, outcome] of [
      ["backup", "No backup was made"],
      ["export", "Nothing was exported"],
    ] as const) {
      const file = join(directory, "all");
      const ended = cluster.run([command, file]);
      expect([ended.status, ended.stderr]).toEqual([
        1,
        `omnikv: cannot write ${file}: the disk is full (ENOSPC). ${outcome}, and nothing of it is left: make room there, or give a place on another disk\n`,
      ]);
      expect(readdirSync(directory)).toEqual([]);
    }
    const kept = cluster.run(["backup", "--keep", "2", directory]);
    expect(kept.status).toBe(1);
    expect(kept.stderr).toMatch(
      /Z no backup was made: cannot write \S+\.backup: the disk is full \(ENOSPC\)\. Older ones stay, and nothing of it is left: /,
    );
    expect(readdirSync(directory).filter((name) => name !== ".lock")).toEqual([]);
  },
);

/** Has this node lead: whoever leads instead hands over to it when it is told to end, as it has the highest number. */
async function leadBy(id: number, flags: readonly string[]): Promise<void> {
  const admin = cluster.admin();
  for (;;) {
    const leader = await cluster.leader(admin);
    if (leader === id) {
      // Who leads first, as the nodes come up one by one, may not lead for long.
      await new Promise((wake) => setTimeout(wake, 2 * LONG_MS));
      if ((await cluster.leader(admin)) === id) return;
      continue;
    }
    await cluster.stop(leader);
    await cluster.start(leader, { flags });
    await eventually("the others follow", async () => {
      const statuses = await cluster.statuses(admin);
      return statuses.filter(({ standing }) => standing === "following").length === 2;
    });
  }
}

test.skipIf(!canMount)(
  "a leader whose disk is full leads on by the disks of the others, and nothing that was acknowledged is lost when it dies (needs root and mount)",
  async () => {
    mount(cluster.dataDirectory(3));
    // Long, so that nobody takes over as the machine is busy.
    const flags = ["--election-timeout-ms", String(LONG_MS)];
    await cluster.startAll(...flags);
    await leadBy(3, flags);
    fill();
    const client = cluster.client();
    const value = (i: number): string => `${i}`.padEnd(400_000, "v");
    // More than its two segments take: what comes last is on the disks of the others only.
    const keys = Array.from({ length: 120 }, (_, i) => `key${i}`);
    for (const [i, key] of keys.entries()) await client.write(key, value(i));
    await eventually("node 3 has no room", () => cluster.log(3).includes("the disk is full:"));
    const admin = cluster.admin();
    expect(await cluster.leader(admin)).toBe(3);
    await expect(client.write("refused", "x", { node: 3 })).rejects.toMatchObject({
      code: "DISK_FULL",
      definite: true,
    });
    for (const node of [1, 2]) await client.write(`at${node}`, "x", { node });
    for (const consistency of ["linearizable", "local"] as const) {
      const last = await client.read("key119", { node: 3, consistency });
      expect(last.text()).toBe(value(119));
    }
    expect((await client.read("refused")).found).toBe(false);
    // It is said, once, and seen by whoever looks.
    expect(count(cluster.log(3), "the disk is full:")).toBe(1);
    const health = cluster.run(["health"]);
    expect(health.stdout).toMatch(/^node 3 at .*: not ready: disk: DISK_FULL: no room$/m);
    expect(health.stdout).toMatch(/^node 1 at .*: ready$/m);
    expect(health.stdout).toMatch(/^node 2 at .*: ready$/m);
    expect(health.status).toBe(1);
    const table = cluster.run(["manage", "--exec", "status"]);
    expect(table.stdout).toMatch(/^node 3 leads$/m);
    expect(table.stdout).toMatch(/ALARM: node 3: its disk is full/);
    expect(table.status).toBe(1);
    // What it had not on its disk counted nowhere.
    await cluster.kill(3);
    await client.write("after", "x");
    await cluster.start(3, { flags });
    const [, entries] = /recovered from disk .*entries=(\d+)/.exec(cluster.log(3)) ?? [];
    expect(Number(entries)).toBeLessThan(keys.length);
    await client.write("beside it", "x");
    await eventually("its lack of room is seen", () =>
      /ALARM: node 3: its disk is full/.test(cluster.run(["manage", "--exec", "status"]).stdout),
    );
    expect(cluster.run(["health"]).stdout).toMatch(/^node 3 at .*disk: DISK_FULL: no room/m);
    rmSync(join(mounted, "ballast"));
    // Room for all of it: the file system is small.
    expect(spawnSync("mount", ["-o", "remount,size=256m", mounted]).status).toBe(0);
    await cluster.converged(admin);
    for (const [i, key] of keys.entries()) {
      const read = await client.read(key, { node: 3, consistency: "local" });
      expect(read.text()).toBe(value(i));
    }
    await client.write("refused", "not any more", { node: 3 });
    expect(cluster.exitCode(3)).toBeNull();
    await eventually("no alarm is left", () => cluster.run(["health"]).status === 0);
  },
  240_000,
);

test.skipIf(!canMount)(
  "a new node on a full disk cannot start, and says so (needs root and mount)",
  async () => {
    mount(cluster.dataDirectory(3));
    fill();
    await cluster.start(3);
    expect(await cluster.ended(3)).toBe(1);
    expect(cluster.errors(3)).toMatch(
      /^omnikv server: node 3 cannot start: .*the disk is full.*Make room there/,
    );
  },
  30_000,
);

test.skipIf(!canMount)(
  "a log on the full disk does not end its server, and goes on when there is room (needs root and mount)",
  async () => {
    mount(join(cluster.directory, "small"));
    const logFile = join(mounted, "log.txt");
    const log = openSync(logFile, "a");
    fill();
    const server = spawn(
      process.execPath,
      [
        ...[...NODE_FLAGS, OMNIKV, "server", "--node", "1", "--cluster", cluster.clusterFile],
        ...["--data-dir", cluster.dataDirectory(1)],
      ],
      { stdio: ["ignore", log, log] },
    );
    closeSync(log);
    const ended = new Promise((done) => server.once("exit", done));
    try {
      await cluster.start(2);
      const client = cluster.client();
      await client.write("a", "b");
      expect(readFileSync(logFile, "utf8")).not.toContain("is ready");
      rmSync(join(mounted, "ballast"));
      await cluster.kill(2);
      await eventually("the log goes on", () =>
        readFileSync(logFile, "utf8").includes("link to n2 down"),
      );
      expect(server.exitCode).toBeNull();
    } finally {
      server.kill("SIGKILL");
      await ended;
    }
  },
  240_000,
);
