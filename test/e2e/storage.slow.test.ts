/** Data directories that must not be used, as real servers refuse them. */
import {
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
  closeSync,
  cpSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

let cluster: TestCluster;

describe("one node", () => {
  afterEach(() => cluster.dispose());

  test("a second process on the same directory is refused, and after kill -9 the directory is free at once", async () => {
    cluster = await TestCluster.create(1);
    await cluster.startAll();
    const run = cluster.run([
      ...["server", "--node", "1", "--data-dir", cluster.dataDirectory(1)],
      ...["--port", "1", "--peer-port", "2"],
    ]);
    expect(run.status).toBe(1);
    expect(run.stderr + run.stdout).toMatch(/in use|used by|locked/i);
    await cluster.kill(1);
    await cluster.start(1);
    await cluster.client().write("a", "b");
  }, 240_000);

  test("damage in the middle of the log stops the server with file, place and way out", async () => {
    cluster = await TestCluster.create(1);
    await cluster.startAll();
    const client = cluster.client();
    for (let i = 0; i < 50; i++)
      await client.write(`key${i}`, "some value that is long enough to be hit");
    await cluster.stop(1);
    const log = join(cluster.dataDirectory(1), "log");
    const sound = join(cluster.directory, "sound");
    cpSync(cluster.dataDirectory(1), sound, { recursive: true });
    const [file = ""] = readdirSync(log).sort();
    const fd = openSync(join(log, file), "r+");
    writeSync(fd, Buffer.from([0xff, 0xff, 0xff]), 0, 3, 1000);
    closeSync(fd);
    await cluster.start(1);
    await eventually("the server ends", () => cluster.exitCode(1) !== null);
    expect(cluster.exitCode(1)).toBe(1);
    expect(cluster.log(1)).toMatch(/damaged/);
    expect(cluster.log(1)).toContain(file);
    // The other cluster's directory, and another node's.
    rmSync(cluster.dataDirectory(1), { recursive: true });
    cpSync(sound, cluster.dataDirectory(1), { recursive: true });
    await cluster.start(1, { flags: ["--cluster-id", "another"] });
    await eventually("the server ends", () => cluster.exitCode(1) !== null);
    expect(cluster.log(1)).toContain("--cluster-id");
    await cluster.start(1);
    expect((await cluster.client().read("key49")).found).toBe(true);
  }, 240_000);

  test("garbage behind the end of the log is a write that a crash cut off: the server starts", async () => {
    cluster = await TestCluster.create(1);
    await cluster.startAll();
    await cluster.client().write("a", "b");
    await cluster.kill(1);
    const log = join(cluster.dataDirectory(1), "log");
    const [file = ""] = readdirSync(log).sort();
    const bytes = readFileSync(join(log, file));
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) end -= 1;
    bytes.fill(0xa5, end + 16, end + 200);
    writeFileSync(join(log, file), bytes);
    await cluster.start(1);
    expect((await cluster.client().read("a")).found).toBe(true);
  }, 240_000);

  test("damage to the last batches after kill -9 is no cut-off write: the server says what had been durable", async () => {
    cluster = await TestCluster.create(1);
    await cluster.startAll();
    const client = cluster.client();
    for (let i = 0; i < 50; i++) await client.write(`key${i}`, "some value");
    await cluster.kill(1);
    const log = join(cluster.dataDirectory(1), "log");
    const [file = ""] = readdirSync(log).sort();
    const sound = readFileSync(join(log, file));
    let end = sound.length;
    while (end > 0 && sound[end - 1] === 0) end -= 1;
    const damages = [
      sound.subarray(0, 0),
      sound.subarray(0, 16),
      Buffer.concat([sound.subarray(0, end - 1024), Buffer.alloc(1024, 0xa5), sound.subarray(end)]),
      Buffer.concat([sound.subarray(0, Math.floor(end * 0.6)), Buffer.alloc(sound.length - end)]),
    ];
    for (const bytes of damages) {
      writeFileSync(join(log, file), bytes);
      await cluster.start(1);
      await eventually("the server ends", () => cluster.exitCode(1) !== null);
      expect(cluster.exitCode(1)).toBe(1);
      expect(cluster.log(1)).toMatch(/had been durable.*--rejoin/);
    }
    writeFileSync(join(log, file), sound);
    await cluster.start(1);
    expect((await cluster.client().read("key49")).found).toBe(true);
  }, 240_000);
});

/** One cluster: each of them leaves all its nodes at work. */
describe("three nodes", () => {
  beforeAll(async () => {
    cluster = await TestCluster.create(3);
    await cluster.startAll();
  });
  afterAll(() => cluster.dispose());

  test("a node that comes back with an empty directory is refused with the way out, and the way out works", async () => {
    const client = cluster.client();
    await client.write("kept", "value");
    const admin = cluster.admin();
    await cluster.converged(admin);
    await cluster.kill(3);
    rmSync(cluster.dataDirectory(3), { recursive: true });
    await cluster.start(3);
    await eventually("node 3 ends", () => cluster.exitCode(3) !== null);
    expect(cluster.exitCode(3)).toBe(1);
    expect(cluster.log(3)).toContain("--rejoin");
    rmSync(cluster.dataDirectory(3), { recursive: true });
    await cluster.start(3, { flags: ["--rejoin"] });
    await cluster.converged(admin);
    expect((await client.read("kept", { node: 3 })).found).toBe(true);
  }, 240_000);

  test("a cluster of another size does not start on the same data", async () => {
    const [first] = cluster.nodes;
    await cluster.client().write("a", "b");
    await cluster.stop(1);
    const alone = `1=127.0.0.1:${first!.port}:${first!.peerPort}`;
    const run = spawnSync(
      process.execPath,
      [OMNIKV, "server", "--node", "1", "--peers", alone, "--data-dir", cluster.dataDirectory(1)],
      { encoding: "utf8", timeout: 30_000 },
    );
    expect(run.status).toBe(1);
    expect(run.stderr).toContain("belongs to a cluster of nodes 1, 2, 3");
    await cluster.start(1);
    expect((await cluster.client().read("a", { node: 1 })).found).toBe(true);
  }, 240_000);

  test("a node does not run on the log of another one", async () => {
    await cluster.client().write("a", "b");
    await cluster.converged(cluster.admin());
    for (const id of [2, 3]) await cluster.stop(id);
    const [log2, log3] = [2, 3].map((id) => join(cluster.dataDirectory(id), "log"));
    cpSync(log3!, join(cluster.directory, "log3"), { recursive: true });
    rmSync(log3!, { recursive: true });
    cpSync(log2!, log3!, { recursive: true });
    await cluster.start(3);
    await eventually("the server ends", () => cluster.exitCode(3) !== null);
    expect(cluster.log(3)).toContain("written by another node");
    rmSync(log3!, { recursive: true });
    cpSync(join(cluster.directory, "log3"), log3!, { recursive: true });
    await cluster.start(3);
    await cluster.start(2);
    await cluster.converged(cluster.admin());
  }, 240_000);
});
