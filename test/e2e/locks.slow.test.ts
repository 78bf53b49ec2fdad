/** Locks, leases and elections with real servers and real processes: stopped, killed, many at once, and from the shell. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KvClient } from "../../src/client/kv-client.ts";
import { parseMetrics, valueOf } from "../server/metrics/fixtures.ts";
import { eventually, OMNIKV, ROOT, TestCluster } from "./cluster.ts";

const TTL_MS = 2000;
/** What a grant may take beyond the time to live: a step of the cluster's clock, and a machine that has other things to do. */
const SLACK_MS = 2000;

let cluster: TestCluster;
let client: KvClient;
const children: ChildProcess[] = [];
beforeAll(async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  client = cluster.client();
  await client.write("warm", "up");
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await cluster.dispose();
});

function addresses(): string {
  return cluster.nodes.map(({ id, host, port }) => `${id}=${host}:${port}`).join(",");
}

/** Of all nodes. */
async function total(metric: string): Promise<number> {
  const counts = cluster.nodes.map(async ({ host, port }) => {
    const page = await (await fetch(`http://${host}:${port}/metrics`)).text();
    return valueOf(parseMetrics(page), metric) ?? 0;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

interface Told {
  readonly event: string;
  readonly token?: number;
  readonly aborted?: boolean;
  readonly code?: string;
  readonly definite?: boolean;
}

/** A process of its own that holds a lock. */
function holder(name: string, key: string): { child: ChildProcess; told: () => Told[] } {
  const script = join(ROOT, "test/e2e/lock-holder.mjs");
  const child = spawn(process.execPath, [script, addresses(), name, String(TTL_MS), key]);
  children.push(child);
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => (text += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => process.stderr.write(bytes));
  const told = (): Told[] =>
    text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Told]));
  return { child, told };
}

async function heldBy(told: () => Told[]): Promise<Told> {
  const first = await eventually("a holder tells something", () => told()[0]);
  expect(first).toMatchObject({ event: "held" });
  return first;
}

describe("locks of processes", () => {
  test("who was stopped for longer than its lease finds it lost before it does anything, and its late write fails", async () => {
    const { child, told } = holder("stopped", "stopped/value");
    const { token } = await heldBy(told);
    child.kill("SIGSTOP");
    const next = await client.locks.request("stopped", { ttl: TTL_MS }, async (lock) => {
      await client.guarded(lock).write("stopped/value", "of the next one");
      child.kill("SIGCONT");
      await eventually("the late one is over", () => told().some(({ event }) => event === "lost"));
      return lock.token;
    });
    expect(next).toBeGreaterThan(token!);
    expect(told().slice(1)).toEqual([
      { event: "woken", aborted: true },
      { event: "refused", code: "LOCK_LOST", definite: true },
      { event: "refused", code: "LOCK_LOST", definite: true },
      { event: "lost", code: "LEASE_LOST" },
    ]);
    expect((await client.read("stopped/value")).text()).toBe("of the next one");
  });

  test("who was killed is followed after its time to live, not before, also when the leader dies meanwhile", async () => {
    const admin = cluster.admin();
    for (const killsLeader of [false, true]) {
      const name = `killed ${killsLeader}`;
      const { child, told } = holder(name, "x");
      await heldBy(told);
      const before = await client.locks.query();
      expect(before.held).toMatchObject([
        { name, mode: "exclusive", owner: `process ${child.pid}` },
      ]);
      const request = client.locks.request(name, { ttl: TTL_MS }, () => performance.now());
      await eventually("it waits", async () => (await client.locks.query()).pending.length === 1);
      const killedMs = performance.now();
      child.kill("SIGKILL");
      const leader = await cluster.leader(admin);
      if (killsLeader) await cluster.kill(leader);
      const tookMs = (await request) - killedMs;
      // The last sign of life was up to a third of the time to live before.
      expect(tookMs).toBeGreaterThan(TTL_MS / 2);
      expect(tookMs).toBeLessThan(TTL_MS + SLACK_MS + (killsLeader ? 2000 : 0));
      if (killsLeader) await cluster.start(leader);
    }
  });

  test("64 contenders hand it over, one at a time, with growing tokens, and lose no count", async () => {
    const clients = Array.from({ length: 8 }, () => cluster.client());
    let inside = 0;
    const tokens: number[] = [];
    await client.write("counter", "0");
    const contend = (kv: KvClient): Promise<void> =>
      kv.locks.request("contended", { ttl: 10_000 }, async (lock) => {
        inside += 1;
        expect(inside).toBe(1);
        tokens.push(lock.token);
        // Read, then written: without a lock counts would be lost.
        const count = Number((await kv.read("counter")).text());
        await kv.guarded(lock).write("counter", String(count + 1));
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 64 }, (_, i) => contend(clients[i % 8]!)));
    expect(tokens).toHaveLength(64);
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    expect((await client.read("counter")).text()).toBe("64");
  }, 240_000);

  test("to hand it on costs no more events with a thousand waiting", async () => {
    const many = cluster.client({ timeoutMs: 30_000 });
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    let release: () => void = () => {};
    const first = many.locks.request("crowd", { ttl: 30_000 }, async () => {
      await new Promise<void>((resolve) => (release = resolve));
    });
    await eventually("it is held", async () => (await client.locks.query()).held.length === 1);
    let next: (() => void) | null = null;
    const options = { ttl: 30_000, signal: stop.signal };
    const waiting = Array.from({ length: 1000 }, () =>
      many.locks.request("crowd", options, async () => {
        await new Promise<void>((resolve) => (next = resolve));
      }),
    );
    for (const each of waiting) each.catch(() => {});
    await eventually(
      "a thousand wait",
      async () => (await client.locks.query()).pending.length === 1000,
      60_000,
    );
    // Those who wait have looked who is before them, and watch.
    await eventually("they watch", async () => (await total("omnikv_watches")) >= 1000, 60_000);
    const before = await total("omnikv_watch_events_total");
    release();
    await first;
    await eventually("the next one has it", () => next !== null);
    await new Promise((wake) => setTimeout(wake, 500));
    expect((await total("omnikv_watch_events_total")) - before).toBeLessThanOrEqual(4);
    stop.abort();
    (next as (() => void) | null)?.();
    await Promise.allSettled(waiting);
  }, 240_000);
});

describe("leases", () => {
  test("keys go with their lease, and a write with a time to live goes by itself", async () => {
    const lease = await client.leases.grant({ ttl: TTL_MS });
    await client.write("leased/a", "1", { lease });
    await client.withPrefix("leased/").write("b", "2", { lease });
    await client.write("leased/c", "3", { ttl: TTL_MS });
    const told = await client.leases.timeToLive(lease.id);
    expect(told?.keys.map((key) => Buffer.from(key).toString())).toEqual(["leased/a", "leased/b"]);
    await eventually("c is gone", async () => !(await client.read("leased/c")).found);
    await new Promise((wake) => setTimeout(wake, TTL_MS));
    expect((await client.count({ prefix: "leased/" })).count).toBe(2);
    await lease.revoke();
    expect((await client.count({ prefix: "leased/" })).count).toBe(0);
    await expect(client.write("leased/a", "1", { lease })).rejects.toMatchObject({
      code: "CANCELLED",
    });
    const gone = client.write("leased/a", "1", { lease: lease.id });
    await expect(gone).rejects.toMatchObject({ code: "LEASE_LOST", definite: true });
  });
});

describe("from the shell", () => {
  const at = (): string[] => ["--cluster", cluster.clusterFile];
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [OMNIKV, ...args], {
      encoding: "utf8",
      timeout: 120_000,
      input: "",
    });
    return { status, stdout, stderr };
  };
  const start = (...args: string[]): { child: ChildProcess; out: () => string } => {
    const child = spawn(process.execPath, [OMNIKV, ...args]);
    children.push(child);
    let text = "";
    child.stdout.on("data", (bytes: Buffer) => (text += bytes.toString()));
    child.stderr.on("data", (bytes: Buffer) => (text += bytes.toString()));
    return { child, out: () => text };
  };
  const ended = (child: ChildProcess): Promise<number | null> =>
    eventually(
      "it ends",
      () => (child.exitCode !== null || child.signalCode !== null) && { code: child.exitCode },
    ).then(({ code }) => code);

  test("a program runs with the token, and its status is the command's", () => {
    const script = 'echo "$OMNIKV_LOCK $OMNIKV_TOKEN"; cat; exit 7';
    const { status, stdout, stderr } = run("lock", "job", ...at(), "--", "sh", "-c", script);
    expect({ status, stderr }).toEqual({ status: 7, stderr: "" });
    expect(stdout).toMatch(/^job \d+\n$/);
    expect(run("lock", "job", ...at(), "--", "sh", "-c", "kill -9 $$").status).toBe(128 + 9);
    const missing = run("lock", "job", ...at(), "--", "/no/such/program");
    expect(missing.status).toBe(127);
    expect(missing.stderr).toContain("there is no program /no/such/program, nothing was run");
    const directory = run("lock", "job", ...at(), "--", "/tmp");
    expect(directory.status).toBe(126);
    expect(directory.stderr).toContain(
      "cannot start /tmp: it is no program that this user may run",
    );
    const omnikv = `"${process.execPath}" "${OMNIKV}"`;
    const guarded = `${omnikv} txn if "$OMNIKV_LOCK_KEY@$OMNIKV_TOKEN" then put shell done --cluster "${cluster.clusterFile}"`;
    expect(run("lock", "job", ...at(), "--", "sh", "-c", guarded).stdout).toContain(
      "then, revision",
    );
  });

  test("what is held is not available, signals are passed on, and a lost lock ends the program", async () => {
    const script = 'trap "echo told; exit 3" TERM; echo running; while :; do sleep 0.1; done';
    const command = ["lock", "busy", ...at(), "--", "sh", "-c", script];
    const first = start(...command);
    await eventually("it runs", () => first.out().includes("running"));
    expect(run("lock", "busy", "--if-available", ...at(), "--", "true").status).toBe(1);
    const late = run("lock", "busy", "--wait", "300ms", ...at(), "--", "true");
    expect(late).toMatchObject({ status: 1 });
    expect(late.stderr).toContain("was not had within 300ms");
    const waiting = start("lock", "busy", "--json", ...at(), "--", "true");
    await eventually("it says that it waits", () => waiting.out().includes('"event":"waits"'));
    const shown = run("locks", ...at()).stdout;
    expect(shown).toMatch(new RegExp(`busy: held by process ${first.child.pid} on \\S+, since`));
    expect(shown).toMatch(new RegExp(`busy: waited for by process ${waiting.child.pid} on`));
    waiting.child.kill("SIGINT");
    expect(await ended(waiting.child)).toBe(130);
    first.child.kill("SIGTERM");
    expect(await ended(first.child)).toBe(3);
    expect(first.out()).toContain("told");
    const second = start(...command);
    await eventually("it runs again", () => second.out().includes("running"));
    const robbed = run("lock", "busy", "--steal", ...at(), "--", "true");
    expect(robbed.status).toBe(0);
    expect(await ended(second.child)).toBe(4);
    expect(second.out()).toContain("told");
    expect(second.out()).toContain("lost, and the program was ended");
  });

  test("arguments that cannot be meant end with the status of usage, before anything is asked", () => {
    // No node listens there.
    const nowhere = ["--nodes", "1=127.0.0.1:1"];
    expect(run("lock", "", ...nowhere, "--", "true")).toMatchObject({ status: 2 });
    expect(run("lock", "a", "--ttl", "100ms", ...nowhere, "--", "true")).toMatchObject({
      status: 2,
    });
    expect(run("elect", "", ...nowhere, "--", "true")).toMatchObject({ status: 2 });
  });

  test("of three that stand for election one runs its program, and when it is killed the next one does", async () => {
    const options = [
      "--ttl",
      "2s",
      ...at(),
      "--",
      "sh",
      "-c",
      'echo "leads $OMNIKV_TOKEN"; exec sleep 60',
    ];
    const all = ["a", "b", "c"].map((value) =>
      start("elect", "shell", "--value", value, ...options),
    );
    const leading = (): number[] =>
      all.flatMap(({ out }, i) => (out().includes("leads") ? [i] : []));
    await eventually("one leads", () => leading().length === 1);
    const observer = start("elect", "shell", "--observe", ...at());
    const [i = 0] = leading();
    const name = "abc"[i]!;
    await eventually("it is seen", () => new RegExp(`^\\d+ ${name}$`, "m").test(observer.out()));
    all[i]!.child.kill("SIGKILL");
    await eventually("another one leads", () => leading().length === 2);
    const other = "abc"[leading().find((each) => each !== i)!]!;
    await eventually("it is seen", () => new RegExp(`^\\d+ ${other}$`, "m").test(observer.out()));
    for (const { child } of [...all, observer]) child.kill("SIGTERM");
    await Promise.all([...all, observer].map(({ child }) => ended(child)));
  });

  test("leases and locks are shown", () => {
    const granted = JSON.parse(run("lease", "grant", "60s", ...at(), "--json").stdout) as {
      id: number;
    };
    const id = String(granted.id);
    expect(run("put", "shell/leased", "v", "--lease", id, ...at()).stdout).toContain(
      "ok, revision",
    );
    expect(run("lease", "ttl", id, ...at()).stdout).toContain("shell/leased");
    expect(run("lease", "keep", id, ...at()).status).toBe(0);
    expect(run("lease", "revoke", id, ...at()).status).toBe(0);
    expect(run("lease", "ttl", id, ...at())).toMatchObject({ status: 1 });
    expect(run("get", "shell/leased", ...at()).stdout).toContain("(not found)");
    expect(run("locks", ...at()).stderr).toMatch(/\d+ held, \d+ waiting/);
  });
});

describe("examples of docs/locks.md", () => {
  test.each([
    [
      "fenced-file.mjs",
      [
        "refused by the file",
        "refused by the store: LOCK_LOST",
        "in the store: from the one that holds it",
      ],
    ],
    ["leader-election.mjs", ["3 of three have led"]],
    ["rate-limiter.mjs", ["5 of 20 calls may be made", "5 of 20 more"]],
    ["once-in-a-fleet.mjs", ["done, with token", "has done it"]],
  ])("%s does what it says", (name, expected) => {
    const script = join(ROOT, "docs/examples", name);
    const args = name === "fenced-file.mjs" ? [join(cluster.directory, "file.json")] : [];
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, ...args], {
      encoding: "utf8",
      env: { ...process.env, NODES: addresses() },
      timeout: 120_000,
    });
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    for (const text of expected) expect(stdout).toContain(text);
    if (name === "once-in-a-fleet.mjs") expect(stdout.match(/done, with token/g)).toHaveLength(1);
  });
});
