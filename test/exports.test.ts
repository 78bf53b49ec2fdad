/**
 * What is exported is used by somebody: another file of src, a test or a script, or whoever imports the package. A type may
 * also be exported because what its own file exports speaks of it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";
import manifest from "../package.json" with { type: "json" };

const ROOT = join(import.meta.dirname, "..");
const CLAUSE = /^(import|export)\s+(type\s+)?(\*(?: as \w+)?|\w+|\{[^}]*\})\s+from\s+"([^"]+)"/gm;
const LAZY = /\bimport\(\s*"([^"]+)"\s*\)/g;
const DECLARED =
  /^export (?:declare )?(?:abstract )?(?:async )?(const|function\*?|class|interface|type) (\w+)/gm;
const TYPES = ["interface", "type", "class"];
const EVERYTHING = "*";

const filesIn = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(tsx?|mjs)$/.test(name))
    .map((name) => join(ROOT, folder, name));

/** Of `{ a, type b as c }`: the names on the side of the file that is imported from, and on the other one. */
function namesIn(clause: string): readonly { readonly from: string; readonly to: string }[] {
  if (!clause.startsWith("{")) return [{ from: EVERYTHING, to: EVERYTHING }];
  return clause
    .slice(1, -1)
    .split(",")
    .map((name) => name.trim().replace(/^type /, ""))
    .filter((name) => name !== "")
    .map((name) => {
      const [from = "", to = from] = name.split(" as ");
      return { from, to };
    });
}

/** What a program may import is for it to use; and the build of the page puts one file into all others. */
const doors = new Set(
  Object.values(manifest.exports)
    .flatMap((target) => (typeof target === "string" ? [] : [target.types]))
    .map((built) => built.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts"))
    .concat("src/page/browser/buffer.ts")
    .map((file) => join(ROOT, file)),
);

test("nobody exports what nobody imports", () => {
  const used = new Map<string, Set<string>>();
  const exported: { readonly file: string; readonly name: string }[] = [];
  const use = (file: string, name: string): unknown =>
    used.set(file, (used.get(file) ?? new Set()).add(name));
  for (const file of ["src", "test", "scripts"].flatMap(filesIn)) {
    const text = readFileSync(file, "utf8");
    const isSource = file.startsWith(join(ROOT, "src/"));
    for (const [, kind = "", name = ""] of isSource ? text.matchAll(DECLARED) : []) {
      const isSpokenOf = [...text.matchAll(new RegExp(`\\b${name}\\b`, "g"))].length > 1;
      if (!TYPES.includes(kind) || !isSpokenOf) exported.push({ file, name });
    }
    for (const [, word, , clause = "", specifier = ""] of text.matchAll(CLAUSE)) {
      for (const { from, to } of namesIn(clause)) {
        use(resolve(dirname(file), specifier), from);
        if (word === "export" && isSource && to !== EVERYTHING) exported.push({ file, name: to });
      }
    }
    for (const [, specifier = ""] of text.matchAll(LAZY)) {
      use(resolve(dirname(file), specifier), EVERYTHING);
    }
  }
  const isUsed = (file: string, name: string): boolean =>
    used.get(file)?.has(name) === true || used.get(file)?.has(EVERYTHING) === true;
  const idle = exported.filter(({ file, name }) => !doors.has(file) && !isUsed(file, name));
  expect(idle.map(({ file, name }) => `${relative(ROOT, file)}: ${name}`)).toEqual([]);
  expect([...doors].filter((door) => !existsSync(door))).toEqual([]);
});
