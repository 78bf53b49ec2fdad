/** What `npm pack` makes, as a program finds it that has installed it: in a directory of its own, without a network. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const MODULES = join(ROOT, "node_modules");
const ENTRIES = [
  ...["omnikv", "omnikv/server", "omnikv/omnipaxos", "omnikv/checker", "omnikv/sim"],
  ...["omnikv/keyv", "omnikv/abstract-level", "omnikv/unstorage"],
  ...["omnikv/express-session", "omnikv/node-cron", "omnikv/locks"],
];
/** What a program has that uses the adapters: optional for everybody else. */
const FRAMEWORKS = [
  ...["abstract-level", "express-session", "keyv", "node-cron", "unstorage"],
  ...["@types/express-session", "@types/express", "@types/node", "undici-types"],
];

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}
interface Manifest {
  readonly dependencies: Record<string, string>;
}

let directory = "";
let files: readonly string[] = [];
const installed = (file: string): string => join(directory, "node_modules/omnikv", file);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-package-"));
  // The built program is the present one: global-setup.ts sees to that.
  const args = ["pack", "--json", "--offline", "--ignore-scripts", "--pack-destination", directory];
  const told = execFileSync("npm", args, {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [packed] = JSON.parse(told) as readonly Packed[];
  files = packed?.files.map(({ path }) => path) ?? [];
  mkdirSync(installed(""), { recursive: true });
  const archive = join(directory, packed?.filename ?? "");
  execFileSync("tar", ["-xzf", archive, "--strip-components=1", "-C", installed("")]);
  const { dependencies } = JSON.parse(readFileSync(installed("package.json"), "utf8")) as Manifest;
  for (const name of [...Object.keys(dependencies), ...FRAMEWORKS]) {
    const link = join(directory, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(MODULES, name), link);
  }
  writeFileSync(join(directory, "package.json"), '{ "type": "module" }\n');
}, 300_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function node(...args: readonly string[]): string {
  return execFileSync(process.execPath, args, { cwd: directory, encoding: "utf8" });
}

describe("the package", () => {
  test("has nothing of the build in it, and the source of every source map", () => {
    expect(files).toContain("dist/library/esm/client.js");
    expect(files).toContain("docs/examples/service-registry.mjs");
    expect(files.filter((file) => /(^|\/)\.|\.tsbuildinfo$|^test\/|^scripts\//.test(file))).toEqual(
      [],
    );
    const without = files
      .filter((file) => file.endsWith(".map"))
      .filter((file) => {
        const { sources } = JSON.parse(readFileSync(installed(file), "utf8")) as {
          sources: string[];
        };
        return !sources.every((source) => existsSync(join(dirname(installed(file)), source)));
      });
    expect(without).toEqual([]);
  });

  test("has what its README links to", () => {
    const readme = readFileSync(installed("README.md"), "utf8");
    const links = [...readme.matchAll(/\]\((?![a-z]+:|#)([^)#]+)/g)].map(([, to = ""]) => to);
    expect(links.length).toBeGreaterThan(30);
    expect(links.filter((to) => !existsSync(installed(to)))).toEqual([]);
  });

  test("is imported by each of its names, and required", () => {
    const imports = ENTRIES.map((name) => `import(${JSON.stringify(name)})`).join(", ");
    const text = `console.log((await Promise.all([${imports}])).map((m) => Object.keys(m).length > 0).join())`;
    const all = ENTRIES.map(() => "true").join(",");
    expect(node("--input-type=module", "-e", text).trim()).toBe(all);
    const requires = ENTRIES.map((name) => `require(${JSON.stringify(name)})`).join(", ");
    const required = `console.log([${requires}].map((m) => Object.keys(m).length > 0).join())`;
    expect(node("--no-warnings", "--input-type=commonjs", "-e", required).trim()).toBe(all);
  });

  test("its names share their classes", () => {
    const text = `import { KvClient, KvError } from "omnikv";
       import { startNode } from "omnikv/server";
       const node = await startNode({ dataDir: "shared" });
       const kv = node.client();
       const error = await kv.read(5).catch((error) => error);
       console.log(kv instanceof KvClient, error instanceof KvError, error.code);
       await node.stop();`;
    expect(node("--input-type=module", "-e", text)).toBe("true true BAD_REQUEST\n");
  });

  test("an import of the client reads a few files", () => {
    const read = new Set<string>();
    const queue = ["client.js"];
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (read.has(name)) continue;
      read.add(name);
      const text = readFileSync(installed(`dist/library/esm/${name}`), "utf8");
      // What `import()` loads comes later.
      for (const [, other = ""] of text.matchAll(/\b(?:from|import) ?"\.\/([^"]*)"/g))
        queue.push(other);
    }
    expect(read.size).toBeGreaterThan(1);
    expect(read.size).toBeLessThan(10);
  });

  test("the client loads no native code, nodes do, and neither leaves a trace in the environment", () => {
    const begin = `import { createRequire } from "node:module";
       const before = JSON.stringify(process.env);
       const loaded = (ending) => Object.keys(createRequire(import.meta.url).cache).filter((file) => file.endsWith(ending)).length > 0;
       const tell = () => console.log(loaded("websocket.js"), loaded(".node"), before === JSON.stringify(process.env));`;
    const client = `${begin}
       const { createClient } = await import("omnikv");
       tell();
       await createClient("127.0.0.1:1").read("a").catch(() => {});
       tell();`;
    expect(node("--input-type=module", "-e", client)).toBe("false false true\ntrue false true\n");
    const server = `${begin}
       const { startNode } = await import("omnikv/server");
       const node = await startNode({ dataDir: "native", listen: true, port: 14871, peerPort: 14872 });
       tell();
       console.log((await fetch("http://127.0.0.1:14871/")).status);
       await node.stop();`;
    // The page is found from where the bundle lies.
    expect(node("--input-type=module", "-e", server)).toBe("true true true\n200\n");
  });

  test.each(["esm", "cjs"] as const)("a bundler makes one %s file of a program", async (format) => {
    const program = join(directory, "bundled.ts");
    writeFileSync(
      program,
      `import { createClient } from "omnikv";
       const client = createClient("127.0.0.1:1");
       client.read("a", { timeoutMs: 1 }).catch((error) => console.log(error.name)).then(() => client.close());`,
    );
    const elsewhere = mkdtempSync(join(tmpdir(), "omnikv-bundled-"));
    const file = join(elsewhere, format === "esm" ? "program.mjs" : "program.cjs");
    // What every bundle of modules needs that has packages of CommonJS in it.
    const banner = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;
    await build({
      ...{ entryPoints: [program], outfile: file, format, bundle: true, platform: "node" },
      ...(format === "esm" ? { banner: { js: banner } } : {}),
    });
    expect(execFileSync(process.execPath, [file], { cwd: elsewhere, encoding: "utf8" })).toBe(
      "KvError\n",
    );
    rmSync(elsewhere, { recursive: true });
  });

  test("a program without types is told what is wrong, and lives", () => {
    writeFileSync(
      join(directory, "mistakes.mjs"),
      `import { createClient } from "omnikv";
       const client = createClient("127.0.0.1:1");
       const promise = client.write("a", 5);
       await promise.catch((error) => console.log(error.code, error.message));
       client.close();
       console.log("lives");`,
    );
    expect(node("mistakes.mjs")).toBe(
      "BAD_REQUEST value: expected a string or a Uint8Array, got 5\nlives\n",
    );
  });

  test.each([
    ["node16", "node16"],
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("has its types for module %s, resolution %s", (module, moduleResolution) => {
    writeFileSync(
      join(directory, "typed.ts"),
      `import { createAdminClient, createClient, KvError, type ReadResult } from "omnikv";
       import { OmniPaxos } from "omnikv/omnipaxos";
       import * as checker from "omnikv/checker";
       import * as sim from "omnikv/sim";
       import { startNode, type EmbeddedNode, type NodeEnd } from "omnikv/server";
       const client = createClient(["127.0.0.1:4101", "[::1]:4101"]);
       export const result: Promise<ReadResult> = client.withPrefix("app/").read("a");
       export const text: Promise<string | undefined> = result.then((read) => read.text());
       export const role: Promise<"leader" | "follower"> = createAdminClient("1=127.0.0.1:4101")
         .status(1).then((status) => status.role);
       export const names = [KvError, OmniPaxos, Object.keys(checker), Object.keys(sim)];
       export async function embedded(): Promise<NodeEnd> {
         await using node: EmbeddedNode = await startNode({ dataDir: "data" });
         const kv = node.client();
         await kv.write("a", "b");
         return node.stop();
       }
       // @ts-expect-error an object is no value
       void client.write("a", {});
       // @ts-expect-error there is no such option
       createClient({ nodes: "127.0.0.1:4101", timeout: 5 });`,
    );
    expect(compiled("typed.ts", module, moduleResolution)).toBe("");
  });

  test("its adapters are what the frameworks want, by their types", () => {
    writeFileSync(
      join(directory, "adapted.ts"),
      `/// <reference lib="dom" />
       import type { KvClient } from "omnikv";
       import { Keyv } from "keyv";
       import { KeyvOmnikv } from "omnikv/keyv";
       import { OmnikvLevel } from "omnikv/abstract-level";
       import { createStorage } from "unstorage";
       import { omnikvDriver } from "omnikv/unstorage";
       import session from "express-session";
       import { OmnikvSessionStore } from "omnikv/express-session";
       import cron from "node-cron";
       import { omnikvRunCoordinator } from "omnikv/node-cron";
       import { OmnikvLockManager } from "omnikv/locks";
       export async function adapted(kv: KvClient): Promise<void> {
         new Keyv({ store: new KeyvOmnikv(kv.withPrefix("app/")) });
         const db = new OmnikvLevel<string, { a: number }>(kv, { valueEncoding: "json" });
         await db.put("a", { a: 1 });
         await createStorage({ driver: omnikvDriver({ client: kv }) }).setItem("a", "b");
         session({ store: new OmnikvSessionStore(kv), secret: "s", resave: false, saveUninitialized: false });
         const locks: Pick<LockManager, "request" | "query"> = new OmnikvLockManager(kv);
         await locks.request("a", { mode: "shared" }, (lock) => lock?.name);
         cron.schedule("* * * * *", () => {}, { distributed: true, runCoordinator: omnikvRunCoordinator(kv) });
       }`,
    );
    // unstorage's own types do not hold: they name what only some of its drivers have.
    expect(compiled("adapted.ts", "nodenext", "nodenext", true)).toBe("");
  });
});

/** @returns what the compiler has to say */
function compiled(
  file: string,
  module: string,
  moduleResolution: string,
  skipLibCheck = false,
): string {
  const compilerOptions = {
    module,
    moduleResolution,
    target: "es2023",
    lib: ["es2023"],
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck,
  };
  const config = JSON.stringify({ compilerOptions, files: [file] });
  writeFileSync(join(directory, "tsconfig.json"), config);
  const compiler = join(MODULES, "typescript/bin/tsc");
  const options = { cwd: directory, encoding: "utf8" } as const;
  return spawnSync(process.execPath, [compiler, "-p", "tsconfig.json"], options).stdout;
}
