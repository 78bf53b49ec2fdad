/** Nodes that shake hands and are slow, or unwilling, to let a client sign in. */
import { expect, test } from "vitest";
import { acceptWithHandshake } from "../../../src/links/handshake/index.ts";
import type { Connection } from "../../../src/machine/ports/index.ts";
import { ask, read } from "../ask.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";
import { FakeCluster } from "../fake-cluster.ts";

/** Takes the node's place. @param onFrame told of what comes over a connection whose handshake is over */
function standIn(
  cluster: FakeCluster,
  id: number,
  onFrame: (frame: Uint8Array, connection: Connection) => void,
): void {
  const { host, address } = cluster.node(id);
  cluster.node(id).stop();
  cluster.clock.run(5);
  cluster.network.host(host).listen(
    address,
    ["client"],
    (connection) =>
      acceptWithHandshake(connection, {
        clock: cluster.clock,
        random: seededRandom(200 + id),
        timeoutMs: 1000,
        handshake: {
          secret: null,
          session: 1,
          self: {
            channel: "client",
            clusterId: "test",
            nodeId: id,
            targetId: null,
            incarnation: null,
            origin: cluster.state.origin,
            configurationId: 1,
            peer: null,
          },
        },
        established: (open) => ({
          onFrame: (frame) => onFrame(frame.slice(), open),
          onClose: () => {},
        }),
        failed: () => {},
      }),
    () => {},
  );
  cluster.clock.run(5);
}

test("a node that does not answer a sign-in is left after the connect time-out", () => {
  const cluster = new FakeCluster(2);
  let asked = 0;
  for (const id of [1, 2]) standIn(cluster, id, () => (asked += 1));
  const core = cluster.core({ user: "ann", password: "x", firstNode: 1, connectTimeoutMs: 500 });
  const { error, tookMs } = ask(cluster, core, read("a"), 1);
  expect(error).toMatchObject({ code: "CONNECTION_FAILED", definite: true });
  expect(error?.message).toContain("node 1 at node1:4101: not signed in within 500 ms");
  expect(tookMs).toBeLessThan(550);
  // One that names no node tries the others, and this one again.
  asked = 0;
  expect(ask(cluster, core, read("a")).error).toMatchObject({ code: "CONNECTION_FAILED" });
  expect(asked).toBeGreaterThan(6);
  core.close();
  cluster.clock.run(20_000);
  expect(cluster.clock.pending).toBe(0);
});
