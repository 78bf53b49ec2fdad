/** Ranges over real servers: pages are one state while others write, at every node, and across a crash. */
import { afterEach, expect, test } from "vitest";
import type { KvClient } from "../../src/client/kv-client.ts";
import { KvError } from "../../src/base/errors.ts";
import { eventually, TestCluster } from "./cluster.ts";

let cluster: TestCluster;
afterEach(() => cluster.dispose());

const KEYS = 4000;
const keyOf = (i: number): string => `k/${String(i).padStart(6, "0")}`;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Writes all keys in order, again and again, each time one more: so in every state the numbers fall from key to key, by one. */
function startWaves(client: KvClient): { readonly waves: () => number; stop(): Promise<void> } {
  let wave = 0;
  let stopping = false;
  const loop = (async (): Promise<void> => {
    for (wave = 1; !stopping; wave++) {
      for (let i = 0; i < KEYS && !stopping; i += 50) {
        const some = Array.from({ length: 50 }, (_, k) => client.write(keyOf(i + k), `${wave}`));
        await Promise.all(some);
      }
    }
  })();
  return {
    waves: () => wave,
    stop: async () => {
      stopping = true;
      await loop;
    },
  };
}

/** The numbers of one range, in order of keys; null when it could not be read to its end. */
async function numbersAt(
  client: KvClient,
  node: number,
  reverse: boolean,
): Promise<number[] | null> {
  const numbers: number[] = [];
  try {
    for await (const { value } of client.range({ prefix: "k/" }, { node, reverse })) {
      numbers.push(Number(text(value)));
    }
  } catch (error) {
    if (error instanceof KvError) return null;
    throw error;
  }
  return reverse ? numbers.toReversed() : numbers;
}

function isOneState(numbers: readonly number[]): boolean {
  const [first = 0] = numbers;
  const last = numbers.at(-1) ?? 0;
  const falls = numbers.every((number, i) => i === 0 || number <= (numbers[i - 1] ?? 0));
  return numbers.length === KEYS && falls && first - last <= 1;
}

test("a range of many pages is one state at every node, while all of its keys change", async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  const waves = startWaves(cluster.client());
  await eventually("all keys are there", () => waves.waves() > 1);
  const reader = cluster.client();
  let mixed = 0;
  for (let round = 0; round < 12; round++) {
    const before = waves.waves();
    const numbers = await numbersAt(reader, (round % 3) + 1, round % 2 === 1);
    expect(numbers).not.toBeNull();
    expect(numbers).toSatisfy(isOneState);
    // Linearizable: what was answered before it began is in it.
    expect(numbers!.at(-1)).toBeGreaterThanOrEqual(before - 1);
    if (numbers![0] !== numbers!.at(-1)) mixed += 1;
    const some = Array.from({ length: 1000 }, (_, i) => keyOf(4 * i));
    const found = await reader.get([...some, "nowhere"], { node: (round % 3) + 1 });
    expect(found.at(-1)?.found).toBe(false);
    const values = found.slice(0, -1).map((result) => Number(result.text()));
    expect(values).toSatisfy((numbers: number[]) =>
      numbers.every((number, i) => i === 0 || number <= (numbers[i - 1] ?? 0)),
    );
    expect(values[0]! - values.at(-1)!).toBeLessThanOrEqual(1);
    const { count } = await reader.count({ prefix: "k/" }, { node: (round % 3) + 1 });
    expect(count).toBe(KEYS);
  }
  await waves.stop();
  // Else nothing was written meanwhile, and this shows nothing.
  expect(mixed).toBeGreaterThan(0);
});

test("a range goes on after a crash of the node that it began at, and stays one state", async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  const waves = startWaves(cluster.client({ timeoutMs: 10_000 }));
  await eventually("all keys are there", () => waves.waves() > 1);
  const reader = cluster.client({ timeoutMs: 10_000, firstNode: 3 });
  const numbers: number[] = [];
  for await (const { value } of reader.range({ prefix: "k/" })) {
    numbers.push(Number(text(value)));
    if (numbers.length === 1) await cluster.kill(3);
  }
  expect(numbers).toSatisfy(isOneState);
  await cluster.start(3);
  expect(await eventually("node 3 serves again", () => numbersAt(reader, 3, false))).toSatisfy(
    isOneState,
  );
  await waves.stop();
});

test("the store is read as it was, and a key's versions one by one, until they are compacted", async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  const client = cluster.client();
  const first = await client.write("h/a", "1");
  await client.write("h/b", "other");
  await client.write("h/a", "2");
  const { revision } = await client.delete("h/a");
  const again = await client.write("h/a", "3");
  const at = first.revision;
  expect((await client.read("h/a", { revision: at })).text()).toBe("1");
  expect((await client.get("h/a", { revision })).found).toBe(false);
  const both = await client.get(["h/a", "h/b"], { revision: revision - 1, node: 2 });
  expect(both.map((result) => result.text())).toEqual(["2", "other"]);
  expect(await client.count({ prefix: "h/" }, { revision })).toMatchObject({ count: 1, revision });
  const versions: unknown[] = [];
  for await (const each of client.history("h/a")) versions.push([each.revision, each.text()]);
  expect(versions).toEqual([
    [again.revision, "3"],
    [revision, undefined],
    [revision - 1, "2"],
    [at, "1"],
  ]);
  const admin = cluster.admin();
  await cluster.led(admin);
  await admin.call(1, "compact", { revision });
  await eventually("it is compacted", async () => {
    const { oldest } = await admin.call(2, "getHistory", {});
    return oldest === revision;
  });
  await expect(client.read("h/a", { revision: at, node: 2 })).rejects.toMatchObject({
    ...{ code: "COMPACTED", oldestRevision: revision },
  });
  await expect(client.read("h/a", { revision: again.revision + 5 })).rejects.toMatchObject({
    code: "BAD_REQUEST",
  });
  await admin.call(3, "setHistory", { revisions: 1, bytes: null });
  await eventually("the bound holds", async () => {
    const { oldest, revisionsMax } = await admin.call(1, "getHistory", {});
    return revisionsMax === 1 && oldest === again.revision - 1;
  });
});
