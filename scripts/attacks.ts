/** What strangers and greedy clients can do to a cluster: `npx tsx scripts/attacks.ts --help`. */
import { fork, type ChildProcess } from "node:child_process";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { findLeader } from "../src/bench/find-leader.ts";
import { freePorts, makeDataDirectory } from "../src/bench/throw-away-cluster.ts";
import {
  startLocalCluster,
  stopLocalCluster,
  type LocalServer,
} from "../src/server/local-cluster.ts";
import { NODE_FLAGS } from "../src/server/node-flags.ts";
import { ATTACKS, type Attack, type Sent } from "./attacks/catalogue.ts";
import type {
  AttackerReport,
  AttackNode,
  AttackPlan,
  HonestOrder,
  HonestReport,
} from "./attacks/protocol.ts";
import { problemsOf, render, type AttackResult } from "./attacks/report.ts";
import { sampleServer } from "./growth/server-sample.ts";

const HELP = `Usage: npx tsx scripts/attacks.ts [options]   (npm run build first)

Each attack runs against three real servers of its own on this machine, from a process of its own, while an honest client
(one at each node) measures how long it waits. Short times without and with the attack alternate, so that both meet the same
load from whatever else the machine does. All traffic stays on 127.0.0.1.

  --only LIST      of attacks
  --ms N           of each time without, and of each with the attack; 2000
  --rounds N       of both; 3
  --open-files N   ulimit -n of the servers
  --program FILE   another build's dist/bin/omnikv.js, for comparison
  --json FILE      everything measured
  --list           the attacks`;

const CLUSTER_ID = "attacks";
/** An attack that is over in a moment is not to be over before it is measured. */
const SETTLE_MS = 200;
/** What an attack has left behind is worked off, its connections have ended. */
const RECOVER_MS = 1500;
const SAMPLE_MS = 50;
const PREPARE_MAX_MS = 30_000;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    ms: { type: "string", default: "2000" },
    rounds: { type: "string", default: "3" },
    "open-files": { type: "string" },
    program: { type: "string" },
    json: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** In front of a server's command line; it becomes the server. */
function wrap(): readonly string[] {
  const limit = flags["open-files"] === undefined ? "" : `ulimit -n ${flags["open-files"]}; `;
  if (flags.program === undefined) return ["sh", "-c", `${limit}exec "$@"`, "sh"];
  // node, its flags and the program come first; the program is another one.
  const kept = Array.from({ length: NODE_FLAGS.length + 1 }, (_, i) => i + 1);
  const saved = kept.map((i) => `a${i}=$${i}`).join(" ");
  const used = kept.map((i) => `"$a${i}"`).join(" ");
  const program = resolve(flags.program);
  return [
    "sh",
    "-c",
    `${limit}${saved}; shift ${kept.length + 1}; exec ${used} "${program}" "$@"`,
    "sh",
  ];
}

function child(file: string, plan: AttackPlan): ChildProcess {
  return fork(resolve(import.meta.dirname, "attacks", file), [JSON.stringify(plan)], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

function honest(process: ChildProcess, order: HonestOrder): Promise<HonestReport> {
  return new Promise((resolveReport) => {
    process.once("message", (report) => resolveReport(report as HonestReport));
    process.send(order);
  });
}

/** Runs one until it is killed. @param sent counts on from what is there */
async function begin(plan: AttackPlan, sent: Sent): Promise<ChildProcess> {
  const attacker = child("attacker.ts", plan);
  const before = { ...sent };
  await new Promise<void>((begun, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${plan.attack} does not begin`)),
      PREPARE_MAX_MS,
    );
    attacker.on("message", (report: AttackerReport) => {
      clearTimeout(timer);
      if (report.kind === "begun") return begun();
      sent.bytes = before.bytes + report.bytes;
      sent.connections = before.connections + report.connections;
    });
  });
  return attacker;
}

async function end(attacker: ChildProcess | null): Promise<void> {
  if (attacker === null || attacker.exitCode !== null || attacker.signalCode !== null) return;
  const ended = new Promise<void>((resolveEnd) => attacker.once("exit", () => resolveEnd()));
  attacker.kill("SIGKILL");
  await ended;
}

async function run(attack: Attack): Promise<AttackResult> {
  const ports = await freePorts(6);
  const nodes: AttackNode[] = [1, 2, 3].map((id) => ({
    ...{ id, host: "127.0.0.1" },
    ...{ port: ports[2 * id - 2]!, peerPort: ports[2 * id - 1]! },
  }));
  const dataDirectory = makeDataDirectory(null);
  const options = { nodes, clusterId: CLUSTER_ID, dataDirectory, flags: [], wrap };
  const servers = await startLocalCluster(options);
  const plan: AttackPlan = { attack: attack.name, nodes, clusterId: CLUSTER_ID, prepare: true };
  const client = child("honest.ts", plan);
  let attacker: ChildProcess | null = null;
  try {
    await findLeader(nodes, null);
    const ms = Number(flags.ms);
    await honest(client, { ms, phase: "warm" });
    const rss = (): number[] => servers.map((server) => sampleServer(server).rssBytes);
    const sent: Sent = { bytes: 0, connections: 0 };
    const before = rss();
    const peaks = [...before];
    let without: HonestReport | null = null;
    let during: HonestReport | null = null;
    const ratios: number[] = [];
    for (let round = 0; round < Number(flags.rounds); round++) {
      without = await honest(client, { ms, phase: "without" });
      attacker = await begin({ ...plan, prepare: round === 0 }, sent);
      const sampler = setInterval(() => {
        for (const [i, bytes] of rss().entries()) peaks[i] = Math.max(peaks[i] ?? 0, bytes);
      }, SAMPLE_MS);
      await sleep(SETTLE_MS);
      during = await honest(client, { ms, phase: "during" });
      clearInterval(sampler);
      ratios.push(during.lastP99Ms / without.lastP99Ms);
      await end(attacker);
      await sleep(RECOVER_MS);
    }
    if (without === null || during === null) throw new Error("--rounds must be at least 1");
    const worst = peaks.indexOf(Math.max(...peaks));
    return {
      ...{ name: attack.name, what: attack.what, without, during, ratios },
      ...{ sentBytes: sent.bytes, connections: sent.connections },
      ...{ rssBefore: before[worst] ?? 0, rssPeak: peaks[worst] ?? 0 },
      logBytes: Math.max(...servers.map(({ logFile }) => statSync(logFile).size)),
      alive: servers.every((server: LocalServer) => server.running),
    };
  } finally {
    attacker?.kill("SIGKILL");
    client.kill("SIGKILL");
    await stopLocalCluster(servers);
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  if (flags.help || flags.list) {
    console.log(flags.help ? HELP : ATTACKS.map(({ name, what }) => `${name}: ${what}`).join("\n"));
    return 0;
  }
  const only = flags.only?.split(",");
  const results: AttackResult[] = [];
  for (const attack of ATTACKS) {
    if (only !== undefined && !only.includes(attack.name)) continue;
    process.stderr.write(`${attack.name}: ${attack.what}\n`);
    results.push(await run(attack));
  }
  console.log(render(results));
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results)}\n`);
  return results.some((result) => problemsOf(result).length > 0) ? 1 : 0;
}

process.exit(await main());
