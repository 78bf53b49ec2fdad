/** What the README claims about error codes is what the code says, in both directions; and links lead somewhere. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { ERRORS } from "../src/base/errors.ts";

test("the README's table of errors is the table of errors", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
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

const ROOT = resolve(import.meta.dirname, "..");

/** As browsers are given them for a heading. */
function anchors(page: string): ReadonlySet<string> {
  const headings = readFileSync(page, "utf8").matchAll(/^#+ (.+)$/gm);
  const slug = (heading: string): string =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-");
  return new Set([...headings].map(([, heading = ""]) => slug(heading)));
}

test("every link of a document leads to a file, and to a heading of it", () => {
  const listed = execFileSync("git", ["ls-files", "*.md"], { cwd: ROOT, encoding: "utf8" });
  const dead: string[] = [];
  for (const page of listed.trim().split("\n")) {
    const text = readFileSync(join(ROOT, page), "utf8");
    for (const [, path = "", part] of text.matchAll(
      /\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)/g,
    )) {
      const target = path === "" ? join(ROOT, page) : join(ROOT, dirname(page), path);
      const isThere =
        existsSync(target) &&
        (part === undefined || !target.endsWith(".md") || anchors(target).has(part));
      if (!isThere) dead.push(`${page}: ${path}${part === undefined ? "" : `#${part}`}`);
    }
  }
  expect(dead).toEqual([]);
});
