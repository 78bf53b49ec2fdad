/** The rules of the source that no linter knows: which folder may import which, and what must not be left behind. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const SRC = join(ROOT, "src");

/** Own folder always; what is not named is forbidden. Arrows never go up (docs/architecture.md). */
const MAY_IMPORT: Record<string, readonly string[]> = {
  omnipaxos: [],
  base: [],
  operations: ["base"],
  kv: ["base", "operations"],
  checker: ["base"],
  scenarios: ["base"],
  config: ["base"],
  ports: ["base"],
  wire: ["base", "kv", "omnipaxos"],
  storage: ["base", "ports", "omnipaxos", "wire"],
  links: ["base", "ports", "wire", "omnipaxos"],
  replica: ["base", "operations", "kv", "wire", "omnipaxos"],
  backup: ["base", "ports", "kv", "wire", "storage"],
  gateway: ["base", "ports", "operations", "kv", "wire", "links", "replica"],
  client: ["base", "ports", "operations", "kv", "wire", "links", "scenarios"],
  platform: ["base", "ports", "storage"],
  repl: ["base", "client", "wire", "scenarios"],
  dashboard: ["wire"],
  page: ["base", "ports", "client", "wire", "scenarios"],
  node: ["base", "ports", "kv", "wire", "omnipaxos", "storage", "links", "replica", "gateway"],
  sim: [
    "base",
    "ports",
    "operations",
    "kv",
    "wire",
    "omnipaxos",
    "storage",
    "links",
    "replica",
    "node",
    "client",
    "checker",
  ],
  explore: ["base", "operations", "kv", "wire", "omnipaxos", "replica"],
  api: ["base", "client", "platform"],
  measure: [
    "base",
    "config",
    "ports",
    "scenarios",
    "kv",
    "wire",
    "storage",
    "replica",
    "client",
    "api",
    "platform",
    "server",
  ],
  proof: [
    "base",
    "config",
    "ports",
    "kv",
    "wire",
    "storage",
    "links",
    "client",
    "api",
    "checker",
    "sim",
    "platform",
    "server",
    "measure",
  ],
  metrics: ["base", "wire", "node"],
  server: ["base", "config", "ports", "node", "platform", "dashboard", "storage", "metrics"],
  adapters: ["base", "client"],
  embed: ["api", "base", "client", "node", "platform", "ports", "server"],
  bin: [
    "api",
    "base",
    "measure",
    "scenarios",
    "config",
    "metrics",
    "server",
    "repl",
    "checker",
    "sim",
    "explore",
    "platform",
    "backup",
  ],
};

/** Only these may touch the machine. */
const MAY_USE_NODE = [
  ...["platform", "repl", "dashboard", "metrics", "server", "bin", "config", "measure", "proof"],
];
/** Pure functions of node's library that are no I/O. */
const PURE_NODE_MODULES = ["node:crypto", "node:events"];

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(directory, file));
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

const files = sourceFiles(SRC);
const folderOf = (file: string): string => relative(SRC, file).split("/")[0] ?? "";

/** Files of src, with those that each imports. */
const imports = new Map(
  files.map((file) => [
    file,
    importsOf(readFileSync(file, "utf8"))
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => resolve(dirname(file), specifier)),
  ]),
);

/** Sets of files that import each other, by however many others; types count. */
function circles(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const reach = new Map<string, Set<string>>();
  for (const file of graph.keys()) {
    const seen = new Set<string>();
    const queue = [...(graph.get(file) ?? [])];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(...(graph.get(next) ?? []));
    }
    reach.set(file, seen);
  }
  return [...graph.keys()]
    .filter((file) => reach.get(file)?.has(file) === true)
    .map((file) => relative(ROOT, file));
}

describe("source tree", () => {
  test("every folder has a place in the import table", () => {
    expect([...new Set(files.map(folderOf))].filter((folder) => !(folder in MAY_IMPORT))).toEqual(
      [],
    );
  });

  test("imports point one way only", () => {
    const wrong: string[] = [];
    for (const [file, targets] of imports) {
      const folder = folderOf(file);
      for (const target of targets) {
        const other = folderOf(target);
        if (other !== folder && !MAY_IMPORT[folder]?.includes(other)) {
          wrong.push(`${relative(ROOT, file)} imports ${relative(ROOT, target)}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test("no permission to import is unused", () => {
    const used = new Map<string, Set<string>>();
    for (const [file, targets] of imports) {
      const folder = folderOf(file);
      for (const target of targets) {
        used.set(folder, (used.get(folder) ?? new Set()).add(folderOf(target)));
      }
    }
    const unused = Object.entries(MAY_IMPORT).flatMap(([folder, may]) =>
      may
        .filter((target) => used.get(folder)?.has(target) !== true)
        .map((to) => `${folder}: ${to}`),
    );
    expect(unused).toEqual([]);
  });

  test("no file imports itself, by however many others", () => {
    expect(circles(imports)).toEqual([]);
  });

  test("docs/architecture.md has the same table", () => {
    const text = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
    const told = new Map<string, string>();
    for (const [, folder = "", may = ""] of text.matchAll(
      /^\| `([a-z]+)` +\|(?:[^|]*\|)*? ([^|]*) \|$/gm,
    )) {
      told.set(folder, may.replaceAll("`", "").trim());
    }
    const known = Object.entries(MAY_IMPORT).map(([folder, may]) => [
      folder,
      may.length === 0 ? "nothing" : may.join(", "),
    ]);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(known));
  });

  test("only the outer folders touch the machine", () => {
    const wrong: string[] = [];
    for (const file of files) {
      if (MAY_USE_NODE.includes(folderOf(file))) continue;
      for (const specifier of importsOf(readFileSync(file, "utf8"))) {
        const machine = specifier.startsWith("node:") && !PURE_NODE_MODULES.includes(specifier);
        if (machine || specifier === "ws")
          wrong.push(`${relative(ROOT, file)} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("omnipaxos is used through its index only", () => {
    const wrong = files.filter(
      (file) =>
        folderOf(file) !== "omnipaxos" &&
        importsOf(readFileSync(file, "utf8")).some(
          (specifier) =>
            /\/omnipaxos\//.test(specifier) && !specifier.endsWith("/omnipaxos/index.ts"),
        ),
    );
    expect(wrong.map((file) => relative(ROOT, file))).toEqual([]);
  });

  test("the page never makes markup of text", () => {
    const ways =
      /dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/;
    const wrong = files.filter(
      (file) => folderOf(file) === "page" && ways.test(readFileSync(file, "utf8")),
    );
    expect(wrong.map((file) => relative(ROOT, file))).toEqual([]);
  });

  test("nothing is left behind", () => {
    const marks = new RegExp(["FIX" + "ME", "TO" + "DO", "X" + "XX", "\\.on" + "ly\\("].join("|"));
    const left = [...files, ...sourceFiles(join(ROOT, "test"))].filter((file) =>
      marks.test(readFileSync(file, "utf8")),
    );
    expect(left.map((file) => relative(ROOT, file))).toEqual([]);
  });
});
