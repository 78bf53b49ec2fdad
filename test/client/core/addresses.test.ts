/** Nodes that are named by their addresses alone. */
import { describe, expect, test } from "vitest";
import type { KvClientOptions } from "../../../src/client/kv-client.ts";
import { KvClient } from "../../../src/client/kv-client.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";
import { settle } from "../ask.ts";
import { FakeCluster } from "../fake-cluster.ts";

function clientOf(cluster: FakeCluster, nodes: KvClientOptions["nodes"]): KvClient {
  const { clock, network } = cluster;
  return new KvClient({ nodes, clock, random: seededRandom(1), network: network.host("client") });
}

describe("a client of addresses", () => {
  test("is served, and told the id of the node that served it", async () => {
    const cluster = new FakeCluster();
    const client = clientOf(cluster, "node2:4102");
    expect(await settle(cluster, client.write("a", "1"))).toMatchObject({ revision: 1, node: 2 });
    expect(await settle(cluster, client.read("a"))).toMatchObject({ found: true, node: 2 });
    client.close();
  });

  test("goes on at the next address when one is down", async () => {
    const cluster = new FakeCluster();
    const client = clientOf(cluster, ["node1:4101", "node2:4102"]);
    cluster.node(1).stop();
    cluster.node(1).dropConnections();
    expect(await settle(cluster, client.write("a", "1"))).toMatchObject({ node: 2 });
    client.close();
  });

  test("finds another node at an address, without anything being wrong", async () => {
    const cluster = new FakeCluster(1);
    const client = clientOf(cluster, "node1:4101");
    const [node] = cluster.nodes;
    expect(await settle(cluster, client.write("a", "1"))).toMatchObject({ node: 1 });
    Object.assign(node!, { id: 7 });
    node!.dropConnections();
    cluster.clock.run(50);
    expect(await settle(cluster, client.read("a"))).toMatchObject({ found: true, node: 7 });
    client.close();
  });

  test("names what is known of a node in errors", async () => {
    const cluster = new FakeCluster(1);
    const client = clientOf(cluster, "node1:4101");
    cluster.node(1).stop();
    const options = { timeoutMs: 300 };
    const failed = settle(cluster, client.write("a", "1", options));
    await expect(failed).rejects.toThrow("cannot connect to the node at node1:4101");
    client.close();
  });

  test("asks nobody by an id that it was not given", async () => {
    const cluster = new FakeCluster();
    const some = clientOf(cluster, ["node1:4101", "2=node2:4102"]);
    const named = settle(cluster, some.read("a", { node: 2 }));
    expect(await named).toMatchObject({ node: 2 });
    const unknown = settle(cluster, some.read("a", { node: 1 }));
    await expect(unknown).rejects.toMatchObject({ code: "UNKNOWN_NODE", definite: true });
    const none = settle(cluster, clientOf(cluster, "node1:4101").read("a", { node: 1 }));
    await expect(none).rejects.toThrow('name nodes with their ids, like "1=127.0.0.1:4101"');
  });
});
