/** `omnikv sim` as a process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { planOf, runSeed } from "../../../src/proof/simulator/index.ts";
import { runOmnikv, type Ended } from "../run-omnikv.ts";

const sim = (...args: readonly string[]): Promise<Ended> => runOmnikv("sim", ...args);

/** Three that are soon over, the first of three nodes. */
const FROM = 8049;

describe("omnikv sim", { timeout: 120_000 }, () => {
  test("says how many runs, how fast, and what was hit", async () => {
    const { status, out, err } = await sim("--seeds", "3", "--from", String(FROM), "--coverage");
    expect(err).toContain("seeds 8049 to 8051, 1 at a time");
    expect(out).toMatch(/^3 runs in [\d.]+ s \([\d.]+\/s\): .* 0 failures$/m);
    expect(out).toMatch(/^sent\n(?: {2} *\d+ \w+\n)* {2} *\d+ acceptDecide\n/m);
    expect(out).toMatch(/^never hit: \d+\n {2}\S/m);
    expect(status).toBe(0);
  });

  test("in two processes runs each seed once", async () => {
    const { status, out } = await sim(...`--seeds 3 --from ${FROM} --jobs 2 --json`.split(" "));
    const { done, from, failed, steps } = JSON.parse(out) as Record<string, unknown>;
    expect({ done, from, failed }).toEqual({ done: 3, from: FROM, failed: [] });
    const alone = Array.from({ length: 3 }, (_, i) => runSeed({ seed: FROM + i }).steps);
    expect(steps).toBe(alone.reduce((sum, each) => sum + each, 0));
    expect(status).toBe(0);
  });

  test("replays a seed with its hash, and with some of its faults", async () => {
    const seed = FROM;
    const whole = await sim("--replay", String(seed));
    expect(whole.out).toContain(`trace ${runSeed({ seed }).hash}`);
    expect(whole.out).toContain("nothing is wrong");
    const none = await sim("--replay", String(seed), "--faults", "", "--print");
    expect(none.out).toContain(
      `trace ${runSeed({ seed, plan: { ...planOf(seed), faults: [], mistakes: [] } }).hash}`,
    );
    expect(none.out).toMatch(/n1 > n2 +.*prepare/);
    const plan = await sim("--replay", String(seed), "--plan");
    expect(JSON.parse(plan.out)).toEqual(planOf(seed));
  });

  test("writes what clients saw, for the checker", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "omnikv-sim-")), "history.jsonl");
    onTestFinished(() => rmSync(dirname(file), { recursive: true, force: true }));
    const { status } = await sim("--replay", String(FROM), "--history", file);
    expect(status).toBe(0);
    const checked = await runOmnikv("check", file);
    expect(checked.out).toMatch(/: linearizable \(\d+ operations on \d+ keys/);
    expect(checked.status).toBe(0);
    const nowhere = await sim("--replay", String(FROM), "--history", join(file, "x"));
    expect(nowhere.err).toContain(`--history: ${join(file, "x")}: ENOTDIR`);
    expect(nowhere.status).toBe(2);
  });

  test("refuses what is no number, naming the flag", async () => {
    const { status, err } = await sim("--seeds", "many");
    expect(err).toContain('--seeds: expected an integer from 1, got "many"');
    expect(status).toBe(2);
  });
});
