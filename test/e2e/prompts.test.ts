/** The prompts as people and scripts use them, against real servers. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  await cluster.client().write("warm", "up");
});
afterAll(() => cluster.dispose());

/** Times differ from run to run. */
const timeless = (text: string): string => text.replace(/[\d.]+ m?s\b/g, "T");

describe("client prompt", () => {
  test("the session of the README, from a pipe", () => {
    const input = [
      "1 write 35 hello",
      "2 read 35",
      "3 delete 35",
      "2 read 35",
      "1 cas 35 --absent hello",
      "1 cas 35 hello world",
      "2 cas 35 hello again",
      '3 write greeting "hello, big world"   # quotes as in a shell',
      "1 read greeting",
      "2 read greeting --local",
    ].join("\n");
    const { status, stdout, stderr } = cluster.run(["client"], input);
    expect(stderr).toBe("");
    expect(
      timeless(stdout)
        .replace(/revision \d+/g, "revision N")
        .split("\n"),
    ).toEqual([
      "ok, revision N (T)",
      "hello (revision N, T)",
      "deleted, revision N (T)",
      "(not found) (T)",
      "swapped, revision N (T)",
      "swapped, revision N (T)",
      expect.stringContaining("not swapped"),
      "ok, revision N (T)",
      '"hello, big world" (revision N, T)',
      '"hello, big world" (revision N, local, perhaps old, T)',
      "",
    ]);
    expect(status).toBe(0);
  });

  test("commands as an argument, JSON for programs, errors too", () => {
    const { status, stdout } = cluster.run([
      "client",
      "--json",
      "-c",
      "1 write j 1; 2 read j; 3 read nothing; 1 fly j",
    ]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { ok: true, node: 1, op: "write" },
      { ok: true, node: 2, op: "read", value: "1" },
      { ok: true, node: 3, op: "read", found: false },
      { ok: false },
    ]);
    expect(status).toBe(2);
  });

  test.each([
    ["0: all went well", "1 write a b", 0],
    ["2: no such command", "1 fly a", 2],
    ["2: wrong number of arguments", "1 write a", 2],
    ["2: no such node", "9 read a", 2],
  ])("exit status %s", (_, input, expected) => {
    const { status, stderr } = cluster.run(["client"], `${input}\n`);
    expect(status).toBe(expected);
    expect(
      stderr
        .trim()
        .split("\n")
        .filter((line) => line !== ""),
    ).toHaveLength(expected === 0 ? 0 : 1);
  });

  test("a key that is too large is refused, and the rest is carried out", () => {
    const key = "k".repeat(5000);
    const { status, stdout, stderr } = cluster.run(["client"], `1 write ${key} v\n1 write a b\n`);
    expect(status).toBe(2);
    expect(stderr).toContain("4096");
    expect(stdout).toContain("ok, revision");
  });
});

describe("management prompt", () => {
  test("links are shown, broken one way or both, restored; all nodes at once", () => {
    const run = (command: string) => cluster.run(["manage", "-c", command]);
    const links = run(
      "1 get_links 0; 1 break_link 2; 1 get_links; 1 restore_link 2; 2 break_link 3 --out; 2 get_links",
    );
    expect(links).toMatchObject({ status: 0, stderr: "" });
    expect(links.stdout).toMatch(
      /node 1: no broken links[^]*broken both ways[^]*broken links: 2[^]*restored[^]*node 2: broken links: 3/,
    );
    const { status, stdout } = run("all heal; all status; 2 get_links");
    expect(stdout).toMatch(/node 1:[^]*leader[^]*node 2: no broken links/);
    expect(status).toBe(0);
    const scenarios = run(
      "isolate leader; quorum-loss; partition 1,2 | 3; flaky 1-2 5%; heal; wait-leader",
    );
    expect(scenarios).toMatchObject({ status: 0, stderr: "" });
    const itself = run("1 break_link 1");
    expect(itself.status).not.toBe(0);
    expect(itself.stderr).not.toBe("");
  });
});

test("exit status 1: a command failed, here because faults are not allowed", async () => {
  const plain = await TestCluster.create(1);
  try {
    await plain.start(1, { allowFaults: false });
    const { status, stderr } = plain.run(["manage", "-c", "1 heal; 1 break_link 1"]);
    expect(stderr).toContain("--allow-faults");
    expect(status).toBe(1);
  } finally {
    await plain.dispose();
  }
});

describe("when nodes are missing", () => {
  test("3: one node down is said with what to do; no majority is definite; 4: unknown outcomes", async () => {
    const admin = cluster.admin();
    const leader = await cluster.leader(admin);
    const others = [1, 2, 3].filter((id) => id !== leader);
    const [first, second] = others as [number, number];
    await cluster.kill(first);
    const down = cluster.run(["client", "-c", `${first} read a`]);
    expect(down.status).toBe(3);
    expect(down.stderr).toContain(`node ${first} does not answer`);

    // Suspended, the second follower cannot vote, and the leader does not know yet: what is written now may or may not
    // take effect.
    cluster.signal(second, "SIGSTOP");
    const unknown = cluster.run(["client", "--timeout", "1s", "-c", `${leader} write u 1`]);
    if (unknown.status === 4) {
      expect(unknown.stderr).toContain("unknown: it may or may not have taken effect");
    } else {
      expect(unknown.status).toBe(3);
    }
    await eventually("the leader knows that it is alone", async () => {
      const status = await admin.call(leader, "status", {});
      return !status.quorumConnected;
    });
    const alone = cluster.run(["client", "-c", `${leader} write x y; ${leader} read x`]);
    expect(alone.status).toBe(3);
    expect(alone.stderr).toContain("reaches no majority");
    cluster.signal(second, "SIGCONT");
    await cluster.start(first);
    await cluster.converged(admin);
  }, 240_000);
});

const hasTmux = spawnSync("tmux", ["-V"]).status === 0;

describe.skipIf(!hasTmux)("at a terminal (needs tmux)", () => {
  const socket = `omnikv-${process.pid}`;
  const home = mkdtempSync(join(tmpdir(), "omnikv-home-"));
  const tmux = (...args: string[]): string =>
    spawnSync("tmux", ["-L", socket, ...args], { encoding: "utf8" }).stdout;
  const screen = (): string => tmux("capture-pane", "-p", "-t", "p");
  const shows = (text: string): Promise<boolean> =>
    eventually(`the terminal shows ${text}`, () => screen().includes(text)).catch(
      (error: unknown) => {
        throw new Error(screen(), { cause: error });
      },
    );

  afterAll(() => {
    tmux("kill-server");
    rmSync(home, { recursive: true, force: true });
  });

  test("completion, history, Ctrl-C cancels, Ctrl-D leaves", async () => {
    const command = `XDG_STATE_HOME=${home} TERM=xterm-256color ${process.execPath} ${OMNIKV} client --cluster ${cluster.clusterFile}; echo left $?; sleep 60`;
    tmux("new-session", "-d", "-s", "p", "-x", "120", "-y", "30", "sh", "-c", command);
    await shows("omnikv>");
    tmux("send-keys", "-t", "p", "1 wri");
    // What comes in one piece is taken for a paste, in which Tab completes nothing. The greeting shows "1 write" too.
    await shows("omnikv> 1 wri");
    tmux("send-keys", "-t", "p", "Tab");
    await shows("omnikv> 1 write");
    tmux("send-keys", "-t", "p", "colour blue", "Enter");
    await shows("omnikv> 1 write colour blue");
    await shows("ok, revision");
    tmux("send-keys", "-t", "p", "2 read colour", "Enter");
    await shows("blue (revision");
    // Nobody serves the paused node's clients: the command runs until it is cancelled.
    cluster.signal(3, "SIGSTOP");
    tmux("send-keys", "-t", "p", "3 read colour", "Enter");
    tmux("send-keys", "-t", "p", "C-c");
    await shows("cancel");
    cluster.signal(3, "SIGCONT");
    tmux("send-keys", "-t", "p", "Up");
    await eventually("the terminal shows the command again", () =>
      /omnikv> 3 read colour[^]*omnikv> 3 read colour/.test(screen()),
    );
    tmux("send-keys", "-t", "p", "C-c");
    tmux("send-keys", "-t", "p", "C-d");
    await shows("left 0");
    const [file] = spawnSync("find", [home, "-type", "f"], { encoding: "utf8" }).stdout.split("\n");
    expect(readFileSync(file!, "utf8")).toContain("1 write colour blue");
    const mode = spawnSync("stat", ["-c", "%a", file!], { encoding: "utf8" }).stdout.trim();
    expect(mode).toBe("600");
  }, 240_000);

  test("one request and commands of an argument ask before they delete a prefix, but not with --yes", async () => {
    const client = cluster.client();
    for (const key of ["ask/a", "ask/b", "ask/c"]) await client.write(key, "1");
    const omnikv = `${process.execPath} ${OMNIKV}`;
    const at = `--cluster ${cluster.clusterFile}`;
    const script = [
      // The shell is to outlive the Ctrl-C that ends a command.
      "trap : INT",
      `${omnikv} delete ask/ --prefix ${at}; echo left $?`,
      `${omnikv} client ${at} -c 'delete ask/a --prefix; delete ask/b --prefix'; echo left $?`,
      `${omnikv} del ask/ --prefix ${at}; echo left $?`,
      `${omnikv} del ask/ --prefix --yes ${at}; echo all left $?`,
      "sleep 60",
    ].join("; ");
    tmux("kill-session", "-t", "p");
    tmux("new-session", "-d", "-s", "p", "-x", "120", "-y", "30", "sh", "-c", script);
    await shows("delete all that begins with ask/, 3 keys? (yes or no)");
    tmux("send-keys", "-t", "p", "no", "Enter");
    await shows("nothing was deleted");
    await shows("delete all that begins with ask/a, 1 key? (yes or no)");
    tmux("send-keys", "-t", "p", "yes", "Enter");
    await shows("delete all that begins with ask/b, 1 key? (yes or no)");
    tmux("send-keys", "-t", "p", "n", "Enter");
    await shows("delete all that begins with ask/, 2 keys? (yes or no)");
    tmux("send-keys", "-t", "p", "C-c");
    await shows("left 130");
    await shows("deleted, 2 keys");
    await shows("all left 0");
  }, 240_000);
});
