/**
 * The samples of programs in the README and in docs: the compiler takes each of them, with the types of the package as it is built, and
 * what needs nothing but a cluster is run.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNode, type EmbeddedNode } from "../../src/embed/index.ts";
import { freePorts } from "../../src/measure/subjects/places.ts";
import { ROOT } from "./cluster.ts";

/** Parts of the source, which mean nothing by themselves. */
const FRAGMENTS = ["docs/adding-an-operation.md"];
/** What samples speak of and do not make. */
const AROUND = `
import type { GuardedClient, KeyValue, KvClient, KvError } from "omnikv";
declare global {
  const client: KvClient;
  const signal: AbortSignal;
  const onLost: (reason: KvError) => void;
  const log: (text: string) => void;
  const make: (signal: AbortSignal) => Promise<string>;
  const schedule: (given: { signal: AbortSignal; store: GuardedClient }) => Promise<void>;
  const take: (entry: KeyValue) => void;
  const text: string;
  const app: { use(handler: unknown): void };
  const backUp: () => void;
  const secret: string;
  const { createClient }: typeof import("omnikv");
  const { startNode }: typeof import("omnikv/server");
  const { readFileSync }: typeof import("node:fs");
  const { subscribe }: typeof import("node:diagnostics_channel");
}
`;

interface Sample {
  /** The page, and which of its samples. */
  readonly name: string;
  readonly page: string;
  readonly text: string;
}

const PAGES = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
  "src/omnipaxos/README.md",
  "src/proof/checker/README.md",
];
const samples: readonly Sample[] = PAGES.filter((page) => !FRAGMENTS.includes(page)).flatMap(
  (page) =>
    [...readFileSync(join(ROOT, page), "utf8").matchAll(/^```[jt]s\n([\s\S]*?)^```/gm)].map(
      ([, text = ""], i) => ({ name: `${page.replaceAll(/\W/g, "-")}-${i + 1}`, page, text }),
    ),
);

let directory = "";
let node: EmbeddedNode;
let address = "";
beforeAll(async () => {
  // Within the package: "omnikv" is this package by its own name there.
  mkdirSync(join(ROOT, ".omnikv"), { recursive: true });
  directory = mkdtempSync(join(ROOT, ".omnikv/samples-"));
  const [port = 0] = await freePorts(1);
  node = await startNode({ dataDir: join(directory, "data"), listen: true, port });
  await node.ready();
  address = `127.0.0.1:${port}`;
});
afterAll(async () => {
  await node.stop();
  rmSync(directory, { recursive: true, force: true });
});

test("the compiler takes all of them", () => {
  const folder = mkdtempSync(join(directory, "typed-"));
  writeFileSync(join(folder, "around.d.mts"), AROUND);
  for (const { name, text } of samples) {
    // "…" stands for what the reader writes there.
    const program = text.replaceAll("{ … }", "{}");
    writeFileSync(join(folder, `${name}.mts`), `${program}\nexport {};\n`);
  }
  const compilerOptions = {
    ...{ module: "nodenext", moduleResolution: "nodenext", target: "es2023" },
    ...{ lib: ["es2023", "esnext.disposable"], types: ["node"], strict: true, noEmit: true },
    // What subscribers are told has no type in Node.js, and a program in JavaScript takes it apart.
    strictFunctionTypes: false,
    skipLibCheck: true,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [compiler, "-p", "."], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(stdout).toBe("");
  expect(samples.length).toBeGreaterThan(15);
}, 120_000);

/** @returns what the program prints */
async function run(name: string, program: string): Promise<string> {
  const file = join(directory, `${name}.mts`);
  writeFileSync(file, program);
  return new Promise((resolve, reject) => {
    const args = ["--import", "tsx", file];
    const options = { cwd: directory, timeout: 60_000 };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${name}: ${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
  });
}

const sampleWith = (page: string, part: string): string => {
  const found = samples.find((sample) => sample.page === page && sample.text.includes(part));
  if (found === undefined) throw new Error(`${page} has no sample with ${part}`);
  return found.text;
};

test("the README's program runs", async () => {
  const nodes = '["127.0.0.1:4101", "127.0.0.1:4102", "127.0.0.1:4103"]';
  const endless = 'for await (const { events } of client.watch({ prefix: "app/" }))';
  const sample = sampleWith("README.md", "createClient(");
  expect(sample).toContain(nodes);
  expect(sample).toContain(endless);
  const program = sample
    .replace(nodes, JSON.stringify([address]))
    .replace(endless, 'setTimeout(() => app.delete("user"), 50); $&')
    .replace("console.log(events);", "{ console.log(events[0]?.type); break; }");
  const said = await run("readme", program);
  // The key, its value, the revision of the first write, the event.
  expect(said).toContain("{ level: 3 } Uint8Array");
  expect(said).toContain("user Ada");
  expect(said.trimEnd().split("\n").at(-1)).toBe("delete");
}, 90_000);

test("the README's node runs", async () => {
  await run("node", sampleWith("README.md", "startNode("));
}, 90_000);

test("the samples of transactions and of locks run", async () => {
  const begin = `import { createClient } from "omnikv";
    const client = createClient(${JSON.stringify(address)});
    const make = async () => "made";
    await client.write("account/1", "9");\n`;
  const said = await run(
    "others",
    begin +
      ["const result = await", "await client.transact(", "const { succeeded"]
        .map((part) => `{ ${sampleWith("docs/transactions.md", part)} }`)
        .concat(
          `{ ${sampleWith("docs/locks.md", "leases.grant(")} }`,
          `{ ${sampleWith("docs/locks.md", "locks.request(")} console.log(answer); }`,
          `console.log((await client.read("account/1")).text(), (await client.read("report")).text());
           client.close();`,
        )
        .join("\n"),
  );
  // What the atomic write found, the length of what was made, the account, the report.
  expect(said.trimEnd().split("\n").slice(-2)).toEqual(["4", "4 made"]);
}, 90_000);
