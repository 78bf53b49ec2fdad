/** Every name that programs import says what it is: a comment at the name, and at each method that it has. */
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

/** The source of each entry of package.json that has types. */
function entries(): readonly string[] {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    exports: Record<string, { types?: string } | string>;
  };
  return Object.values(exports).flatMap((entry) =>
    typeof entry === "string" || entry.types === undefined
      ? []
      : [entry.types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts")],
  );
}

interface Source {
  readonly path: string;
  readonly lines: readonly string[];
}

const sources = new Map<string, Source>();
function sourceOf(path: string): Source {
  const known = sources.get(path);
  if (known !== undefined) return known;
  const source = { path, lines: readFileSync(path, "utf8").split("\n") };
  sources.set(path, source);
  return source;
}

const EXPORT_FROM = /^export (?:type )?(\*|\{[^}]*\})(?: as \w+)? from "(\.[^"]+)";/gm;
const DECLARED =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type|const|enum) (\w+)/;

/** Where each name is declared that a file offers, by its name there. */
function declarationsOf(path: string): Map<string, { source: Source; line: number }> {
  const source = sourceOf(path);
  const found = new Map<string, { source: Source; line: number }>();
  source.lines.forEach((text, line) => {
    const name = DECLARED.exec(text)?.[1];
    // Of overloads the first one.
    if (name !== undefined && !found.has(name)) found.set(name, { source, line });
  });
  for (const [, what = "", from = ""] of source.lines.join("\n").matchAll(EXPORT_FROM)) {
    const there = declarationsOf(resolve(dirname(path), from));
    if (what === "*") {
      for (const [name, at] of there) found.set(name, at);
      continue;
    }
    for (const part of what.slice(1, -1).split(",")) {
      const [name = "", as = name] = part
        .trim()
        .replace(/^type /, "")
        .split(" as ");
      const at = there.get(name);
      if (at !== undefined) found.set(as, at);
    }
  }
  return found;
}

/** Parameters alone say nothing of the name. */
function isCommented({ lines }: Source, line: number): boolean {
  if (lines[line - 1]?.trimEnd().endsWith("*/") !== true) return false;
  const begin = lines.slice(0, line).findLastIndex((text) => text.trimStart().startsWith("/**"));
  const text = lines.slice(begin, line).join(" ");
  return /^\s*\/\*\*[\s*]*(?!@param)[^\s*]/.test(text);
}

/** Methods, properties with accessors and functions of an interface or a class, without a comment. */
function membersWithout(source: Source, from: number): readonly string[] {
  const head = source.lines[from] ?? "";
  if (!/\b(?:class|interface) \w+/.test(head) || /\{\s*\}$/.test(head)) return [];
  const end = source.lines.findIndex((text, line) => line > from && text.startsWith("}"));
  const names = new Set<string>();
  const commented = new Set<string>();
  const bare: string[] = [];
  for (let line = from + 1; line < end; line++) {
    const text = source.lines[line] ?? "";
    if (/^ {2}(?:private|protected|#|\[|override|constructor)/.test(text)) continue;
    const name = /^ {2}(?:static |async |abstract |readonly |get |\*)*(\w+)(?:<[^(]*>)?\??\(/.exec(
      text,
    )?.[1];
    if (name === undefined) {
      const called = /^ {2,6}readonly (\w+)\??: \(.*=>/.exec(text)?.[1];
      if (called !== undefined && !isCommented(source, line)) bare.push(called);
      continue;
    }
    names.add(name);
    if (isCommented(source, line)) commented.add(name);
    else if (/^ {2}\w.*;$/.test(text)) bare.push(name); // An overload: each is shown by itself.
  }
  return [...new Set([...bare, ...[...names].filter((name) => !commented.has(name))])];
}

test.each(entries())("every name of %s has a comment", (entry) => {
  const declarations = declarationsOf(join(ROOT, entry));
  expect(declarations.size).toBeGreaterThan(0);
  const without = [...declarations].flatMap(([name, { source, line }]) => {
    const at = relative(ROOT, source.path);
    const members = membersWithout(source, line).map((member) => `${at}: ${name}.${member}`);
    return isCommented(source, line) ? members : [`${at}: ${name}`, ...members];
  });
  expect(without).toEqual([]);
});
