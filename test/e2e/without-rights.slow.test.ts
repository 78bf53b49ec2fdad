/** Whoever has few rights or none, or shows what looks like somebody else's, at real servers with mutual TLS and users. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createAdminClient,
  createClient,
  KvError,
  type AdminClient,
  type KvClient,
} from "../../src/client/api/index.ts";
import {
  ADMIN_OPS,
  type AdminOp,
  type AdminParams,
  type AdminResult,
} from "../../src/protocol/admin/index.ts";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
const SHOP = { start: Buffer.from("shop/"), end: Buffer.from("shop0") };

/** What a busy machine says: nothing was asked, or nothing was done. */
const LATE: ReadonlySet<string> = new Set(["CONNECTION_FAILED", "NO_QUORUM"]);

/** What may be asked of management, as somebody would ask who means harm. */
const ASKED: { readonly [Op in AdminOp]: AdminParams<Op> | null } = {
  getLinks: {},
  breakLink: { peer: 2, direction: "both" },
  restoreLink: { peer: 2, direction: "both" },
  setFault: { peer: 2, direction: "both", dropPermille: 1000, delayMs: 0 },
  setFaults: { faults: [] },
  heal: {},
  status: {},
  listKeys: { prefix: Buffer.alloc(0), after: null, limit: 10 },
  beginBackup: {},
  readBackup: { backup: 1, piece: 0 },
  setQuota: { bytes: 2 ** 30 },
  setHistory: { revisions: 1, bytes: null },
  getHistory: {},
  getSettings: {},
  compact: { revision: 1 },
  getAccess: {},
  changeAccess: { change: { kind: "turnOff" } },
  // For everybody.
  signIn: null,
  whoami: null,
};

describe.skipIf(!hasOpenssl)("who has no rights (needs openssl)", () => {
  let cluster: TestCluster;
  const open: { close(): void }[] = [];
  const at = (name: string): string => join(cluster.directory, "tls", name);
  const pem = (name: string): string => readFileSync(at(name), "utf8");

  function run(program: string, ...args: readonly string[]): string {
    const env = { ...process.env, OMNIKV_HISTORY: "" };
    const { status, stderr } = spawnSync(program, args, {
      encoding: "utf8",
      env,
      timeout: 120_000,
    });
    if (status !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
    return stderr;
  }
  const omnikv = (...args: readonly string[]): string => run(process.execPath, OMNIKV, ...args);
  const tlsOf = (name: string) => ({
    ca: pem("ca.crt"),
    cert: pem(`${name}.crt`),
    key: pem(`${name}.key`),
  });
  function clientOf(name: string, options: object = {}): KvClient {
    const { nodes } = cluster;
    const client = createClient({ nodes, tls: tlsOf(name), timeoutMs: 20_000, ...options });
    open.push(client);
    return client;
  }
  function adminOf(name: string, options: object = {}): AdminClient {
    const { nodes } = cluster;
    const admin = createAdminClient({ nodes, tls: tlsOf(name), timeoutMs: 20_000, ...options });
    open.push(admin);
    return admin;
  }
  const change = async (wanted: AdminParams<"changeAccess">["change"]): Promise<void> => {
    await ask(adminOf("root"), 1, "changeAccess", { change: wanted });
  };
  /** Until it was answered. */
  async function ask<Op extends AdminOp>(
    admin: AdminClient,
    node: number,
    op: Op,
    params: AdminParams<Op>,
  ): Promise<AdminResult<Op>> {
    for (;;) {
      try {
        return await admin.call(node, op, params);
      } catch (error) {
        if (!(error instanceof KvError) || !LATE.has(error.code)) throw error;
      }
    }
  }
  const codeOf = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => "ok",
      (error: unknown) => (error instanceof KvError && error.definite ? error.code : String(error)),
    );
  /** Of an authority, whose key is at hand. */
  function certificate(name: string, subject: string, authority = "ca"): void {
    const [key, request] = [at(`${name}.key`), at(`${name}.csr`)];
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    run(
      "openssl",
      "req",
      "-new",
      ...ec,
      "-keyout",
      key,
      "-out",
      request,
      "-subj",
      subject,
      "-utf8",
    );
    const by = ["-CA", at(`${authority}.crt`), "-CAkey", at(`${authority}.key`)];
    run("openssl", "x509", "-req", "-in", request, ...by, "-days", "2", "-out", at(`${name}.crt`));
  }

  beforeAll(async () => {
    cluster = await TestCluster.create(3);
    omnikv("cert", "lab", at(""), "--cluster", cluster.clusterFile);
    for (const name of ["root", "ann", "bob"]) omnikv("cert", "client", at(""), "--name", name);
    await Promise.all(
      cluster.nodes.map(({ id }) => {
        const own = [at(`node${id}.crt`), at(`node${id}.key`)] as const;
        const flags = [
          ...["--cert-file", own[0], "--key-file", own[1]],
          ...["--client-cert-auth", "--trusted-ca-file", at("ca.crt")],
          ...["--peer-cert-file", own[0], "--peer-key-file", own[1]],
          ...["--peer-client-cert-auth", "--peer-trusted-ca-file", at("ca.crt")],
        ];
        return cluster.start(id, { flags });
      }),
    );
    await clientOf("root").write("shop/1", "apples");
    await change({ kind: "addUser", user: "root", password: "of root" });
    await change({ kind: "grantRole", user: "root", role: "root" });
    await change({ kind: "addRole", role: "shop" });
    await change({ kind: "permit", role: "shop", may: "both", ...SHOP });
    await change({ kind: "addUser", user: "ann", password: "of ann" });
    await change({ kind: "grantRole", user: "ann", role: "shop" });
    await change({ kind: "turnOn" });
  }, 240_000);
  afterAll(async () => {
    for (const one of open) one.close();
    await cluster?.dispose();
  });

  test("manages nothing: each question of management is refused, at each node", async () => {
    const ann = adminOf("ann");
    for (const op of ADMIN_OPS) {
      const params = ASKED[op];
      if (params === null) continue;
      // A connection over which nobody has signed in is ended after some seconds, perhaps with a question under way.
      const bob = adminOf("bob");
      for (const { id } of cluster.nodes) {
        const codes = await Promise.all([ann, bob].map((who) => codeOf(ask(who, id, op, params))));
        expect([op, id, ...codes]).toEqual([op, id, "FORBIDDEN", "UNAUTHENTICATED"]);
      }
    }
    const file = join(cluster.directory, "stolen.backup");
    const as = ["--cluster", cluster.clusterFile, "--cacert", at("ca.crt")];
    const annsKeys = ["--cert", at("ann.crt"), "--key", at("ann.key")];
    expect(() => omnikv("backup", file, ...as, ...annsKeys)).toThrow(/role root/);
    expect(existsSync(file)).toBe(false);
  }, 240_000);

  test.each([
    ["two-names", "/CN=root/CN=bob"],
    ["two-names-turned", "/CN=bob/CN=root"],
    ["one-name-in-two-parts", "/CN=root+CN=bob"],
    ["with-a-blank", "/CN=root "],
    ["in-capitals", "/CN=ROOT"],
    ["of-other-letters", "/CN=r\u043e\u043et"],
    ["as-a-unit", "/O=lab/OU=root"],
    ["with-a-mark", "/CN=ro\u200bot"],
    ["of-the-holder", "/CN=the holder of the secret"],
    ["of-no-user", "/CN=__proto__"],
  ])("is nobody by a certificate with an odd name (%s)", async (name, subject) => {
    certificate(name, subject);
    const odd = adminOf(name);
    const who = await ask(odd, 1, "whoami", {});
    expect(who).toMatchObject({ user: null, by: "none", roles: [] });
    expect(await codeOf(ask(odd, 1, "status", {}))).toBe("UNAUTHENTICATED");
    expect(await codeOf(clientOf(name).read("shop/1"))).toBe("UNAUTHENTICATED");
  });

  test("is not let in by a certificate of an authority of the same name", async () => {
    const [key, crt] = [at("twin.key"), at("twin.crt")];
    const subject = spawnSync("openssl", ["x509", "-in", at("ca.crt"), "-noout", "-subject"], {
      encoding: "utf8",
    }).stdout;
    const name = /CN ?= ?(.+)/.exec(subject)?.[1]?.trim() ?? "";
    expect(name).not.toBe("");
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const self = ["-x509", "-days", "2", "-keyout", key, "-out", crt, "-subj", `/CN=${name}`];
    run("openssl", "req", ...ec, ...self);
    certificate("root-of-twin", "/CN=root", "twin");
    const asked = clientOf("root-of-twin", { timeoutMs: 3000 }).read("shop/1");
    await expect(asked).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
  });

  test("is no other user by a token: not by a changed one, nor by one of a user that was made anew", async () => {
    const said = { user: "ann", password: "of ann", token: null };
    const { token } = await ask(adminOf("bob"), 1, "signIn", said);
    const read = (text: string, user = "ann"): Promise<unknown> =>
      clientOf("bob", { user, token: text }).read("shop/1");
    await read(token);
    const [body = "", proof = ""] = token.split(".");
    const [, generation, ends] = JSON.parse(Buffer.from(body, "base64url").toString()) as [
      ...[string, number, number],
    ];
    const forged = (other: unknown): string =>
      `${Buffer.from(JSON.stringify(other)).toString("base64url")}.${proof}`;
    for (const other of [
      forged(["root", generation, ends]),
      forged(["ann", generation, ends + 1e6]),
      forged(["ann", 0, ends]),
      `${body}.`,
      `${body}.${proof}A`,
      `${body}.${proof}.${proof}`,
    ]) {
      expect([other, await codeOf(read(other))]).toEqual([other, "UNAUTHENTICATED"]);
    }
    // It says itself whose it is, whatever its bearer says.
    await expect(
      clientOf("bob", { user: "root", token }).write("other", "x"),
    ).rejects.toMatchObject({ code: "FORBIDDEN" });
    await change({ kind: "deleteUser", user: "ann" });
    await change({ kind: "addUser", user: "ann", password: "of ann" });
    await change({ kind: "grantRole", user: "ann", role: "shop" });
    for (const { id } of cluster.nodes) {
      const late = clientOf("bob", { user: "ann", token }).read("shop/1", { node: id });
      await expect(late).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    }
  }, 120_000);

  test("watches no longer, at no node, and gets nothing through a neighbour", async () => {
    const root = adminOf("root");
    const writer = clientOf("root");
    // Cut off from whoever leads, so that a neighbour passes on what its clients ask.
    const leader = await cluster.leader(root);
    const [apart = 0, between = 0] = cluster.nodes
      .map(({ id }) => id)
      .filter((id) => id !== leader);
    await cluster.keepOnly(root, [
      [apart, between],
      [between, leader],
    ]);
    const ann = clientOf("ann");
    await ann.write("shop/2", "pears", { node: apart });
    expect((await ann.read("shop/2", { node: apart })).text()).toBe("pears");
    for (const asked of [
      () => ann.write("other", "x", { node: apart }),
      () => ann.read("other", { node: apart }),
      () => ann.atomic().put("shop/2", "x").put("other", "x").commit({ node: apart }),
    ]) {
      expect(await codeOf(asked())).toBe("FORBIDDEN");
    }
    await cluster.heal(root);
    await cluster.converged(root);
    const seen: string[] = [];
    const ready = new Set<number>();
    const ends = cluster.nodes.map(async (node) => {
      const own = clientOf("ann", { nodes: [node] });
      for await (const item of own.watch({ prefix: "shop/" })) {
        if (item.type !== "events") continue;
        for (const event of item.events) seen.push(event.type === "put" ? event.text() : "");
        ready.add(node.id);
      }
    });
    await eventually("they watch", async () => {
      await writer.write("shop/3", "before");
      return ready.size === 3;
    });
    const ended = Promise.allSettled(ends);
    await change({ kind: "revokeRole", user: "ann", role: "shop" });
    await writer.write("shop/3", "behind");
    for (const end of await ended) {
      expect(end).toMatchObject({ status: "rejected", reason: { code: "FORBIDDEN" } });
    }
    expect(seen).not.toContain("behind");
    await expect(ann.read("shop/2")).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(cluster.nodes.every(({ id }) => cluster.exitCode(id) === null)).toBe(true);
  }, 120_000);
});
