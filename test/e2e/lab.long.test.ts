/** Experiments with real servers: that they run, and end with the right leader. How fast is for a quiet machine to say. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { etcdRefusal, namespacesRefusal } from "../../src/measure/index.ts";
import type { RunResult } from "../../src/measure/index.ts";
import { eventually, OMNIKV, ROOT } from "./cluster.ts";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "omnikv-lab-test-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface LabJson {
  readonly scenario: string;
  readonly measured: readonly {
    readonly system: string;
    readonly nodes: number;
    readonly loses: string;
    readonly runs: readonly RunResult[];
    readonly summary: Readonly<Record<string, unknown>>;
  }[];
  readonly left: readonly string[];
}

function lab(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const all = [OMNIKV, "lab", "run", ...args, "--data-dir", directory];
  return spawnSync(process.execPath, all, { cwd: ROOT, encoding: "utf8", timeout: 120_000 });
}

describe("omnikv lab run", () => {
  // Election time-outs that a busy machine does not stretch much.
  const slow = ["--election-timeout", "200ms", "--duration", "2s", "--concurrency", "1"];

  test("quorum-loss: the hub takes over, writes go on", () => {
    const page = join(directory, "page.html");
    const { status, stdout, stderr } = lab("quorum-loss", ...slow, "--json", "--html", page);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const { scenario, measured } = JSON.parse(stdout) as LabJson;
    expect(scenario).toBe("quorum-loss");
    expect(measured).toHaveLength(1);
    const [{ nodes, runs, summary }] = measured as [LabJson["measured"][number]];
    expect(nodes).toBe(5);
    expect(runs).toHaveLength(1);
    expect(summary).toMatchObject({ runs: 1, resumed: 1, rightLeader: 1 });
    const { leaderBefore, leaderAfter, canLead, down, leaderChanges } = runs[0]!;
    expect(canLead).toEqual([leaderAfter]);
    expect(leaderAfter).not.toBe(leaderBefore);
    expect(leaderChanges).toBeGreaterThanOrEqual(1);
    expect(down.open).toBe(false);
    // It takes at least one heartbeat round to see that anything is wrong.
    expect(down.ms).toBeGreaterThan(150);
    expect(stderr).toContain("run 1: leader");
    expect(readFileSync(page, "utf8")).toContain("</svg>");
    // Neither servers nor their data are left.
    expect(readdirSync(directory)).toEqual(["page.html"]);
  }, 120_000);

  test("chained: the leader stays, writes go on", () => {
    const { status, stdout } = lab("chained", ...slow);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^omnikv \S+ +3 nodes, 200 ms /m);
    expect(stdout).toContain("a node that can lead led in 1 of 1");
    expect(stdout).toMatch(/^Multi-Paxos /m);
  }, 120_000);

  const namespaces = namespacesRefusal();
  test.skipIf(namespaces !== null)(
    `full-partition by the kernel, the same on etcd where there is one${namespaces === null ? "" : ` (${namespaces})`}`,
    () => {
      const more = ["--nodes", "3", "--peer", "etcd", "--peer-election-timeout", "200ms", "--json"];
      const { status, stdout, stderr } = lab("full-partition", ...slow, ...more);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      const { measured, left } = JSON.parse(stdout) as LabJson;
      expect(measured.length + left.length).toBe(2);
      const loses = etcdRefusal("etcd") === null ? "packets" : "messages";
      expect(measured.map((each) => each.loses)).toEqual(measured.map(() => loses));
      expect(measured[0]!.summary).toMatchObject({ runs: 1, resumed: 1, rightLeader: 1 });
      if (measured.length === 2) {
        expect(measured[1]!.system).toMatch(/^etcd \d/);
        expect(measured[1]!.runs).toHaveLength(1);
      }
      expect(readdirSync(directory)).toEqual([]);
    },
    120_000,
  );

  test("says what is wrong with what was asked", () => {
    for (const [args, text] of [
      [["chains"], 'there is no scenario "chains"'],
      [["chain", "--nodes", "4"], "--nodes: expected 3, 5 or 7"],
      [["chain", "--election-timeout", "1ms"], "--election-timeout: expected"],
      [["chain", "--peer", "zookeeper"], "--peer: expected etcd"],
      [["chain", "--network", "wifi"], "--network: expected loopback or namespaces"],
    ] as const) {
      const { status, stderr } = lab(...args);
      expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(text) });
    }
  });

  test("stops everything and removes it when it is interrupted", async () => {
    const args = [OMNIKV, "lab", "run", "quorum-loss", "--runs", "99", "--data-dir", directory];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    let said = "";
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    await eventually("the first run is over", () => said.includes("run 1: leader"), 60_000);
    expect(readdirSync(directory)).toHaveLength(1);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(said).toContain("interrupted");
    expect(readdirSync(directory)).toEqual([]);
  }, 120_000);

  test("says why another system cannot be measured", () => {
    expect(etcdRefusal("omnikv-no-such-program")).toContain("etcd-server");
  });
});
