/** How long a handshake may take: of the time in which this process runs. */
import { expect, test } from "vitest";
import { dialWithHandshake } from "../../../src/links/handshake/handshake-connection.ts";
import type { Connection } from "../../../src/machine/ports/network.ts";
import { HandClock } from "../../client/hand-clock.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";

/** To a node that says nothing. */
function dial(clock: HandClock): { readonly failures: string[] } {
  const failures: string[] = [];
  const connection: Connection = {
    remote: "nobody",
    security: () => null,
    send: () => {},
    bufferedBytes: () => 0,
    unfinishedBytes: () => 0,
    admit: () => {},
    estrange: () => {},
    pause: () => {},
    resume: () => {},
    close: () => {},
    destroy: () => {},
  };
  const nobody = { clusterId: null, nodeId: null, incarnation: null, origin: null };
  dialWithHandshake(() => connection, {
    clock,
    random: seededRandom(1),
    timeoutMs: 2000,
    handshake: {
      secret: null,
      self: { channel: "client", ...nobody, targetId: null, configurationId: null, peer: null },
    },
    established: () => {
      throw new Error("nobody has answered");
    },
    failed: (failure) => failures.push(failure.text),
  });
  return { failures };
}

test("a node that says nothing is given up in time", async () => {
  const clock = new HandClock();
  const { failures } = dial(clock);
  await clock.run(1999);
  expect(failures).toEqual([]);
  await clock.run(1);
  expect(failures).toEqual(["no handshake within 2000 ms"]);
});

test("while this process does not run nobody is late: what has come meanwhile is read first", async () => {
  const clock = new HandClock();
  const { failures } = dial(clock);
  clock.sleep(60_000);
  await clock.run(1700);
  expect(failures).toEqual([]);
  await clock.run(300);
  expect(failures).toHaveLength(1);
});
