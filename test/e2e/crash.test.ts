/** Crashes of real servers: whatever is killed, whenever, nothing that was acknowledged is lost. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import type { KvClient } from "../../src/client/kv-client.ts";
import { KvError } from "../../src/base/errors.ts";
import { repetitions } from "../repetitions.ts";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

let cluster: TestCluster;
afterEach(() => cluster.dispose());

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Writes key after key, with a little time for others between, until told to stop; answers what was acknowledged. */
function startWriting(
  client: KvClient,
  prefix: string,
): { stop(): Promise<string[]>; count(): number } {
  const acknowledged: string[] = [];
  let stopping = false;
  const loop = (async (): Promise<void> => {
    for (let i = 0; !stopping; i++) {
      const key = `${prefix}${i}`;
      try {
        await client.write(key, `value of ${key}`);
        acknowledged.push(key);
        await new Promise((wake) => setTimeout(wake, 2));
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
      }
    }
  })();
  return {
    stop: async () => {
      stopping = true;
      await loop;
      return acknowledged;
    },
    count: () => acknowledged.length,
  };
}

async function expectAll(client: KvClient, keys: readonly string[], node: number): Promise<void> {
  const reads = await Promise.all(keys.map((key) => client.read(key, { node })));
  const missing = keys.filter((key, i) => {
    const read = reads[i];
    return read?.found !== true || text(read.value) !== `value of ${key}`;
  });
  expect(missing).toEqual([]);
}

describe("crashes", () => {
  test("servers killed one after the other under load come back, and no acknowledged write is lost", async () => {
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    const writer = startWriting(cluster.client({ timeoutMs: 3000 }), "k");
    const admin = cluster.admin();
    for (let round = 0; round < repetitions(3, 6); round++) {
      const before = writer.count();
      await eventually("writes go on", () => writer.count() > before + 20);
      const leader = await cluster.leader(admin);
      const victim = round % 2 === 0 ? leader : (leader % 3) + 1;
      await cluster.kill(victim);
      const during = writer.count();
      await eventually("writes go on without the victim", () => writer.count() > during + 20);
      await cluster.start(victim);
    }
    const acknowledged = await writer.stop();
    await cluster.converged(admin);
    const client = cluster.client();
    for (const { id } of cluster.nodes) await expectAll(client, acknowledged, id);
  }, 240_000);

  test("all servers killed at once come back with everything", async () => {
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    const writer = startWriting(cluster.client({ timeoutMs: 2000 }), "k");
    await eventually("writes are under way", () => writer.count() > 100);
    await Promise.all(cluster.nodes.map(({ id }) => cluster.kill(id)));
    const acknowledged = await writer.stop();
    await cluster.startAll();
    expect(acknowledged.length).toBeGreaterThan(100);
    const client = cluster.client();
    for (const { id } of cluster.nodes) await expectAll(client, acknowledged, id);
    await cluster.converged(cluster.admin());
  }, 240_000);

  test("writes go on within a second or so when the leader is killed", async () => {
    cluster = await TestCluster.create(3);
    await cluster.startAll("--election-timeout-ms", "100");
    const admin = cluster.admin();
    const client = cluster.client();
    await client.write("a", "1");
    const leader = await cluster.leader(admin);
    await cluster.kill(leader);
    // The bound is generous: the machine may be busy. The lab measures the real one.
    await eventually("another leader", async () => (await cluster.leader(admin)) !== leader, 5000);
    await client.write("a", "2");
  }, 240_000);

  test("a server stops cleanly on SIGTERM and says so", async () => {
    cluster = await TestCluster.create(1);
    await cluster.startAll();
    await cluster.client().write("a", "b");
    expect(await cluster.stop(1)).toBe(0);
    expect(cluster.log(1)).toContain("node 1 stops");
  }, 240_000);

  test("a server that was started with a channel stops once and cleanly, whether told or left alone", async () => {
    cluster = await TestCluster.create(1);
    type Server = ChildProcessByStdio<null, Readable, Readable>;
    for (const end of [
      (server: Server) => void server.kill("SIGTERM"),
      (server: Server) => server.disconnect(),
    ]) {
      const server: Server = spawn(
        process.execPath,
        [
          ...[OMNIKV, "server", "--node", "1", "--cluster", cluster.clusterFile],
          ...["--data-dir", cluster.dataDirectory(1)],
        ],
        { stdio: ["ignore", "pipe", "pipe", "ipc"] },
      ) as Server;
      let said = "";
      const collect = (words: Buffer): void => {
        said += words.toString();
      };
      server.stdout.on("data", collect);
      server.stderr.on("data", collect);
      await once(server, "message");
      end(server);
      // A child whose channel the parent has closed never emits "close".
      const [[code]] = await Promise.all([
        once(server, "exit"),
        once(server.stdout, "close"),
        once(server.stderr, "close"),
      ]);
      expect({ code, said }).toMatchObject({ code: 0 });
      expect(said.match(/node 1 stops/g)).toHaveLength(1);
    }
  }, 240_000);
});
