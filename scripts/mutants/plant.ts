/** A copy of the source with one bug in it, and what finds the bug there. */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Mutant } from "./mutant.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const COPIED = ["src", "test", "package.json", "tsconfig.json", ".prettierrc"];
const TESTS_CONFIG = `import { defineConfig } from "vitest/config";
export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: 60000 } });
`;

export interface Finding {
  readonly found: boolean;
  /** Which check, in its words. */
  readonly check: string;
  /** Null: found by a test. */
  readonly seed: string | null;
  /** Runs of the simulator until it was found. */
  readonly runs: number | null;
  readonly seconds: number;
}

export interface HuntOptions {
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
}

/** @throws when a patch does not fit the source any more */
export function hunt(mutant: Mutant, options: HuntOptions): Promise<Finding> {
  const { by } = mutant;
  return huntBy(mutant, (directory) =>
    by === "sim" || by === "mistakes"
      ? simulate(directory, options, by === "mistakes" ? ["--mistakes"] : [])
      : test(directory, by),
  );
}

/**
 * By `omnikv explore`, with the mutant's own options.
 * @throws when a patch does not fit the source any more
 */
export function huntByExplore(mutant: Mutant): Promise<Finding> {
  const args = mutant.explore;
  if (args === undefined) throw new Error(`${mutant.name}: nothing to explore`);
  return huntBy(mutant, (directory) => explore(directory, args));
}

async function huntBy(
  mutant: Mutant,
  look: (directory: string) => Promise<Result>,
): Promise<Finding> {
  const directory = mkdtempSync(join(tmpdir(), "omnikv-mutant-"));
  try {
    for (const name of COPIED) cpSync(join(ROOT, name), join(directory, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
    for (const { file, find, replace } of mutant.patches) {
      const path = join(directory, file);
      const text = readFileSync(path, "utf8");
      const places = text.split(find).length - 1;
      if (places !== 1)
        throw new Error(`${mutant.name}: its text stands ${places} times in ${file}`);
      writeFileSync(
        path,
        text.replace(find, () => replace),
      );
    }
    const started = performance.now();
    const result = await look(directory);
    return { ...result, seconds: (performance.now() - started) / 1000 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

type Result = Omit<Finding, "seconds">;

async function simulate(
  directory: string,
  { seeds, from, jobs }: HuntOptions,
  flags: readonly string[],
): Promise<Result> {
  const args = ["--import", "tsx", "src/bin/omnikv.ts", "sim", "--json", "--stop", ...flags];
  args.push("--seeds", String(seeds), "--from", String(from), "--jobs", String(jobs));
  const { code, out, err } = await run(directory, args);
  if (code !== 0 && code !== 1)
    return { found: true, check: lastLine(err), seed: null, runs: null };
  const { done, failed } = JSON.parse(out) as {
    done: number;
    failed: { seed: string; phase: string; message: string }[];
  };
  const [first] = failed;
  if (first === undefined) return { found: false, check: "", seed: null, runs: done };
  const { seed, phase, message } = first;
  return { found: true, check: `${phase}: ${message}`, seed, runs: Number(seed) - from + 1 };
}

async function explore(directory: string, options: string): Promise<Result> {
  const args = ["--import", "tsx", "src/bin/omnikv.ts", "explore", ...options.split(" ")];
  const { code, out, err } = await run(directory, args);
  if (code !== 0 && code !== 1) throw new Error(`explore ended with ${code}: ${lastLine(err)}`);
  const check = lastLine(out).replace(/^WRONG: /, "");
  return { found: code === 1, check, seed: null, runs: null };
}

async function test(directory: string, files: readonly string[]): Promise<Result> {
  writeFileSync(join(directory, "vitest.config.ts"), TESTS_CONFIG);
  const vitest = join("node_modules", "vitest", "vitest.mjs");
  const { code, out } = await run(directory, [
    vitest,
    "run",
    // Where tests repeat themselves, with all repetitions.
    "--mode=long",
    "--reporter=json",
    "--bail=1",
    ...files,
  ]);
  if (code === 0) return { found: false, check: files.join(", "), seed: null, runs: null };
  const { testResults } = JSON.parse(out.slice(out.indexOf("{"))) as {
    testResults: { name: string; assertionResults: { status: string; fullName: string }[] }[];
  };
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === "failed");
    if (failed === undefined) continue;
    const file = name.slice(name.indexOf("test/"));
    return { found: true, check: `${file}: ${failed.fullName}`, seed: null, runs: null };
  }
  throw new Error(`vitest failed, and no test did: ${out.slice(0, 500)}`);
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

function run(
  cwd: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    child.on("error", failed);
    child.on("close", (code) => done({ code, out, err }));
  });
}
