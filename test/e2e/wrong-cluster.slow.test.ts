/** Clients and nodes that meet another cluster than their own, or their own begun anew, with real servers. */
import { spawnSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { KvClient } from "../../src/client/kv-client.ts";
import type { WatchEvent, WatchItem } from "../../src/client/watches/watch-types.ts";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

let own: TestCluster;
let other: TestCluster;
beforeEach(async () => {
  own = await TestCluster.create(2);
  other = await TestCluster.create(2);
});
afterEach(() => Promise.all([own.dispose(), other.dispose()]));

async function valueOf(client: KvClient, key: string, node?: number): Promise<string> {
  const read = await client.read(key, node === undefined ? {} : { node });
  return read.found ? Buffer.from(read.value).toString() : "(none)";
}

const wrongCluster = { code: "WRONG_CLUSTER", definite: true };

test.each([
  ["second", "of two names", ["--cluster-id", "other"]],
  ["first", "of one name", []],
])(
  "a list whose %s node is another cluster's, %s: nothing of the two is mixed",
  async (place, _, flags) => {
    await Promise.all([own.startAll(), other.startAll(...flags)]);
    for (const cluster of [own, other]) {
      // Shows why, should one not have started.
      for (const { id } of cluster.nodes) expect(cluster.errors(id)).toBe("");
    }
    await own.client().write("key", "own");
    await other.client().write("key", "other");
    const wrong = place === "first" ? 1 : 2;
    const right = 3 - wrong;
    const nodes = own.nodes.map((node) => (node.id === wrong ? other.nodes[wrong - 1]! : node));
    const client = own.client({ nodes, timeoutMs: 2000 });
    expect(await valueOf(client, "key", right)).toBe("own");
    for (const attempt of [
      client.read("key", { node: wrong }),
      client.read("key", { node: wrong, consistency: "local" }),
      client.write("key", "mixed", { node: wrong }),
    ]) {
      await expect(attempt).rejects.toMatchObject(wrongCluster);
    }
    // Whichever node they begin with they end at the right one.
    for (let i = 0; i < 20; i++) expect((await client.write(`k${i}`, "1")).node).toBe(right);
    // Nor when that is gone, and it was the wrong one that is left.
    await own.kill(right);
    await expect(client.read("key")).rejects.toMatchObject(wrongCluster);
    await expect(client.write("key", "mixed")).rejects.toMatchObject(wrongCluster);
    expect(await valueOf(other.client(), "key")).toBe("other");
    expect(await valueOf(other.client(), "k1")).toBe("(none)");
    // The prompt, which asks both: one line that names both and says what to do.
    const list = nodes.map(({ id, host, port }) => `${id}=${host}:${port}`).join(",");
    await own.start(right);
    await eventually("it serves again", () => valueOf(own.client(), "key"));
    const { stdout, stderr } = spawnSync(process.execPath, [OMNIKV, "client", "--nodes", list], {
      ...{ input: `${right} read key\n${wrong} read key\n`, encoding: "utf8", timeout: 20_000 },
      env: { ...process.env, OMNIKV_HISTORY: "" },
    });
    expect(`${stdout}${stderr}`).toMatch(
      /this node (is of cluster|has the data that began as) .*, and this client works with .* Correct the list of nodes/,
    );
  },
  240_000,
);

test("a cluster that is wiped and begun anew under a living client, which hears so at once", async () => {
  await own.startAll();
  const client = own.client({ timeoutMs: 8000 });
  await client.write("key", "before");
  const reader = own.client({ timeoutMs: 8000 });
  expect(await valueOf(reader, "key")).toBe("before");
  for (const { id } of own.nodes) {
    await own.kill(id);
    rmSync(own.dataDirectory(id), { recursive: true });
  }
  await own.startAll();
  await own.leader(own.admin());
  for (const attempt of [
    () => reader.read("key"),
    () => client.read("key"),
    () => client.write("key", "after"),
    () => reader.read("key"),
  ]) {
    const began = performance.now();
    await expect(attempt()).rejects.toMatchObject(wrongCluster);
    expect(performance.now() - began).toBeLessThan(4000);
  }
  const next = own.client();
  expect(await valueOf(next, "key")).toBe("(none)");
  await next.write("key", "anew");
  await expect(client.write("key", "after")).rejects.toMatchObject(wrongCluster);
  expect(await valueOf(next, "key")).toBe("anew");
}, 240_000);

test("a cluster that is put back from a copy: clients that have seen more refuse its answers, the others go on", async () => {
  await own.startAll();
  const early = own.client({ timeoutMs: 8000 });
  await early.write("kept", "1");
  const idle = own.client({ timeoutMs: 8000 });
  await idle.write("idle", "1");
  for (const { id } of own.nodes) {
    await own.stop(id);
    cpSync(own.dataDirectory(id), `${own.dataDirectory(id)}-copy`, { recursive: true });
  }
  await own.startAll();
  const late = own.client({ timeoutMs: 8000 });
  for (let i = 0; i < 50; i++) await early.write("kept", `lost${i}`);
  for (let i = 0; i < 50; i++) await late.write(`late${i}`, "lost");
  for (const { id } of own.nodes) {
    await own.stop(id);
    rmSync(own.dataDirectory(id), { recursive: true });
    cpSync(`${own.dataDirectory(id)}-copy`, own.dataDirectory(id), { recursive: true });
  }
  await own.startAll();
  await own.leader(own.admin());
  // A local read must not be older than what the client has seen, and that is gone for ever.
  const began = performance.now();
  await expect(late.read("late1", { consistency: "local" })).rejects.toMatchObject({
    ...wrongCluster,
    message: expect.stringMatching(/put back from an older copy.*Start this client anew/) as string,
  });
  expect(performance.now() - began).toBeLessThan(4000);
  // A session that the copy knows: its write arrives. One that it does not know has to be opened first, and that is refused.
  const wentBack = expect.stringMatching(
    /answered from a state at index \d+, although .* seen/,
  ) as string;
  const refused = { code: "WRONG_CLUSTER", message: wentBack };
  await expect(early.write("early", "2")).rejects.toMatchObject({ ...refused, definite: false });
  await expect(late.write("late", "2")).rejects.toMatchObject({ ...refused, definite: true });
  for (const client of [early, late]) {
    await expect(client.read("kept")).rejects.toMatchObject({ ...refused, definite: true });
  }
  for (const client of [idle, own.client()]) {
    for (let i = 0; i < 5; i++) {
      await client.write(`after${i}`, "anew");
      expect(await valueOf(own.client(), `after${i}`)).toBe("anew");
    }
  }
  expect(await valueOf(idle, "late1")).toBe("(none)");
}, 240_000);

test("watches over a cluster that is put back from a copy end with an error: no change is passed over", async () => {
  await own.startAll();
  const writer = own.client();
  await writer.write("a", "first");
  for (const { id } of own.nodes) await own.stop(id);
  for (const { id } of own.nodes) {
    cpSync(own.dataDirectory(id), `${own.dataDirectory(id)}-copy`, { recursive: true });
  }
  await own.startAll();
  const late = own.client();
  for (let i = 2; i <= 9; i++) await late.write("a", `lost${i}`);
  const seen: Record<"watched" | "seldom" | "observed", string[]> = {
    watched: [],
    seldom: [],
    observed: [],
  };
  const errors: unknown[] = [];
  const follow = async (name: keyof typeof seen, texts: AsyncIterable<string>): Promise<void> => {
    try {
      for await (const text of texts) seen[name].push(text);
    } catch (error) {
      errors.push(error);
    }
  };
  const watching = own.client();
  const watch = watching.watch("a");
  const seldom = own.client();
  const silent = seldom.watch("seldom", { progress: true });
  const observing = own.client();
  void follow("watched", textsOf(watch));
  void follow("seldom", textsOf(silent));
  void follow("observed", observedOf(observing));
  await Promise.all([watch.created, silent.created]);
  await late.write("a", "last");
  await eventually("all have been told", () => {
    expect(seen.watched).toEqual(["10 last"]);
    expect(seen.observed.at(-1)).toBe("last");
    expect(Number.parseInt(seen.seldom.at(-1) ?? "0", 10)).toBe(10);
    return true;
  });
  for (const { id } of own.nodes) await own.stop(id);
  for (const { id } of own.nodes) {
    rmSync(own.dataDirectory(id), { recursive: true });
    cpSync(`${own.dataDirectory(id)}-copy`, own.dataDirectory(id), { recursive: true });
  }
  await own.startAll();
  const next = own.client();
  for (let i = 1; i <= 3; i++) await next.write("a", `new${i}`);
  await eventually("all have ended", () => errors.length === 3, 20_000);
  for (const error of errors) expect(error).toMatchObject(wrongCluster);
  expect(seen.watched).toEqual(["10 last"]);
  expect(seen.observed.at(-1)).toBe("last");
  // Nor when the new history has grown beyond what was seen: nothing goes on, and nothing begins.
  for (let i = 4; i <= 60; i++) await next.write("a", `new${i}`);
  for (const client of [watching, seldom, observing]) {
    await expect(client.watch("a", { from: 11 }).created).rejects.toMatchObject(wrongCluster);
    await expect(client.read("a")).rejects.toMatchObject(wrongCluster);
  }
  expect(await next.watch("a", { from: 11 }).created).toBe(11);
}, 240_000);

async function* textsOf(watch: AsyncIterable<WatchItem>): AsyncGenerator<string> {
  for await (const item of watch) {
    if (item.type === "progress") yield `${item.revision}`;
    else for (const event of item.events) yield `${item.revision} ${textIn(event)}`;
  }
}

async function* observedOf(client: KvClient): AsyncGenerator<string> {
  for await (const { items } of client.observe({ prefix: "a" })) yield items[0]?.text() ?? "";
}

function textIn(event: WatchEvent): string {
  return event.type === "put" ? event.text() : "(deleted)";
}
