/** One process per data directory, however the one before it ended. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DataLock } from "../../src/platform/data-lock.ts";
import { until } from "../conformance/wait.ts";

let root = "";
let directory = "";
const children: ChildProcess[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "omnikv-lock-"));
  directory = join(root, "data");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(root, { recursive: true });
});

/** A process that takes the lock, says whether it got it, and stays. */
async function holder(): Promise<{ child: ChildProcess; said: string }> {
  const module = resolve(import.meta.dirname, "../../src/platform/data-lock.ts");
  const program = `
    import { DataLock } from ${JSON.stringify(module)};
    DataLock.acquire(${JSON.stringify(directory)}).then(
      () => console.log("locked"),
      (error) => console.log(error.code),
    );
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: resolve(import.meta.dirname, "../.."),
  });
  children.push(child);
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  await until(() => said.includes("\n"));
  return { child, said: said.trim() };
}

test("a second holder is refused, by any path; after release it is not", async () => {
  const lock = await DataLock.acquire(directory);
  symlinkSync(directory, join(root, "alias"));
  for (const path of [directory, join(root, "alias")]) {
    await expect(DataLock.acquire(path)).rejects.toMatchObject({
      code: "LOCKED",
      message: expect.stringContaining(`process ${process.pid}`) as string,
    });
  }
  lock.release();
  const again = await DataLock.acquire(directory);
  again.release();
});

test("another process is refused, and kill -9 leaves nothing to clean up", async () => {
  const first = await holder();
  expect(first.said).toBe("locked");
  expect((await holder()).said).toBe("LOCKED");
  await expect(DataLock.acquire(directory)).rejects.toMatchObject({
    code: "LOCKED",
    message: expect.stringContaining(`process ${first.child.pid}`) as string,
  });
  const gone = new Promise((end) => first.child.once("exit", end));
  first.child.kill("SIGKILL");
  await gone;
  const lock = await DataLock.acquire(directory);
  lock.release();
});

test("a lock file left behind means nothing", async () => {
  mkdirSync(directory);
  writeFileSync(join(directory, "lock"), "1\n");
  const lock = await DataLock.acquire(directory);
  expect(readFileSync(join(directory, "lock"), "utf8")).toBe(`${process.pid}\n`);
  lock.release();
});

test("of many who start at once, one wins", async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, () => DataLock.acquire(directory)),
  );
  const locks = results.filter((result) => result.status === "fulfilled");
  expect(locks).toHaveLength(1);
  locks[0]!.value.release();
});
