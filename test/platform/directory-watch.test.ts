/** A directory that is taken away from under its user. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchDirectory } from "../../src/platform/directory-watch.ts";
import { until } from "../conformance/wait.ts";

let parent = "";
let root = "";
let end: () => void = () => {};
let said: string[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "omnikv-watch-"));
  root = join(parent, "data");
  mkdirSync(join(root, "log"), { recursive: true });
  writeFileSync(join(root, "identity.json"), "{}");
  said = [];
});
afterEach(() => {
  end();
  rmSync(parent, { recursive: true });
});

/** Resolves when what is there has been looked at. */
async function watch(): Promise<void> {
  const onGone = (error: Error): void => void said.push(error.message);
  end = watchDirectory(root, ["log"], ["identity.json"], onGone, 5);
  await rounds();
}

const rounds = (): Promise<void> => new Promise((done) => setTimeout(done, 60));

test.each([
  ["the directory is removed", "data", "removed", (): void => rmSync(root, { recursive: true })],
  ["it is moved away", "data", "removed", (): void => renameSync(root, `${root}-2`)],
  [
    "a directory in it is removed",
    "log",
    "removed",
    (): void => rmSync(join(root, "log"), { recursive: true }),
  ],
  [
    "a file in it is removed",
    "identity.json",
    "removed",
    (): void => rmSync(join(root, "identity.json")),
  ],
])("%s: said once", async (_, name, how, change) => {
  await watch();
  change();
  await until(() => said.length > 0);
  await rounds();
  expect(said).toHaveLength(1);
  expect(said[0]).toContain(how);
  expect(said[0]).toContain(name);
});

test("another directory takes its place, between two looks", async () => {
  await watch();
  const other = `${root}-other`;
  mkdirSync(join(other, "log"), { recursive: true });
  writeFileSync(join(other, "identity.json"), "{}");
  renameSync(root, `${root}-2`);
  renameSync(other, root);
  await until(() => said.length > 0);
  await rounds();
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/was (replaced by another one|removed or moved away)/);
});

test("nothing is said of files that come and go, nor after the end", async () => {
  await watch();
  writeFileSync(join(root, "log", "00000002.log"), "");
  writeFileSync(join(root, "identity.json.new"), "{}");
  renameSync(join(root, "identity.json.new"), join(root, "identity.json"));
  rmSync(join(root, "log", "00000002.log"));
  await rounds();
  end();
  rmSync(root, { recursive: true });
  await rounds();
  expect(said).toEqual([]);
});
