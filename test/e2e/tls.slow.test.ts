/** Real servers with TLS for clients and nodes: prompts, page, changes of certificates and secrets while they serve. */
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createClient } from "../../src/client/api/index.ts";
import { httpGet } from "../../src/machine/http/http-get.ts";
import { fixedTls } from "../../src/machine/tls/tls-side.ts";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

let cluster: TestCluster;
afterEach(() => cluster.dispose());

function omnikv(args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [OMNIKV, ...args], {
    ...{ encoding: "utf8", timeout: 120_000 },
    env: { ...process.env, OMNIKV_HISTORY: "", ...env },
  });
}

/** Certificates for the nodes, and secrets in files that each node has for itself. */
async function prepare() {
  cluster = await TestCluster.create(3);
  const tls = join(cluster.directory, "tls");
  const made = omnikv(["cert", "lab", tls, "--cluster", cluster.clusterFile]);
  expect(made.status).toBe(0);
  const at = (name: string): string => join(tls, name);
  const secret = (id: number): string => at(`secret${id}`);
  const peerSecret = (id: number): string => at(`peer-secret${id}`);
  for (const of of [secret, peerSecret]) {
    expect(omnikv(["secret", of(1)]).status).toBe(0);
    for (const id of [2, 3]) writeFileSync(of(id), readFileSync(of(1)), { mode: 0o600 });
  }
  const flags = (id: number): string[] => [
    ...["--secret-file", secret(id), "--peer-secret-file", peerSecret(id)],
    ...["--cert-file", at(`node${id}.crt`), "--key-file", at(`node${id}.key`)],
    ...["--client-cert-auth", "--trusted-ca-file", at("ca.crt")],
    ...["--peer-cert-file", at(`node${id}.crt`), "--peer-key-file", at(`node${id}.key`)],
    ...["--peer-client-cert-auth", "--peer-trusted-ca-file", at("ca.crt")],
  ];
  const text = (name: string): string => readFileSync(at(name), "utf8");
  return { at, secret, peerSecret, flags, text };
}

type Prepared = Awaited<ReturnType<typeof prepare>>;

const startAll = ({ flags }: Prepared): Promise<void> => cluster.startEach(flags);

function client({ text }: Prepared, secret: string | null, overrides = {}, ca = text("ca.crt")) {
  const tls = { ca, cert: text("client.crt"), key: text("client.key") };
  return createClient({ nodes: cluster.nodes, secret, tls, timeoutMs: 10_000, ...overrides });
}

const first = (file: string): string => readFileSync(file, "utf8").split("\n")[0] ?? "";

describe.skipIf(!hasOpenssl)("a cluster with TLS (needs openssl)", () => {
  test("serves programs, prompts, health, backup and the page, all in TLS", async () => {
    const prepared = await prepare();
    const { at, secret, text } = prepared;
    await startAll(prepared);
    const kv = client(prepared, first(secret(1)));
    await kv.write("a", "1");
    expect((await kv.read("a", { node: 3 })).found).toBe(true);
    kv.close();

    const flags = [
      ...["--secret-file", secret(1), "--cacert", at("ca.crt")],
      ...["--cert", at("client.crt"), "--key", at("client.key")],
    ];
    const env = {
      ...{ OMNIKV_SECRET_FILE: secret(1), OMNIKV_CACERT: at("ca.crt") },
      ...{ OMNIKV_CERT: at("client.crt"), OMNIKV_KEY: at("client.key") },
    };
    const where = ["--cluster", cluster.clusterFile];
    expect(omnikv(["get", "a", ...where, ...flags]).stdout).toContain("1");
    expect(omnikv(["get", "a", ...where], env).stdout).toContain("1");
    const health = omnikv(["health", ...where], env);
    expect([health.status, health.stdout.match(/: ready/g)?.length]).toEqual([0, 3]);
    expect(omnikv(["manage", ...where, "-c", "all status"], env).status).toBe(0);
    const backup = omnikv(["backup", join(cluster.directory, "b"), ...where], env);
    expect(backup.status).toBe(0);
    const list = cluster.nodes.map(({ id, host, port }) => `${id}=https://${host}:${port}`).join();
    expect(omnikv(["get", "a", "--nodes", list], env).stdout).toContain("1");
    writeFileSync(
      at("cluster.json"),
      JSON.stringify({
        ...{ nodes: cluster.nodes, secretFile: "secret1" },
        tls: { cacert: "ca.crt", cert: "client.crt", key: "client.key" },
      }),
    );
    expect(omnikv(["get", "a", "--cluster", at("cluster.json")]).stdout).toContain("1");

    const plain = omnikv(["get", "a", ...where, "--secret-file", secret(1), "--timeout", "2s"]);
    expect(plain.status).toBe(3);
    expect(plain.stderr).toContain("this port speaks TLS");
    const unknown = omnikv(["health", ...where, "--cacert", at("ca.crt")]);
    expect(unknown.stdout).toMatch(/wants a certificate, and none was shown: give --cert/);

    const { host, port } = cluster.nodes[0]!;
    const tls = fixedTls({ ca: text("ca.crt"), cert: text("client.crt"), key: text("client.key") });
    const signal = AbortSignal.timeout(5000);
    const info = { host, port, path: "/cluster.json", tls, signal, bytesMax: 100_000 };
    expect(JSON.parse((await httpGet(info)).body)).toMatchObject({ self: 1, needsSecret: true });
    expect(cluster.log(1)).toContain(`https://${host}:${port}/`);
    // Neither secrets nor keys are in any log.
    for (const { id } of cluster.nodes) {
      expect(cluster.log(id)).not.toContain(first(secret(1)));
      expect(cluster.log(id)).not.toContain("PRIVATE KEY");
    }
  }, 240_000);

  test("takes new certificates up while connections live, and keeps the old ones when the new are broken", async () => {
    const prepared = await prepare();
    const { at, secret } = prepared;
    await startAll(prepared);
    const other = join(cluster.directory, "other");
    expect(omnikv(["cert", "lab", other, "--cluster", cluster.clusterFile]).status).toBe(0);
    const both = readFileSync(at("ca.crt"), "utf8") + readFileSync(join(other, "ca.crt"), "utf8");
    // Clients trust the new authority before nodes show its certificates: a connection may be lost at any time.
    const kv = client(prepared, first(secret(1)), {}, both);
    await kv.write("before", "1");
    // Node 1 first gets a certificate with a key that is not its own.
    copyFileSync(join(other, "node1.crt"), at("node1.crt"));
    await eventually("it is said", () => cluster.log(1).includes("cannot be used"));
    expect(cluster.log(1)).toContain("the private key is not the one of the certificate");
    const meanwhile = client(prepared, first(secret(1)), {}, both);
    await meanwhile.write("meanwhile", "1", { node: 1 });
    // Then all of them the new authority behind the old, then certificates of it.
    writeFileSync(at("ca.crt"), both);
    const changes = (id: number): number =>
      cluster.log(id).split("certificates have changed").length;
    for (const id of [2, 3]) await eventually(`node ${id} has it`, () => changes(id) >= 3);
    const counts = [1, 2, 3].map(changes);
    for (const id of [1, 2, 3]) {
      copyFileSync(join(other, `node${id}.crt`), at(`node${id}.crt`));
      copyFileSync(join(other, `node${id}.key`), at(`node${id}.key`));
    }
    for (const id of [1, 2, 3]) {
      await eventually(`node ${id} takes it up`, () => changes(id) >= counts[id - 1]! + 2);
    }
    await kv.write("after", "1");
    await meanwhile.write("after", "2");
    const late = client(prepared, first(secret(1)));
    await late.write("late", "1", { node: 1 });
    for (const each of [kv, meanwhile, late]) each.close();
    // A node that starts anew gets in with the new ones.
    await cluster.stop(3);
    await cluster.start(3, { flags: prepared.flags(3) });
    const again = client(prepared, first(secret(1)));
    expect((await again.read("late", { node: 3 })).found).toBe(true);
    again.close();
  }, 240_000);

  test("changes its secrets while it serves: no request fails, and the old ones are worth nothing afterwards", async () => {
    const prepared = await prepare();
    const { secret, peerSecret } = prepared;
    await startAll(prepared);
    const old = first(secret(1));
    const kv = client(prepared, old);
    let running = true;
    let written = 0;
    const load = (async () => {
      while (running) {
        // Each with a connection of its own: what is there already proves nothing any more.
        const newcomer = client(prepared, first(secret(1)));
        await kv.write("load", String(++written));
        await newcomer.write("newcomer", String(written), { node: (written % 3) + 1 });
        newcomer.close();
        await new Promise((wake) => setTimeout(wake, 20));
      }
    })();
    const taken = (id: number): number => cluster.log(id).split("secrets have changed").length - 1;
    for (const [i, step] of ["--add", "--promote", "--drop"].entries()) {
      for (const of of [secret, peerSecret]) {
        expect(omnikv(["secret", of(1), step]).status).toBe(0);
        const content = readFileSync(of(1));
        const isTaken = (id: number): Promise<unknown> =>
          eventually(
            `node ${id} takes up ${step}`,
            () => taken(id) >= 2 * i + (of === secret ? 1 : 2),
          );
        for (const id of [3, 2]) {
          writeFileSync(of(id), content, { mode: 0o600 });
          // Where the order matters most, one node after the other; they look once in a second.
          if (step === "--promote") await isTaken(id);
        }
        await Promise.all([1, 2, 3].map(isTaken));
      }
    }
    running = false;
    await load;
    // Links from before go on; a node that starts anew proves the new secret to the others.
    await cluster.stop(3);
    await cluster.start(3, { flags: prepared.flags(3) });
    const now = client(prepared, first(secret(1)));
    await now.write("now", "1", { node: 3 });
    now.close();
    expect(written).toBeGreaterThan(10);
    expect(first(secret(1))).not.toBe(old);
    const late = client(prepared, old, { failFast: true, timeoutMs: 3000 });
    await expect(late.read("load", { node: 1 })).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    late.close();
    kv.close();
  }, 180_000);
});
