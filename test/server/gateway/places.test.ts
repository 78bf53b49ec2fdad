/** Places for clients and managers on a real node: nobody can keep all of them from the others. */
import { afterEach, expect, test } from "vitest";
import { createAdminClient, createClient } from "../../../src/client/api/index.ts";
import { until } from "../../conformance/wait.ts";
import { startGateWorld, type GateWorld } from "./world.ts";

const ROOT = { user: "root", password: "of root" };
const MALLORY = { user: "mallory", password: "of mallory" };
const ANN = { user: "ann", password: "of ann" };

let world: GateWorld;
const open: { close(): void }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) one.close();
  await world.close();
});

type Change = Parameters<typeof world.admin.call<"changeAccess">>[2]["change"];

/** Three places each, and nobody there. */
async function begin(): Promise<void> {
  world = await startGateWorld({ clientConnectionsMax: 3, adminConnectionsMax: 3 });
  const changes: readonly Change[] = [
    { kind: "addUser", ...ROOT },
    { kind: "grantRole", user: "root", role: "root" },
    { kind: "addUser", ...MALLORY },
    { kind: "addUser", ...ANN },
    { kind: "turnOn" },
  ];
  for (const change of changes) await world.admin.call(1, "changeAccess", { change });
  world.client.close();
  world.admin.close();
}

function admin(who: typeof ROOT): ReturnType<typeof createAdminClient> {
  const client = createAdminClient({ nodes: world.nodes, timeoutMs: 20_000, ...who });
  open.push(client);
  return client;
}

function client(who: typeof ROOT): ReturnType<typeof createClient> {
  const made = createClient({ nodes: world.nodes, timeoutMs: 20_000, ...who });
  open.push(made);
  return made;
}

const told = (what: string): string[] => world.lines.filter((line) => line.includes(what));

test("a user without a role who signs in on all management connections does not shut root out", async () => {
  await begin();
  for (let i = 0; i < 3; i++) {
    expect((await admin(MALLORY).call(1, "whoami", {})).user).toBe("mallory");
  }
  const roots = [admin(ROOT), admin(ROOT), admin(ROOT)];
  for (const root of roots) expect((await root.call(1, "whoami", {})).user).toBe("root");
  await until(() => told("management refused").length > 0);
  expect(told("management refused")[0]).toContain("another client has fewer or goes first");
  // Those who have the role do not give way to one who has it not.
  admin(MALLORY)
    .call(1, "whoami", {})
    .catch(() => {});
  await until(() => told("too many management connections").length > 0);
  for (const root of roots) expect((await root.call(1, "whoami", {})).user).toBe("root");
});

test("a user who takes all places for clients makes room for another one", async () => {
  await begin();
  const crowd = [client(MALLORY), client(MALLORY), client(MALLORY)];
  // He may do nothing, and is in.
  for (const each of crowd) await expect(each.read("key")).rejects.toThrow("mallory");
  await expect(client(ANN).read("key")).rejects.toThrow("user ann may not");
  expect(told("client refused")[0]).toContain("another client has fewer");
});
