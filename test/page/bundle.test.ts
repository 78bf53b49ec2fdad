/** The built page: small, whole, and of nothing that its policy forbids. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

const PAGE = resolve(import.meta.dirname, "../../dist/page");
/** Of the script. */
const RAW_BYTES_MAX = 490_000;
const GZIP_BYTES_MAX = 170_000;

const read = (name: string): string => readFileSync(join(PAGE, name), "utf8");

describe("the built page", () => {
  test("is small", () => {
    const script = read("page.js");
    const gzip = gzipSync(script).length;
    console.info(`page.js: ${script.length} bytes, ${gzip} with gzip`);
    expect(script.length).toBeLessThan(RAW_BYTES_MAX);
    expect(gzip).toBeLessThan(GZIP_BYTES_MAX);
    expect(read("page.css").length).toBeLessThan(60_000);
  });

  test("loads nothing but its own script and style", () => {
    const html = read("index.html");
    const loaded = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1]);
    expect(new Set(loaded)).toEqual(new Set(["data:,", "/page.css", "/page.js"]));
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/);
    expect(read("page.css")).not.toMatch(/url\(\s*["']?(?!data:)|@import/);
    // Dynamic imports would be further files.
    expect(read("page.js")).not.toMatch(/\bimport\(/);
  });

  test("asks for nothing of Node.js to prove a secret", () => {
    expect(read("page.js")).not.toMatch(/["`']node:(?!worker_threads)/);
  });

  test("compiles no code at run time, and has no source map", () => {
    const script = read("page.js");
    expect(script).not.toMatch(/\beval\(/);
    expect(script).not.toContain("sourceMappingURL");
    expect(script).not.toMatch(/\bnew Function\(|[^.\w]Function\(/);
  });
});
