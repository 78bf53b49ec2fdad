/** `omnikv verify DATA-DIR`: what a node has left on its disk, looked at without a server, and without a trace. */
import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.dispose();
  cluster = undefined;
});

function verify(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [OMNIKV, "verify", ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

/** Of all that a server would start from. */
function contentOf(directory: string): Readonly<Record<string, string>> {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(directory, name)).isFile() && !name.startsWith("lock"))
    .map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(directory, name)))
        .digest("hex"),
    ]);
  return Object.fromEntries(files) as Record<string, string>;
}

test("a node's data is whole after a crash, in use while it runs, and each kind of damage is told", async () => {
  cluster = await TestCluster.create(1);
  const all = cluster;
  await all.start(1, { flags: ["--snapshot-entries", "100"] });
  const client = all.client();
  for (let i = 0; i < 150; i += 1) await client.write(`key ${i}`, `value ${i}`);
  const admin = all.admin();
  const directory = all.dataDirectory(1);
  await eventually("there is a snapshot", async () => {
    const [status] = await all.statuses(admin);
    return (status?.snapshotIdx ?? 0) > 0;
  });
  for (let i = 150; i < 200; i += 1) await client.write(`key ${i}`, `value ${i}`);
  const [before] = await all.statuses(admin);
  const running = verify(directory);
  expect([running.status, running.stderr]).toEqual([
    1,
    expect.stringMatching(
      /in use by process \d+: stop that node first, or make a backup of the running cluster with `omnikv backup`\n$/,
    ),
  ]);

  await all.kill(1);
  const content = contentOf(directory);
  expect(verify("--json", directory)).toMatchObject({ status: 0, stderr: "" });
  const found = JSON.parse(verify("--json", directory).stdout) as Record<string, unknown>;
  expect(found).toMatchObject({ ok: true, clusterId: "omnikv-local", nodeId: 1, members: [1] });
  expect(found).toMatchObject({ keys: 200, revision: 200, stateHash: before!.stateHash });
  expect(verify(directory).stdout).toMatch(/ is whole\.\n(?:.*\n)*  keys       200\n/);
  expect(contentOf(directory)).toEqual(content);

  const damage = (folder: string, ending: string, text: RegExp): void => {
    const names = readdirSync(join(directory, folder)).filter((file) => file.endsWith(ending));
    // The newest snapshot is the one that is needed; segments behind the first are spare ones.
    const name = folder === "log" ? names[0] : names.at(-1);
    const path = join(directory, folder, name!);
    const bytes = readFileSync(path);
    const changed = Buffer.from(bytes);
    // Within what is written; segments are longer than that.
    changed[Math.min(bytes.length >> 1, 1000)]! ^= 1;
    writeFileSync(path, changed);
    const damaged = verify(directory);
    expect([damaged.status, damaged.stderr]).toEqual([1, expect.stringMatching(text)]);
    writeFileSync(path, bytes);
  };
  damage("snapshots", ".snapshot", /the snapshot at index \d+: /);
  damage(".", "identity.json", /identity\.json: /);
  damage("log", ".log", /\.log.*damaged|damaged.*\.log/);
  expect(verify(directory).status).toBe(0);
  const other = join(all.directory, "other");
  mkdirSync(other);
  expect(verify(other)).toMatchObject({ status: 1, stderr: expect.stringContaining("no node's") });
  expect(readdirSync(other)).toEqual([]);

  await all.start(1);
  const read = await all.client().read("key 199");
  expect(read.text()).toBe("value 199");
}, 240_000);
