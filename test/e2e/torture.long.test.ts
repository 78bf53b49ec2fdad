/** A short run of scripts/torture.ts: kills, pauses, broken links and, where possible, cut packets under load. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "./cluster.ts";

function run(name: string, args: readonly string[]): { status: number | null; output: string } {
  const script = join(ROOT, "scripts", name);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", script, ...args],
    {
      cwd: ROOT,
      encoding: "utf8",
      timeout: 150_000,
    },
  );
  return { status, output: stdout + stderr };
}

const torture = (...args: string[]) => run("torture.ts", args);

describe("torture", () => {
  test("three nodes, twelve seconds of faults: nothing lost, all linearizable", () => {
    const { status, output } = torture("--seconds", "12");
    expect(output).toContain("no violation, nothing lost");
    expect(output).toMatch(/^strictly serializable: \d{2,} transactions and ranges/m);
    expect(status).toBe(0);
  }, 160_000);

  test("transactions, ranges and old revisions under compaction, many of them", () => {
    const { status, output } = torture("--seconds", "12", "--clients", "1", "--store", "8");
    expect(output).toMatch(/^[1-9]\d* transfers, [1-9]\d* numbers, [1-9]\d* changes/m);
    expect(output).toMatch(/^strictly serializable: \d{2,} transactions and ranges/m);
    expect(output).toContain("no violation, nothing lost");
    expect(status).toBe(0);
  }, 160_000);

  test("locks, leases and watches of processes that are stopped and killed too", () => {
    const { status, output } = run("torture-locks.ts", ["--seconds", "15", "--kills", "2"]);
    expect(output).toContain("no violation");
    expect(status).toBe(0);
  }, 160_000);

  test("five nodes in network namespaces, or a reason why not", () => {
    const { status, output } = torture("--nodes", "5", "--seconds", "10", "--namespaces");
    expect(output).toMatch(/no violation, nothing lost|skipped: no network namespaces/);
    expect(status).toBe(0);
  }, 160_000);
});
