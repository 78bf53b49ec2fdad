/** A client that learns from one node where the others are. */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connect } from "../../src/client/api/index.ts";
import { startCluster, type Cluster } from "../adapters/cluster.ts";
import { freePorts } from "../../src/measure/subjects/places.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(3);
});
afterAll(() => cluster.stop());

test("one address is enough to ask every node", async () => {
  const kv = await connect(cluster.address);
  await kv.write("a", "1");
  for (const node of [1, 2, 3]) expect(await kv.read("a", { node })).toMatchObject({ node });
  await expect(kv.read("a", { node: 4 })).rejects.toMatchObject({ code: "UNKNOWN_NODE" });
  kv.close();
});

test("a node that is down does not matter where another one answers", async () => {
  const [port] = await freePorts(1);
  const kv = await connect({ nodes: [`127.0.0.1:${port}`, cluster.address], firstNode: 2 });
  expect(await kv.read("nothing")).toMatchObject({ found: false, node: 2 });
  kv.close();
});

test("nothing is left of what was asked of a node that says nothing", async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.resume();
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as AddressInfo;
  const kv = await connect({ nodes: [`127.0.0.1:${port}`, cluster.address] });
  kv.close();
  await vi.waitFor(() => expect(sockets.size).toBe(0), 5000);
  silent.close();
});

test("when none answers each is named, with its reason", async () => {
  const [port] = await freePorts(1);
  await expect(connect({ nodes: `127.0.0.1:${port}`, timeoutMs: 300 })).rejects.toMatchObject({
    code: "CONNECTION_FAILED",
    message: `no node says which nodes there are: 127.0.0.1:${port} (connect ECONNREFUSED 127.0.0.1:${port})`,
  });
});

test("nodes of another cluster are refused at once", async () => {
  await expect(connect({ nodes: cluster.address, clusterId: "other" })).rejects.toMatchObject({
    code: "WRONG_CLUSTER",
    message: `${cluster.address} is of cluster "omnikv-local", and other is wanted`,
  });
});

test.each([
  [{ nodes: "here" }, 'nodes[0]: expected "HOST:PORT"'],
  [{ nodes: "127.0.0.1:1", timeoutMs: "5" }, "timeoutMs: expected"],
  [{ nodes: "127.0.0.1:1", timeout: 5 }, "timeout: there is no such option"],
])("wrong options %j are refused before anybody is asked", async (options, text) => {
  await expect(connect(options as never)).rejects.toMatchObject({
    code: "BAD_REQUEST",
    message: expect.stringContaining(text),
  });
});
