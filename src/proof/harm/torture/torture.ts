/** Real servers, real clients, real harm; then the history is checked. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAdminClient, createClient, type KvClient } from "../../../client/api/index.ts";
import type { AdminCore } from "../../../client/admin/index.ts";
import { Namespaces, OmnikvCluster, pause } from "../../../measure/index.ts";
import { SeededRandom } from "../../../machine/ports/index.ts";
import { checkNotes } from "./check.ts";
import { startLoad } from "./load.ts";
import { rage, type FaultRecord } from "./nemesis.ts";
import { endCluster, runFor } from "./run.ts";
import { judgeStore, startStoreLoad } from "./store-load.ts";

export interface TortureOptions {
  readonly nodes: number;
  readonly seconds: number;
  readonly seed: string;
  readonly clients: number;
  /** Further clients, of transactions, ranges and old revisions, beside one who compacts the history. */
  readonly store: number;
  /** Each server on a host of its own, so that packets can be stopped; Linux, root only. */
  readonly namespaces: boolean;
  /** Data and logs stay, also when all went well. */
  readonly keep: boolean;
}

const SERVER_FLAGS = ["--snapshot-entries", "2000", "--allow-faults"];
const LAST_LINES = 3;
const AGREE_MAX_MS = 30_000;
const FIRST_WRITE_MAX_MS = 30_000;
/** With fewer there is nothing that could be wrong: servers that refuse everything lose nothing. The slowest run had ten times as many. */
const ACKNOWLEDGED_EACH_SECOND = 1;
/** What happens so soon after a fault still counts as its doing. */
const AFTER_FAULT_MS = 500;

/**
 * Prints what it does and finds.
 * @returns false when the history is not linearizable, transactions and ranges are not strictly serializable, an acknowledged write is lost, a server ended by itself, the
 *   replicas differ at the end, or next to nothing was served
 */
export async function torture(options: TortureOptions): Promise<boolean> {
  const { nodes: size, seconds, seed, namespaces } = options;
  const where = namespaces ? " in network namespaces" : "";
  console.log(`torture: ${size} nodes${where}, ${seconds} s, seed ${seed}`);
  const hosts = namespaces ? new Namespaces(size) : null;
  const cluster = await OmnikvCluster.start({ size, hosts, flags: SERVER_FLAGS, withSecret: true });
  const { nodes, secret, dataDirectory } = cluster;
  const admin = createAdminClient({ nodes, secret });
  const newClients = (length: number): KvClient[] =>
    Array.from({ length }, () => createClient({ nodes, secret, timeoutMs: 3000 }));
  const clients = newClients(options.clients);
  const storeClients = newClients(options.store);
  let isGood = false;
  try {
    await clients[0]?.write("warm", "up", { timeoutMs: FIRST_WRITE_MAX_MS });
    const random = new SeededRandom(seed);
    const ids = nodes.map(({ id }) => id);
    const store = await startStoreLoad(storeClients, admin, ids, random.fork("store"));
    const load = startLoad(clients, ids, random.fork("load"));
    const victims = { cluster, hosts, admin };
    const { isOver, say } = runFor(seconds);
    const faults = await rage(victims, random.fork("nemesis"), isOver, say);
    await Promise.all([load.stop(), store.stop()]);
    say("all is healed; the clients have stopped");
    const allRun = everyServerRuns(cluster);
    const agree = await replicasAgree(admin, ids);
    const file = join(dataDirectory, "history.jsonl");
    writeFileSync(file, load.notes.map((note) => `${JSON.stringify(note)}\n`).join(""));
    const { text, verdict } = checkNotes(load.notes);
    console.log(text);
    if (verdict !== "ok") console.log(`history: ${file}`);
    const { violations, text: storeText } = judgeStore(store.notes);
    if (options.store > 0) console.log(storeText);
    for (const violation of violations) console.log(`VIOLATION: ${violation}`);
    const wrong = violations.length + store.notes.violations.length;
    const acknowledged = load.acknowledgedMs.length;
    const isEnough = acknowledged >= seconds * ACKNOWLEDGED_EACH_SECOND;
    if (!isEnough) console.log(`only ${acknowledged} writes were acknowledged: too few to judge`);
    const { transfers, states } = store.notes.counts;
    const isStoreServed = options.store === 0 || (transfers > 0 && states > 0);
    if (!isStoreServed) console.log("no transfer, or no state, of the store: nothing to judge");
    isGood = allRun && agree && verdict === "ok" && wrong === 0 && isEnough && isStoreServed;
    report(faults, load.acknowledgedMs, load.notes.length);
  } finally {
    for (const client of [...clients, ...storeClients]) client.close();
    admin.close();
    await endCluster(cluster, isGood && !options.keep);
  }
  console.log(isGood ? "no violation, nothing lost" : `FAILED (seed ${seed})`);
  return isGood;
}

export function everyServerRuns({ servers }: OmnikvCluster): boolean {
  const ended = servers.filter(({ running }) => !running);
  for (const { node, exitCode, output } of ended) {
    const lastWords = output.trim().split("\n").slice(-LAST_LINES).join("\n");
    console.log(`node ${node.id} ended by itself with status ${exitCode ?? "none"}: ${lastWords}`);
  }
  return ended.length === 0;
}

export async function replicasAgree(
  admin: Pick<AdminCore, "call">,
  ids: readonly number[],
): Promise<boolean> {
  const deadline = performance.now() + AGREE_MAX_MS;
  for (;;) {
    const answers = await Promise.allSettled(
      ids.map((id) => admin.call(id, "status", {}, { timeoutMs: 2000 })),
    );
    const states = answers.map((answer) =>
      answer.status === "fulfilled"
        ? `${answer.value.appliedIdx} ${answer.value.stateHash}`
        : String(answer.reason),
    );
    if (new Set(states).size === 1 && answers[0]?.status === "fulfilled") return true;
    if (performance.now() > deadline) {
      console.log(`the replicas differ: ${states.join(" | ")}`);
      return false;
    }
    await pause(100);
  }
}

/** By kind: how often, and the longest time without an acknowledged write that touched a fault of it. */
function report(
  faults: readonly FaultRecord[],
  acknowledgedMs: readonly number[],
  operations: number,
): void {
  const kinds = new Map<string, { count: number; longestMs: number }>();
  for (const { kind, startedMs, endedMs } of faults) {
    const entry = kinds.get(kind) ?? { count: 0, longestMs: 0 };
    kinds.set(kind, entry);
    entry.count += 1;
    let last = startedMs;
    for (const ms of acknowledgedMs) {
      if (ms < startedMs) continue;
      if (last <= endedMs + AFTER_FAULT_MS) entry.longestMs = Math.max(entry.longestMs, ms - last);
      last = ms;
      if (ms > endedMs + AFTER_FAULT_MS) break;
    }
  }
  console.log(`${operations} operations, ${acknowledgedMs.length} writes acknowledged`);
  console.log("fault        times   longest time without an acknowledged write");
  for (const [kind, { count, longestMs }] of kinds) {
    console.log(`${kind.padEnd(12)} ${String(count).padStart(5)}   ${Math.round(longestMs)} ms`);
  }
}
