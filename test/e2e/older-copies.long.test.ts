/**
 * Hot copies of data directories that run on until they have more than their originals had, with a snapshot in the place of what
 * their peer knows better, and restarted since: nothing but the marks tells them from the originals.
 */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { TestCluster } from "./cluster.ts";

const FLAGS = ["--snapshot-entries", "10"];
/** Together more than is kept of the log below a snapshot. */
const LARGE = Buffer.alloc(500_000);
const LARGE_WRITES = 60;
/** A mark is told at most about 1.3 s after what it stands for, and is on the disks of others a second later. */
const MARKED_MS = 2500;

let cluster: TestCluster;
afterEach(() => cluster.dispose());

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

function copyOf(id: number): string {
  return join(cluster.directory, `copy${id}`);
}

function copy(id: number): void {
  cpSync(cluster.dataDirectory(id), copyOf(id), { recursive: true });
}

function putBack(id: number): void {
  rmSync(cluster.dataDirectory(id), { recursive: true });
  cpSync(copyOf(id), cluster.dataDirectory(id), { recursive: true });
}

async function start(...ids: number[]): Promise<void> {
  await Promise.all(ids.map((id) => cluster.start(id, { flags: FLAGS })));
}

/** Nodes 1 and 3, without node 2, which knows what they have lost. */
async function runOn(): Promise<void> {
  const client = cluster.client({ nodes: cluster.nodes.filter(({ id }) => id !== 2) });
  for (let i = 0; i < LARGE_WRITES; i++) await client.write(`large ${i % 5}`, LARGE);
  await client.write("after", "the copies");
  await cluster.stop(1);
  await cluster.stop(3);
  await start(1, 3);
  expect((await client.read("after")).found).toBe(true);
}

async function isRefused(id: number): Promise<void> {
  expect(await cluster.ended(id)).toBe(1);
  expect(cluster.errors(id)).toMatch(
    new RegExp(
      `the disk of node ${id} holds less than it has told: it does not know what it told last`,
    ),
  );
}

test("a majority put back to hot copies is refused by the one who knows more, which takes nothing from it", async () => {
  cluster = await TestCluster.create(3);
  await start(1, 2, 3);
  const client = cluster.client();
  for (let i = 0; i < 5; i++) await client.write(`before ${i}`, "kept");
  await pause(MARKED_MS);
  for (const id of [1, 3]) copy(id);
  for (let i = 0; i < 20; i++) await client.write(`since ${i}`, "precious");
  await pause(MARKED_MS);
  for (const id of [2, 1, 3]) await cluster.stop(id);
  for (const id of [1, 3]) putBack(id);
  await start(1, 3);
  await runOn();
  await start(2);
  for (const id of [1, 3]) await isRefused(id);
  expect(cluster.exitCode(2)).toBe(null);
  expect(cluster.log(2)).not.toMatch(/a snapshot from a peer/);
  const found = await cluster.client().read("since 19", { node: 2, consistency: "local" });
  expect(Buffer.from(found.found ? found.value : []).toString()).toBe("precious");
}, 90_000);

test("one that makes a majority with a node that was behind is refused as well; the two others go on with all there was", async () => {
  cluster = await TestCluster.create(3);
  await start(1, 2, 3);
  const client = cluster.client();
  for (let i = 0; i < 5; i++) await client.write(`before ${i}`, "kept");
  await pause(MARKED_MS);
  copy(3);
  await cluster.kill(1);
  await client.write("since", "precious", { node: 2 });
  await pause(MARKED_MS);
  await cluster.kill(3);
  await cluster.kill(2);
  putBack(3);
  await start(1, 3);
  await runOn();
  await start(2);
  await isRefused(3);
}, 90_000);

test("with the copy away again, what followed it does not take the place of what only one node knows", async () => {
  cluster = await TestCluster.create(3);
  await start(1, 2, 3);
  const client = cluster.client();
  for (let i = 0; i < 5; i++) await client.write(`before ${i}`, "kept");
  await cluster.stop(1);
  copy(1);
  await start(1);
  await cluster.stop(3);
  for (let i = 0; i < 20; i++) await client.write(`since ${i}`, "precious");
  // Node 2 is to know that they are decided.
  await pause(MARKED_MS);
  await cluster.stop(2);
  await cluster.stop(1);
  putBack(1);
  await start(1, 3);
  await runOn();
  await cluster.stop(1);
  await start(2);
  expect(await cluster.ended(2)).toBe(1);
  expect(cluster.errors(2)).toMatch(/node 3 gives other entries for indexes \d+ to \d+/);
  await cluster.stop(3);
  await start(2);
  const found = await cluster.client().read("since 19", { node: 2, consistency: "local" });
  expect(Buffer.from(found.found ? found.value : []).toString()).toBe("precious");
}, 90_000);

test("a copy from before two nodes first met is refused by the one that it has never met", async () => {
  cluster = await TestCluster.create(3);
  await start(1, 3);
  const only = (...ids: number[]): ReturnType<TestCluster["client"]> =>
    cluster.client({ nodes: cluster.nodes.filter(({ id }) => ids.includes(id)) });
  await only(1, 3).write("before", "kept");
  await pause(MARKED_MS);
  copy(1);
  await cluster.stop(3);
  await start(2);
  await only(1, 2).write("since", "precious");
  await pause(MARKED_MS);
  await cluster.stop(2);
  await cluster.stop(1);
  putBack(1);
  await start(1, 3);
  // Its marks are beyond what node 2 has heard of its original.
  for (let i = 0; i < 8; i++) {
    await only(1, 3).write("again", `${i}`);
    await pause(1100);
  }
  await cluster.stop(3);
  await start(2);
  await isRefused(1);
}, 90_000);

test("what is decided is on the disk of who stops in good order, however soon after", async () => {
  cluster = await TestCluster.create(3);
  await start(1, 2);
  const client = cluster.client({ nodes: cluster.nodes.filter(({ id }) => id !== 3) });
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => client.write(`${round} ${i}`, "there")));
    await pause(20);
    await cluster.stop(2);
    await cluster.stop(1);
    await start(2);
    const found = await cluster.client().read(`${round} 49`, { node: 2, consistency: "local" });
    expect(found.found).toBe(true);
    await start(1);
  }
}, 60_000);
