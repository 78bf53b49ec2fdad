/** Who has shaken hands and not signed in, while access control is on: he takes no place that a user needs. */
import { afterEach, describe, expect, test } from "vitest";
import { createAdminClient, createClient, type KvClient } from "../../../src/client/api/index.ts";
import type { WsNetworkOptions } from "../../../src/machine/network/ws-network.ts";
import type { NodeOptions } from "../../../src/server/node/options.ts";
import { until } from "../../conformance/wait.ts";
import { startGateWorld, type Attacker, type GateWorld } from "./world.ts";

const ROOT = { user: "root", password: "of root" };

let world: GateWorld;
const open: { close(): void }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) one.close();
  await world.close();
});

/** @param strangersMax at the client port; of one address two thirds */
async function begin(options: Partial<NodeOptions>, wires: WsNetworkOptions): Promise<void> {
  world = await startGateWorld(options, {}, wires);
}

type Change = Parameters<typeof world.admin.call<"changeAccess">>[2]["change"];

async function secure(): Promise<void> {
  const changes: readonly Change[] = [
    { kind: "addUser", ...ROOT },
    { kind: "grantRole", user: "root", role: "root" },
    { kind: "turnOn" },
  ];
  for (const change of changes) await world.admin.call(1, "changeAccess", { change });
}

function user(): KvClient {
  const client = createClient({ nodes: world.nodes, timeoutMs: 20_000, ...ROOT });
  open.push(client);
  return client;
}

const living = (attackers: readonly Attacker[]): number =>
  attackers.filter((each) => each.closed() === null).length;

describe("while access control is on", () => {
  test.each(["client", "admin"] as const)(
    "those who do not sign in on /%s are as few as strangers, and users get in",
    async (channel) => {
      // Four from one address.
      const wires = { strangersMax: 6, strangerTimeoutMs: 100_000 };
      await begin({ clientConnectionsMax: 3, adminConnectionsMax: 3 }, wires);
      await secure();
      world.client.close();
      world.admin.close();
      const attackers: Attacker[] = [];
      for (let i = 0; i < 12; i++) attackers.push(await world.attack(channel));
      await until(() => living(attackers) <= 4);
      const users = [user(), user()];
      for (const each of users) await each.write("key", "value");
      const admin = createAdminClient({ nodes: world.nodes, timeoutMs: 20_000, ...ROOT });
      open.push(admin);
      expect((await admin.call(1, "whoami", {})).user).toBe("root");
      // Those who are in stay in, whoever comes.
      for (let i = 0; i < 12; i++) attackers.push(await world.attack(channel));
      const accepted = world.accepted.length;
      for (const each of users) await each.read("key");
      await admin.call(1, "whoami", {});
      expect(world.accepted).toHaveLength(accepted);
    },
  );

  test("those who do not sign in are ended after the time of strangers, and those who do are not", async () => {
    await begin({}, { strangerTimeoutMs: 2000 });
    await secure();
    const signedIn = user();
    await signedIn.write("key", "value");
    const attackers = [await world.attack("client"), await world.attack("admin")];
    await until(() => living(attackers) === 0);
    const accepted = world.accepted.length;
    await signedIn.read("key");
    expect(world.accepted).toHaveLength(accepted);
    expect(world.lines.filter((line) => line.includes("proved nothing"))).toEqual([]);
  });

  test("whoever asks without signing in, as a page does, asks on over one connection after the other", async () => {
    await begin({}, { strangerTimeoutMs: 1000 });
    await secure();
    const admin = createAdminClient({ nodes: world.nodes, timeoutMs: 20_000 });
    open.push(admin);
    for (let i = 0; i < 3; i++) {
      const accepted = world.accepted.length;
      expect(await admin.call(1, "whoami", {})).toMatchObject({ isOn: true, by: "none" });
      expect(world.accepted).toHaveLength(accepted + 1);
      // It came later, so it is ended later.
      const other = await world.attack("admin");
      await until(() => other.closed() !== null);
    }
  });

  test("a user who signs in when all places are taken is told so, and the log says it", async () => {
    await begin({ clientConnectionsMax: 2 }, {});
    await secure();
    world.client.close();
    const users = [user(), user()];
    for (const each of users) await each.write("key", "value");
    const late = createClient({ nodes: world.nodes, timeoutMs: 1000, ...ROOT });
    open.push(late);
    await expect(late.read("key")).rejects.toThrow("too many connections");
    const told = world.lines.filter((line) => line.includes("client refused"));
    expect(told[0]).toContain("too many connections");
    // One of them leaves, and there is room: not for the one that tries on.
    late.close();
    users[0]!.close();
    await user().read("key");
  });
});

test("when access control is switched on, those who are there get that time to sign in; when it is off again nobody has to, where there is no secret", async () => {
  await begin({}, { strangerTimeoutMs: 2000 });
  const idle = [await world.attack("client"), await world.attack("admin")];
  const ready = user();
  await ready.write("key", "value");
  await secure();
  const before = world.accepted.length;
  // It says by itself who it is.
  await ready.read("key");
  await until(() => living(idle) === 0);
  await ready.read("key");
  expect(world.accepted).toHaveLength(before);
  const root = createAdminClient({ nodes: world.nodes, timeoutMs: 20_000, ...ROOT });
  open.push(root);
  const again = [await world.attack("client"), await world.attack("admin")];
  await root.call(1, "changeAccess", { change: { kind: "turnOff" } });
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(living(again)).toBe(2);
});
