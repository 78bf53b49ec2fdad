/** Many requests as one call. */
import { expect, test } from "vitest";
import type { BatchOperation } from "../../../src/client/terms/types.ts";
import { settle } from "../ask.ts";
import { FakeCluster } from "../fake-cluster.ts";

test("each operation has its outcome, in order", async () => {
  const cluster = new FakeCluster();
  const client = cluster.client();
  const outcomes = await settle(
    cluster,
    client.batch([
      { op: "write", key: "a", value: "1" },
      { op: "write", key: "b", value: "2" },
      { op: "cas", key: "a", condition: { value: "9" }, value: "3" },
      { op: "cas", key: "c", condition: { absent: true }, value: "4" },
      { op: "delete", key: "b" },
      { op: "delete", key: "nothing" },
    ]),
  );
  expect(outcomes).toMatchObject([
    { ok: true, op: "write", result: { revision: 1 } },
    { ok: true, op: "write", result: { revision: 2 } },
    { ok: true, op: "cas", result: { swapped: false } },
    { ok: true, op: "cas", result: { swapped: true, revision: 3 } },
    { ok: true, op: "delete", result: { existed: true, revision: 4 } },
    { ok: true, op: "delete", result: { existed: false } },
  ]);
  const [read, missing] = await settle(
    cluster,
    client.batch([
      { op: "read", key: "a" },
      { op: "read", key: "b", consistency: "local" },
    ]),
  );
  expect(read).toMatchObject({ ok: true, op: "read", result: { found: true, modRevision: 1 } });
  expect(missing).toMatchObject({ ok: true, op: "read", result: { found: false } });
  expect(await client.batch([])).toEqual([]);
  client.close();
});

test("more than may be under way at once are all carried out, in order", async () => {
  const cluster = new FakeCluster();
  const client = cluster.client();
  const count = 20_000;
  const operations = Array.from({ length: count }, (_, i): BatchOperation => {
    return { op: "write", key: `k${i}`, value: `${i}` };
  });
  const outcomes = await settle(cluster, client.batch(operations));
  const revisions = outcomes.map((outcome) =>
    outcome.ok && outcome.op === "write" ? outcome.result.revision : 0,
  );
  expect(revisions).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  client.close();
});

test("what is wrong with one operation is its own outcome; what is no batch rejects", async () => {
  const cluster = new FakeCluster();
  const client = cluster.client();
  // As from a program without types.
  const bad = [
    null,
    { op: "fetch", key: "a" },
    { op: "write", key: 5, value: "v" },
    { op: "cas", key: "a", condition: {}, value: "v" },
    { op: "read", key: "a", consistency: "soon" },
    { op: "write", key: "", value: "v" },
    { op: "write", key: "good", value: "v" },
  ] as unknown as BatchOperation[];
  const outcomes = await settle(cluster, client.batch(bad));
  expect(outcomes.map(({ ok }) => ok)).toEqual([...Array<boolean>(6).fill(false), true]);
  for (const outcome of outcomes.slice(0, 6)) {
    expect(outcome).toMatchObject({ error: { code: "BAD_REQUEST", definite: true } });
  }
  await expect(client.batch("write" as unknown as BatchOperation[])).rejects.toMatchObject({
    code: "BAD_REQUEST",
  });
  client.close();
});

test("a signal gives up what has no answer yet, and what was not sent certainly did not happen", async () => {
  const cluster = new FakeCluster();
  const client = cluster.client();
  const abort = new AbortController();
  const operations = Array.from({ length: 10_000 }, (_, i): BatchOperation => {
    return { op: "write", key: `k${i}`, value: "v" };
  });
  const batch = client.batch(operations, { signal: abort.signal });
  abort.abort();
  const outcomes = await settle(cluster, batch);
  expect(outcomes.length).toBe(10_000);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ error: { code: "CANCELLED" } });
  expect(outcomes.at(-1)).toMatchObject({ error: { definite: true } });
  client.close();
});
