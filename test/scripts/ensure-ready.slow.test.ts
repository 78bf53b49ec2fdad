/** The set-up script in a sandbox: a compiler and an npm that only write down that they were called. */
import { execFile } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const SCRIPT = resolve(import.meta.dirname, "../../scripts/ensure-ready.sh");
const LOCKED = JSON.stringify({ packages: { "": {}, "node_modules/a": { version: "1.0.0" } } });

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "omnikv ready-"));
  mkdirSync(join(root, "scripts"));
  cpSync(SCRIPT, join(root, "scripts/ensure-ready.sh"));
  put("package-lock.json", LOCKED);
  put("tsconfig.json", "{}");
  put("tsconfig.build.json", "{}");
  put("src/index.ts", "");
  put("scripts/build-library.mjs", "");
  put("scripts/build-page.mjs", "");
  put("npm/npm", '#!/bin/sh\necho "npm $*" >>calls\n');
  chmodSync(join(root, "npm/npm"), 0o755);
  compiler("setTimeout(() => log('tsc end'), 200);");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function compiler(body: string): void {
  const log = 'const log = (text) => require("node:fs").appendFileSync("calls", `${text}\\n`);';
  put("node_modules/typescript/bin/tsc", `${log}\nlog("tsc begin");\n${body}\n`);
}

function installed(): void {
  put("node_modules/.package-lock.json", LOCKED);
}

const calls = (): string[] =>
  existsSync(join(root, "calls"))
    ? readFileSync(join(root, "calls"), "utf8").trim().split("\n")
    : [];

function ready(path = process.env["PATH"]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((done) => {
    const env = { ...process.env, PATH: `${join(root, "npm")}:${path}` };
    const script = join(root, "scripts/ensure-ready.sh");
    execFile("/bin/sh", [script], { env, cwd: "/" }, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

describe("making a checkout ready", () => {
  test("installs and builds once, then says nothing", async () => {
    const first = await ready();
    expect(first).toMatchObject({ code: 0, out: "" });
    expect(first.err.trim().split("\n")).toEqual([
      "omnikv: installing dependencies (npm ci) ...",
      "omnikv: building ...",
    ]);
    expect(calls()).toEqual([
      "npm ci --no-audit --no-fund --loglevel=error",
      "tsc begin",
      "tsc end",
    ]);
    expect(await ready()).toEqual({ code: 0, out: "", err: "" });
    expect(calls()).toHaveLength(3);
  });

  test("takes what was installed by hand as it is, unless something is missing", async () => {
    installed();
    await ready();
    expect(calls()).not.toContain("npm ci --no-audit --no-fund --loglevel=error");
    put("package-lock.json", LOCKED.replace("1.0.0", "1.0.1"));
    later("package-lock.json");
    await ready();
    expect(calls()).toContain("npm ci --no-audit --no-fund --loglevel=error");
  });

  test("builds again when a source file is newer", async () => {
    installed();
    await ready();
    later("src/index.ts");
    await ready();
    expect(calls().filter((call) => call === "tsc begin")).toHaveLength(2);
  });

  test("from several terminals at once works one after the other, and once", async () => {
    installed();
    const results = await Promise.all([ready(), ready(), ready(), ready()]);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(calls()).toEqual(["tsc begin", "tsc end"]);
  });

  test("after a build that failed says so, and tries again next time", async () => {
    installed();
    compiler('console.log("src/index.ts: error"); process.exitCode = 2;');
    const { code, out, err } = await ready();
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("src/index.ts: error");
    expect(err).toContain("omnikv: the build failed, see above");
    compiler("");
    expect((await ready()).code).toBe(0);
  });

  test("a page that cannot be bundled is a build that failed", async () => {
    installed();
    put(
      "scripts/build-page.mjs",
      'console.error("main.tsx: no such thing"); process.exitCode = 1;',
    );
    const { code, err } = await ready();
    expect(code).toBe(1);
    expect(err).toContain("main.tsx: no such thing");
    expect(err).toContain("omnikv: the page could not be bundled, see above");
    put("scripts/build-page.mjs", "");
    expect((await ready()).code).toBe(0);
  });

  test("is not stopped by the lock of a process that died", async () => {
    installed();
    put(".omnikv/build.lock/pid", "999999999\n");
    expect((await ready()).code).toBe(0);
    expect(calls()).toEqual(["tsc begin", "tsc end"]);
    expect(existsSync(join(root, ".omnikv/build.lock"))).toBe(false);
  });

  test("names a Node that is too old, or missing", async () => {
    put("old/node", "#!/bin/sh\necho v20.18.3\n");
    chmodSync(join(root, "old/node"), 0o755);
    const old = await ready(`${join(root, "old")}:${process.env["PATH"]}`);
    expect(old.code).toBe(1);
    expect(old.err).toContain("Node 20.19 or newer is needed, this is v20.18.3");
    mkdirSync(join(root, "bare"));
    symlinkSync("/usr/bin/dirname", join(root, "bare/dirname"));
    const missing = await ready(join(root, "bare"));
    expect(missing.code).toBe(1);
    expect(missing.err).toContain("Node.js is not installed");
  });
});

function later(path: string): void {
  const time = new Date(Date.now() + 10_000);
  utimesSync(join(root, path), time, time);
}
