/** What ends a real server is one sentence on standard error and one in the log, with a way out and without a stack. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually, OMNIKV, ROOT, TestCluster, UNBUNDLED } from "./cluster.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await TestCluster.create(1);
});
afterEach(() => cluster.dispose());

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
/** Root may read everything, so the server has to be somebody else, who can at least read the program. */
const hasSomebody =
  !isRoot ||
  spawnSync(process.execPath, [OMNIKV, "--version"], { uid: NOBODY, gid: NOBODY }).status === 0;
const data = (): string => cluster.dataDirectory(1);

/** The server has ended with status 1, and said why: one line on each stream. @returns the sentence */
async function farewell(): Promise<string> {
  expect(await cluster.ended(1)).toBe(1);
  const lines = cluster.errors(1).trim().split("\n");
  expect(lines).toHaveLength(1);
  const sentence = lines[0]!;
  expect(sentence).toMatch(/^omnikv server: node 1 (cannot start|stops): /);
  const text = sentence.slice("omnikv server: ".length);
  const logged = cluster
    .log(1)
    .split("\n")
    .filter((line) => line.includes(text.slice(0, 60)));
  // The log's line and the sentence.
  expect(logged).toHaveLength(2);
  expect(cluster.log(1)).not.toMatch(/^\s+at /m);
  return sentence;
}

/** A module that makes the server do this when it gets SIGUSR2. */
function preload(body: string): string {
  const file = join(cluster.directory, "preload.mjs");
  writeFileSync(
    file,
    `import { InvariantError } from ${JSON.stringify(join(ROOT, "dist/base/assert.js"))};
     import { Replica } from ${JSON.stringify(join(ROOT, "dist/replica/replica.js"))};
     process.on("SIGUSR2", () => { ${body} });`,
  );
  return file;
}

test("a broken invariant ends the server before it acknowledges anything; the stack goes to a file", async () => {
  // Breaks in the turn that has taken in a write, before it is proposed.
  const imports = preload(`
    const { onWrites } = Replica.prototype;
    Replica.prototype.onWrites = function (...args) {
      Replica.prototype.endTurn = () => { throw new InvariantError("the sky is below"); };
      onWrites.apply(this, args);
    };
    process.stdout.write("armed\\n");`);
  await cluster.start(1, { imports, program: UNBUNDLED });
  const client = cluster.client({ timeoutMs: 10_000, failFast: true });
  await client.write("a", "before");
  cluster.signal(1, "SIGUSR2");
  await eventually("it will break", () => cluster.log(1).includes("armed"));
  await expect(client.write("a", "after")).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  const sentence = await farewell();
  expect(sentence).toContain("this is a bug or a damaged disk: the sky is below");
  expect(sentence).toContain(`keep ${data()} as it is and report it`);
  const [file = ""] = readdirSync(data()).filter((name) => name.startsWith("crash-"));
  expect(sentence).toContain(file);
  expect(readFileSync(join(data(), file), "utf8")).toMatch(
    /InvariantError: the sky is below\n\s+at /,
  );
  expect(statSync(join(data(), file)).mode & 0o777).toBe(0o600);
  await cluster.start(1);
  const again = await cluster.client().read("a");
  expect(Buffer.from(again.found ? again.value : []).toString()).toBe("before");
}, 60_000);

test.each([
  ["thrown", `throw new TypeError("x is not a function")`, "x is not a function"],
  ["a rejected promise", `void Promise.reject(new Error("nobody waits"))`, "nobody waits"],
  ["no error at all", `void Promise.reject("just a word")`, "just a word"],
])(
  "what nobody caught ends the server with a sentence, also in the JSON log: %s",
  async (_, body, said) => {
    await cluster.start(1, { imports: preload(body), flags: ["--log-format", "json"] });
    cluster.signal(1, "SIGUSR2");
    expect(await farewell()).toContain(said);
    const logged = cluster
      .log(1)
      .split("\n")
      .filter((line) => line.startsWith("{"));
    const last = JSON.parse(logged.at(-1)!) as { level: string; code: string; msg: string };
    expect(last).toMatchObject({ level: "error", code: "BUG" });
    expect(last.msg).toContain(said);
  },
  30_000,
);

test("with --log-level debug the stack is in the log too", async () => {
  const imports = preload(`throw new Error("deep down")`);
  await cluster.start(1, { imports, flags: ["--log-level", "debug"] });
  cluster.signal(1, "SIGUSR2");
  await farewell();
  expect(cluster.log(1)).toMatch(/debug where it happened.*preload\.mjs/);
}, 30_000);

test.each(["log", "snapshots"])(
  "a file in place of %s/",
  async (name) => {
    mkdirSync(data());
    writeFileSync(join(data(), name), "");
    await cluster.start(1);
    const sentence = await farewell();
    expect(sentence).toContain(
      `${join(data(), name)}: there is a file where a directory has to be`,
    );
    expect(sentence).toContain("--data-dir");
  },
  30_000,
);

test("a file in place of the data directory, and of a parent of it", async () => {
  writeFileSync(data(), "");
  await cluster.start(1);
  expect(await farewell()).toContain(`${data()}: there is a file where a directory has to be`);
  await cluster.start(1, { flags: ["--data-dir", join(data(), "below")] });
  expect(await farewell()).toContain(`${join(data(), "below")}: there is a file`);
}, 30_000);

test.skipIf(!hasSomebody).each(["log", "data directory"])(
  "what the user may not read or write: the %s (needs a user who can read the program)",
  async (what) => {
    await cluster.start(1);
    await cluster.client().write("a", "b");
    await cluster.stop(1);
    const log = join(data(), "log");
    const [file = ""] = readdirSync(log).sort();
    // A segment, or everything.
    const shut = what === "log" ? join(log, file) : data();
    if (isRoot) {
      // As somebody who owns all but this.
      chmodSync(cluster.directory, 0o755);
      for (const path of ["", ...readdirSync(data(), { recursive: true, encoding: "utf8" })]) {
        if (what === "log") chownSync(join(data(), path), NOBODY, NOBODY);
      }
    }
    chmodSync(shut, 0);
    await cluster.start(1, isRoot ? { uid: NOBODY } : {});
    const sentence = await farewell();
    chmodSync(shut, 0o700);
    expect(sentence).toContain(shut);
    expect(sentence).toMatch(/this user lacks the permission \(EACCES\)\. Let the user that runs/);
  },
  60_000,
);

const mounts =
  isRoot && process.platform === "linux" && spawnSync("unshare", ["-m", "true"]).status === 0;

test.skipIf(!mounts)(
  "a read-only file system (needs root, mount and unshare)",
  async () => {
    await cluster.start(1);
    await cluster.stop(1);
    const script = `mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"`;
    await cluster.start(1, { wrap: ["unshare", "-m", "sh", "-c", script, data()] });
    expect(await farewell()).toMatch(/its file system is read-only \(EROFS\).*Make it writable/);
  },
  60_000,
);

test.each(["removed", "moved away", "replaced"])(
  "a data directory that is %s while the server uses it",
  async (how) => {
    await cluster.start(1);
    await cluster.client().write("a", "b");
    if (how === "removed") rmSync(data(), { recursive: true });
    else renameSync(data(), `${data()}-old`);
    if (how === "replaced") mkdirSync(data());
    const sentence = await farewell();
    expect(sentence).toMatch(
      /was (removed or moved away|replaced by another one) while this server used it/,
    );
    expect(sentence).toContain("Put back the directory");
    if (how === "removed") return;
    rmSync(data(), { recursive: true, force: true });
    renameSync(`${data()}-old`, data());
    await cluster.start(1);
    expect((await cluster.client().read("a")).found).toBe(true);
  },
  60_000,
);

test.each([
  [
    "memory",
    /Put back the file that was there.*--rejoin needs three.*Only the data directory that this node ran on/,
  ],
  [
    "identity.json",
    /Put back the file that was there.*--rejoin needs three.*Only the data directory that this node ran on/,
  ],
  [
    "log",
    /Put back the directory that was there.*--rejoin needs three.*Only the data directory that this node ran on/,
  ],
  [
    "log/end",
    /Put back the file that was there.*--rejoin needs three.*Only the data directory that this node ran on/,
  ],
])(
  "%s is taken away while the server uses it, and put back",
  async (name, wayOut) => {
    await cluster.start(1);
    await cluster.client().write("a", "b");
    renameSync(join(data(), name), join(cluster.directory, "kept"));
    const sentence = await farewell();
    expect(sentence).toContain(`${join(data(), name)} was removed or moved away`);
    expect(sentence).toMatch(wayOut);
    renameSync(join(cluster.directory, "kept"), join(data(), name));
    await cluster.start(1);
    expect((await cluster.client().read("a")).found).toBe(true);
  },
  60_000,
);

test("the lock is removed while the server holds it", async () => {
  await cluster.start(1);
  const began = performance.now();
  rmSync(join(data(), "lock"));
  expect(await farewell()).toMatch(
    /lock was removed or moved away while this server held it\..* stops before two write there/,
  );
  expect(performance.now() - began).toBeLessThan(3000);
  await cluster.start(1);
  expect(cluster.log(1)).toContain("is ready");
}, 60_000);

const hasNamespaces =
  process.platform === "linux" &&
  isRoot &&
  spawnSync("unshare", ["-n", "flock", "-V"]).status === 0;

test.skipIf(!hasNamespaces).each(["kept", "removed"])(
  "a second server from another network, the lock file being %s (needs root, unshare and flock)",
  async (lock) => {
    await cluster.start(1);
    const second = [OMNIKV, "server", "--node", "1", "--cluster", cluster.clusterFile];
    // It stops as soon as it sees that its lock is gone: it sleeps until the second one has tried.
    cluster.signal(1, "SIGSTOP");
    if (lock === "removed") rmSync(join(data(), "lock"));
    const { status, stderr } = spawnSync(
      "unshare",
      ["-n", process.execPath, ...second, "--data-dir", data()],
      { encoding: "utf8", timeout: 20_000 },
    );
    cluster.signal(1, "SIGCONT");
    expect(stderr).toMatch(/cannot start: .* is in use by (another process|process \d+)/);
    expect(status).toBe(1);
    if (lock === "kept") expect(cluster.exitCode(1)).toBeNull();
    else expect(await farewell()).toContain("while this server held it");
  },
  60_000,
);

function occupy(port: number): Promise<Server> {
  return new Promise((ready) => {
    const server = createServer();
    server.listen(port, "127.0.0.1", () => ready(server));
  });
}

test.each([
  ["client", "--port"],
  ["peer", "--peer-port"],
] as const)(
  "the %s port is taken",
  async (which, flag) => {
    const { port, peerPort } = cluster.nodes[0]!;
    const taken = which === "client" ? port : peerPort;
    const other = await occupy(taken);
    await cluster.start(1, { flags: ["--log-format", "json"] });
    const sentence = await farewell();
    expect(sentence).toContain(`port ${taken} of 127.0.0.1`);
    expect(sentence).toContain(`: ${flag}, `);
    expect(sentence).toMatch(process.platform === "linux" ? /ss -ltnp/ : /lsof|netstat/);
    expect(cluster.log(1)).toContain('"code":"EADDRINUSE"');
    await new Promise((closed) => other.close(closed));
  },
  30_000,
);

test("a host that is none of this machine, and one that nobody knows", async () => {
  const [secretFile, peerSecretFile] = ["secret", "peer-secret"].map((name) => {
    const file = join(cluster.directory, name);
    writeFileSync(file, `${name}, of no use to anybody 4711`, { mode: 0o600 });
    return file;
  }) as [string, string];
  const beyond = [
    ...["--secret-file", secretFile, "--peer-secret-file", peerSecretFile],
    "--allow-plain-text",
  ];
  for (const [host, said] of [
    [
      "192.0.2.1",
      /192\.0\.2\.1, where (peers|clients) are to connect, is no address of this machine/,
    ],
    [
      "nowhere.invalid",
      /the name nowhere\.invalid, where (peers|clients) are to connect, cannot be turned/,
    ],
  ] as const) {
    await cluster.start(1, { flags: ["--host", host, ...beyond] });
    const sentence = await farewell();
    expect(sentence).toMatch(said);
    expect(sentence).toContain("Correct --host");
  }
}, 60_000);

const withFiles = (most: number): readonly string[] => [
  "bash",
  "-c",
  `ulimit -n ${most}; exec "$@"`,
  "-",
];
const hasBash = process.platform === "linux" && spawnSync("bash", ["-c", "true"]).status === 0;

test.skipIf(!hasBash)(
  "too few file descriptors to start (needs Linux and bash)",
  async () => {
    // Enough for Node.js to load the program.
    await cluster.start(1, { wrap: withFiles(90) });
    expect(await cluster.ended(1)).toBe(1);
    const lines = cluster.errors(1).trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/EMFILE.*ulimit -n/);
  },
  30_000,
);

test.skipIf(!hasBash)(
  "more connections than file descriptors: they are refused, in few words, and the server goes on (needs Linux and bash)",
  async () => {
    const sockets: Socket[] = [];
    // A snapshot and a few segments' worth of files are opened under the pressure.
    const flags = ["--snapshot-entries", "10"];
    await cluster.start(1, { wrap: withFiles(192), flags });
    const client = cluster.client();
    await client.write("a", "b");
    const { port, peerPort } = cluster.nodes[0]!;
    for (let i = 0; i < 200; i++) {
      const socket = connect(i % 2 === 0 ? port : peerPort, "127.0.0.1");
      socket.on("error", () => {});
      sockets.push(socket);
    }
    await eventually("strangers are refused", () => cluster.log(1).includes("too many from one"));
    for (let i = 0; i < 100; i++) await client.write(`key${i}`, "v".repeat(100_000));
    for (const socket of sockets) socket.destroy();
    await cluster.client().write("a", "c");
    expect(cluster.exitCode(1)).toBeNull();
    const said = (text: string): number => cluster.log(1).split(text).length - 1;
    expect(said("fewer connections than usual")).toBe(1);
    // A few lines, and how many more there were.
    expect(said("connection refused")).toBeLessThan(20);
    expect(cluster.log(1)).not.toMatch(/^\S+ n1 error/m);
  },
  60_000,
);

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;

test.skipIf(!hasPrlimit)(
  "no file can be opened while running: writes are refused when one is needed, and go on when it can (needs prlimit)",
  async () => {
    await cluster.start(1, { flags: ["--snapshot-entries", "20"] });
    const client = cluster.client({ failFast: true });
    await client.write("a", "b");
    const limit = (most: number): void => {
      const of = ["--pid", String(cluster.pid(1)), `--nofile=${most}:`];
      expect(spawnSync("prlimit", of).status).toBe(0);
    };
    limit(10);
    const value = "v".repeat(1_000_000);
    // The segment in use and the one made ready take some; the next cannot be opened.
    const fill = async (): Promise<boolean> => {
      await Promise.all(Array.from({ length: 5 }, (_, i) => client.write(`key${i}`, value)));
      return false;
    };
    await eventually("writes are refused", () =>
      fill().catch((error: unknown) => {
        expect(error).toMatchObject({ code: "DISK_FULL", definite: true });
        return true;
      }),
    );
    expect((await client.read("a")).found).toBe(true);
    limit(1000);
    await eventually("writes go on", async () => {
      await client.write("a", "c");
      return true;
    });
    expect(cluster.exitCode(1)).toBeNull();
    const said = (text: string): number => cluster.log(1).split(text).length - 1;
    expect(said("no more files can be opened")).toBe(1);
    expect(said("a snapshot could not be written")).toBeLessThanOrEqual(1);
    expect(said("writes are accepted")).toBe(1);
  },
  60_000,
);

test("omnikv start: the last words of the server that could not start", async () => {
  // Fixed ports: whoever uses them is in the way as well.
  const other = await occupy(4101).catch(() => null);
  const run = spawnSync(
    process.execPath,
    [OMNIKV, "start", "--size", "1", "--data-dir", cluster.directory, "-c", "status"],
    { encoding: "utf8", timeout: 30_000 },
  );
  expect(run.status).toBe(1);
  expect(run.stderr.trim().split("\n")).toHaveLength(1);
  expect(run.stderr).toMatch(/^omnikv: node 1 cannot start: port 4101 of 127\.0\.0\.1.*--port/);
  expect(run.stderr).toContain(join(cluster.directory, "node1.log"));
  await new Promise((closed) => (other === null ? closed(null) : other.close(closed)));
  // And when there is no place for its data.
  const nowhere = join(cluster.clusterFile, "x");
  const second = spawnSync(
    process.execPath,
    [OMNIKV, "start", "--size", "1", "--data-dir", nowhere],
    {
      encoding: "utf8",
      timeout: 30_000,
    },
  );
  expect(second.status).toBe(1);
  expect(second.stderr).toMatch(/^omnikv: node 1 cannot have its data in .*--data-dir\n$/);
}, 60_000);

test("three empty directories that are all to take the place of a lost one say that this is in vain", async () => {
  await cluster.dispose();
  cluster = await TestCluster.create(3);
  await Promise.all([1, 2, 3].map((id) => cluster.start(id, { flags: ["--rejoin"] })));
  const said =
    /only nodes that have their data can let one in\. If this cluster has never begun, remove these data/;
  for (let i = 0; i < 100 && !said.test(cluster.log(1)); i++) {
    await new Promise((wake) => setTimeout(wake, 50));
  }
  expect(cluster.log(1)).toMatch(said);
}, 30_000);
