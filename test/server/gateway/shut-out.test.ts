/** Access control is switched off in a cluster that has a secret: nobody stays who was let in without it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createAdminClient,
  createClient,
  type AdminClient,
  type KvClient,
} from "../../../src/client/api/index.ts";
import { KvError } from "../../../src/base/index.ts";
import { encodeAdminRequest } from "../../../src/protocol/admin/index.ts";
import { until } from "../../conformance/wait.ts";
import { startGateWorld, type GateWorld } from "./world.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
/** Over the connection that there was, or when it connects anew. */
const REFUSED = expect.stringMatching(/^UNAUTHENTICATED|UNAUTHORIZED$/) as string;
const ANN = { user: "ann", password: "of ann" };

type Change = Parameters<typeof world.admin.call<"changeAccess">>[2]["change"];

let world: GateWorld;
const open: { close(): void }[] = [];

beforeEach(async () => {
  world = await startGateWorld({ secret: SECRET, peerSecret: `${SECRET}-of-nodes` });
  const changes: readonly Change[] = [
    { kind: "addUser", user: "root", password: "of root" },
    { kind: "grantRole", user: "root", role: "root" },
    { kind: "addUser", ...ANN },
    { kind: "addRole", role: "shop" },
    { kind: "permit", role: "shop", may: "both", ...within("shop/", "shop0") },
    { kind: "grantRole", user: "ann", role: "shop" },
    { kind: "turnOn" },
  ];
  for (const change of changes) await changed(change);
  await world.client.write("private", "value");
});

afterEach(async () => {
  for (const one of open.splice(0)) one.close();
  await world.close();
});

function within(start: string, end: string): { start: Uint8Array; end: Uint8Array } {
  return { start: Buffer.from(start), end: Buffer.from(end) };
}

async function changed(change: Change): Promise<void> {
  await world.admin.call(1, "changeAccess", { change });
}

/** Without the secret. */
function ann(): { readonly client: KvClient; readonly admin: AdminClient } {
  const options = { nodes: world.nodes, clusterId: "gates", timeoutMs: 3000, ...ANN };
  const [client, admin] = [createClient(options), createAdminClient(options)];
  open.push(client, admin);
  return { client, admin };
}

/** The connection may end while the request is under way; asked again, the node says why. */
async function codeOf(ask: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    const error: unknown = await ask().then(
      () => new Error("it was answered"),
      (refusal: unknown) => refusal,
    );
    if (!(error instanceof KvError)) throw error;
    if (error.code !== "CONNECTION_LOST") return error.code;
  }
}

test("a user who had signed in is put out, and the holders of the secret stay", async () => {
  const { client, admin } = ann();
  await client.write("shop/1", "apples");
  expect(await admin.call(1, "whoami", {})).toMatchObject({ user: "ann", by: "password" });
  await expect(client.read("private")).rejects.toMatchObject({ code: "FORBIDDEN" });
  await changed({ kind: "turnOff" });
  const change = { kind: "grantRole", user: "ann", role: "root" } as const;
  expect(await codeOf(() => client.read("private"))).toEqual(REFUSED);
  expect(await codeOf(() => admin.call(1, "getAccess", {}))).toEqual(REFUSED);
  expect(await codeOf(() => admin.call(1, "changeAccess", { change }))).toEqual(REFUSED);
  const { users } = await world.admin.call(1, "getAccess", {});
  expect(users.find(({ name }) => name === "ann")?.roles).toEqual(["shop"]);
  expect(await world.client.read("private")).toMatchObject({ found: true });
});

test.each(["client", "admin"] as const)("a stranger on /%s is put out", async (channel) => {
  const stranger = await world.attack(channel);
  expect(stranger.closed()).toBeNull();
  await changed({ kind: "turnOff" });
  await until(() => stranger.closed() !== null);
  expect(stranger.closed()).toContain("secret");
  const late = await world.attack(channel);
  expect(late.closed()).not.toBeNull();
});

test.each(["client", "admin"] as const)(
  "a handshake on /%s that was let off the secret, and ends after the switch, leads nowhere",
  async (channel) => {
    let frames = 0;
    let release: (() => void) | null = null;
    const attacked = world.attack(channel, (connection) => ({
      ...bound(connection),
      send: (frame) => {
        frames += 1;
        // Hello, proof, and then that it is ready.
        if (frames === 3) release = () => connection.send(frame);
        else connection.send(frame);
      },
    }));
    await until(() => release !== null);
    await changed({ kind: "turnOff" });
    const stranger = await attacked;
    (release as (() => void) | null)?.();
    stranger.connection.send(encodeAdminRequest(1, "getAccess", {}));
    await until(() => stranger.closed() !== null);
    expect(stranger.frames).toEqual([]);
  },
);

/** A connection of a class, as an object whose methods can be replaced. */
function bound<C extends GateWorld["accepted"][number]>(connection: C): C {
  return new Proxy(connection, {
    ownKeys: () => [...METHODS, "remote"],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const METHODS = [
  ...["security", "send", "bufferedBytes", "unfinishedBytes", "admit", "estrange"],
  ...["pause", "resume", "close", "destroy"],
];
