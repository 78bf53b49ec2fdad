/** The newest state of a few keys: states that there were, none older than the one before, and the last one always. */
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { KvError } from "../../src/base/errors.ts";
import type { KvClient } from "../../src/client/kv-client.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { FakeWatches } from "./fake-watches.ts";

async function run(cluster: FakeCluster, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    cluster.clock.run(Math.min(10, left));
    await setImmediate();
  }
}

async function settled<T>(cluster: FakeCluster, promise: Promise<T>): Promise<T> {
  let isOver = false;
  const settling = promise.finally(() => (isOver = true));
  settling.catch(() => {});
  for (let i = 0; i < 1000 && !isOver; i++) await run(cluster, 10);
  return settling;
}

interface Setup {
  readonly cluster: FakeCluster;
  readonly watches: FakeWatches;
  readonly client: KvClient;
  /** Writes all at one revision, to the state and to the watches. */
  readonly change: (...changes: (readonly [key: string, value: string | null])[]) => Promise<void>;
}

function setUp(): Setup {
  const cluster = new FakeCluster();
  const watches = new FakeWatches(cluster);
  const client = cluster.client();
  const change: Setup["change"] = async (...changes) => {
    const then = changes.map(([key, value]) =>
      value === null ? ({ op: "delete", key } as const) : ({ op: "put", key, value } as const),
    );
    await settled(cluster, client.txn({ then }));
    watches.change(...changes.map(([key, value]) => ({ key, value })));
  };
  return { cluster, watches, client, change };
}

function follow(states: AsyncIterable<object>, textOf: (state: never) => string) {
  const seen = { states: [] as string[], error: null as KvError | null };
  void (async () => {
    try {
      for await (const state of states) seen.states.push(textOf(state as never));
    } catch (error) {
      seen.error = error as KvError;
    }
  })();
  return seen;
}

type OfKeys = { results: { text(): string | undefined }[] };
type OfRange = { items: { keyText(): string; text(): string }[] };
const keysText = ({ results }: OfKeys): string => results.map((each) => each.text()).join(" ");
const rangeText = ({ items }: OfRange): string =>
  items.map((item) => `${item.keyText()}=${item.text()}`).join(" ");

test("of keys: at first and after each change, all of one moment", async () => {
  const { cluster, client, change } = setUp();
  await change(["a", "1"], ["b", "1"]);
  const seen = follow(client.observe(["a", "b"]), keysText);
  await run(cluster, 100);
  await change(["a", "2"], ["b", "2"]);
  await run(cluster, 100);
  await change(["c", "9"]);
  await change(["b", null]);
  await run(cluster, 100);
  expect(seen.states).toEqual(["1 1", "2 2", "2 "]);
  client.close();
  await run(cluster, 100);
  expect(seen.error?.code).toBe("CANCELLED");
});

test("of a range, within a prefix; what goes by while one is looked at is left out", async () => {
  const { cluster, client, change } = setUp();
  const states = client.withPrefix("app/").observe({});
  const first = await settled(cluster, states.next());
  expect(rangeText(first.value as unknown as OfRange)).toBe("");
  for (let i = 0; i < 20; i++) await change([`app/${i % 3}`, String(i)], [`other${i}`, "x"]);
  await run(cluster, 100);
  const second = await settled(cluster, states.next());
  expect(rangeText(second.value as unknown as OfRange)).toBe("0=18 1=19 2=17");
  await settled(cluster, states.return(undefined));
  client.close();
});

test("goes on when its watch has fallen behind the history", async () => {
  const { cluster, watches, client, change } = setUp();
  await change(["a", "1"]);
  const seen = follow(client.observe(["a"]), keysText);
  await run(cluster, 100);
  for (const node of cluster.nodes) {
    node.stop();
    node.dropConnections();
  }
  await run(cluster, 100);
  const writer = cluster.client();
  for (const node of cluster.nodes) node.watches = null;
  for (const node of cluster.nodes) node.start();
  for (let i = 2; i < 9; i++) {
    await settled(cluster, writer.write("a", String(i)));
    watches.history.push([{ key: "a", value: String(i) }]);
  }
  watches.oldest = 6;
  watches.serve();
  await run(cluster, 5000);
  expect(seen).toEqual({ states: ["1", "8"], error: null });
  expect(watches.asked.at(-1)).toContain("from null");
  client.close();
  writer.close();
});

test("of more than a few keys is refused, at first and when they have become more", async () => {
  const { cluster, watches, client, change } = setUp();
  await change(["k", "v"]);
  const seen = follow(client.observe({ prefix: "k" }), rangeText);
  await run(cluster, 100);
  await settled(
    cluster,
    client.batch(
      Array.from({ length: 1024 }, (_, i) => ({ op: "write", key: `k${i}`, value: "" })),
    ),
  );
  // The revisions of the watches are those of the state.
  for (let i = 0; i < 1024; i++) watches.history.push([]);
  await change(["k", "w"]);
  await run(cluster, 2000);
  expect(seen.error).toMatchObject({ code: "OVERLOADED", definite: true });
  client.close();
});
