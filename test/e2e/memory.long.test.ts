/** Memory never ends a node: real servers with small heaps are filled until they refuse more, and go on with everything else. */
import { afterEach, expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import type { KvClient } from "../../src/client/kv-client.ts";
import { eventually, TestCluster } from "./cluster.ts";

let cluster: TestCluster | undefined;
afterEach(async () => cluster?.dispose());

const CLIENTS = 3;
const AT_ONCE = 128;

async function isRefused(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return false;
  } catch (error) {
    if (error instanceof KvError && error.code === "NO_SPACE") {
      expect(error.definite).toBe(true);
      expect(error.message).toMatch(/Delete keys, (?:keep less history, )?or/);
      expect(error.message).toMatch(/% under "/);
      return true;
    }
    throw error;
  }
}

/** Writes new keys until none is taken any more. @returns those that were */
async function fill(client: KvClient, name: string, value: string): Promise<string[]> {
  const taken: string[] = [];
  let next = 0;
  for (let full = false; !full;) {
    const keys = Array.from({ length: AT_ONCE }, () => `${name}/${next++}`);
    const refused = await Promise.all(keys.map((key) => isRefused(client.write(key, value))));
    keys.forEach((key, i) => {
      if (refused[i] !== true) taken.push(key);
    });
    full = refused.every((each) => each);
  }
  return taken;
}

async function inParts<T>(items: readonly T[], each: (item: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) {
    await Promise.all(items.slice(i, i + AT_ONCE).map(each));
  }
}

test.each([
  [100, 200],
  [200, 2000],
])(
  "servers with heaps of %i MB, filled with values of %i bytes, refuse more, before and after restarts",
  { timeout: 240_000 },
  async (heapMb, valueBytes) => {
    const value = "v".repeat(valueBytes);
    cluster = await TestCluster.create(3);
    const { nodes } = cluster;
    const nodeFlags = [`--max-old-space-size=${heapMb}`];
    const flags = ["--snapshot-mb", "8"];
    const start = (id: number): Promise<void> => cluster!.start(id, { nodeFlags, flags });
    await Promise.all(nodes.map(({ id }) => start(id)));
    const admin = cluster.admin();
    await cluster.leader(admin);
    const clients = Array.from({ length: CLIENTS }, () => cluster!.client({ timeoutMs: 20_000 }));
    const alive = async (): Promise<void> => {
      const answering = (await cluster!.statuses(admin)).map(({ nodeId }) => nodeId);
      const logs = nodes.map(({ id }) => cluster!.log(id).slice(-2000));
      expect({ answering, logs }).toMatchObject({ answering: nodes.map(({ id }) => id) });
      expect(logs.join("")).not.toContain("out of memory");
    };

    const keys = await Promise.all(clients.map((client, i) => fill(client, `client${i}`, value)));
    await alive();
    // At least a quarter of the heap was used for what clients stored.
    expect(keys.flat().length * (value.length + 200)).toBeGreaterThan(heapMb * 1e6 * 0.25);
    expect(nodes.some(({ id }) => cluster!.log(id).includes("memory is short"))).toBe(true);

    // Everything is overwritten, twice, while snapshots are taken: old and new are in memory for a while.
    for (const round of ["a", "b"]) {
      await Promise.all(
        clients.map((client, i) =>
          inParts(keys[i]!, (key) => isRefused(client.write(key, value.replaceAll("v", round)))),
        ),
      );
    }
    await alive();

    // Every node comes back while it is full: one after the other, and then all at once.
    for (const { id } of nodes) {
      await cluster.kill(id);
      await start(id);
      await cluster.leader(admin);
    }
    await Promise.all(nodes.map(({ id }) => cluster!.kill(id)));
    await Promise.all(nodes.map(({ id }) => start(id)));
    await cluster.leader(admin);
    const [first] = clients as [KvClient];
    const sample = keys.flat().filter((_, i) => i % 97 === 0);
    await inParts(sample, async (key) => expect((await first.read(key)).found).toBe(true));
    await alive();

    // What is deleted makes room, by itself.
    await Promise.all(
      clients.map((client, i) =>
        inParts(
          keys[i]!.filter((_, n) => n % 2 === 0),
          (key) => client.delete(key),
        ),
      ),
    );
    await eventually("new keys are taken again", async () => {
      return !(await isRefused(first.write("again", value)));
    });
    await alive();
  },
);
