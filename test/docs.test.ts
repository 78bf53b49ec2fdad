/** What docs and comments claim is what the tree says: error codes, in both directions, and names of files and commands. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../src/base/errors.ts";
import manifest from "../package.json" with { type: "json" };

const ROOT = join(import.meta.dirname, "..");
const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const filesIn = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(md|tsx?|mjs)$/.test(name))
    .map((name) => join(folder, name));
const files = [
  ...["src", "test", "scripts", "docs"].flatMap(filesIn),
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
];
const pages = files.filter((file) => file.endsWith(".md"));

test("the README's table of errors is the table of errors", () => {
  const readme = textOf("README.md");
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` +\| (yes|no) +\| (yes|no) +\|/gm)];
  const documented = rows.map(([, code, definite, retry]) => ({
    code,
    definite: definite === "yes",
    retryable: retry === "yes",
  }));
  const actual = Object.entries(ERRORS).map(([code, { definite, retryable }]) => ({
    code,
    definite,
    retryable,
  }));
  expect(documented).toEqual(actual);
});

test("what programs import says in its first comment by which name: the reference has it under that", () => {
  const doors = Object.entries(manifest.exports).flatMap(([path, target]) =>
    typeof target === "string" ? [] : [{ name: `omnikv${path.slice(1)}`, types: target.types }],
  );
  const named = doors.map(({ types }) => {
    const source = textOf(types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts"));
    return /^\/\*\*\n \* [A-Z](?:(?!\*\/)[^])*? \* @module (\S+)\n \*\/\n/.exec(source)?.[1];
  });
  expect(named).toEqual(doors.map(({ name }) => name));
});

/** Pages that lead through the source. */
const WALKS = [
  "CONTRIBUTING.md",
  "docs/adding-an-operation.md",
  "docs/adding-to-omnikv.md",
  "docs/architecture.md",
];

describe("docs and comments name what there is", () => {
  /** This test makes a tree of its own. */
  const ELSEWHERE = "test/scripts/ensure-ready.slow.test.ts";

  test("files and folders", () => {
    const path = /(?<![\w/.-])(?:src|test|scripts|docs)\/[\w./-]*\w/g;
    const missing = files
      .filter((file) => file !== ELSEWHERE)
      .flatMap((file) =>
        [...textOf(file).matchAll(path)]
          .filter(([name]) => !existsSync(join(ROOT, name)))
          .map(([name]) => `${file}: ${name}`),
      );
    expect(missing).toEqual([]);
  });

  test("files that are named without the folder that they are in", () => {
    const name = /`((?:[\w-]+\/)*[\w-]+(?:\.[\w-]+)*\.tsx?)`/g;
    const places = files.map((file) => `/${file}`);
    const missing = [...pages.filter((page) => page.startsWith("src/")), ...WALKS].flatMap((page) =>
      [...textOf(page).matchAll(name)]
        .filter(([, file = ""]) => !places.some((place) => place.endsWith(`/${file}`)))
        .map(([, file = ""]) => `${page}: ${file}`),
    );
    expect(missing).toEqual([]);
  });

  /** As browsers are given them for a heading. */
  function anchors(page: string): ReadonlySet<string> {
    const slug = (heading: string): string =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, "")
        .replaceAll(" ", "-");
    return new Set([...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) => slug(text)));
  }

  test("links between pages, and to headings of them", () => {
    const dead: string[] = [];
    for (const page of pages) {
      const links = textOf(page).matchAll(/\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)/g);
      for (const [, path = "", part] of links) {
        const target = path === "" ? page : join(dirname(page), path);
        const hasPart = part === undefined || !target.endsWith(".md") || anchors(target).has(part);
        if (!existsSync(join(ROOT, target)) || !hasPart) {
          dead.push(`${page}: ${path}${part === undefined ? "" : `#${part}`}`);
        }
      }
    }
    expect(dead).toEqual([]);
  });

  test("links of the pages in the package lead to files in the package", () => {
    const pack = ["pack", "--dry-run", "--json", "--ignore-scripts"];
    const said = execFileSync("npm", pack, { cwd: ROOT, encoding: "utf8", stdio: "pipe" });
    const [packed] = JSON.parse(said) as [{ files: { path: string }[] }];
    const shipped = packed.files.map(({ path }) => path);
    const places = new Set(shipped);
    // Of a folder a reader sees what is in it.
    for (const path of shipped) for (let at = path; at !== "."; at = dirname(at)) places.add(at);
    const missing = pages
      .filter((page) => places.has(page))
      .flatMap((page) =>
        [...textOf(page).matchAll(/\]\((?![a-z]+:)([^)#\s]+)(?:#[^)\s]+)?\)/g)]
          .map(([, path = ""]) => join(dirname(page), path).replace(/\/$/, ""))
          .filter((target) => !places.has(target))
          .map((target) => `${page}: ${target}`),
      );
    expect(places.size).toBeGreaterThan(1000);
    expect(missing).toEqual([]);
  }, 60_000);

  test("scripts of package.json", () => {
    const unknown = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\bnpm run ([a-z][a-z:-]*[a-z])/g)]
        .filter(([, name = ""]) => !(name in manifest.scripts))
        .map(([, name = ""]) => `${page}: npm run ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  test("no folder by the name that it had before there were rooms", () => {
    const former = /(?<![\w/.@-])(?:kv|wire|platform|repl)\/[a-z]/;
    expect(files.filter((file) => former.test(textOf(file)))).toEqual([]);
  });
});
