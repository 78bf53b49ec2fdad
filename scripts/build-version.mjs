/**
 * Builds this program as it was at a commit, once, outside of the checkout, and prints the directory it is in:
 * `node scripts/build-version.mjs COMMIT`. For upgrades and comparisons; the dependencies are those of today. Exit status 3: the
 * commit is not in this history (a shallow clone, a package).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const NOT_IN_HISTORY = 3;

/** @returns its standard output. @throws Error with what it said */
function run(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: ROOT,
    maxBuffer: 1024 ** 3,
    ...options,
  });
  if (status === 0) return stdout;
  const said = error?.message ?? Buffer.concat([stdout, stderr]).toString();
  throw new Error(`${program} ${args.join(" ")}: ${said}`);
}

function commitOf(name) {
  try {
    return run("git", ["rev-parse", "--verify", "--quiet", `${name}^{commit}`])
      .toString()
      .trim();
  } catch {
    return null;
  }
}

/** Anew when the checkout that it was built from is not there any more. */
function linkDependencies(folder) {
  const link = join(folder, "node_modules");
  if (existsSync(link)) return;
  rmSync(link, { force: true });
  symlinkSync(join(ROOT, "node_modules"), link);
}

function build(commit, target) {
  const folder = resolve(target, "..");
  mkdirSync(folder, { recursive: true });
  const beside = mkdtempSync(join(folder, "building-"));
  try {
    run("tar", ["-x", "-C", beside], { input: run("git", ["archive", commit]) });
    linkDependencies(beside);
    run("npm", ["run", "build"], { cwd: beside });
    renameSync(beside, target);
  } catch (error) {
    rmSync(beside, { recursive: true, force: true });
    // Another process may have built it meanwhile.
    if (!existsSync(target)) throw error;
  }
}

const commit = commitOf(process.argv[2] ?? "");
if (commit === null) {
  process.stderr.write(`${process.argv[2] ?? "no commit"} is not in this history\n`);
  process.exitCode = NOT_IN_HISTORY;
} else {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const target = join(cache, "omnikv", "builds", commit);
  if (!existsSync(target)) build(commit, target);
  linkDependencies(target);
  console.log(target);
}
