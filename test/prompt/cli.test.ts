/** The command `omnikv` as a process: help, usage errors, exit statuses without any server. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const OMNIKV = resolve(import.meta.dirname, "../../dist/bin/omnikv.js");
const CLEAN_ENV = { PATH: process.env["PATH"], HOME: "/nowhere", OMNIKV_HISTORY: "" };

interface Run {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function omnikv(
  args: readonly string[],
  { input = "", env = {}, onStart = (_kill: (signal: NodeJS.Signals) => void): void => {} } = {},
): Promise<Run> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [OMNIKV, ...args], {
      env: { ...CLEAN_ENV, ...env },
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.on("error", fail);
    child.on("close", (status) => done({ status, out, err }));
    child.stdin.end(input);
    onStart((signal) => child.kill(signal));
  });
}

let directory = "";
/** Takes connections and says nothing. */
let mute: Server;
let mutePort = 0;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-cli-"));
  mute = createServer();
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  mutePort = (mute.address() as AddressInfo).port;
});
afterAll(() => {
  mute.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Nobody listens on port 1. */
const NOBODY = ["--nodes", "1=127.0.0.1:1:2,2=127.0.0.1:3:4"];

describe.concurrent("omnikv", () => {
  test("--help teaches, and --version says which one it is", async () => {
    const help = await omnikv(["--help"]);
    expect(help.status).toBe(0);
    expect(help.out).toContain("Examples:");
    for (const command of ["server", "client", "manage", "health", "start"]) {
      expect(help.out).toMatch(new RegExp(`^  ${command} `, "m"));
    }
    const version = await omnikv(["--version"]);
    expect(version).toMatchObject({ status: 0, err: "" });
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("client --help tells options, examples and exit statuses", async () => {
    const { out, status } = await omnikv(["client", "--help"]);
    expect(status).toBe(0);
    for (const text of ["--json", "--timeout", "Examples:", "Exit status:", "NO_COLOR"]) {
      expect(out).toContain(text);
    }
    expect((await omnikv(["help", "client"])).out).toBe(out);
  });

  test.each([
    [["clinet"], "Did you mean client?"],
    [["client", "--jsno"], "--json"],
    [["client", "--timeout", "soon"], '--timeout: expected a time like 500ms or 5s, got "soon"'],
    [["client", "--nodes", "1"], "--nodes: expected HOST:PORT, like 127.0.0.1:4101, or ID=HOST"],
    [
      ["client", "--cluster", "/nowhere"],
      "--cluster: cannot read /nowhere: no such file or directory (ENOENT)\n",
    ],
    [["client", "--nodes", "1=a", "--cluster", "b"], "give one"],
    [["manage", "extra"], "too many arguments"],
    [["health", "--nodes", "here"], "--nodes: expected HOST:PORT, like 127.0.0.1:4101, or ID=HOST"],
    [["health", "--token"], "--token: is made of a secret: give --secret-file too"],
    [["read"], "read: too few arguments: omnikv read KEY [--local]"],
    [["history", "a", "b"], "history: too many arguments: omnikv history KEY [--limit N]"],
    [
      ["put", "greeting", "hello", "world"],
      'write: too many arguments: omnikv write KEY VALUE [--ttl TIME] (quote text with spaces: "like this")',
    ],
    [["put", "", "v"], "write: a key is at least one byte long"],
    [["cas", "k", "v"], "cas: what should the value be before?"],
    [["cas", "k", "--revision", "x", "v"], "--revision takes a positive integer"],
    [["get", "k", "--raw", "--node", "1", "--nodes", "1"], "--nodes: expected HOST:PORT"],
    [["get", "k", "--node", "4"], '"4" is no node: the nodes are 1, 2, 3'],
    [["get", "k", "--cas"], "unknown option '--cas'"],
    [["gte", "k"], "Did you mean get?"],
    [["GET", "k"], "Did you mean get?"],
    [["scan", "app/"], "Did you mean range?"],
    [["help", "exists"], "Did you mean read?"],
    [["help", "nope"], "error: unknown command 'nope'"],
    [["lab", "help", "nope"], "error: unknown command 'nope'"],
    [["lab", "run", "--nosuch"], '("omnikv lab run --help" shows what there is)'],
    [["explore", "core", "--nosuch"], '("omnikv explore core --help" shows what there is)'],
    [["isolate", "2"], 'the management prompt: omnikv manage -c "isolate …"'],
    [["manage", "isolate", "2"], 'commands stand behind -c: omnikv manage -c "isolate 2"'],
    [["client", "get", "k"], 'commands stand behind -c: omnikv client -c "get k"'],
    [["get", "app/", "--prefix"], "there is no --prefix here: `omnikv range app/`"],
    [["watch", "--prefix", "app/"], "there is no --prefix here: `omnikv watch app/`"],
    [["status", "2"], "status: too many arguments: omnikv status"],
  ])("%j is a usage error", async (args, message) => {
    const { status, out, err } = await omnikv(args);
    expect(err).toContain(message);
    expect(out).toBe("");
    expect(err).not.toContain("    at ");
    expect(status).toBe(2);
  });

  test("completion offers the verbs of users and roles, and the scenarios of the lab", async () => {
    const { out } = await omnikv(["completion", "bash"]);
    const wordsAt = (place: string): string =>
      new RegExp(`"${place}"\\)[^]*?compgen -W "([^"]*)"`).exec(out)?.[1] ?? "";
    expect(wordsAt("/status").split(" ")).toContain("--json");
    expect(wordsAt("/user").split(" ")).toEqual(
      expect.arrayContaining(["add", "delete", "grant-role", "--json"]),
    );
    expect(wordsAt("/user/add").split(" ")).toContain("--new-password-file");
    expect(wordsAt("/role").split(" ")).toEqual(expect.arrayContaining(["grant", "revoke"]));
    expect(wordsAt("/lab/run").split(" ")).toEqual(
      expect.arrayContaining(["chain", "quorum-loss"]),
    );
  });

  test("is a program: who has linked it finds it so after each build", () => {
    expect(statSync(OMNIKV).mode & 0o111).toBe(0o111);
  });

  test("without a command shows its help, as a usage error", async () => {
    const { status, err } = await omnikv([]);
    expect(status).toBe(2);
    expect(err).toContain("Usage: omnikv");
  });

  test("client exits 3 when no node answers, and says what to do", async () => {
    const named = await omnikv(["client", ...NOBODY, "-c", "1 read a"]);
    expect(named).toMatchObject({ status: 3, out: "" });
    expect(named.err).toContain("node 1 does not answer at 127.0.0.1:1: start it with");
    const any = await omnikv(["client", ...NOBODY], { input: "read a\n" });
    expect(any.status).toBe(3);
    expect(any.err).toContain("no node answers (tried 127.0.0.1:1, 127.0.0.1:3)");
  });

  test("one request exits 3 when no node answers", async () => {
    const { status, out, err } = await omnikv(["get", "a", ...NOBODY]);
    expect({ status, out }).toEqual({ status: 3, out: "" });
    expect(err).toContain("no node answers (tried 127.0.0.1:1, 127.0.0.1:3)");
    const json = await omnikv(["del", "a", "--json", "--node", "2", ...NOBODY]);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, op: "delete", node: 2 });
    expect(json).toMatchObject({ status: 3, err: "" });
  });

  test("status is the table of the management prompt, in one request", async () => {
    const timeless = (run: Run): Run => ({ ...run, out: run.out.replace(/"ms":[\d.]+/, "") });
    for (const more of [[], ["--json"]]) {
      const alone = await omnikv(["status", ...NOBODY, ...more]);
      const atPrompt = await omnikv(["manage", "-c", "status", ...NOBODY, ...more]);
      expect(alone).toMatchObject({ status: 3, err: "" });
      expect(timeless(alone)).toEqual(timeless(atPrompt));
    }
  });

  test("client exits 2 when a line is no command, 0 when there is none", async () => {
    const wrong = await omnikv(["client", ...NOBODY], { input: "# nothing\nhelp\n1 raed a\n" });
    expect(wrong.status).toBe(2);
    expect(wrong.err).toBe('line 3: unknown command "raed": did you mean "read"?\n');
    expect(wrong.out).toContain("NODE read KEY");
    expect(await omnikv(["client", ...NOBODY])).toEqual({ status: 0, out: "", err: "" });
  });

  test("client --json reports errors as objects on standard output", async () => {
    const { out, err, status } = await omnikv(["client", ...NOBODY, "--json", "-c", "1 read a; x"]);
    expect(err).toBe("");
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(lines).toMatchObject([
      { ok: false, node: 1, op: "read", code: "CONNECTION_FAILED", definite: true },
      { ok: false, code: "USAGE" },
    ]);
    expect(status).toBe(3);
  });

  test.each([
    ["get", "k"],
    ["status"],
    ["locks"],
    ["watch", "app/"],
    ["user", "list"],
    ["client", "-c", "read a"],
    ["manage", "-c", "status"],
  ])("%s --json is an object too when no node says which nodes there are", async (...command) => {
    const run = await omnikv([...command, "--json", "--nodes", "127.0.0.1:1"]);
    expect({ ...run, out: JSON.parse(run.out) as unknown }).toEqual({
      status: 3,
      out: {
        ok: false,
        code: "CONNECTION_FAILED",
        definite: true,
        retryable: true,
        message: "no node says which nodes there are: 127.0.0.1:1 (nothing listens there)",
      },
      err: "",
    });
  });

  test.each([
    [["get", "k", "--cluster", "/nope"], "--cluster: cannot read /nope: no such file"],
    [["get", "k", "--raw", "--timeout", "abc"], "--timeout: expected a time like 500ms or 5s, got"],
    [["health", "--nodes", "here"], "--nodes: expected HOST:PORT"],
    [["start", "--size", "2"], '--size: expected 1, 3, 5 or 7, got "2"'],
    [["client", "--nodes", "1=a", "--cluster", "b"], "give one of them"],
    [["explore", "core", "--nodes", "x"], "--nodes: expected an integer from 1"],
  ])("%j with --json has its usage error as an object", async (args, message) => {
    const { status, out, err } = await omnikv([...args, "--json"]);
    expect({ status, err }).toEqual({ status: 2, err: "" });
    expect(JSON.parse(out)).toEqual({
      ok: false,
      code: "USAGE",
      definite: true,
      retryable: false,
      message: expect.stringContaining(message) as unknown,
    });
  });

  test("commands behind the name of a prompt are refused for people and for programs", async () => {
    const { status, out, err } = await omnikv(["manage", "--json", "isolate", "2"]);
    expect(status).toBe(2);
    expect(err).toContain("error: too many arguments");
    const message = 'too many arguments: commands stand behind -c: omnikv manage -c "isolate 2"';
    expect(JSON.parse(out)).toMatchObject({ ok: false, code: "USAGE", message });
  });

  test("lock --json leaves standard output to its program", async () => {
    const run = await omnikv(["lock", "x", "--json", "--ttl", "abc", "--", "true"]);
    expect(run).toMatchObject({ status: 2, out: "" });
    expect(JSON.parse(run.err)).toMatchObject({ ok: false, code: "USAGE" });
  });

  test("import says of a wrong line how many were written before it", async () => {
    const { status, err } = await omnikv(["import", ...NOBODY], { input: "hello\n" });
    expect(err).toBe("omnikv: line 1: this is no JSON; before it, no lines were written\n");
    expect(status).toBe(2);
  });

  test("client is interrupted by Ctrl-C with status 130, whatever it waits for", async ({
    onTestFinished,
  }) => {
    // Its own: the others connect to theirs when they like.
    let onAccept = (): void => {};
    const accepted = new Promise<void>((resolve) => (onAccept = resolve));
    const own = createServer(() => onAccept());
    await new Promise<void>((resolve) => own.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void own.close());
    const { port } = own.address() as AddressInfo;
    const args = ["client", "--nodes", `1=127.0.0.1:${port}:2`, "-c", "1 write a b; 1 read a"];
    const { status, err } = await omnikv(args, {
      onStart: (kill) => void accepted.then(() => kill("SIGINT")),
    });
    expect(status).toBe(130);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(err).toContain("cancelled");
  });

  test("addresses without ids are asked which nodes there are; nobody who answers is no connection", async () => {
    const addresses = `127.0.0.1:1,127.0.0.1:${mutePort}`;
    const { status, out, err } = await omnikv(["get", "k", "--nodes", addresses]);
    expect({ status, out, err }).toEqual({
      status: 3,
      out: "",
      err: `omnikv: no node says which nodes there are: 127.0.0.1:1 (nothing listens there), 127.0.0.1:${mutePort} (it does not answer)\n`,
    });
  });

  test("client and manage take the same cluster file", async () => {
    const file = join(directory, "cluster.json");
    writeFileSync(file, JSON.stringify({ nodes: [{ id: 7, port: 1, peerPort: 2 }] }));
    const client = await omnikv(["client", "--cluster", file, "-c", "nodes; 1 read a"]);
    expect(client.out).toBe("node 7  127.0.0.1:1\n");
    expect(client.err).toContain("there is no node 1: the nodes are 7");
    const manage = await omnikv(["manage", "--cluster", file, "-c", "all status"]);
    expect(manage).toMatchObject({ status: 3, out: "" });
    expect(manage.err).toContain("node 7 does not answer at 127.0.0.1:1");
  });

  test("colours are for terminals, or for FORCE_COLOR", async () => {
    const args = ["client", ...NOBODY, "-c", "nodes"];
    expect((await omnikv(args)).out).not.toContain("\u001b");
    expect((await omnikv(args, { env: { FORCE_COLOR: "1" } })).out).toContain("\u001b[35m");
    const both = await omnikv(args, { env: { FORCE_COLOR: "0" } });
    expect(both.out).not.toContain("\u001b");
  });
});
