/**
 * Real servers, real clients, real harm; then the history is checked.
 *
 *   npx tsx scripts/torture.ts [--nodes 3] [--seconds 60] [--seed 1] [--clients 8] [--namespaces] [--keep]
 *
 * Ends with status 1 when the history is not linearizable, an acknowledged write is lost, a server ended by itself or the
 * replicas differ at the end.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createAdminClient, createClient } from "../src/api/index.ts";
import { SeededRandom } from "../src/sim/seeded-random.ts";
import { checkNotes } from "./torture/check.ts";
import {
  loopbackHosts,
  namespaceHosts,
  namespacesRefusal,
  SECRET,
  Server,
} from "./torture/hosts.ts";
import { startLoad } from "./torture/load.ts";
import { rage, type FaultRecord } from "./torture/nemesis.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "3" },
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    clients: { type: "string", default: "8" },
    namespaces: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const size = Number(values.nodes);
const seconds = Number(values.seconds);
const random = new SeededRandom(values.seed);

const refusal = values.namespaces ? namespacesRefusal() : null;
if (refusal !== null) {
  console.log(`skipped: no network namespaces here (${refusal})`);
  process.exit(0);
}
const hosts = values.namespaces ? namespaceHosts(size) : await loopbackHosts(size);
const directory = mkdtempSync(join(tmpdir(), "omnikv-torture-"));
const startedMs = performance.now();
const say = (text: string): void => {
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${text}`);
};
console.log(
  `torture: ${size} nodes${values.namespaces ? " in network namespaces" : ""}, ${seconds} s, seed ${values.seed}`,
);

const flags = ["--snapshot-entries", "2000"];
const servers = new Map(
  hosts.hosts.map(({ id }) => [id, new Server(id, hosts, directory, flags)] as const),
);
const nodes = hosts.hosts.map(({ id, host, port }) => ({ id, host, port }));
const admin = createAdminClient({ nodes, secret: SECRET });
const clients = Array.from({ length: Number(values.clients) }, () =>
  createClient({ nodes, secret: SECRET, timeoutMs: 3000 }),
);
let failed = false;
try {
  for (const server of servers.values()) server.start();
  await clients[0]?.write("warm", "up", { timeoutMs: 30_000 });
  const load = startLoad(
    clients,
    nodes.map(({ id }) => id),
    random.fork("load"),
  );
  const end = performance.now() + seconds * 1000;
  const faults = await rage(
    { hosts, servers, admin },
    random.fork("nemesis"),
    () => performance.now() > end,
    say,
  );
  await load.stop();
  say("all is healed; the clients have stopped");
  for (const [id, server] of servers) {
    if (server.exitCode === null) continue;
    failed = true;
    console.log(`node ${id} ended by itself with status ${server.exitCode}: ${server.lastWords}`);
  }
  if (!(await replicasAgree())) failed = true;
  const file = join(directory, "history.jsonl");
  writeFileSync(file, load.notes.map((note) => `${JSON.stringify(note)}\n`).join(""));
  const { text, verdict } = checkNotes(load.notes);
  console.log(text);
  if (verdict !== "ok") {
    failed = true;
    console.log(`history: ${file}`);
  }
  report(faults, load.acknowledgedMs, load.notes.length);
} finally {
  for (const client of clients) client.close();
  admin.close();
  await Promise.all([...servers.values()].map((server) => server.kill()));
  hosts.dispose();
  if (failed || values.keep) console.log(`data and logs: ${directory}`);
  else rmSync(directory, { recursive: true, force: true });
}
console.log(failed ? `FAILED (seed ${values.seed})` : "no violation, nothing lost");
process.exitCode = failed ? 1 : 0;

async function replicasAgree(): Promise<boolean> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const answers = await Promise.allSettled(
      nodes.map(({ id }) => admin.call(id, "status", {}, { timeoutMs: 2000 })),
    );
    const states = answers.map((answer) =>
      answer.status === "fulfilled"
        ? `${answer.value.appliedIdx} ${answer.value.stateHash}`
        : `${answer.reason}`,
    );
    if (new Set(states).size === 1 && answers[0]?.status === "fulfilled") return true;
    if (performance.now() > deadline) {
      console.log(`the replicas differ: ${states.join(" | ")}`);
      return false;
    }
    await new Promise((wake) => setTimeout(wake, 100));
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
      if (last <= endedMs + 500) entry.longestMs = Math.max(entry.longestMs, ms - last);
      last = ms;
      if (ms > endedMs + 500) break;
    }
  }
  console.log(`${operations} operations, ${acknowledgedMs.length} writes acknowledged`);
  console.log("fault        times   longest time without an acknowledged write");
  for (const [kind, { count, longestMs }] of kinds) {
    console.log(`${kind.padEnd(12)} ${String(count).padStart(5)}   ${Math.round(longestMs)} ms`);
  }
}
