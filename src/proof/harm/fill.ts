/**
 * Clusters with small heaps, filled until they refuse more, and used on: everything is overwritten, each node is killed and
 * started again while it is full, half of the keys are deleted, and new ones are written.
 */
import { createClient, KvError, type KvClient } from "../../client/api/index.ts";
import { markdownTable, mebibytes, OmnikvCluster, say, sum } from "../../measure/index.ts";
import { processUsage } from "../../machine/host/index.ts";

export interface FillOptions {
  readonly heapMb: number;
  readonly valueBytes: number;
  readonly clients: number;
  readonly dataDir: string | null;
}

export interface FillRow {
  readonly heapMb: number;
  readonly valueBytes: number;
  readonly keys: number;
  readonly refused: number;
  readonly peakRssMib: number;
  readonly slowestStartMs: number;
  readonly missing: number;
  readonly goesOn: boolean;
}

/** One client's keys. */
interface Part {
  readonly client: KvClient;
  readonly keys: readonly string[];
  readonly refused: number;
}

/** Writes of one client under way. */
const AT_ONCE = 16;
const TIMEOUT_MS = 60_000;
/** Of the keys, one in so many is read back after each step. */
const SAMPLED = 29;

/** @throws Error when a process ends by itself, or a write fails with anything but NO_SPACE */
export async function fillCluster(options: FillOptions): Promise<FillRow> {
  // Servers inherit it from the environment, as an operator would give it.
  process.env["NODE_OPTIONS"] = `--max-old-space-size=${options.heapMb}`;
  const cluster = await OmnikvCluster.start({ size: 3, parent: options.dataDir });
  const { nodes, clusterId } = cluster;
  const clients = Array.from({ length: options.clients }, () =>
    createClient({ nodes, clusterId, timeoutMs: TIMEOUT_MS }),
  );
  try {
    await cluster.leader();
    return await new Filling(cluster, options).run(clients);
  } finally {
    for (const client of clients) client.close();
    await cluster.remove();
  }
}

class Filling {
  readonly #cluster: OmnikvCluster;
  readonly #options: FillOptions;
  #missing = 0;
  #slowestStartMs = 0;
  #peakBytes = 0;

  constructor(cluster: OmnikvCluster, options: FillOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  async run(clients: readonly KvClient[]): Promise<FillRow> {
    const { heapMb, valueBytes } = this.#options;
    const value = "v".repeat(valueBytes);
    const parts = await Promise.all(clients.map((client, i) => fill(client, `c${i}`, value)));
    const keys = parts.flatMap((part) => part.keys);
    const refused = sum(parts.map((part) => part.refused));
    this.#note(`${keys.length} keys taken, ${refused} refused`);
    const other = "w".repeat(valueBytes);
    await ofEach(parts, (client, key) => taken(client.write(key, other)));
    this.#note("all overwritten");
    const [first] = clients;
    if (first === undefined) throw new Error("at least one client");
    await this.#restartEach(first, keys);
    const isDeleted = (i: number): boolean => i % 2 === 0;
    const deleted = parts.map((part) => ({
      ...part,
      keys: part.keys.filter((_, i) => isDeleted(i)),
    }));
    await ofEach(deleted, (client, key) => client.delete(key));
    this.#note("half of them deleted");
    const goesOn = await takenInTime(first, value);
    const left = parts.flatMap((part) => part.keys.filter((_, i) => !isDeleted(i)));
    await this.#lookFor(first, left);
    this.#note(goesOn ? "new keys are taken again" : "NO new key is taken");
    return {
      heapMb,
      valueBytes,
      keys: keys.length,
      refused,
      missing: this.#missing,
      goesOn,
      peakRssMib: Number(mebibytes(this.#peakBytes)),
      slowestStartMs: Math.round(this.#slowestStartMs),
    };
  }

  async #restartEach(client: KvClient, keys: readonly string[]): Promise<void> {
    const ids = this.#cluster.nodes.map(({ id }) => id);
    for (const id of ids) {
      await this.#cluster.kill(id);
      await this.#restart(id);
      await this.#cluster.leader();
      await this.#lookFor(client, keys);
    }
    for (const id of ids) await this.#cluster.kill(id);
    await Promise.all(ids.map((id) => this.#restart(id)));
    await this.#cluster.leader();
    await this.#lookFor(client, keys);
    const slowest = Math.round(this.#slowestStartMs);
    this.#note(`each node started again while full, slowest start ${slowest} ms`);
  }

  async #restart(id: number): Promise<void> {
    const before = performance.now();
    await this.#cluster.restart(id);
    this.#slowestStartMs = Math.max(this.#slowestStartMs, performance.now() - before);
  }

  async #lookFor(client: KvClient, keys: readonly string[]): Promise<void> {
    const sampled = keys.filter((_, i) => i % SAMPLED === 0);
    await inParts(sampled, async (key) => {
      if (!(await client.read(key)).found) this.#missing += 1;
    });
  }

  #note(what: string): void {
    this.#cluster.checkAlive();
    for (const { pid } of this.#cluster.servers) {
      this.#peakBytes = Math.max(this.#peakBytes, processUsage(pid)?.peakRssBytes ?? 0);
    }
    say(`${this.#options.heapMb} MB: ${what}; peak ${mebibytes(this.#peakBytes)} MiB`);
  }
}

/** @returns false when it was refused for want of room @throws any other error */
async function taken(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof KvError && error.code === "NO_SPACE") return false;
    throw error;
  }
}

async function takenInTime(client: KvClient, value: string): Promise<boolean> {
  for (const deadline = performance.now() + TIMEOUT_MS; performance.now() < deadline;) {
    if (await taken(client.write("again", value))) return true;
  }
  return false;
}

/** One client's part: new keys until none is taken any more. */
async function fill(client: KvClient, name: string, value: string): Promise<Part> {
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
  return { client, keys, refused };
}

async function ofEach(
  parts: readonly Part[],
  each: (client: KvClient, key: string) => Promise<unknown>,
): Promise<void> {
  await Promise.all(parts.map(({ client, keys }) => inParts(keys, (key) => each(client, key))));
}

async function inParts<T>(items: readonly T[], each: (item: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) {
    await Promise.all(items.slice(i, i + AT_ONCE).map(each));
  }
}

export function fillTable(rows: readonly FillRow[]): string {
  const head = ["heap", "bytes of a value", "keys", "refused", "peak memory of a node"];
  return markdownTable(
    [...head, "slowest start", "missing", "goes on"],
    rows.map(({ heapMb, valueBytes, keys, refused, peakRssMib, ...row }) => [
      `${heapMb} MB`,
      valueBytes,
      keys,
      refused,
      `${peakRssMib} MiB`,
      `${row.slowestStartMs} ms`,
      row.missing,
      row.goesOn ? "yes" : "NO",
    ]),
  );
}
