/** Whom the client dials, and how often. */
import { expect, test } from "vitest";
import { ask, read, write } from "../ask.ts";
import { FakeCluster } from "../fake-cluster.ts";

test("a node that is down is not dialed again for what has gone to another one", () => {
  const cluster = new FakeCluster();
  cluster.node(1).stop();
  const network = cluster.network.host("client");
  let dials = 0;
  const dial: typeof network.dial = (address, ...rest) => {
    if (address.host === cluster.node(1).host) dials += 1;
    return network.dial(address, ...rest);
  };
  const listen = network.listen.bind(network);
  const core = cluster.core({ firstNode: 1, network: { dial, listen } });
  for (let i = 0; i < 10; i++) {
    expect(ask(cluster, core, write("a", `${i}`)).answer?.node).toBe(2);
    expect(ask(cluster, core, read("a")).answer?.node).toBe(2);
  }
  expect(dials).toBe(1);
  core.close();
});
