/** Users who come by a certificate, whose common name is theirs: real servers, real TLS, the commands of the shell. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OMNIKV, TestCluster } from "./cluster.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe.skipIf(!hasOpenssl)("users by certificate (needs openssl)", () => {
  let cluster: TestCluster;
  const at = (name: string): string => join(cluster.directory, "tls", name);

  function omnikv(...args: readonly string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [OMNIKV, ...args], {
      ...{ encoding: "utf8", timeout: 120_000 },
      env: { ...process.env, OMNIKV_HISTORY: "" },
    });
    return { status, out: stdout, err: stderr };
  }
  /** As whoever has this certificate. */
  const as = (name: string, ...args: readonly string[]) =>
    omnikv(
      ...[...args, "--cluster", cluster.clusterFile, "--cacert", at("ca.crt")],
      ...["--cert", at(`${name}.crt`), "--key", at(`${name}.key`)],
    );
  const did = (result: { readonly status: number | null; readonly err: string }): void => {
    if (result.status !== 0) throw new Error(result.err);
  };

  beforeAll(async () => {
    cluster = await TestCluster.create(3);
    did(omnikv("cert", "lab", at(""), "--cluster", cluster.clusterFile));
    for (const name of ["root", "ann", "bob"])
      did(omnikv("cert", "client", at(""), "--name", name));
    did(omnikv("secret", at("secret")));
    await Promise.all(
      cluster.nodes.map(({ id }) => {
        const flags = [
          ...["--cert-file", at(`node${id}.crt`), "--key-file", at(`node${id}.key`)],
          ...[
            "--client-cert-auth",
            "--trusted-ca-file",
            at("ca.crt"),
            "--secret-file",
            at("secret"),
          ],
        ];
        return cluster.start(id, { flags });
      }),
    );
    const byHolder = (...args: readonly string[]): void =>
      did(as("client", ...args, "--secret-file", at("secret")));
    byHolder("user", "add", "ann", "--no-password");
    byHolder("role", "add", "shop");
    byHolder("role", "grant", "shop", "both", "shop/", "--prefix");
    byHolder("user", "grant-role", "ann", "shop");
    const password = spawnSync(
      process.execPath,
      [
        ...[
          OMNIKV,
          "user",
          "add",
          "root",
          "--cluster",
          cluster.clusterFile,
          "--cacert",
          at("ca.crt"),
        ],
        ...["--cert", at("client.crt"), "--key", at("client.key"), "--secret-file", at("secret")],
      ],
      { input: "of root\n", encoding: "utf8", timeout: 120_000 },
    );
    did({ status: password.status, err: password.stderr });
    byHolder("user", "grant-role", "root", "root");
    byHolder("auth", "on");
  }, 240_000);
  afterAll(() => cluster?.dispose());

  test("one whose common name is a user's is that user, with no password and no secret", () => {
    expect(as("ann", "whoami").out).toContain("user ann, by certificate, with roles shop");
    expect(as("ann", "put", "shop/1", "apples")).toMatchObject({ status: 0, err: "" });
    expect(as("ann", "get", "shop/1", "--raw").out).toBe("apples");
    expect(as("ann", "put", "other", "1").err).toContain("user ann may not");
    expect(as("ann", "user", "list").err).toContain("management is for users with the role root");
    expect(as("root", "user", "list").out).toContain("ann: shop (no password)");
  }, 240_000);

  test("one that is nobody's is nobody, and none at all is not let in", () => {
    for (const name of ["bob", "client"]) {
      expect(as(name, "whoami").out).toContain("nobody");
      expect(as(name, "get", "shop/1").err).toContain("is no user any more");
    }
    const without = omnikv(
      ...["get", "shop/1", "--cluster", cluster.clusterFile, "--cacert", at("ca.crt")],
      ...["--timeout", "3s"],
    );
    expect(without.status).not.toBe(0);
    expect(without.out).toBe("");
  }, 240_000);

  test("it is no token: that all of these end changes nothing for it; that the user is deleted does", () => {
    did(as("root", "auth", "rotate"));
    expect(as("ann", "get", "shop/1", "--raw").out).toBe("apples");
    did(as("root", "role", "revoke", "shop", "shop/", "--prefix"));
    expect(as("ann", "get", "shop/1").err).toContain("user ann may not");
    did(as("root", "user", "delete", "ann"));
    expect(as("ann", "get", "shop/1").err).toContain("is no user any more");
  }, 240_000);
});
