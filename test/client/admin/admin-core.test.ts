/** The management client on the simulated network. */
import { beforeEach, describe, expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import { AdminCore, type AdminClientOptions } from "../../../src/client/admin/admin-core.ts";
import { acceptWithHandshake } from "../../../src/links/handshake/handshake-connection.ts";
import type { Connection } from "../../../src/machine/ports/network.ts";
import { SimClock } from "../../../src/proof/simulator/sim-clock.ts";
import { SimNetwork } from "../../../src/proof/simulator/sim-network.ts";
import {
  decodeAdminRequest,
  encodeAdminError,
  encodeAdminResult,
  type AdminRequest,
} from "../../../src/protocol/admin/admin.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";
import { linkTo, statusOf } from "../../prompt/admin-fixtures.ts";
import { settle } from "../ask.ts";

let clock: SimClock;
let network: SimNetwork;
beforeEach(() => {
  clock = new SimClock();
  network = new SimNetwork({ clock, random: seededRandom(1) });
});

/** A node that answers each request as `answer` says; null: not at all. */
function serve(
  id: number,
  answer: (request: AdminRequest, connection: Connection) => Uint8Array | null,
): void {
  network.host(`node${id}`).listen(
    { host: `node${id}`, port: 4100 + id },
    ["admin"],
    (connection) =>
      acceptWithHandshake(connection, {
        clock,
        random: seededRandom(id + 10),
        timeoutMs: 1000,
        handshake: {
          secret: null,
          session: 1,
          self: {
            channel: "admin",
            clusterId: "test",
            nodeId: id,
            targetId: null,
            incarnation: null,
            origin: 0,
            configurationId: 1,
            peer: null,
          },
        },
        established: (open) => ({
          onFrame: (frame) => {
            const bytes = answer(decodeAdminRequest(frame.slice()), open);
            if (bytes !== null) open.send(bytes);
          },
          onClose: () => {},
        }),
        failed: () => {},
      }),
    (result) => {
      if (result instanceof Error) throw result;
    },
  );
  clock.run(1);
}

function client(options: Partial<AdminClientOptions> = {}): AdminCore {
  return new AdminCore({
    nodes: [1, 2, 3].map((id) => ({ id, host: `node${id}`, port: 4100 + id })),
    clock,
    random: seededRandom(5),
    network: network.host("client"),
    ...options,
  });
}

describe("AdminCore", () => {
  test("asks the node that is named and checks what it says", async () => {
    serve(1, ({ id }) => encodeAdminResult(id, "status", statusOf(1)));
    serve(2, ({ id }) => encodeAdminResult(id, "status", statusOf(2)));
    const admin = client();
    const all = [admin.call(1, "status", {}), admin.call(2, "status", {})];
    expect((await settle({ clock }, Promise.all(all))).map(({ nodeId }) => nodeId)).toEqual([1, 2]);
    admin.close();
    clock.run(10);
    expect(network.connectionCount).toBe(0);
  });

  test("hands parameters over and keeps answers apart, in whatever order they come", async () => {
    const held: Uint8Array[] = [];
    serve(1, (request, connection) => {
      if (request.op !== "breakLink") throw new Error(request.op);
      const links = [linkTo(request.params.peer, { brokenOut: true })];
      held.unshift(encodeAdminResult(request.id, "breakLink", { links }));
      if (held.length === 2) for (const bytes of held) connection.send(bytes);
      return null;
    });
    const admin = client();
    const answers = await settle(
      { clock },
      Promise.all([
        admin.call(1, "breakLink", { peer: 2, direction: "out" }),
        admin.call(1, "breakLink", { peer: 3, direction: "both" }),
      ]),
    );
    expect(answers.map(({ links }) => links[0]?.peer)).toEqual([2, 3]);
    admin.close();
  });

  test("passes on a node's refusal", async () => {
    serve(1, ({ id }) => encodeAdminError(id, new KvError("FORBIDDEN", "no faults here")));
    const admin = client();
    const refused = settle({ clock }, admin.call(1, "heal", {}));
    await expect(refused).rejects.toMatchObject({ code: "FORBIDDEN", message: "no faults here" });
    admin.close();
  });

  test("says what is certain when a node is down, silent, gone, or unknown", async () => {
    let connections: Connection[] = [];
    serve(1, (_request, connection) => {
      connections = [connection];
      return null;
    });
    const admin = client({ timeoutMs: 1000 });
    await expect(settle({ clock }, admin.call(2, "heal", {}))).rejects.toMatchObject({
      code: "CONNECTION_FAILED",
      definite: true,
    });
    await expect(settle({ clock }, admin.call(1, "heal", {}))).rejects.toMatchObject({
      code: "TIMEOUT",
      definite: false,
    });
    const lost = admin.call(1, "heal", {});
    clock.run(10);
    for (const connection of connections) connection.destroy();
    await expect(settle({ clock }, lost)).rejects.toMatchObject({ code: "CONNECTION_LOST" });
    await expect(admin.call(9, "heal", {})).rejects.toMatchObject({ code: "UNKNOWN_NODE" });
    admin.close();
  });

  test("is not confused by garbage or by the result of something else", async () => {
    let bytes: (request: AdminRequest) => Uint8Array = () => Uint8Array.of(0xc1);
    serve(1, (request) => bytes(request));
    const admin = client();
    const garbage = settle({ clock }, admin.call(1, "heal", {}));
    await expect(garbage).rejects.toMatchObject({ code: "CONNECTION_LOST" });
    bytes = ({ id }) => encodeAdminResult(id, "getLinks", { links: [] });
    const other = settle({ clock }, admin.call(1, "status", {}));
    await expect(other).rejects.toMatchObject({ code: "INTERNAL" });
    expect((await settle({ clock }, admin.call(1, "getLinks", {}))).links).toEqual([]);
    admin.close();
  });

  test("stops waiting when the signal or close says so", async () => {
    serve(1, () => null);
    const admin = client();
    const abort = new AbortController();
    const aborted = admin.call(1, "heal", {}, { signal: abort.signal });
    clock.run(10);
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: "CANCELLED", definite: false });
    const queued = admin.call(2, "heal", {});
    admin.close();
    await expect(queued).rejects.toMatchObject({ code: "CANCELLED", definite: true });
    await expect(admin.call(1, "heal", {})).rejects.toMatchObject({ code: "CANCELLED" });
  });
});
