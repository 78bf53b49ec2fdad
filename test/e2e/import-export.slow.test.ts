/** `omnikv export` and `omnikv import`: what one writes the other reads, between real clusters, through pipes and files. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { OMNIKV, TestCluster } from "./cluster.ts";

const directory = mkdtempSync(join(tmpdir(), "omnikv-lines-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const clusters: TestCluster[] = [];
afterEach(() => Promise.all(clusters.splice(0).map((cluster) => cluster.dispose())));

async function started(): Promise<{ cluster: TestCluster; nodes: string }> {
  const cluster = await TestCluster.create(1);
  clusters.push(cluster);
  await cluster.startAll();
  const nodes = cluster.nodes.map(({ id, host, port }) => `${id}=${host}:${port}`).join(",");
  return { cluster, nodes };
}

function omnikv(
  args: readonly string[],
  input: string | Uint8Array = "",
): Promise<{ status: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [OMNIKV, ...args]);
  let [out, err] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (err += bytes.toString()));
  // A command that ends before it has read everything is none of this end's business.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((done) => child.on("close", (status) => done({ status, out, err })));
}

test("everything comes over: binary, large, and more than a batch", async () => {
  const from = await started();
  const to = await started();
  const client = from.cluster.client();
  const keys = 9000;
  for (let i = 0; i < keys; i += 1000) {
    await Promise.all(
      Array.from({ length: 1000 }, (_, k) => client.write(`k${i + k}`, `value ${i + k}`)),
    );
  }
  const binary = Uint8Array.from([0, 255, 10, 13, 128]);
  await client.write(binary, binary);
  await client.write("large", "x".repeat(1_000_000));
  const exported = await omnikv(["export", "--nodes", from.nodes]);
  expect(exported).toMatchObject({ status: 0 });
  expect(exported.err).toMatch(/^export: 9,002 keys, [\d,]+ a second\n$/);
  const imported = await omnikv(["import", "--nodes", to.nodes, "-"], exported.out);
  expect(imported).toMatchObject({ status: 0, out: "" });
  expect(imported.err).toMatch(/^import: 9,002 keys, [\d,]+ a second\n$/);
  const again = await omnikv(["export", "--nodes", to.nodes]);
  expect(again.out).toBe(exported.out);
});

test("the key of a lock is refused: it would be held for ever", async () => {
  const { cluster, nodes } = await started();
  const client = cluster.client();
  const lock = "omnikv/locks/jobs/held/x/0000000000000001";
  const line = (key: string): string => `${JSON.stringify({ key, value: "v" })}\n`;
  const { status, err } = await omnikv(
    ["import", "--nodes", nodes, "-"],
    `${line("a")}${line(lock)}`,
  );
  expect(status).toBe(2);
  expect(err).toContain(`line 2: "${lock}" is the key of a lock or an election`);
  expect((await client.read("a")).found).toBe(true);
  expect((await client.read(lock)).found).toBe(false);
  await client.locks.request("jobs", () => {});
});

test("files: never half of one, and none that is there is replaced; a prefix; keys that are there stay", async () => {
  const { cluster, nodes } = await started();
  const client = cluster.client();
  for (const key of ["app/a", "app/b", "other"]) await client.write(key, `first ${key}`);
  const file = join(directory, "app.jsonl");
  const part = await omnikv(["export", "--nodes", nodes, "--prefix", "app/", file]);
  expect(part).toMatchObject({ status: 0, out: "" });
  expect(readFileSync(file, "utf8")).toBe(
    '{"key":"app/a","value":"first app/a"}\n{"key":"app/b","value":"first app/b"}\n',
  );
  const twice = await omnikv(["export", "--nodes", nodes, file]);
  expect(twice.status).toBe(2);
  expect(twice.err).toContain("app.jsonl exists: give another name");
  await client.write("app/a", "second");
  await client.delete("app/b");
  const back = await omnikv(["import", "--nodes", nodes, "--if-absent", file]);
  expect(back.err).toMatch(/^import: 1 key, .*, 1 was there already\n$/);
  const read = await client.read("app/a");
  expect(read.found && read.text()).toBe("second");
  expect((await client.read("app/b")).found).toBe(true);
  await cluster.kill(1);
  const dead = await omnikv([
    "export",
    "--nodes",
    nodes,
    "--timeout",
    "500ms",
    join(directory, "no"),
  ]);
  expect(dead.status).toBe(1);
  expect(dead.err).toContain("export ended after 0 keys");
  expect(existsSync(join(directory, "no"))).toBe(false);
  expect(existsSync(join(directory, "no.tmp"))).toBe(false);
});

test("a wrong line is named; what stands before it is written, what stands behind it is not", async () => {
  const { cluster, nodes } = await started();
  const file = join(directory, "wrong.jsonl");
  writeFileSync(file, '{"key":"a","value":"1"}\n\n{"key":"b"}\n{"key":"c","value":"3"}\n');
  const { status, err } = await omnikv(["import", "--nodes", nodes, file]);
  expect(status).toBe(2);
  const before = "before it, 1 line was written";
  expect(err).toBe(`omnikv: line 3: "value", a string, is missing; ${before}\n`);
  const client = cluster.client();
  expect((await client.read("a")).found).toBe(true);
  expect((await client.read("c")).found).toBe(false);
  const large = `{"key":"d","value":"4"}\n{"key":"e","value":"${"x".repeat(1_100_000)}"}\n`;
  const refused = await omnikv(["import", "--nodes", nodes], large);
  expect(refused.status).toBe(1);
  expect(refused.err).toMatch(/line 2 was not written: value of 1100000 bytes/);
  expect(refused.err).toMatch(/; of the others, 1 line was written\n$/);
  expect((await client.read("d")).found).toBe(true);
  const again =
    '{"key":"d","value":"5"}\n{"key":"f","value":"6"}\n{"key":"g","value":"7"}\nhello\n';
  const twice = await omnikv(["import", "--nodes", nodes, "--if-absent"], again);
  expect(twice.err).toContain(
    "line 4: this is no JSON; before it, 2 lines were written, 1 was there already\n",
  );
});

test("of lines with the same key the last one counts, or the first where keys that are there stay", async () => {
  const { cluster, nodes } = await started();
  const lines = '{"key":"a","value":"1"}\n{"key":"b","value":"1"}\n{"key":"a","value":"2"}\n';
  const { err } = await omnikv(["import", "--nodes", nodes], lines);
  expect(err).toMatch(/^import: 3 keys, /);
  const client = cluster.client();
  expect((await client.read("a")).text()).toBe("2");
  await client.delete("a");
  const left = await omnikv(["import", "--nodes", nodes, "--if-absent"], lines);
  expect(left.err).toMatch(/^import: 1 key, .*, 2 were there already\n$/);
  expect((await client.read("a")).text()).toBe("1");
});

test("bytes that are no text are refused with their line, not made into other bytes", async () => {
  const { cluster, nodes } = await started();
  const bad = Buffer.concat([
    Buffer.from('{"key":"good","value":"1"}\n\n{"key":"bad'),
    Uint8Array.from([0xff]),
    Buffer.from('","value":"2"}\n'),
  ]);
  const { status, err } = await omnikv(["import", "--nodes", nodes], bad);
  expect(status).toBe(2);
  expect(err).toContain("line 3: this is no UTF-8");
  const client = cluster.client();
  expect((await client.read("good")).found).toBe(true);
  expect((await client.count({ prefix: "bad" })).count).toBe(0);
  const ofDirectory = await omnikv(["import", "--nodes", nodes, directory]);
  expect(ofDirectory.status).toBe(2);
  expect(ofDirectory.err).toContain(
    "it is a directory; expected a file that omnikv export has made",
  );
  const ofNothing = await omnikv(["import", "--nodes", "127.0.0.1:1", join(directory, "missing")]);
  expect(ofNothing.err).toContain("there is no such file; expected a file that omnikv export has");
  expect(ofNothing.status).toBe(2);
  const large = `{"key":"a","value":"${"x".repeat(1_100_000)}"}\n\n{"key":"b","value":"2"}\n`;
  expect((await omnikv(["import", "--nodes", nodes], large)).err).toContain(
    "line 1 was not written",
  );
});

test("keys of locks and elections are left out, as their leases are; other keys with a lease are counted", async () => {
  const { cluster, nodes } = await started();
  const client = cluster.client();
  await client.write("plain", "1");
  const lease = await client.leases.grant({ ttl: 60_000 });
  await client.write("eph", "2", { lease });
  const exported = await client.locks.request("report", () => omnikv(["export", "--nodes", nodes]));
  expect(exported).toMatchObject({ status: 0 });
  expect(exported.out).toBe('{"key":"eph","value":"2"}\n{"key":"plain","value":"1"}\n');
  expect(exported.err).toMatch(
    /^omnikv export: 1 of the keys ends with a lease: imported, it stays until it is deleted\nexport: 2 keys, /,
  );
  const none = await omnikv(["export", "--nodes", nodes, "--prefix", "p"]);
  expect(none.err).toMatch(/^export: 1 key/);
});
