import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
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

test.each([false, true])(
  "what is no file is not replaced by one, force or not: %s",
  async (force) => {
    execFileSync("mkfifo", [path]);
    const refusal = await NewFile.begin(path, force).catch(String);
    expect(refusal).toContain(`${path} is no regular file`);
    expect(refusal).toContain("- is the standard output");
    expect(refusal).not.toContain("--force");
    expect(statSync(path).isFIFO()).toBe(true);
    symlinkSync(path, `${path}-link`);
    await expect(NewFile.begin(`${path}-link`, force)).rejects.toThrow("is no regular file");
    mkdirSync(`${path}-directory`);
    await expect(NewFile.begin(`${path}-directory`, force)).rejects.toThrow("is a directory");
    symlinkSync("nowhere", `${path}-dangling`);
    await expect(NewFile.begin(`${path}-dangling`, force)).rejects.toThrow("leads to nothing");
    expect(readdirSync(directory)).toHaveLength(4);
  },
);

test("nor when it came meanwhile, nor under the preliminary name", async () => {
  const file = await NewFile.begin(path, true);
  execFileSync("mkfifo", [path]);
  await expect(file.finish()).rejects.toThrow("is no regular file");
  await file.giveUp();
  expect(statSync(path).isFIFO()).toBe(true);
  execFileSync("mkfifo", [`${path}2.tmp`]);
  await expect(NewFile.begin(`${path}2`, true)).rejects.toThrow("file2.tmp is no regular file");
});

test("a link to the file that is replaced goes on leading to it", async () => {
  const link = join(directory, "link");
  writeFileSync(path, "old");
  symlinkSync(path, link);
  const file = await NewFile.begin(link, true);
  await file.write(bytes("new"));
  await file.finish();
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(readdirSync(directory).toSorted()).toEqual(["file", "link"]);
});

test("a directory that is not there is named, and so is what a name lacks", async () => {
  const missing = join(directory, "missing");
  for (const name of [join(missing, "file"), `${missing}/`]) {
    await expect(NewFile.begin(name, false)).rejects.toThrow(/there is no directory .*missing/);
  }
  writeFileSync(path, "a file");
  await expect(NewFile.begin(join(path, "in-it"), true)).rejects.toThrow(
    `there is no directory ${path}`,
  );
  await expect(NewFile.begin("", false)).rejects.toThrow("the file has no name");
});
