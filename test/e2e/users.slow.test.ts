/** Users and roles from the shell, against three real servers: passwords from files and pipes, an audit log, a restart, a certificate. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OMNIKV, TestCluster } from "./cluster.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.create(3);
  await Promise.all(
    cluster.nodes.map(({ id }) => cluster.start(id, { flags: ["--audit-log", auditOf(id)] })),
  );
  await cluster.client().write("warm", "up");
  writeFileSync(join(cluster.directory, "root.txt"), "of root\n", { mode: 0o600 });
  writeFileSync(join(cluster.directory, "ann.txt"), "of ann\n", { mode: 0o600 });
});
afterAll(() => cluster.dispose());

const auditOf = (id: number): string => join(cluster.directory, `audit${id}.log`);

interface Said {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** `$ROOT` and `$ANN` sign in as these. */
function sh(script: string): Said {
  const { status, stdout, stderr } = spawnSync(
    "bash",
    [
      "-c",
      `cd ${cluster.directory}
       AT=--cluster=${cluster.clusterFile}
       ROOT="$AT --user root --password-file root.txt"
       ANN="$AT --user ann --password-file ann.txt"
       omnikv() { "${process.execPath}" "${OMNIKV}" "$@"; }
       ${script}`,
    ],
    { timeout: 120_000 },
  );
  return { status, out: stdout.toString(), err: stderr.toString() };
}

describe("users in the shell", () => {
  test("access control is not turned on while nobody could sign in as root", () => {
    const { status, err } = sh("omnikv auth on $AT");
    expect(status).toBe(1);
    expect(err).toContain("there must be a user root with a password");
  });

  test("are made with passwords from a file and from a pipe, and may do what their roles permit", () => {
    const made = sh(`set -e
      omnikv user add root --new-password-file root.txt $AT
      echo 'of ann' | omnikv user add ann $AT
      omnikv role add shop $AT
      omnikv role grant shop both shop/ --prefix $AT
      omnikv manage $AT -c 'user grant-role root root; role grant shop read prices'
      omnikv user grant-role ann shop $AT
      omnikv auth on $AT`);
    expect(made).toMatchObject({ status: 0, err: "" });
    expect(sh("omnikv get warm $AT")).toMatchObject({
      status: 1,
      err: expect.stringMatching(/nobody has signed in[^]*--user NAME/),
    });
    expect(sh("omnikv put shop/1 apples $ANN && omnikv get shop/1 $ANN --raw")).toMatchObject({
      status: 0,
      out: expect.stringContaining("apples"),
    });
    const forbidden = sh("omnikv put prices 1 $ANN");
    expect(forbidden).toMatchObject({
      status: 1,
      err: expect.stringContaining("user ann may not"),
    });
    expect(sh("omnikv get warm $ROOT --raw").out).toBe("up");
    expect(sh("omnikv role get shop $ROOT").out).toMatch(
      /read {2}key "prices"[^]*both {2}prefix "shop\/"/,
    );
    const managing = sh("omnikv manage $ANN -c 'whoami; user list'");
    expect(managing.out).toContain("user ann, by password, with roles shop");
    expect(managing.err).toContain("management is for users with the role root");
  }, 240_000);

  test.each([
    ["omnikv history shop/1", "apples"],
    ["omnikv watch shop/ --from 1 --limit 1", "shop/1"],
    ["omnikv range shop/ --order mod --limit 5", "shop/1"],
    ["omnikv delete --prefix shop/none", "no keys"],
  ])("are asked for by each command: %s", (command, out) => {
    expect(sh(`${command} $ANN`)).toMatchObject({ status: 0, out: expect.stringContaining(out) });
  });

  test("who has not the right, or has not signed in, is refused by each command", () => {
    const others = "history warm; watch --limit 1; range --limit 5; delete --prefix w";
    for (const [who, said] of [
      ["$ANN", "user ann may not"],
      ["$AT", "nobody has signed in"],
    ] as const) {
      const { out, err } = sh(`omnikv client ${who} -c '${others}'`);
      expect({ out, times: err.split(said).length - 1 }).toEqual({ out: "", times: 4 });
    }
    expect(sh("omnikv range --limit 5 $ANN").err).toContain("user ann may not");
  });

  test("hold locks and lead as themselves, where they may write the keys of these", () => {
    const grants = ["locks/stock", "elections/seller"]
      .map((place) => `role grant shop both omnikv/${place}/ --prefix`)
      .join("; ");
    expect(sh(`omnikv manage $ROOT -c '${grants}'`).status).toBe(0);
    const allowed = sh("omnikv lock stock $ANN -- echo held; omnikv elect seller $ANN -- echo led");
    expect(allowed).toEqual({ status: 0, out: "held\nled\n", err: "" });
    for (const command of ["lock other", "elect other"]) {
      expect(sh(`omnikv ${command} $ANN -- echo held`)).toMatchObject({
        status: 1,
        out: "",
        err: expect.stringContaining("user ann may not"),
      });
      expect(sh(`omnikv ${command} $AT -- echo held`).err).toContain("nobody has signed in");
    }
  });

  const OF_ROOT = ["config set history.revisions 5000", "config list", "compact 1"];
  test.each(OF_ROOT)("have the role root for omnikv %s", (command) => {
    expect(sh(`omnikv ${command} $ROOT`)).toMatchObject({ status: 0, err: "" });
  });

  test("who has not the role root has none of these", () => {
    const { out, err } = sh(`omnikv manage $ANN -c '${OF_ROOT.join("; ")}'`);
    const refused = err.split("management is for users with the role root").length - 1;
    expect({ out, refused }).toEqual({ out: "", refused: OF_ROOT.length });
  });

  test("hold after all servers were killed and started", async () => {
    await Promise.all(cluster.nodes.map(({ id }) => cluster.kill(id)));
    await Promise.all(
      cluster.nodes.map(({ id }) => cluster.start(id, { flags: ["--audit-log", auditOf(id)] })),
    );
    const { out, err } = sh("omnikv client $ANN -c 'put prices 1; put shop/2 pears'");
    expect(err).toContain("user ann may not");
    expect(out).toMatch(/^ok, revision \d+ [^\n]*\n$/);
  });

  test("a password that was changed is wrong from then on", () => {
    expect(sh("echo 'another' | omnikv user passwd ann $ROOT").status).toBe(0);
    expect(sh("omnikv get shop/1 $ANN").err).toContain("wrong user or password");
  });

  test.skipIf(spawnSync("script", ["--version"]).status !== 0)(
    "a prompt does not open for a wrong password, and opens when nobody can tell",
    () => {
      const atTerminal = (words: string): Said =>
        sh(`echo exit | script -qec '"${process.execPath}" "${OMNIKV}" '"${words}" /dev/null`);
      for (const prompt of ["client", "manage"]) {
        const wrong = atTerminal(`${prompt} $ANN`);
        expect(wrong.status).toBe(1);
        expect(wrong.out).toMatch(/omnikv: [^\n]*wrong user or password/);
        expect(wrong.out).not.toContain("Type ");
        const { out } = atTerminal(`${prompt} $ROOT`);
        expect(out).toContain(prompt === "client" ? "omnikv client, nodes" : "omnikv management");
        const nobody = `--nodes 1=127.0.0.1:1 --user ann --password-file ann.txt`;
        expect(atTerminal(`${prompt} ${nobody}`).out).toContain("Type ");
      }
    },
  );

  test("what they did is in the audit logs, without values and passwords", () => {
    const text = cluster.nodes.map(({ id }) => readFileSync(auditOf(id), "utf8")).join("");
    const lines = text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(
      expect.objectContaining({ user: "ann", operation: "write", keys: "shop/1", allowed: true }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ user: "ann", operation: "write", keys: "prices", allowed: false }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ user: "root", operation: "setPassword", keys: "ann" }),
    );
    expect(text).not.toMatch(/apples|pears|of ann|of root|another/);
  });

  test("an argument that is no UTF-8 permits nothing", () => {
    const { status, err } = sh("omnikv role grant shop read $'\\xff' --prefix $ROOT");
    expect(status).toBe(2);
    expect(err).toContain("is no UTF-8");
    expect(sh("omnikv role get shop $ROOT").out).not.toContain("\ufffd");
  });

  test("metrics and reasons are for root, and probes for everybody", () => {
    const at = `http://127.0.0.1:${cluster.nodes[0]!.port}`;
    const code = (path: string, more = ""): string =>
      sh(`curl -s -o /dev/null -w '%{http_code}' ${more} '${at}${path}'`).out;
    expect(["/livez", "/readyz", "/readyz?verbose", "/metrics"].map((path) => code(path))).toEqual([
      ...["200", "200", "401", "401"],
    ]);
    expect(code("/metrics", "-u root:'of root'")).toBe("200");
    expect(code("/metrics", "-u root:wrong")).toBe("401");
    const unknown = sh("omnikv health $AT");
    expect(unknown.err + unknown.out).toContain("--user");
    expect(sh("omnikv health $ROOT")).toMatchObject({ status: 0 });
  });

  test("the key of tokens is rotated, and is in no backup; a restored cluster makes its own", async () => {
    const { out } = sh("omnikv manage $ROOT -c 'auth rotate; whoami'");
    expect(out).toMatch(/all tokens have ended[^]*user root, by password/);
    expect(sh("omnikv backup users.backup $ROOT")).toMatchObject({ status: 0 });
    const keyOf = (file: string): readonly string[] =>
      readFileSync(file, "latin1").match(/[A-Za-z0-9+/]{43}=/g) ?? [];
    // Hashes of passwords end with a key of as many bytes, behind a dollar.
    const bare = readFileSync(join(cluster.directory, "users.backup"), "latin1")
      .split(/\$[A-Za-z0-9+/]{43}=/)
      .join("");
    expect(keyOf(join(cluster.directory, "users.backup")).length).toBeGreaterThan(0);
    expect(/[A-Za-z0-9+/]{43}=/.test(bare)).toBe(false);
    const restored = await TestCluster.create(3);
    writeFileSync(
      restored.clusterFile,
      JSON.stringify({ clusterId: "again", nodes: restored.nodes }),
    );
    try {
      const at = `--cluster ${restored.clusterFile}`;
      const made = sh(`omnikv restore users.backup --all ${at} --data-dir ${restored.directory}`);
      expect(made).toMatchObject({ status: 0 });
      await restored.startAll();
      const there = sh(`omnikv get shop/1 ${at} --user root --password-file root.txt --raw`);
      expect(there).toMatchObject({ status: 0, out: "apples" });
    } finally {
      await restored.dispose();
    }
  }, 240_000);

  test("an audit log that cannot be written is a sentence, and no crash file", () => {
    const directory = join(cluster.directory, "other");
    const { status, err } = sh(
      `omnikv server --node 1 --peers 1=127.0.0.1:1:2 --data-dir ${directory} --audit-log ${directory}/no/audit.log; s=$?; ls ${directory}; exit $s`,
    );
    expect(status).not.toBe(0);
    expect(err).toContain("its directory is not there");
    expect(err).not.toContain("crash-");
  });

  test("everybody is in again when it is turned off", () => {
    expect(sh("omnikv auth off $ROOT && omnikv get warm $AT --raw").out).toContain("up");
  });
});
