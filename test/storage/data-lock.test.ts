/** One process per data directory, however the one before it ended. */
import { spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DataLock } from "../../src/machine/host/data-lock.ts";
import { DataLocks } from "../../src/machine/host/data-locks.ts";
import { LockStamp } from "../../src/machine/host/lock-stamp.ts";
import { makePrivateDirectory, openPrivateLog } from "../../src/machine/host/private-files.ts";
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
async function holder(
  env = process.env,
): Promise<{ child: ChildProcess; said: string; now: () => string }> {
  const module = resolve(import.meta.dirname, "../../src/machine/host/data-lock.ts");
  const program = `
    import { DataLock } from ${JSON.stringify(module)};
    const onTaken = (error) => console.log(error.message);
    DataLock.acquire(${JSON.stringify(directory)}, { onTaken }).then(
      () => console.log("locked"),
      (error) => console.log(error.code),
    );
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: resolve(import.meta.dirname, "../.."),
    env,
  });
  children.push(child);
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  await until(() => said.includes("\n"));
  return { child, said: said.trim(), now: () => said };
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
  expect(readFileSync(join(directory, "lock"), "utf8")).toMatch(RegExp(`^${process.pid} `));
  lock.release();
  expect(readFileSync(join(directory, "lock"), "utf8")).toBe("");
});

test.runIf(process.platform === "linux")(
  "a lock file that was removed lets nobody in beside its holder",
  async () => {
    const first = await holder();
    expect(first.said).toBe("locked");
    rmSync(join(directory, "lock"));
    // As from another network namespace, where the socket cannot be seen.
    rmSync(join(directory, "lock.name"));
    await expect(DataLock.acquire(directory)).rejects.toMatchObject({ code: "LOCKED" });
    // Nor does whoever is refused leave anything there.
    expect(readdirSync(directory)).toEqual([]);
  },
);

test.runIf(process.platform === "linux")(
  "without the flock tool, and where the socket cannot be seen, the file keeps others out for as long as its holder lives",
  async () => {
    const bare = { ...process.env, PATH: "/nonexistent" };
    // As in a container of its own: the socket of another one has another name.
    const elsewhere = (): void => rmSync(join(directory, "lock.name"));
    const first = await holder(bare);
    expect(first.said).toBe("locked");
    elsewhere();
    const [second, third] = await Promise.all([
      holder(bare),
      DataLock.acquire(directory).then(
        () => "locked",
        (error: unknown) => String(error),
      ),
    ]);
    expect(second.said).toBe("LOCKED");
    expect(third).toContain("is in use by process");
    const gone = new Promise((end) => first.child.once("exit", end));
    first.child.kill("SIGKILL");
    await gone;
    elsewhere();
    (await DataLock.acquire(directory)).release();
  },
  30_000,
);

test.runIf(process.platform === "linux")(
  "who stood still while another one took the directory, where the kernel does not tell, is told at once when it goes on",
  async () => {
    const bare = { ...process.env, PATH: "/nonexistent" };
    const first = await holder(bare);
    expect(first.said).toBe("locked");
    first.child.kill("SIGSTOP");
    rmSync(join(directory, "lock.name"));
    const second = await holder(bare);
    expect(second.said).toBe("locked");
    first.child.kill("SIGCONT");
    await until(() => first.now().includes("has"));
    expect(first.now()).toMatch(
      RegExp(`process ${second.child.pid} has .*data now: this one stood still for seconds`),
    );
    // The other one keeps it.
    await new Promise((wake) => setTimeout(wake, 1500));
    expect(second.now()).toBe("locked\n");
    expect(readFileSync(join(directory, "lock"), "utf8")).toMatch(
      RegExp(`^${second.child.pid} [0-9a-f]{16} has unlocked\n$`),
    );
  },
  30_000,
);

test("a part of the directory that is elsewhere has a lock of its own: a copy that leads to it is refused", async () => {
  const elsewhere = join(root, "other disk");
  for (const each of [elsewhere, directory, join(root, "copy")]) mkdirSync(each);
  for (const each of [directory, join(root, "copy")]) symlinkSync(elsewhere, join(each, "log"));
  const lock = await DataLocks.acquire(directory, ["log", "snapshots"]);
  await expect(DataLocks.acquire(join(root, "copy"), ["log"])).rejects.toMatchObject({
    code: "LOCKED",
    message: expect.stringMatching(/other disk is in use by process \d+: stop it/) as string,
  });
  lock.release();
  // Nor does whoever was refused keep its own directory.
  (await DataLocks.acquire(join(root, "copy"), ["log"])).release();
  (await DataLocks.acquire(directory, ["log"])).release();
});

test.each(["memory", "log/00000001.log", "log/end", "snapshots/1.snapshot"])(
  "a directory that shares %s with a copy is refused",
  async (name) => {
    for (const each of ["", "log", "snapshots"]) mkdirSync(join(directory, each));
    writeFileSync(join(directory, name), "precious");
    linkSync(join(directory, name), join(root, "copy"));
    const parts = ["log", "snapshots"];
    await expect(DataLocks.acquire(directory, parts)).rejects.toMatchObject({
      code: "LOCKED",
      message: expect.stringMatching(
        /is a hard link: another directory has the same file, .* Make a copy with files of its own/,
      ) as string,
    });
    rmSync(join(root, "copy"));
    (await DataLocks.acquire(directory, parts)).release();
  },
);

test("of two who begin at once where the kernel says nothing, one wins", async () => {
  const file = join(root, "lock");
  const descriptors = [openSync(file, "w+"), openSync(file, "r+")];
  const stamps = await Promise.all(
    descriptors.map((each) => LockStamp.take(each, { isLocked: false })),
  );
  expect(stamps.filter((stamp) => stamp !== null)).toHaveLength(1);
  for (const stamp of stamps) stamp?.release();
  for (const each of descriptors) closeSync(each);
});

test("who has it is told before anything is written where the kernel says so, and after the wait else", async () => {
  const file = join(root, "lock");
  writeFileSync(file, "");
  // No write succeeds, as on a full disk.
  const full = openSync(file, "r");
  const told: string[] = [];
  await expect(
    LockStamp.take(full, { isLocked: true, onHad: () => told.push("kernel") }),
  ).rejects.toThrow("EBADF");
  await expect(
    LockStamp.take(full, { isLocked: false, onHad: () => told.push("nobody") }),
  ).rejects.toThrow("EBADF");
  expect(told).toEqual(["kernel"]);
  closeSync(full);
  const descriptors = [openSync(file, "r+"), openSync(file, "r+")];
  const stamps = await Promise.all(
    descriptors.map((each, i) =>
      LockStamp.take(each, { isLocked: false, onHad: () => told.push(`rival ${i}`) }),
    ),
  );
  expect(told).toEqual(["kernel", ...stamps.flatMap((each, i) => (each ? [`rival ${i}`] : []))]);
  for (const stamp of stamps) stamp?.release();
  for (const each of descriptors) closeSync(each);
});

test("of many who start at once, one wins", async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, () => DataLock.acquire(directory)),
  );
  const locks = results.filter((result) => result.status === "fulfilled");
  expect(locks).toHaveLength(1);
  locks[0]!.value.release();
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test("the directory and what is in it are nobody else's business, an older one's too", async () => {
  (await DataLock.acquire(directory)).release();
  expect([modeOf(directory), modeOf(join(directory, "lock"))]).toEqual([0o700, 0o600]);
  chmodSync(directory, 0o755);
  (await DataLock.acquire(directory)).release();
  expect(modeOf(directory)).toBe(0o700);
  // With something else in it, somebody may need it as it is.
  const shared = join(root, "shared");
  mkdirSync(shared);
  writeFileSync(join(shared, "other"), "");
  chmodSync(shared, 0o755);
  expect(makePrivateDirectory(shared)).toContain(`chmod 700 ${shared}`);
  expect(modeOf(shared)).toBe(0o755);
  const log = join(root, "log");
  writeFileSync(log, "old");
  chmodSync(log, 0o644);
  closeSync(openPrivateLog(log));
  expect(modeOf(log)).toBe(0o600);
});

test.each(["symbolic", "hard"])(
  "a %s link in the place of the lock is not written through",
  async (kind) => {
    mkdirSync(directory);
    const victim = join(root, "victim");
    writeFileSync(victim, "precious");
    (kind === "hard" ? linkSync : symlinkSync)(victim, join(directory, "lock"));
    await expect(DataLock.acquire(directory)).rejects.toMatchObject({
      code: "LOCKED",
      message: expect.stringContaining(join(directory, "lock")) as string,
    });
    expect(readFileSync(victim, "utf8")).toBe("precious");
  },
);

test.runIf(process.platform === "linux")(
  "the name of the socket cannot be guessed, and who takes it is noticed",
  async () => {
    mkdirSync(directory);
    const { dev, ino } = statSync(directory, { bigint: true });
    const squat = async (name: string) => {
      const server = createServer();
      await new Promise<void>((ready) => server.listen({ path: name }, ready));
      return server;
    };
    const guess = await squat(`\0omnikv/${dev}/${ino}`);
    const lock = await DataLock.acquire(directory);
    lock.release();
    guess.close();
    const word = readFileSync(join(directory, "lock.name"), "utf8");
    expect(modeOf(join(directory, "lock.name"))).toBe(0o600);
    const known = await squat(`\0omnikv/${dev}/${ino}/${word}`);
    await expect(DataLock.acquire(directory)).rejects.toMatchObject({
      code: "LOCKED",
      message: expect.stringMatching(
        /nobody has locked .*some process holds the socket @omnikv/,
      ) as string,
    });
    rmSync(join(directory, "lock.name"));
    (await DataLock.acquire(directory)).release();
    known.close();
  },
);
