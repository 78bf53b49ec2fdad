import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NewFile } from "../../src/machine/host/new-file.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-new-file-"));
  path = join(directory, "file");
});
afterEach(() => rmSync(directory, { recursive: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text);

test("a file has its name when all of it is there, and is its owner's", async () => {
  const file = await NewFile.begin(path, false);
  await file.write(bytes("some"));
  expect(readdirSync(directory)).toEqual(["file.tmp"]);
  await file.write(bytes("thing"));
  await file.finish();
  expect(readdirSync(directory)).toEqual(["file"]);
  expect(readFileSync(path, "utf8")).toBe("something");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("what is given up leaves nothing", async () => {
  const file = await NewFile.begin(path, false);
  await file.write(bytes("some"));
  await file.giveUp();
  expect(readdirSync(directory)).toEqual([]);
});

test("nothing that is there is replaced, also when it came meanwhile", async () => {
  const file = await NewFile.begin(path, false);
  await expect(NewFile.begin(path, false)).rejects.toThrow("file.tmp is there already");
  writeFileSync(path, "somebody's");
  await expect(NewFile.begin(path, false)).rejects.toThrow("exists");
  await expect(file.finish()).rejects.toThrow("exists");
  await file.giveUp();
  expect(readFileSync(path, "utf8")).toBe("somebody's");
  expect(readdirSync(directory)).toEqual(["file"]);
});

test("unless that is wanted, and then what an interrupted attempt has left as well", async () => {
  writeFileSync(path, "old");
  writeFileSync(`${path}.tmp`, "left, and longer than what comes");
  const file = await NewFile.begin(path, true);
  await file.write(bytes("new"));
  expect(readFileSync(path, "utf8")).toBe("old");
  await file.finish();
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(readdirSync(directory)).toEqual(["file"]);
});
