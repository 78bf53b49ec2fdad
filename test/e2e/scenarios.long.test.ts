/** The scenarios as commands, on real servers: what they cut, who leads then, that writes go on, and that healing heals. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AdminCore } from "../../src/client/admin/admin-core.ts";
import type { KvClient } from "../../src/client/kv-client.ts";
import { leaderIn, lookAtCluster } from "../../src/client/admin/cluster-look.ts";
import { eventually, OMNIKV, TestCluster } from "./cluster.ts";

interface Told {
  readonly ok: boolean;
  readonly op: string;
  readonly leader: number | null;
  readonly canLead: readonly number[];
  readonly broken: readonly (readonly [number, number])[];
  readonly reached: readonly number[];
  readonly failed: readonly { readonly node: number; readonly code: string }[];
}

const SCENARIOS: Readonly<Record<3 | 5, readonly string[]>> = {
  3: [
    "partition 1,2 | 3",
    "isolate leader",
    "chain",
    "quorum-loss",
    "constrained",
    "cloudflare",
    "full-partition",
  ],
  5: ["partition 1,2 | 3,4,5", "chain", "quorum-loss", "constrained", "ring"],
};

describe.each([3, 5] as const)("%i nodes", (size) => {
  let cluster: TestCluster;
  let admin: AdminCore;
  let client: KvClient;

  beforeAll(async () => {
    cluster = await TestCluster.create(size);
    await cluster.startAll();
    admin = cluster.admin();
    client = cluster.client({ attemptTimeoutMs: 300 });
    await client.write("warm", "up");
  }, 60_000);
  afterAll(() => cluster.dispose());

  const manage = (commands: string, expected = 0): Told[] => {
    const { status, stdout, stderr } = cluster.run(["manage", "--json", "--exec", commands]);
    expect({ status, stderr, stdout }).toMatchObject({ status: expected, stderr: "" });
    return stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Told);
  };
  const ids = (): number[] => cluster.nodes.map(({ id }) => id);

  test.each(SCENARIOS[size])(
    "%s",
    async (command) => {
      await cluster.leader(admin);
      const [told] = manage(command) as [Told];
      expect(told).toMatchObject({ ok: true, reached: ids(), failed: [] });
      expect(told.canLead).not.toEqual([]);
      await client.write("scenario", command);
      await eventually("one of those who can leads", async () => {
        const leader = leaderIn(await lookAtCluster(admin, ids()));
        return leader !== null && told.canLead.includes(leader);
      });
      for (const status of await cluster.statuses(admin)) {
        const cut = told.broken.flatMap(([a, b]) =>
          a === status.nodeId ? [b] : b === status.nodeId ? [a] : [],
        );
        const broken = status.links.filter((link) => link.brokenIn && link.brokenOut);
        expect(new Set(broken.map(({ peer }) => peer))).toEqual(new Set(cut));
      }
      await client.write("scenario", `${command} goes on`);
      manage("heal; wait-leader");
      await cluster.converged(admin);
      for (const { links } of await cluster.statuses(admin)) {
        expect(links.some(({ brokenIn, brokenOut }) => brokenIn || brokenOut)).toBe(false);
      }
    },
    60_000,
  );

  test("losses and delays are put where they were named, and change nothing else", async () => {
    manage('isolate 1; flaky 2-3 10%; delay 2-3 5ms; flaky "1>2" 50%');
    const [one, two, three] = await cluster.statuses(admin);
    const link = (of: typeof one, peer: number) => of!.links.find((each) => each.peer === peer);
    expect(link(two, 3)).toMatchObject({ dropPermilleOut: 100, delayMsOut: 5, dropPermilleIn: 0 });
    expect(link(three, 2)).toMatchObject({ dropPermilleOut: 100, delayMsOut: 5, delayMsIn: 0 });
    expect(link(one, 2)).toMatchObject({ dropPermilleOut: 500, brokenOut: false, brokenIn: true });
    expect(link(two, 1)).toMatchObject({ dropPermilleIn: 0, brokenIn: false, brokenOut: true });
    expect(link(one, 3)).toMatchObject({ brokenIn: true, brokenOut: true });
    manage("heal; wait-leader");
  }, 60_000);

  test("a node that is down is named, and the others are told", async () => {
    const leader = await cluster.leader(admin);
    const down = ids().find((id) => id !== leader)!;
    await cluster.kill(down);
    const [told] = manage(`isolate ${down}`, 3) as [Told];
    expect(told.failed).toMatchObject([{ node: down, code: "CONNECTION_FAILED" }]);
    expect(told.reached).toEqual(ids().filter((id) => id !== down));
    expect(told.canLead).toEqual([leader]);
    const { stdout, status } = cluster.run(["manage", "--exec", "status"]);
    expect(stdout).toMatch(new RegExp(`^ +${down} {2}does not answer at `, "m"));
    expect(stdout).toContain(`node ${leader} leads`);
    expect(status).toBe(3);
    await cluster.start(down);
    manage("heal; wait-leader");
    await cluster.converged(admin);
  }, 60_000);

  test("watch tells an election, line by line", async () => {
    await cluster.leader(admin);
    const child = spawn(process.execPath, [
      ...[OMNIKV, "manage", "--cluster", cluster.clusterFile, "--json", "--exec", "watch 30"],
    ]);
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    await eventually("it watches", () => out.includes('"event":"start"'));
    const [told] = manage("isolate leader") as [Told];
    await eventually("a new leader is told", () =>
      told.canLead.some((id) => out.includes(`"event":"leader","leader":${id},`)),
    );
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    manage("heal; wait-leader");
  }, 60_000);
});

/** The ports of `omnikv start` are fixed: it runs in a network of its own. */
const canUnshare = spawnSync("unshare", ["-rn", "sh", "-c", "ip link set lo up"]).status === 0;

test.skipIf(!canUnshare)(
  "omnikv start (needs unshare): keys, scenarios, crashes and pauses at one prompt",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "omnikv-start-"));
    const commands = [
      "wait-leader",
      "1 write a b",
      "isolate leader",
      "wait-leader",
      "read a",
      "heal",
      "crash leader",
      "wait-leader",
      "pause 9",
    ].join("; ");
    try {
      const args = [OMNIKV, "start", "--data-dir", directory, "--json", "--exec", commands];
      const child = spawn("unshare", [
        ...["-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", process.execPath, ...args],
      ]);
      let out = "";
      let err = "";
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
      const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
      const said = out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { op: string; ok: boolean });
      expect(said.map(({ op, ok }) => (ok ? op : `${op} failed`)).slice(0, -1)).toEqual([
        ...[
          "wait-leader",
          "write",
          "isolate",
          "wait-leader",
          "read",
          "heal",
          "crash",
          "wait-leader",
        ],
      ]);
      expect(err).toBe("");
      expect(status).toBe(2);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
  90_000,
);
