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
  kv: ["base"],
  checker: ["base"],
  scenarios: ["base"],
  config: ["base"],
  ports: ["base", "omnipaxos"],
  wire: ["base", "kv", "omnipaxos"],
  storage: ["base", "ports", "omnipaxos", "wire"],
  links: ["base", "ports", "wire", "omnipaxos"],
  replica: ["base", "ports", "kv", "wire", "omnipaxos", "storage", "links"],
  gateway: ["base", "ports", "kv", "wire", "links", "replica"],
  client: ["base", "ports", "kv", "wire", "links", "scenarios"],
  platform: ["base", "ports", "storage"],
  repl: ["base", "config", "client", "wire", "scenarios"],
  dashboard: ["base", "config", "ports", "wire"],
  page: ["base", "ports", "client", "wire", "links", "scenarios"],
  lab: [
    "base",
    "config",
    "ports",
    "client",
    "api",
    "bench",
    "platform",
    "server",
    "scenarios",
    "wire",
  ],
  node: ["base", "ports", "kv", "wire", "omnipaxos", "storage", "links", "replica", "gateway"],
  sim: [
    "base",
    "ports",
    "kv",
    "wire",
    "omnipaxos",
    "storage",
    "links",
    "replica",
    "gateway",
    "node",
    "client",
    "checker",
  ],
  explore: ["base", "kv", "wire", "omnipaxos", "replica"],
  api: ["base", "client", "platform"],
  bench: ["base", "config", "ports", "client", "api", "platform", "server"],
  server: ["base", "config", "ports", "node", "platform", "dashboard", "wire", "storage"],
  bin: [
    "storage",
    "api",
    "base",
    "bench",
    "lab",
    "scenarios",
    "config",
    "ports",
    "server",
    "client",
    "repl",
    "checker",
    "sim",
    "explore",
    "platform",
    "wire",
  ],
};

/** Only these may touch the machine. */
const MAY_USE_NODE = ["platform", "repl", "dashboard", "server", "bin", "config", "bench", "lab"];
/** Pure functions of node's library that are no I/O. */
const PURE_NODE_MODULES = ["node:crypto"];

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

describe("source tree", () => {
  test("every folder has a place in the import table", () => {
    expect([...new Set(files.map(folderOf))].filter((folder) => !(folder in MAY_IMPORT))).toEqual(
      [],
    );
  });

  test("imports point one way only", () => {
    const wrong: string[] = [];
    for (const file of files) {
      const folder = folderOf(file);
      for (const specifier of importsOf(readFileSync(file, "utf8"))) {
        if (!specifier.startsWith(".")) continue;
        const target = folderOf(resolve(dirname(file), specifier));
        if (target !== folder && !MAY_IMPORT[folder]?.includes(target)) {
          wrong.push(`${relative(ROOT, file)} imports ${specifier}`);
        }
      }
    }
    expect(wrong).toEqual([]);
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
