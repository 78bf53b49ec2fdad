/**
 * What the README promises, done as a user does it: the real scripts, the real prompts, real kills. Prints each step;
 * ends with status 1 at the first that does not hold. `npx tsx scripts/tour.ts --help`
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readWords } from "../src/measure/experiments/flags.ts";

const HELP = `Usage: npx tsx scripts/tour.ts [TIMES]

What the README promises, done as a user does it: the real scripts, the real prompts, real kills. Prints each step, and ends
with status 1 at the first that does not hold. Needs the default ports.

  TIMES   1`;

const { times } = readWords(HELP, { times: 1 });
const ROOT = resolve(import.meta.dirname, "..");
const NODES = [1, 2, 3];

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function check(holds: boolean, what: string, outcome?: Outcome): void {
  if (holds) return;
  const said =
    outcome === undefined
      ? ""
      : `\n  status ${outcome.status ?? "none"}\n  stdout: ${outcome.stdout}\n  stderr: ${outcome.stderr}`;
  throw new Error(`does not hold: ${what}${said}`);
}

async function eventually(what: string, holds: () => boolean, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((wake) => setTimeout(wake, 30));
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

/** The three servers of run1.sh, run2.sh and run3.sh, with their data elsewhere so that nobody's is touched. */
class Servers {
  readonly directory = mkdtempSync(join(tmpdir(), "omnikv-tour-"));
  readonly #running = new Map<number, { readonly process: ChildProcess; output: string }>();

  async start(node: number): Promise<void> {
    const script = join(ROOT, `run${node}.sh`);
    const dataDirectory = join(this.directory, `node${node}`);
    const child = spawn("sh", [script, "--data-dir", dataDirectory], { stdio: "pipe" });
    const server = { process: child, output: "" };
    this.#running.set(node, server);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text: Buffer) => {
        server.output += text.toString();
      });
    }
    await eventually(`run${node}.sh is ready`, () => {
      check(child.exitCode === null, `run${node}.sh runs: ${server.output}`);
      return server.output.includes(`node ${node} is ready`);
    });
  }

  output(node: number): string {
    return this.#running.get(node)?.output ?? "";
  }

  async end(node: number, signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#running.get(node)?.process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
    child.kill(signal);
    return ended;
  }

  async dispose(): Promise<void> {
    await Promise.all(NODES.map((node) => this.end(node, "SIGKILL")));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function run(script: string, args: readonly string[], input = ""): Outcome {
  const env = { ...process.env, OMNIKV_HISTORY: "" };
  const options = { input, encoding: "utf8" as const, env, timeout: 60_000 };
  return spawnSync("sh", [join(ROOT, script), ...args], options);
}

const client = (commands: string, ...flags: string[]): Outcome =>
  run("runc.sh", flags, `${commands}\n`);
const manage = (commands: string): Outcome => run("runm.sh", [], `${commands}\n`);

function says(outcome: Outcome, ...texts: string[]): void {
  for (const text of texts) check(outcome.stdout.includes(text), `it says "${text}"`, outcome);
}

interface Status {
  readonly nodeId: number;
  readonly standing: string;
  readonly appliedIdx: number;
  readonly stateHash: string;
}

function statuses(): Status[] {
  const { stdout } = run("runm.sh", ["--json", "-c", "all status"]);
  return stdout
    .trim()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Status & { ok: boolean })
    .filter(({ ok }) => ok);
}

async function leader(): Promise<number> {
  let found: number | undefined;
  await eventually("somebody leads", () => {
    found = statuses().find(({ standing }) => standing === "leading")?.nodeId;
    return found !== undefined;
  });
  return found ?? 0;
}

/** Every node serves a write and a linearizable read. */
function expectServed(nodes: readonly number[], tag: string): void {
  for (const node of nodes) {
    const value = `${tag}-${node}`;
    const outcome = client(`${node} write tour ${value}\n${node} read tour`);
    check(outcome.status === 0, `node ${node} serves (${tag})`, outcome);
    says(outcome, value);
  }
}

async function start(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "omnikv-start-"));
  const outcome = spawnSync("npm", ["start", "--silent", "--", "--data-dir", directory], {
    cwd: ROOT,
    input: "1 write 35 hello\n2 read 35\n3 delete 35\n1 read 35\n",
    encoding: "utf8",
    env: { ...process.env, OMNIKV_HISTORY: "" },
    timeout: 120_000,
  });
  check(outcome.status === 0, "npm start ends well", outcome);
  says(outcome, "ok, revision", "hello", "deleted", "(not found)");
  await eventually("npm start has stopped its servers", () => {
    const { stdout } = spawnSync("pgrep", ["-f", "omnikv-start-"], { encoding: "utf8" });
    return stdout.trim() === "";
  });
  for (const node of [1, 2, 3]) {
    const log = readFileSync(join(directory, `node${node}.log`), "utf8");
    // What follows it is about links that end and who leads next, if anybody: no warning, no error.
    const isClean = /node \d stops(?:\n[^\n]* info [^\n]*)*\s*$/.test(log);
    check(isClean, `node ${node} of npm start stopped cleanly`);
  }
  rmSync(directory, { recursive: true, force: true });
}

async function clientPrompt(): Promise<void> {
  const all = client(
    [
      "1 write 35 hello",
      "2 read 35",
      "1 cas 35 hello world",
      "2 cas 35 hello again",
      "3 read 35",
      "3 delete 35",
      "1 read 35",
      "1 cas 35 --absent 'first value'",
      "2 read 35 --local",
    ].join("\n"),
  );
  check(all.status === 0, "all went well", all);
  says(
    all,
    "ok, revision",
    "hello (",
    "swapped",
    "not swapped",
    "world (",
    "deleted",
    "(not found)",
    "local",
  );
  check(client("1 fly").status === 2, "an unknown command: status 2");
  check(client("1 write a").status === 2, "a missing argument: status 2");
  const json = run("runc.sh", ["--json", "-c", "1 write a b; 2 read a"]);
  check(json.status === 0, "JSON", json);
  for (const line of json.stdout.trim().split("\n")) {
    check((JSON.parse(line) as { ok: boolean }).ok, "one object a line", json);
  }
}

function managementPrompt(): void {
  says(manage("1 get_links 0"), "node 1: no broken links");
  says(manage("1 break_link 2"), "broken");
  says(manage("1 get_links"), "broken links: 2");
  says(manage("1 restore_link 2"), "restored");
  says(manage("2 break_link 3 --in"), "broken");
  says(manage("all heal"), "node 1", "node 2", "node 3");
  says(manage("all status"), "leader", "follower", "decided");
  for (const scenario of ["isolate leader", "quorum-loss", "chain", "partition 1,2 | 3"]) {
    const outcome = manage(scenario);
    check(outcome.status === 0, `${scenario} is done`, outcome);
  }
  says(manage("heal\nwait-leader"), "leads");
}

async function crashes(servers: Servers): Promise<void> {
  client("1 write kept forever");
  const first = await leader();
  await servers.end(first, "SIGKILL");
  const rest = NODES.filter((node) => node !== first);
  const startedMs = Date.now();
  expectServed(rest, "leader-killed");
  check(Date.now() - startedMs < 15_000, "writes go on soon after the leader was killed");
  const down = client(`${first} read kept`);
  check(down.status === 3, "a node that is down: status 3", down);
  check(down.stderr.includes("does not answer"), "and what to do", down);
  const [second = 0, third = 0] = rest;
  await servers.end(second, "SIGKILL");
  await eventually("the last one knows that it is alone", () => {
    return statuses().every(({ standing }) => standing === "cutOff");
  });
  const alone = client(`${third} write a b\n${third} read a`);
  check(alone.status === 3, "no majority: status 3", alone);
  check(alone.stderr.includes("majority"), "said in words", alone);
  await Promise.all([servers.start(first), servers.start(second)]);
  expectServed(NODES, "restarted");
  for (const node of NODES) says(client(`${node} read kept`), "forever");
  await Promise.all(NODES.map((node) => servers.end(node, "SIGKILL")));
  await Promise.all(NODES.map((node) => servers.start(node)));
  for (const node of NODES) says(client(`${node} read kept`), "forever");
  check(servers.output(1).includes("recovered from disk"), "recovery is logged");
}

async function brokenLinks(): Promise<void> {
  const whole = (): Outcome => manage("all heal");
  const lead = await leader();
  const [hub = 0, other = 0] = NODES.filter((node) => node !== lead);
  manage(`${lead} break_link ${hub}`);
  expectServed(NODES, "one-link");
  // To both: the leader is alone, and the two others go on.
  manage(`${lead} break_link ${other}`);
  expectServed([hub, other], "leader-alone");
  whole();
  expectServed(NODES, "healed");
  // The hub hears both, they do not hear each other.
  const next = await leader();
  const [middle = 0, end = 0] = NODES.filter((node) => node !== next);
  manage(`${next} break_link ${end}`);
  manage(`${end} break_link ${next}`);
  expectServed([middle, next, end], "chained");
  whole();
  expectServed(NODES, "healed-again");
  await eventually("all nodes hold the same", () => {
    const [a, ...others] = statuses();
    return (
      others.length === 2 &&
      others.every((b) => b.appliedIdx === a?.appliedIdx && b.stateHash === a.stateHash)
    );
  });
}

async function tour(): Promise<void> {
  const ports = [4101, 4102, 4103, 4201, 4202, 4203];
  const free = await Promise.all(ports.map(isFree));
  check(!free.includes(false), `ports ${ports.join(", ")} are free: stop the servers that run`);
  const step = async (what: string, body: () => Promise<void> | void): Promise<void> => {
    const startedMs = Date.now();
    await body();
    console.log(`  ${what}: ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
  };
  await step("1 npm start: a cluster and a prompt, and nothing left behind", start);
  const servers = new Servers();
  try {
    await step("2 run1.sh, run2.sh, run3.sh", async () => {
      await Promise.all(NODES.map((node) => servers.start(node)));
    });
    await step("3 the client prompt", clientPrompt);
    await step("4 the management prompt", managementPrompt);
    await step("5 crashes", () => crashes(servers));
    await step("5 broken links", brokenLinks);
    await step("servers stop cleanly", async () => {
      const codes = await Promise.all(NODES.map((node) => servers.end(node, "SIGTERM")));
      check(
        codes.every((code) => code === 0),
        `status 0 after SIGTERM, got ${codes.join(", ")}`,
      );
    });
  } finally {
    await servers.dispose();
  }
}

for (let i = 1; i <= times; i++) {
  console.log(`tour ${i} of ${times}`);
  await tour();
}
console.log(`${times} of ${times} tours hold`);
