/** What a program can see of its requests on Node's diagnostics_channel. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, expect, test } from "vitest";
import { REQUEST_CHANNEL, type RequestMessage } from "../../src/client/api/index.ts";
import { observeRequest } from "../../src/client/diagnostics/request-channel.ts";
import { settle } from "./ask.ts";
import { FakeCluster } from "./fake-cluster.ts";

const seen: RequestMessage[] = [];
const onMessage = (message: unknown): void => void seen.push(message as RequestMessage);
afterEach(() => {
  unsubscribe(REQUEST_CHANNEL, onMessage);
  seen.splice(0);
});

test("each request is told when it ends, how, and by which node", async () => {
  subscribe(REQUEST_CHANNEL, onMessage);
  const cluster = new FakeCluster();
  const client = cluster.client({ observe: observeRequest, firstNode: 2 });
  await settle(cluster, client.write("k", "v"));
  await settle(cluster, client.cas("k", { value: "not this" }, "w"));
  await settle(cluster, client.read("k"));
  const pending = client.write("k", "w");
  client.close();
  await expect(pending).rejects.toMatchObject({ code: "CANCELLED" });
  expect(seen).toMatchObject([
    { operation: "write", node: 2, revision: 1, error: null },
    { operation: "casValue", node: 2, revision: null, error: null },
    { operation: "read", node: 2, revision: null, error: null },
    { operation: "write", node: null, revision: null, error: "CANCELLED" },
  ]);
  for (const { durationMs } of seen) expect(durationMs).toBeGreaterThanOrEqual(0);
});

test("without a subscriber a request is left as it is", () => {
  const done = (): void => {};
  const operation = { kind: "read", key: new Uint8Array(1), local: false, revision: 0 } as const;
  expect(observeRequest(operation, done)).toBe(done);
  subscribe(REQUEST_CHANNEL, onMessage);
  expect(observeRequest(operation, done)).not.toBe(done);
});
