/** `omnikv bench` with real servers: that it works and cleans up, not how fast it is. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Measurement } from "../../src/measure/reports/measurement.ts";
import { OmnikvCluster } from "../../src/measure/subjects/omnikv-cluster.ts";

const OMNIKV = resolve(import.meta.dirname, "../../dist/bin/omnikv.js");
const directory = mkdtempSync(join(tmpdir(), "omnikv-test-bench-"));
const QUICK = ["--duration", "300ms", "--warm-up", "50ms", "--keys", "50"];

afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function bench(args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [OMNIKV, "bench", ...args]);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => (stdout += String(data)));
  child.stderr.on("data", (data) => (stderr += String(data)));
  return new Promise((ended) => {
    child.once("close", (status) => ended({ status, stdout, stderr }));
  });
}

describe("omnikv bench", () => {
  test.skipIf(spawnSync("openssl", ["version"]).status !== 0)(
    "--tls measures two clusters side by side, and shows ratios (needs openssl)",
    async () => {
      const { status, stdout, stderr } = await bench([
        ...QUICK,
        ...["--tls", "--operations", "put", "--concurrency", "4", "--size", "1"],
        ...["--data-dir", join(directory, "data")],
      ]);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(stdout).toMatch(/omnikv with TLS, as ratios to omnikv;.*\n.*\nput +4 +\d+\.\d\d/);
      expect(readdirSync(join(directory, "data"))).toEqual([]);
    },
    60_000,
  );

  test("measures all operations on a cluster of its own, as JSON, and leaves nothing behind", async () => {
    const data = join(directory, "data");
    const file = join(directory, "saved.json");
    const { status, stdout, stderr } = await bench([
      ...QUICK,
      ...["--concurrency", "1,8", "--generators", "2"],
      ...["--data-dir", data, "--json", "--save", file],
    ]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const report = JSON.parse(stdout) as { readonly measurements: readonly Measurement[] };
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(report);
    const rows = report.measurements;
    expect(rows.map(({ operation, concurrency }) => `${operation} ${concurrency}`)).toEqual(
      ["put", "get", "local", "mix"].flatMap((operation) => [`${operation} 1`, `${operation} 8`]),
    );
    for (const { completed, errors, latency, servers, client, valueBytes } of rows) {
      expect(completed).toBeGreaterThan(0);
      expect(errors).toEqual({});
      expect(valueBytes).toBe(100);
      expect(latency.p50Us).toBeGreaterThan(0);
      expect(latency.p50Us).toBeLessThanOrEqual(latency.p99Us);
      expect(latency.p99Us).toBeLessThanOrEqual(latency.maxUs);
      if (process.platform !== "linux") continue;
      expect(servers?.length).toBe(3);
      expect(client?.peakRssBytes).toBeGreaterThan(2 ** 20);
    }
    expect(existsSync(data) ? readdirSync(data) : []).toEqual([]);
  });

  test("measures a running cluster, all load on the leader, as a table", async () => {
    const cluster = await OmnikvCluster.start({ size: 1, parent: directory });
    try {
      const [node] = cluster.nodes;
      const { status, stdout, stderr } = await bench([
        ...QUICK,
        ...["--nodes", `1=${node!.host}:${node!.port}`, "--placement", "leader"],
        ...["--operations", "put,mix", "--concurrency", "4", "--value-bytes", "10,1000"],
      ]);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(stdout.match(/^put /gm)?.length).toBe(2);
      expect(stdout.match(/^mix /gm)?.length).toBe(2);
      expect(stdout).toContain("values of 1000 bytes, 50 keys, placement leader");
    } finally {
      await cluster.remove();
    }
  });

  test.each([
    [["--operations", "put,fly"], "--operations: expected put, get, local, mix"],
    [["--concurrency", "0"], "--concurrency: expected an integer from 1"],
    [["--size", "2"], "--size: expected 1, 3, 5 or 7"],
    [["--placement", "moon"], "--placement: expected spread, leader, any"],
    [["--duration", "soon"], "--duration"],
    [["--nodes", "1=127.0.0.1:1", "--data-dir", "x"], "--data-dir is for a throw-away cluster"],
  ] as const)("refuses %j and says why", async (args, text) => {
    const { status, stdout, stderr } = await bench(args);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(text);
  });
});
