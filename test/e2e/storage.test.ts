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
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { eventually, TestCluster } from "./cluster.ts";

let cluster: TestCluster;
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
}, 60_000);

test("a node that comes back with an empty directory is refused with the way out, and the way out works", async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
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
}, 90_000);

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
}, 90_000);

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
}, 60_000);
