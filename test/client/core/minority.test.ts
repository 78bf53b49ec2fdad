/** A client that reaches some nodes and not the others: what it says of each. */
import { expect, test } from "vitest";
import { unreachedOf } from "../../../src/base/unreached.ts";
import { ask, read, submit, write } from "../ask.ts";
import { FakeCluster } from "../fake-cluster.ts";

test("refusals and silence name the nodes that cannot be reached", () => {
  for (const request of [read("a"), write("a", "1")]) {
    for (const alive of [1, 2, 3]) {
      const cluster = new FakeCluster();
      // A session is asked for as soon as the node is there: it waits for a leader before it refuses.
      for (const kind of ["refuse", "ignore"] as const) {
        const core = cluster.core({ failFast: true });
        const others = cluster.nodes.filter(({ id }) => id !== alive);
        for (const node of others) node.stop();
        cluster.node(alive).behaviour = kind === "refuse" ? { kind, code: "NO_QUORUM" } : { kind };
        const { error, tookMs } = ask(cluster, core, request);
        expect(error?.code).toBe(kind === "refuse" ? "NO_QUORUM" : "TIMEOUT");
        const names = others.map(({ id }) => `node ${id} at node${id}:${4100 + id}`).toSorted();
        expect(unreachedOf(error?.message ?? "")).toBe(names.join(", "));
        // What is silent is given its time: it may find out more.
        expect(tookMs > 4000).toBe(kind === "ignore");
        core.close();
      }
    }
  }
});

test("a refusal that comes late, after the client has asked others meanwhile, is told", () => {
  const cluster = new FakeCluster();
  cluster.node(1).stop();
  cluster.node(2).stop();
  cluster.node(3).behaviour = { kind: "ignore" };
  const core = cluster.core({ failFast: true });
  const pending = submit(cluster, core, write("a", "1"));
  cluster.clock.run(2900);
  expect(pending.result).toBeNull();
  cluster.node(3).behaviour = { kind: "refuse", code: "NO_QUORUM" };
  cluster.clock.run(3000);
  expect(pending.result?.error).toMatchObject({ code: "NO_QUORUM", definite: true });
  core.close();
});
