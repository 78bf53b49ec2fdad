/**
 * The leader dies under load: `npx tsx scripts/bench-failover.ts --help`.
 *
 * Writes are sent at a fixed rate, whatever becomes of those before them: a loop that waits for answers would measure
 * the time-outs of its requests, not the cluster. What counts is the longest time without any acknowledged write.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createAdminClient, createClient } from "../src/api/index.ts";
import { findLeader } from "../src/bench/find-leader.ts";
import { alignColumns, formatCount } from "../src/bench/report.ts";
import { createOmnikvTarget, type Target } from "../src/bench/target.ts";
import { startThrowAwayCluster } from "../src/bench/throw-away-cluster.ts";
import { benchKey } from "../src/bench/workload.ts";
import { LocalServer } from "../src/server/local-cluster.ts";
import { EtcdCluster, etcdVersion } from "./bench/etcd-cluster.ts";
import { EtcdConnection } from "./bench/etcd-connection.ts";
import { median } from "./bench/median.ts";

const HELP = `Usage: npx tsx scripts/bench-failover.ts [options]   (npm run build first)

  --kills N        of each system; 20
  --rate N         writes a second; 1000
  --etcd PATH      the server, with its default time-outs; etcd
  --data-dir DIR   of both; a real disk
  --append FILE    adds the gaps to those in the file, so that a run can be made in pieces
  --report FILE    measures nothing, prints the table of the file`;

const { values: flags } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    rate: { type: "string", default: "1000" },
    etcd: { type: "string", default: "etcd" },
    "data-dir": { type: "string" },
    append: { type: "string" },
    report: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const STEADY_MS = 700;
const RESUMED_MS = 500;
const RESUME_MAX_MS = 30_000;
const HEALTHY_MAX_MS = 30_000;
const POLL_MS = 20;
const VALUE = new Uint8Array(100).fill(0x61);
const KEYS = 1000;

interface Gaps {
  readonly omnikv: readonly number[];
  readonly etcd: readonly number[];
  readonly version: string;
}

interface System {
  readonly name: "omnikv" | "etcd";
  /** Waits until all nodes run and one leads. @returns that one */
  leader(): Promise<number>;
  connect(): Target;
  kill(node: number): Promise<void>;
  restart(node: number): Promise<void>;
  remove(): Promise<void>;
}

const pause = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

async function startOmnikv(parent: string | null): Promise<System> {
  const cluster = await startThrowAwayCluster(3, parent);
  const { nodes, clusterId, dataDirectory } = cluster;
  const servers = [...cluster.servers];
  const admin = createAdminClient({ nodes, timeoutMs: 2000 });
  return {
    name: "omnikv",
    async leader() {
      const leader = await findLeader(nodes, null);
      for (const { id } of nodes) await admin.call(id, "status", {});
      return leader;
    },
    connect() {
      const client = createClient({ nodes, clusterId, timeoutMs: 20_000 });
      return createOmnikvTarget([{ client, node: null }]);
    },
    async kill(node) {
      servers[node - 1]!.signal("SIGKILL");
      await servers[node - 1]!.exited;
    },
    async restart(node) {
      const options = { nodes, clusterId, dataDirectory, flags: [] };
      servers[node - 1] = new LocalServer(nodes[node - 1]!, options);
      await servers[node - 1]!.ready();
    },
    async remove() {
      admin.close();
      await Promise.all(servers.map((server) => server.stop()));
      await cluster.remove();
    },
  };
}

async function startEtcd(parent: string | null): Promise<System> {
  const cluster = await EtcdCluster.start(flags.etcd, 3, parent);
  return {
    name: "etcd",
    leader: () => cluster.leader(),
    connect() {
      const opened = cluster.nodes.map(({ host, port }) => new EtcdConnection(host, port));
      // Like our client: a connection that broke is not asked any more.
      const at = (lane: number): EtcdConnection => {
        const alive = opened.filter((connection) => !connection.failed);
        return (alive.length === 0 ? opened : alive)[lane % Math.max(1, alive.length)]!;
      };
      return {
        put: (lane, key, value, done) => at(lane).put(key, value, done),
        get: (lane, key, local, done) => at(lane).range(key, local, done),
        close: () => opened.forEach((connection) => connection.close()),
      };
    },
    kill: (node) => cluster.kill(node),
    restart: async (node) => cluster.restart(node),
    remove: () => cluster.remove(),
  };
}

/** @returns milliseconds: the longest time without an acknowledged write around the death of the leader */
async function killLeader(system: System): Promise<number> {
  const leader = await system.leader();
  const target = system.connect();
  const times: number[] = [];
  let lane = 0;
  const perTurn = Math.max(1, Math.round(Number(flags.rate) / 200));
  const load = setInterval(() => {
    for (let i = 0; i < perTurn; i++) {
      lane += 1;
      target.put(lane, benchKey(lane % KEYS), VALUE, (error) => {
        if (error === null) times.push(performance.now());
      });
    }
  }, 5);
  try {
    const begun = performance.now();
    await until("writes before the kill", () => (times[0] ?? Infinity) < begun + RESUME_MAX_MS);
    await pause(STEADY_MS);
    const killedAt = performance.now();
    await system.kill(leader);
    const resumed = await until("writes after the kill", () => {
      const last = times.at(-1) ?? 0;
      const gap = longestGap(times, killedAt);
      return gap.endedAt > killedAt && last - gap.endedAt > RESUMED_MS ? gap : null;
    });
    return resumed.ms;
  } finally {
    clearInterval(load);
    target.close();
    await system.restart(leader);
    await untilHealthy(system);
  }
}

interface Gap {
  readonly ms: number;
  readonly endedAt: number;
}

/** Of those that ended after `sinceMs`. */
function longestGap(times: readonly number[], sinceMs: number): Gap {
  let longest: Gap = { ms: 0, endedAt: 0 };
  for (let i = 1; i < times.length; i++) {
    const ms = times[i]! - times[i - 1]!;
    if (times[i]! > sinceMs && ms > longest.ms) longest = { ms, endedAt: times[i]! };
  }
  return longest;
}

async function until<T>(what: string, attempt: () => T | null | false): Promise<T> {
  for (const deadline = performance.now() + RESUME_MAX_MS; performance.now() < deadline;) {
    const found = attempt();
    if (found !== null && found !== false) return found;
    await pause(POLL_MS);
  }
  throw new Error(`no ${what} within ${RESUME_MAX_MS / 1000} s`);
}

async function untilHealthy(system: System): Promise<void> {
  for (const deadline = performance.now() + HEALTHY_MAX_MS; ;) {
    try {
      await system.leader();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(POLL_MS);
    }
  }
}

function render({ omnikv, etcd, version }: Gaps): string {
  const ms = (value: number): string => `${formatCount(value)} ms`;
  const row = (name: string, gaps: readonly number[]): string[] => [
    name,
    String(gaps.length),
    ms(Math.min(...gaps)),
    ms(median(gaps)),
    ms(Math.max(...gaps)),
  ];
  const ratio = Math.max(...omnikv) / median(etcd);
  return (
    `${alignColumns([
      ["longest gap between acknowledged writes", "kills", "best", "median", "worst"],
      row("omnikv", omnikv),
      row(`etcd ${version}`, etcd),
    ])}\n` +
    `omnikv's worst is ${ratio.toFixed(2)} of etcd's median (goal: at most 0.33): ${ratio <= 1 / 3 ? "reached" : "missed"}`
  );
}

function readGaps(file: string | undefined): Gaps | null {
  if (file === undefined || !existsSync(file)) return null;
  return JSON.parse(readFileSync(file, "utf8")) as Gaps;
}

async function measure(): Promise<Gaps> {
  const version = etcdVersion(flags.etcd);
  if (version === null) throw new Error(`cannot run "${flags.etcd}"`);
  const before = readGaps(flags.append);
  if (before !== null && before.version !== version) {
    throw new Error(`${flags.append} was measured with etcd ${before.version}`);
  }
  const gaps = {
    omnikv: [...(before?.omnikv ?? [])],
    etcd: [...(before?.etcd ?? [])],
    version,
  };
  const parent = flags["data-dir"] ?? null;
  const systems = [await startOmnikv(parent), await startEtcd(parent)];
  try {
    for (let kill = 1; kill <= Number(flags.kills); kill++) {
      for (const system of systems) {
        const ms = await killLeader(system);
        gaps[system.name].push(ms);
        process.stderr.write(`kill ${kill}, ${system.name}: ${formatCount(ms)} ms\n`);
        if (flags.append !== undefined) writeFileSync(flags.append, `${JSON.stringify(gaps)}\n`);
      }
    }
  } finally {
    for (const system of systems) await system.remove();
  }
  return gaps;
}

async function main(): Promise<string> {
  if (flags.help) return HELP;
  if (flags.report === undefined) return render(await measure());
  const gaps = readGaps(flags.report);
  if (gaps === null) throw new Error(`there is no ${flags.report}`);
  return render(gaps);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.stdout.write(`${await main()}\n`);
