/** Clusters with small heaps, filled until they refuse more, and used on: `npx tsx scripts/fill.ts --help`. */
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { createClient, KvError, type KvClient } from "../src/api/index.ts";
import { findLeader } from "../src/bench/find-leader.ts";
import { freePorts, makeDataDirectory } from "../src/bench/throw-away-cluster.ts";
import { processUsage } from "../src/platform/process-usage.ts";
import { LocalServer, startLocalCluster, stopLocalCluster } from "../src/server/local-cluster.ts";

const HELP = `Usage: npx tsx scripts/fill.ts [options]   (npm run build first)

Three nodes with a heap of a given size are filled by many clients until nobody can store another key. Then everything is
overwritten, each node is killed and started again while it is full, half of the keys are deleted, and new ones are
written. No process may end by itself, no key that was acknowledged may be missing, and every refusal must say NO_SPACE.

  --heaps LIST         of MB; 100,200,1000
  --clients N          64
  --value-bytes LIST   one for each heap, or one for all; 200,2000,20000
  --data-dir DIR       on a real disk`;

const { values: flags } = parseArgs({
  options: {
    heaps: { type: "string", default: "100,200,1000" },
    clients: { type: "string", default: "64" },
    "value-bytes": { type: "string", default: "200,2000,20000" },
    "data-dir": { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const MIB = 1024 * 1024;
/** Writes of one client under way. */
const AT_ONCE = 16;
const TIMEOUT_MS = 60_000;
/** Of the keys, one in so many is read back after each step. */
const SAMPLED = 29;

interface Row {
  readonly heapMb: number;
  readonly valueBytes: number;
  readonly keys: number;
  readonly refused: number;
  readonly peakRssMib: number;
  readonly slowestStartMs: number;
  readonly missing: number;
  readonly goesOn: boolean;
}

/** @returns false when it was refused for want of room @throws whatever else came of it */
async function taken(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof KvError && error.code === "NO_SPACE") return false;
    throw error;
  }
}

async function inParts<T>(items: readonly T[], each: (item: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) {
    await Promise.all(items.slice(i, i + AT_ONCE).map(each));
  }
}

/** One client's part: new keys until none is taken any more. */
async function fill(
  client: KvClient,
  name: string,
  value: string,
): Promise<{ keys: string[]; refused: number }> {
  const keys: string[] = [];
  let refused = 0;
  let next = 0;
  for (let full = false; !full;) {
    const batch = Array.from({ length: AT_ONCE }, () => `${name}/${next++}`);
    const took = await Promise.all(batch.map((key) => taken(client.write(key, value))));
    batch.forEach((key, i) => {
      if (took[i] === true) keys.push(key);
      else refused += 1;
    });
    full = took.every((each) => !each);
  }
  return { keys, refused };
}

class Filled {
  readonly #servers: LocalServer[];
  #slowestStartMs = 0;
  #peakBytes = 0;

  readonly #start: (index: number) => LocalServer;

  constructor(servers: readonly LocalServer[], start: (index: number) => LocalServer) {
    this.#servers = [...servers];
    this.#start = start;
  }

  get all(): readonly LocalServer[] {
    return this.#servers;
  }

  get slowestStartMs(): number {
    return Math.round(this.#slowestStartMs);
  }

  get peakRssMib(): number {
    return Math.round(this.#peakBytes / MIB);
  }

  /** @throws Error with its last line when a process has ended by itself */
  look(): void {
    for (const server of this.#servers) {
      if (!server.running) throw new Error(`node ${server.node.id} ended: see ${server.logFile}`);
      this.#peakBytes = Math.max(this.#peakBytes, processUsage(server.pid)?.peakRssBytes ?? 0);
    }
  }

  async kill(index: number): Promise<void> {
    const server = this.#servers[index];
    server?.signal("SIGKILL");
    await server?.exited;
  }

  async restart(index: number): Promise<void> {
    const before = performance.now();
    const server = this.#start(index);
    this.#servers[index] = server;
    await server.ready();
    this.#slowestStartMs = Math.max(this.#slowestStartMs, performance.now() - before);
  }
}

async function run(heapMb: number, valueBytes: number, clientCount: number): Promise<Row> {
  const ports = await freePorts(6);
  const nodes = [1, 2, 3].map((id, i) => ({
    id,
    host: "127.0.0.1",
    port: ports[2 * i] ?? 0,
    peerPort: ports[2 * i + 1] ?? 0,
  }));
  const dataDirectory = makeDataDirectory(flags["data-dir"] ?? null);
  // Servers take it from the environment of whoever starts them, as an operator would give it.
  process.env["NODE_OPTIONS"] = `--max-old-space-size=${heapMb}`;
  const options = { nodes, clusterId: "fill", dataDirectory, flags: [] };
  const started = await startLocalCluster(options);
  const cluster = new Filled(started, (index) => {
    const node = nodes[index];
    if (node === undefined) throw new Error("there are three nodes");
    return new LocalServer(node, options);
  });
  const clients = Array.from({ length: clientCount }, () =>
    createClient({ nodes, clusterId: "fill", timeoutMs: TIMEOUT_MS }),
  );
  try {
    await findLeader(nodes, null);
    const note = (what: string): void => {
      cluster.look();
      process.stderr.write(`${heapMb} MB: ${what}; peak ${cluster.peakRssMib} MiB\n`);
    };
    const value = "v".repeat(valueBytes);
    const parts = await Promise.all(clients.map((client, i) => fill(client, `c${i}`, value)));
    const keys = parts.flatMap((part) => part.keys);
    const refused = parts.reduce((sum, part) => sum + part.refused, 0);
    note(`${keys.length} keys taken, ${refused} refused`);

    const other = "w".repeat(valueBytes);
    await Promise.all(
      clients.map((client, i) =>
        inParts(parts[i]?.keys ?? [], (key) => taken(client.write(key, other))),
      ),
    );
    note("all overwritten");

    let missing = 0;
    const [first] = clients;
    if (first === undefined) throw new Error("at least one client");
    const lookFor = async (wanted: readonly string[]): Promise<void> => {
      await inParts(
        wanted.filter((_, i) => i % SAMPLED === 0),
        async (key) => {
          if (!(await first.read(key)).found) missing += 1;
        },
      );
    };
    for (const index of nodes.keys()) {
      await cluster.kill(index);
      await cluster.restart(index);
      await findLeader(nodes, null);
      await lookFor(keys);
    }
    for (const index of nodes.keys()) await cluster.kill(index);
    await Promise.all([...nodes.keys()].map((index) => cluster.restart(index)));
    await findLeader(nodes, null);
    await lookFor(keys);
    note(`each node started again while full, slowest start ${cluster.slowestStartMs} ms`);

    const isDeleted = (i: number): boolean => i % 2 === 0;
    await Promise.all(
      clients.map((client, c) =>
        inParts(
          (parts[c]?.keys ?? []).filter((_, i) => isDeleted(i)),
          (key) => client.delete(key),
        ),
      ),
    );
    note("half of them deleted");
    const deadline = performance.now() + TIMEOUT_MS;
    let goesOn = false;
    while (!goesOn && performance.now() < deadline)
      goesOn = await taken(first.write("again", value));
    await lookFor(parts.flatMap((part) => part.keys.filter((_, i) => !isDeleted(i))));
    note(goesOn ? "new keys are taken again" : "NO new key is taken");
    const { peakRssMib, slowestStartMs } = cluster;
    return {
      heapMb,
      valueBytes,
      keys: keys.length,
      refused,
      peakRssMib,
      slowestStartMs,
      missing,
      goesOn,
    };
  } finally {
    for (const client of clients) client.close();
    await stopLocalCluster(cluster.all);
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  if (flags.help) {
    console.log(HELP);
    return 0;
  }
  const heaps = flags.heaps.split(",").map(Number);
  const values = flags["value-bytes"].split(",").map(Number);
  const rows: Row[] = [];
  for (const [i, heapMb] of heaps.entries()) {
    rows.push(await run(heapMb, values[i] ?? values[0] ?? 200, Number(flags.clients)));
  }
  console.log(
    "| heap | bytes of a value | keys | refused | peak memory of a node | slowest start | missing | goes on |",
  );
  console.log(
    "| ---- | ---------------- | ---- | ------- | --------------------- | ------------- | ------- | ------- |",
  );
  for (const row of rows) {
    const { heapMb, valueBytes, keys, refused, peakRssMib, slowestStartMs, missing, goesOn } = row;
    const cells = [
      `${heapMb} MB`,
      valueBytes,
      keys,
      refused,
      `${peakRssMib} MiB`,
      `${slowestStartMs} ms`,
      missing,
    ];
    console.log(`| ${cells.join(" | ")} | ${goesOn ? "yes" : "NO"} |`);
  }
  return rows.every(({ missing, goesOn }) => missing === 0 && goesOn) ? 0 : 1;
}

process.exitCode = await main();
