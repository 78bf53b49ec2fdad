/** A directory that is taken away from under its user. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type NeededFile, watchDirectory } from "../../src/machine/host/directory-watch.ts";
import { wayOut } from "../../src/base/way-out.ts";
import { until } from "../conformance/wait.ts";

let parent = "";
let root = "";
let end: () => void = () => {};
let said: string[] = [];
let needed: NeededFile[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "omnikv-watch-"));
  root = join(parent, "data");
  mkdirSync(join(root, "log"), { recursive: true });
  for (const name of ["identity.json", "memory", "lock", "log/end"]) {
    writeFileSync(join(root, name), "{}");
  }
  said = [];
  needed = [];
});
afterEach(() => {
  end();
  rmSync(parent, { recursive: true });
});

/** Resolves when what is there has been looked at. */
async function watch(): Promise<void> {
  const onGone = (error: Error): void => void said.push(error.message);
  const { dev, ino } = statSync(join(root, "lock"), { bigint: true });
  ({ look, stop: end } = watchDirectory(
    root,
    3,
    [
      { name: "", kind: "directory" },
      { name: "log", kind: "directory" },
      { name: "log/end", kind: "file" },
      { name: "memory", kind: "file" },
      { name: "identity.json", kind: "replaceable" },
      { name: "lock", kind: "lock", identity: `${dev}/${ino}` },
    ],
    onGone,
    () => needed,
    5,
  ));
  await rounds();
}

/** As `watchDirectory` gives it. */
let look: () => Error | null;

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
  ["a file that is held open", "memory", "removed", (): void => rmSync(join(root, "memory"))],
  [
    "a file that is held open is written anew",
    "memory",
    "replaced",
    (): void => {
      writeFileSync(join(root, "new"), "{}");
      renameSync(join(root, "new"), join(root, "memory"));
    },
  ],
  ["the lock is removed", "lock", "removed", (): void => rmSync(join(root, "lock"))],
])("%s: said once", async (_, name, how, change) => {
  await watch();
  change();
  await until(() => said.length > 0);
  await rounds();
  expect(said).toHaveLength(1);
  expect(said[0]).toContain(how);
  expect(said[0]?.startsWith(name === "data" ? `${root} ` : `${join(root, name)} `)).toBe(true);
});

test.each([
  ["is removed", "removed", (path: string): void => rmSync(path)],
  ["is cut short", "cut short", (path: string): void => truncateSync(path, 2)],
  [
    "is replaced by a copy",
    "replaced",
    (path: string): void => {
      cpSync(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
    },
  ],
])("a file that is needed now %s: said once", async (_, how, change) => {
  const path = join(root, "log", "1.log");
  writeFileSync(path, "1234");
  needed = [{ path: "log/1.log", bytes: 3, isOpen: true }];
  await watch();
  change(path);
  await until(() => said.length > 0);
  await rounds();
  expect(said).toHaveLength(1);
  expect(said[0]).toContain(`${path} was ${how}`);
});

test("nothing is said of a file that is needed no longer, or whose copy does as well", async () => {
  for (const name of ["1.log", "2.log"]) writeFileSync(join(root, "log", name), "1234");
  needed = [
    { path: "log/1.log", bytes: 4, isOpen: true },
    { path: "log/2.log", bytes: 4, isOpen: false },
  ];
  await watch();
  needed = needed.slice(1);
  rmSync(join(root, "log/1.log"));
  cpSync(join(root, "log/2.log"), join(root, "log/3.log"));
  renameSync(join(root, "log/3.log"), join(root, "log/2.log"));
  await rounds();
  // Another one with the name of one that is gone is another one.
  writeFileSync(join(root, "log/1.log"), "1234");
  needed = [...needed, { path: "log/1.log", bytes: 4, isOpen: true }];
  await rounds();
  expect(said).toEqual([]);
});

test("each sentence has the way out that fits", async () => {
  const sentences: string[] = [];
  for (const name of ["memory", "log", "lock"]) {
    said = [];
    await watch();
    rmSync(join(root, name), { recursive: true });
    await until(() => said.length > 0);
    sentences.push(said[0]!.replaceAll(root, "DATA"));
    if (name !== "log") writeFileSync(join(root, name), "{}");
    else mkdirSync(join(root, name));
    writeFileSync(join(root, "log/end"), "{}");
  }
  expect(sentences).toEqual([
    "DATA/memory was removed or moved away while this server used it, and a start needs it. Put back the file that was there, " +
      `if it still exists, and start this node again. If it is gone for good: ${wayOut()}`,
    "DATA/log was removed or moved away while this server used it: what it stored since is in no directory that a restart " +
      "would find. Put back the directory that was there, if it still exists, and start this node again. If it is gone for " +
      `good: ${wayOut()}`,
    "DATA/lock was removed or moved away while this server held it. It is what keeps a second server from DATA, so this one " +
      "stops before two write there. Nobody need ever remove it. See that no other server uses the directory, then start this " +
      "node again",
  ]);
});

test("another directory takes its place, between two looks", async () => {
  await watch();
  const other = `${root}-other`;
  cpSync(root, other, { recursive: true });
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

test("who cannot wait for the next look looks now, and is told no more than that", async () => {
  await watch();
  expect(look()).toBe(null);
  end();
  rmSync(root, { recursive: true });
  expect(look()?.message).toContain("was removed or moved away while this server used it");
  expect(said).toEqual([]);
});
