/** A client that outlives the secret which it was made with. */
import { expect, test } from "vitest";
import { ask, read } from "../ask.ts";
import { FakeCluster } from "../fake-cluster.ts";

test("a connection is made with the secret of the moment, or the last one that was told", () => {
  const cluster = new FakeCluster();
  const node = cluster.node(1);
  let told: string | null = "correct horse";
  node.secret = told;
  const core = cluster.core({
    secret: () => {
      if (told === null) throw new Error("the file is gone");
      return told;
    },
  });
  expect(ask(cluster, core, read("a"), 1).error).toBeNull();
  for (const now of ["battery staple", null]) {
    told = now;
    node.secret = now ?? node.secret;
    node.dropConnections();
    cluster.clock.run(100);
    expect(ask(cluster, core, read("a"), 1).error).toBeNull();
  }
  core.close();
});
