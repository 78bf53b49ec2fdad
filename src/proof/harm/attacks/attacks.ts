/**
 * What strangers and greedy clients can do to a cluster. Each attack runs against three real servers of its own, from a
 * process of its own, while an honest client (one at each node) measures how long it waits. Short times without and with
 * the attack alternate, so that both meet the same load from other programs on the machine.
 */
import { fork, type ChildProcess } from "node:child_process";
import { statSync } from "node:fs";
import { resolve } from "node:path";
import {
  OmnikvCluster,
  pause,
  sampleServer,
  throwAwayCertificates,
} from "../../../measure/index.ts";
import { NODE_FLAGS } from "../../../server/launch/index.ts";
import type { Attack, Sent } from "./means.ts";
import type { AttackerReport, AttackPlan, HonestOrder, HonestReport } from "./protocol.ts";
import type { AttackResult } from "./report.ts";
import { secure } from "./secured.ts";

export interface AttackOptions {
  /** How long each time without and each time with the attack lasts. */
  readonly ms: number;
  /** How often both are done; at least 1. */
  readonly rounds: number;
  /** ulimit -n of the servers. Null: as it is. */
  readonly openFiles: string | null;
  /** Another build's dist/bin/omnikv.js. */
  readonly program: string | null;
  /** All in TLS, and with users: see secured.ts. */
  readonly secured: boolean;
}

/** An attack that is over in a moment is not to be over before it is measured. */
const SETTLE_MS = 200;
/** What an attack has left behind is worked off, its connections have ended. */
const RECOVER_MS = 1500;
const SAMPLE_MS = 50;
/** 24,000 writes, on a machine that may be busy with other things. */
const PREPARE_MAX_MS = 120_000;

export async function runAttack(attack: Attack, options: AttackOptions): Promise<AttackResult> {
  const { ms, rounds } = options;
  const wrap = wrapper(options);
  const tls = options.secured ? throwAwayCertificates() : null;
  const cluster = await OmnikvCluster.start({
    size: 3,
    wrap: () => wrap,
    ...(tls === null ? {} : { flags: tls.flags, tls: tls.client }),
  });
  const { nodes, clusterId, servers } = cluster;
  let client: ChildProcess | null = null;
  let attacker: ChildProcess | null = null;
  try {
    await cluster.leader();
    const secured = tls === null ? null : await secure(cluster, tls.client.ca);
    const plan: AttackPlan = { attack: attack.name, nodes, clusterId, secured, part: "run" };
    client = child("honest.ts", plan);
    const sent: Sent = { bytes: 0, connections: 0 };
    // What it takes to fill a store is no part of the attack: else the first time with it would meet what that leaves to do.
    await end(await begin({ ...plan, part: "prepare" }, sent));
    await pause(RECOVER_MS);
    await honest(client, { ms, phase: "warm" });
    const rss = (): number[] => servers.map((server) => sampleServer(server).rssBytes);
    const before = rss();
    const peaks = [...before];
    let without: HonestReport | null = null;
    let during: HonestReport | null = null;
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round++) {
      without = await honest(client, { ms, phase: "without" });
      attacker = await begin(plan, sent);
      const sampler = setInterval(() => {
        for (const [i, bytes] of rss().entries()) peaks[i] = Math.max(peaks[i] ?? 0, bytes);
      }, SAMPLE_MS);
      await pause(SETTLE_MS);
      during = await honest(client, { ms, phase: "during" });
      clearInterval(sampler);
      ratios.push(during.lastP99Ms / without.lastP99Ms);
      await end(attacker);
      await pause(RECOVER_MS);
    }
    if (without === null || during === null) throw new Error("--rounds must be at least 1");
    const worst = peaks.indexOf(Math.max(...peaks));
    return {
      name: attack.name,
      what: attack.what,
      without,
      during,
      ratios,
      sentBytes: sent.bytes,
      connections: sent.connections,
      rssBefore: before[worst] ?? 0,
      rssPeak: peaks[worst] ?? 0,
      logBytes: Math.max(...servers.map(({ logFile }) => statSync(logFile).size)),
      alive: servers.every(({ running }) => running),
    };
  } finally {
    attacker?.kill("SIGKILL");
    client?.kill("SIGKILL");
    await cluster.remove();
    tls?.remove();
  }
}

/** In front of a server's command line; it becomes the server. */
function wrapper({ openFiles, program: other }: AttackOptions): readonly string[] {
  const limit = openFiles === null ? "" : `ulimit -n ${openFiles}; `;
  if (other === null) return ["sh", "-c", `${limit}exec "$@"`, "sh"];
  // node, its flags and the program come first; the program is another one.
  const kept = Array.from({ length: NODE_FLAGS.length + 1 }, (_, i) => i + 1);
  const saved = kept.map((i) => `a${i}=$${i}`).join(" ");
  const used = kept.map((i) => `"$a${i}"`).join(" ");
  const program = resolve(other);
  return [
    "sh",
    "-c",
    `${limit}${saved}; shift ${kept.length + 1}; exec ${used} "${program}" "$@"`,
    "sh",
  ];
}

function child(file: string, plan: AttackPlan): ChildProcess {
  return fork(resolve(import.meta.dirname, file), [JSON.stringify(plan)], {
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
    const timer = setTimeout(() => {
      attacker.kill("SIGKILL");
      reject(new Error(`${plan.attack} does not begin`));
    }, PREPARE_MAX_MS);
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
