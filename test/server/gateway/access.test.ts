/** Users, roles and who may do what, at a real node on real sockets. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAdminClient, createClient, type KvClient } from "../../../src/client/api/index.ts";
import type { AuditRecord } from "../../../src/machine/ports/audit.ts";
import { changeAccess } from "../../../src/store/access/access-change.ts";
import {
  EMPTY_ACCESS,
  SECRET_HOLDER,
  type AccessChange,
  type AccessState,
  type Actor,
} from "../../../src/store/index.ts";
import { AdminUsers } from "../../../src/server/gateway/admin-users.ts";
import { encodeAdminRequest, type AdminRequest } from "../../../src/protocol/admin/index.ts";
import { encodeSignIn } from "../../../src/protocol/client/index.ts";
import { until } from "../../conformance/wait.ts";
import { startGateWorld, type GateWorld } from "./world.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

let world: GateWorld;
let audited: AuditRecord[];
const open: { close(): void }[] = [];

const bytes = (text: string): Uint8Array => Buffer.from(text);
const prefix = { start: bytes("a/"), end: bytes("a0") };

beforeEach(async () => {
  audited = [];
  world = await startGateWorld({}, { audit: { record: (record) => audited.push(record) } });
});
afterEach(async () => {
  for (const one of open.splice(0)) one.close();
  await world.close();
});

function clientOf(options: object = {}): KvClient {
  const client = createClient({ nodes: world.nodes, timeoutMs: 20_000, ...options });
  open.push(client);
  return client;
}

function adminOf(options: object = {}): ReturnType<typeof createAdminClient> {
  const admin = createAdminClient({ nodes: world.nodes, timeoutMs: 20_000, ...options });
  open.push(admin);
  return admin;
}

const ROOT = { user: "root", password: "of root" };
const ANN = { user: "ann", password: "of ann" };

async function secure(): Promise<void> {
  const change = async (one: Parameters<typeof world.admin.call<"changeAccess">>[2]["change"]) => {
    await world.admin.call(1, "changeAccess", { change: one });
  };
  await change({ kind: "addUser", ...ROOT });
  await change({ kind: "grantRole", user: "root", role: "root" });
  await change({ kind: "addUser", ...ANN });
  await change({ kind: "addRole", role: "shop" });
  await change({ kind: "permit", role: "shop", may: "both", ...prefix });
  await change({ kind: "grantRole", user: "ann", role: "shop" });
  await change({ kind: "turnOn" });
}

describe("a client", () => {
  test("that has not signed in is refused, in words, once access control is on", async () => {
    const before = clientOf();
    await before.write("a/1", "v");
    await secure();
    const asked = [before.read("a/1"), before.write("a/1", "w"), clientOf().read("a/1")];
    const message = expect.stringContaining("nobody has signed in") as string;
    const reason = { code: "UNAUTHENTICATED", definite: true, message };
    for (const outcome of await Promise.allSettled(asked)) {
      expect(outcome).toMatchObject({ status: "rejected", reason });
    }
    const local = before.read("a/1", { consistency: "local" });
    await expect(local).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  test("that has signed in does what its roles permit and nothing else", async () => {
    await secure();
    const ann = clientOf(ANN);
    await ann.write("a/1", "v");
    expect((await ann.read("a/1")).found).toBe(true);
    expect(await ann.count({ prefix: "a/" })).toMatchObject({ count: 1 });
    const forbidden = { code: "FORBIDDEN", definite: true };
    await expect(ann.read("b")).rejects.toMatchObject({
      ...forbidden,
      message: expect.stringContaining("user ann may not"),
    });
    await expect(ann.write("b", "v")).rejects.toMatchObject(forbidden);
    await expect(ann.append("b", "v")).rejects.toMatchObject(forbidden);
    await expect(ann.count({ prefix: "" })).rejects.toMatchObject(forbidden);
    await expect(ann.count({ prefix: "a" })).rejects.toMatchObject(forbidden);
    await expect(ann.get(["a/1", "b"])).rejects.toMatchObject(forbidden);
    const outcomes = await Promise.allSettled([ann.write("a/2", "v"), ann.write("b", "v")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  test("with a wrong password is told so at once, and no user is told from another", async () => {
    await secure();
    for (const who of [
      { user: "ann", password: "wrong" },
      { user: "nobody", password: "wrong" },
    ]) {
      const startedMs = Date.now();
      await expect(clientOf(who).read("a/1")).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
        message: expect.stringContaining("wrong user or password"),
      });
      expect(Date.now() - startedMs).toBeLessThan(10_000);
    }
  });

  test("watches what it may read, and no longer than it may", async () => {
    await secure();
    const ann = clientOf(ANN);
    const other = { code: "FORBIDDEN", message: expect.stringContaining("user ann may not") };
    await expect(ann.watch({ prefix: "" }).created).rejects.toMatchObject(other);
    await expect(clientOf().watch({ prefix: "a/" }).created).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
    const watch = ann.watch({ prefix: "a/" });
    await watch.created;
    const root = clientOf(ROOT);
    await root.write("a/1", "v");
    const take = async (): Promise<unknown> => (await watch.next()).value;
    expect(await take()).toMatchObject({ events: [{ type: "put" }] });
    const change = { kind: "forbid", role: "shop", ...prefix } as const;
    await adminOf(ROOT).call(1, "changeAccess", { change });
    await root.write("a/1", "w");
    await expect(take()).rejects.toMatchObject(other);
    expect(world.node.replica.watches.watches).toBe(0);
    expect(audited.filter(({ operation }) => operation === "watch")).toMatchObject([
      { user: "ann", keys: "..", allowed: false },
      { user: null, keys: "a/..a0", allowed: false },
      { user: "ann", keys: "a/..a0", allowed: true },
    ]);
  });

  test("that watches goes on when access control is turned on, or its password changes", async () => {
    let password = ANN.password;
    const ann = clientOf({ user: "ann", password: () => password });
    const nobody = clientOf();
    const watches = [ann, nobody].map((client) => client.watch({ prefix: "a/" }, { from: 1 }));
    await Promise.all(watches.map(({ created }) => created));
    const [watch, ended] = watches;
    const take = async (): Promise<unknown> => (await watch?.next())?.value;
    await secure();
    const root = clientOf(ROOT);
    await root.write("a/1", "v");
    expect(await take()).toMatchObject({ events: [{ type: "put", version: 1 }] });
    await expect(ended?.next()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    password = "another";
    const change = { kind: "setPassword", user: "ann", password } as const;
    await adminOf(ROOT).call(1, "changeAccess", { change });
    await root.write("a/1", "w");
    expect(await take()).toMatchObject({ events: [{ type: "put", version: 2 }] });
    password = "wrong";
    await adminOf(ROOT).call(1, "changeAccess", { change: { ...change, password: "third" } });
    await expect(take()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  test("reads in every way there is what it may, and nothing else", async () => {
    await secure();
    const ann = clientOf(ANN);
    const { revision } = await ann.write("a/1", "v");
    const order = { orderBy: "value", limit: 3 } as const;
    await ann.write("a/1", "w");
    const reads: readonly ((at: string) => Promise<unknown>)[] = [
      (at) => ann.read(`${at}1`, { revision }),
      (at) => ann.history(`${at}1`).next(),
      (at) => ann.get([`${at}1`], { revision }),
      (at) => ann.range({ prefix: at }, { revision }).next(),
      (at) => ann.range({ prefix: at }, order).next(),
      (at) => ann.range({ prefix: at }, { minModRevision: 1 }).next(),
      (at) => ann.read(`${at}1`, { consistency: "local", atLeast: revision }),
    ];
    for (const read of reads) {
      await read("a/");
      await expect(read("b/")).rejects.toMatchObject({ code: "FORBIDDEN" });
    }
  });

  test("may have a user while access control is off, and goes on when it is turned on", async () => {
    const ann = clientOf(ANN);
    await ann.write("a/1", "v");
    await secure();
    await ann.write("a/1", "w");
    expect((await ann.read("a/1")).found).toBe(true);
  });

  test("that begins to write after access control was turned on says then who it is", async () => {
    const ann = clientOf(ANN);
    await ann.read("a/1");
    await secure();
    await ann.write("a/1", "v");
  });

  test("whose password was changed is out, and in again with the new one", async () => {
    await secure();
    let password = ANN.password;
    const renewing = clientOf({ user: "ann", password: () => password });
    const other = clientOf(ANN);
    await Promise.all([renewing.write("a/1", "v"), other.write("a/2", "v")]);
    password = "another";
    const root = adminOf(ROOT);
    await root.call(1, "changeAccess", { change: { kind: "setPassword", user: "ann", password } });
    await expect(other.write("a/2", "v")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await renewing.write("a/1", "w");
  });

  test("comes with a token that somebody got for it, until the password changes", async () => {
    await secure();
    const { token } = await adminOf().call(1, "signIn", { ...ANN, token: null });
    const ann = clientOf({ user: "ann", token });
    await ann.write("a/1", "v");
    const changed = `${token.slice(0, -2)}${token.endsWith("AA") ? "BB" : "AA"}`;
    await expect(clientOf({ user: "ann", token: changed }).read("a/1")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
    await adminOf(ROOT).call(1, "changeAccess", { change: { kind: "setPassword", ...ANN } });
    await expect(ann.read("a/1")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(clientOf({ user: "ann", token }).read("a/1")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
  });

  test("whose token ends with its key signs in by the password again, and a token is one text only", async () => {
    await secure();
    const { token } = await adminOf().call(1, "signIn", { ...ANN, token: null });
    const byToken = clientOf({ user: "ann", token });
    const byPassword = clientOf(ANN);
    await Promise.all([byToken.write("a/1", "v"), byPassword.write("a/2", "v")]);
    for (const longer of [`${token}.x`, `${token}.`, `${token}=`, ` ${token}`]) {
      await expect(clientOf({ user: "ann", token: longer }).read("a/1")).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
      });
    }
    await adminOf(ROOT).call(1, "changeAccess", { change: { kind: "rotateTokenKey" } });
    await expect(byToken.write("a/1", "w")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(clientOf({ user: "ann", token }).read("a/1")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
    await byPassword.write("a/2", "w");
  });

  test("options that do not go together are refused, and passwords are not repeated", () => {
    expect(() => clientOf({ user: "ann" })).toThrow(/password: expected/);
    expect(() => clientOf({ password: "hidden" })).toThrow(/user: expected/);
    expect(() => clientOf({ user: "a b", password: "x" })).toThrow(/user: expected/);
    const error = (() => {
      try {
        clientOf({ user: "ann", password: ["hidden"] });
      } catch (thrown) {
        return thrown as Error;
      }
      return null;
    })();
    expect(error?.message).not.toContain("hidden");
  });
});

describe("management", () => {
  test("is for root, and anybody may ask who he is", async () => {
    await secure();
    const nobody = adminOf();
    await expect(nobody.call(1, "status", {})).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(await nobody.call(1, "whoami", {})).toEqual({
      ...{ isOn: true, user: null, by: "none", roles: [], permissions: [] },
    });
    const ann = adminOf(ANN);
    for (const asked of [
      ann.call(1, "status", {}),
      ann.call(1, "beginBackup", {}),
      ann.call(1, "setQuota", { bytes: 2 ** 30 }),
      ann.call(1, "compact", { revision: 1 }),
      ann.call(1, "getAccess", {}),
      ann.call(1, "changeAccess", { change: { kind: "turnOff" } }),
    ]) {
      await expect(asked).rejects.toMatchObject({ code: "FORBIDDEN" });
    }
    expect(await ann.call(1, "whoami", {})).toMatchObject({ user: "ann", roles: ["shop"] });
    const root = adminOf(ROOT);
    expect(await root.call(1, "status", {})).toMatchObject({ nodeId: 1 });
    const access = await root.call(1, "getAccess", {});
    expect(JSON.stringify(access)).not.toContain("scrypt");
    await expect(root.call(1, "heal", {})).rejects.toMatchObject({
      message: expect.stringContaining("--allow-faults"),
    });
  });

  test("refusals of changes say why", async () => {
    const change = world.admin.call(1, "changeAccess", { change: { kind: "turnOn" } });
    await expect(change).rejects.toMatchObject({
      code: "BAD_REQUEST",
      message: expect.stringContaining("user add root"),
    });
  });

  test("access control that is turned off lets everybody in", async () => {
    await secure();
    await adminOf(ROOT).call(1, "changeAccess", { change: { kind: "turnOff" } });
    await clientOf().write("anything", "v");
  });
});

describe("the audit", () => {
  test("says of leases what was done, with which keys, and whether it might be", async () => {
    await secure();
    const [root, ann] = [clientOf(ROOT), clientOf(ANN)];
    const lease = (await ann.leases.issue(60_000)).id;
    await ann.write("a/1", "v", { lease });
    audited = [];
    await ann.leases.timeToLive(lease);
    await root.write("secret", "v", { lease });
    await expect(ann.leases.timeToLive(lease)).rejects.toMatchObject({
      code: "FORBIDDEN",
    });
    // Who knows an id can bind keys to it.
    await expect(ann.leases.list()).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect((await root.leases.list()).map(({ id }) => id)).toEqual([lease]);
    await expect(ann.leases.revoke(lease)).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect((await root.read("secret")).found).toBe(true);
    await root.write("secret", "v");
    await ann.leases.revoke(lease);
    expect((await root.read("a/1")).found).toBe(false);
    const what = audited
      .filter(({ operation }) => /lease/i.test(operation) && operation !== "leasedTxn")
      .map(({ user, operation, keys, allowed }) => [user, operation, keys, allowed]);
    expect(what).toEqual([
      ["ann", "read leases", null, true],
      ["ann", "read leases", null, false],
      ["ann", "read leases", null, false],
      ["root", "read leases", null, true],
      ["ann", "leaseRevoke", `lease ${lease}: a/1 secret`, false],
      ["ann", "leaseRevoke", `lease ${lease}: a/1`, true],
    ]);
  });

  test("says who did what from where, and no value, password or token", async () => {
    await secure();
    audited = [];
    const ann = clientOf(ANN);
    await ann.write("a/1", "the value");
    await ann.write("b", "the value").catch(() => {});
    await ann.read("b").catch(() => {});
    const what = audited.map(({ user, operation, keys, allowed }) => [
      user,
      operation,
      keys,
      allowed,
    ]);
    expect(what).toEqual([
      ["ann", "sign in", null, true],
      ["ann", "write", "a/1", true],
      ["ann", "write", "b", false],
      ["ann", "read", "b", false],
    ]);
    expect(audited[0]?.from).toMatch(/127\.0\.0\.1/);
    expect(JSON.stringify(audited)).not.toMatch(/the value|of ann/);
  });
});

describe("the audit of management", () => {
  test("says what of a permission was changed, and that the holder of the secret is no user", async () => {
    const holder = await startGateWorld(
      { secret: SECRET },
      { audit: { record: (record) => audited.push(record) } },
    );
    const call = (change: Parameters<typeof holder.admin.call<"changeAccess">>[2]["change"]) =>
      holder.admin.call(1, "changeAccess", { change });
    try {
      await call({ kind: "addUser", user: "(secret)", password: null });
      await call({ kind: "addRole", role: "shop" });
      audited = [];
      await call({ kind: "permit", role: "shop", may: "both", ...prefix });
      await call({ kind: "forbid", role: "shop", ...prefix });
      const empty = { start: bytes("b"), end: bytes("b") };
      const permit = { kind: "permit", role: "shop", may: "read" } as const;
      await expect(call({ ...permit, ...empty })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    } finally {
      await holder.close();
    }
    expect(audited.map(({ user, operation, keys }) => [user, operation, keys])).toEqual([
      ["the holder of the secret", "permit", "shop both a/..a0"],
      ["the holder of the secret", "forbid", "shop a/..a0"],
      ["the holder of the secret", "permit", "shop read b..b"],
    ]);
  });

  test("says of a token whose it is, and a token is good for its own user only", async () => {
    await secure();
    const { token } = await adminOf().call(1, "signIn", { ...ANN, token: null });
    audited = [];
    const [client, admin] = [await world.attack("client"), await world.attack("admin")];
    for (const [i, user] of ["root", "ann"].entries()) {
      client.connection.send(encodeSignIn({ user, proof: { token } }));
      const params = { user, password: null, token };
      admin.connection.send(encodeAdminRequest(i + 1, "signIn", params));
    }
    await until(() => client.frames.length === 2 && admin.frames.length === 2);
    const told = (of: string): unknown[] =>
      audited.flatMap(({ user, ...what }) => (user === of ? [what] : []));
    // By either way in, and in the same words.
    const operation = "sign in";
    const signedIn = { operation, allowed: true };
    expect(told("ann")).toMatchObject([signedIn, signedIn]);
    const claim = { operation, allowed: false, isClaim: true };
    expect(told("root")).toMatchObject([claim, claim]);
  });

  test("takes down nobody who signs in while nobody has to", async () => {
    audited = [];
    const [client, admin] = [await world.attack("client"), await world.attack("admin")];
    client.connection.send(encodeSignIn({ user: "root", proof: { password: "x" } }));
    const params = { user: "root", password: "x", token: null };
    admin.connection.send(encodeAdminRequest(1, "signIn", params));
    await until(() => client.frames.length === 1 && admin.frames.length === 1);
    expect(audited).toEqual([]);
  });

  test("takes down no claim to be somebody who is no user", async () => {
    await secure();
    audited = [];
    const claim = encodeSignIn({ user: "the holder of the secret", proof: { password: "x" } });
    const { connection, frames } = await world.attack("client");
    connection.send(claim);
    await until(() => frames.length > 0);
    expect(audited).toMatchObject([{ user: null, operation: "sign in", allowed: false }]);
  });
});

describe("who looks on over HTTP", () => {
  const judge = (header: string | undefined, from = "127.0.0.1:1"): Promise<boolean> =>
    new Promise((done) => world.node.lookOn.judge(header, from, done));
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

  test("is root, by a password or a token, and nobody else", async () => {
    expect(world.node.lookOn.isForRoot).toBe(false);
    await secure();
    expect(world.node.lookOn.isForRoot).toBe(true);
    const tokenOf = async (who: typeof ROOT): Promise<string> =>
      `Bearer ${(await adminOf().call(1, "signIn", { ...who, token: null })).token}`;
    expect(await judge(basic("root:of root"))).toBe(true);
    expect(await judge(await tokenOf(ROOT))).toBe(true);
    for (const header of [
      ...[undefined, "", "Basic", "Bearer x.y", "Digest x", basic("root"), basic("root:wrong")],
      ...[basic("ann:of ann"), await tokenOf(ANN)],
    ]) {
      expect([header, await judge(header)]).toEqual([header, false]);
    }
  });

  test("is taken down: who guesses a password each time, and who knows one once in a while", async () => {
    await secure();
    audited = [];
    for (const word of ["a", "b", "of root"]) await judge(basic(`root:${word}`), "10.0.0.9:1");
    for (let port = 2; port < 5; port++) await judge(basic("root:of root"), `10.0.0.9:${port}`);
    await judge(basic("root:of root"), "10.0.0.8:1");
    await judge(basic("ann:of ann"), "10.0.0.8:2");
    const what = audited.map(({ user, from, operation, allowed, isClaim = false }) =>
      [user, from, operation, allowed, isClaim].join(" "),
    );
    expect(what).toEqual([
      "root 10.0.0.9:1 sign in false true",
      "root 10.0.0.9:1 sign in false true",
      "root 10.0.0.9:1 sign in true false",
      "root 10.0.0.8:1 sign in true false",
      "ann 10.0.0.8:2 sign in true false",
      "ann 10.0.0.8:2 look on false false",
    ]);
  });
});

describe("a node that hears no leader", () => {
  const access = [
    { kind: "addUser", user: "root", passwordHash: "h" },
    { kind: "grantRole", user: "root", role: "root" },
    { kind: "turnOn", tokenKey: "k" },
  ].reduce<AccessState>(
    (state, change) => changeAccess(state, change as AccessChange) as AccessState,
    EMPTY_ACCESS,
  );
  const ask = (op: AdminRequest["op"], actor: Actor, kind: "cutOff" | "leading") => {
    const replica = { state: { access }, standing: () => ({ kind }) };
    const context = { replica, options: { nodeId: 1 }, machine: { clock: { now: () => 0 } } };
    const users = new AdminUsers(context as unknown as ConstructorParameters<typeof AdminUsers>[0]);
    const manager = { identity: { actor: () => actor }, remote: "127.0.0.1:1" };
    type Asked = Parameters<AdminUsers["mayAsk"]>;
    users.mayAsk(manager as unknown as Asked[0], { op } as Asked[1]);
  };

  test("tells a user nothing of the state by rights that it may have missed the end of", () => {
    const user: Actor = { name: "root", generation: 0 };
    for (const op of ["listKeys", "getAccess", "getSettings", "getHistory"] as const) {
      expect(() => ask(op, user, "cutOff")).toThrow(/hears no leader/);
      expect(() => ask(op, user, "leading")).not.toThrow();
      expect(() => ask(op, SECRET_HOLDER, "cutOff")).not.toThrow();
    }
    for (const op of ["status", "getLinks", "heal", "restoreLink", "whoami"] as const) {
      expect(() => ask(op, user, "cutOff")).not.toThrow();
    }
  });
});

describe("the cluster's secret", () => {
  let secured: GateWorld;
  beforeEach(async () => {
    secured = await startGateWorld({ secret: SECRET });
  });
  afterEach(() => secured.close());

  test("stands for root, and users come without it while access control is on", async () => {
    const nodes = secured.nodes;
    const holder = createAdminClient({ nodes, secret: SECRET });
    const early = createClient({ nodes, ...ANN, timeoutMs: 300, failFast: true });
    open.push(holder, early);
    await expect(early.read("a/1")).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    const call = (change: Parameters<typeof holder.call<"changeAccess">>[2]["change"]) =>
      holder.call(1, "changeAccess", { change });
    await call({ kind: "addUser", ...ROOT });
    await call({ kind: "grantRole", user: "root", role: "root" });
    await call({ kind: "addUser", ...ANN });
    await call({ kind: "addRole", role: "shop" });
    await call({ kind: "permit", role: "shop", may: "both", ...prefix });
    await call({ kind: "grantRole", user: "ann", role: "shop" });
    await call({ kind: "turnOn" });
    expect(await holder.call(1, "whoami", {})).toMatchObject({ by: "secret", roles: ["root"] });
    const ann = createClient({ nodes, ...ANN });
    const stranger = createClient({ nodes, timeoutMs: 500 });
    const all = createClient({ nodes, secret: SECRET });
    open.push(ann, stranger, all);
    await ann.write("a/1", "v");
    await expect(ann.write("b", "v")).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(stranger.read("a/1")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await all.write("b", "v");
  });
});
