/** How long a restarted server takes until it serves. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createAdminClient, createClient, type KvClient } from "../../src/api/index.ts";
import { alignColumns, formatCount } from "../../src/bench/report.ts";
import { freePorts } from "../../src/bench/throw-away-cluster.ts";
import { DEFAULT_COMPACTION } from "../../src/replica/compaction.ts";
import { LocalServer } from "../../src/server/local-cluster.ts";

const HELP = `Usage: npx tsx scripts/growth.ts serve [options]   (npm run build first)

For each number of keys a real server (a cluster of one node) is filled through the client and stopped: at the end of the
filling, as fast as it goes, with a snapshot under way ("busy"); soon after a snapshot ("short"); and when the next one is
almost due ("long"). Then a server is started on a copy and asked for a key at once. The files were just written, so they
come from the page cache.

  --keys LIST   10000,100000,1000000
  --large       and 5000000
  --runs N      of each; 3
  --data DIR    kept, and used again: then nothing is written first; made for the occasion
  --json FILE   the rows`;

const VALUE_BYTES = 100;
const KEYS = "10000,100000,1000000";
const LARGE_KEYS = `${KEYS},5000000`;
const CLUSTER_ID = "omnikv-growth";
/** Of a client that is there before a server serves. */
const PATIENCE_MS = 300_000;
/** Writes under way at once. */
const WINDOW = 2048;
/** Overwrites between two looks at whether a snapshot is under way. */
const ROUND = 10_000;
const POLL_MS = 50;
/** Of a write in the log: key, value, and what stands around them. */
const WRITE_BYTES = 13 + VALUE_BYTES + 12;
/** Of the log that makes a snapshot due. */
const ALMOST_DUE = 0.9;

const LOGS = ["short", "long", "busy"] as const;
type Log = (typeof LOGS)[number];

export interface ServeRow {
  readonly keys: number;
  /** What stands in the log behind the snapshot. */
  readonly log: Log;
  readonly snapshotMiB: number;
  readonly commandsToApply: number;
  /** From the start of the process, medians. */
  readonly listensMs: number;
  readonly localReadMs: number;
  readonly linearizableReadMs: number;
  readonly slowestReadMs: number;
  /** Of the server until then, all its threads: less at the mercy of what else the machine does. */
  readonly processorMs: number;
  readonly peakMemoryMiB: number;
}

const keyName = (i: number): string => `user/${String(i).padStart(8, "0")}`;

/** The server of one directory, on ports that are free now. */
async function startServer(directory: string): Promise<LocalServer> {
  const [port = 0, peerPort = 0] = await freePorts(2);
  const node = { id: 1, host: "127.0.0.1", port, peerPort };
  const flags = ["--log-format", "json"];
  return new LocalServer(node, {
    nodes: [node],
    clusterId: CLUSTER_ID,
    dataDirectory: directory,
    flags,
  });
}

async function put(client: KvClient, from: number, count: number, keys: number): Promise<void> {
  let next = from;
  const writer = async (): Promise<void> => {
    while (next < from + count) {
      const i = next++;
      await client.write(keyName((i * 7919) % keys), String(i).padEnd(VALUE_BYTES, "v"));
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, writer));
}

/** Makes DIR/keys-N-busy, -short and -long. */
async function prepare(root: string, keys: number): Promise<void> {
  const directory = join(root, `keys-${keys}-making`);
  const snapshots = join(directory, "node1", "snapshots");
  mkdirSync(directory, { recursive: true });
  const keep = (log: Log): void =>
    cpSync(directory, join(root, `keys-${keys}-${log}`), { recursive: true });
  await serving(directory, (client) => put(client, 0, keys, keys));
  keep("busy");
  await serving(directory, async (client) => {
    // The one that is due now; then one that begins between two rounds, and so leaves next to nothing behind it.
    await idle(snapshots);
    while (!isWriting(snapshots)) await put(client, 0, ROUND, keys);
    await idle(snapshots);
  });
  keep("short");
  const { logBytesMin, stateShare } = DEFAULT_COMPACTION;
  const { size } = newestSnapshot(snapshots);
  const due = Math.max(logBytesMin, size * stateShare) / WRITE_BYTES;
  await serving(directory, (client) => put(client, 0, Math.floor(due * ALMOST_DUE), keys));
  keep("long");
  rmSync(directory, { recursive: true });
}

/** Starts a server, has it applied what is in the log, does the work, stops it. */
async function serving(
  directory: string,
  work: (client: KvClient) => Promise<void>,
): Promise<void> {
  const server = await startServer(directory);
  try {
    await server.ready();
    const client = createClient({
      nodes: [server.node],
      clusterId: CLUSTER_ID,
      timeoutMs: PATIENCE_MS,
    });
    await client.read(keyName(0));
    await work(client);
    client.close();
  } finally {
    await server.stop();
  }
}

const isWriting = (snapshots: string): boolean =>
  readdirSync(snapshots).some((file) => file.endsWith(".part"));

/** No snapshot is under way. */
async function idle(snapshots: string): Promise<void> {
  do await setTimeout(POLL_MS);
  while (isWriting(snapshots));
}

interface Start {
  readonly listensMs: number;
  readonly localReadMs: number;
  readonly linearizableReadMs: number;
  readonly commandsToApply: number;
  readonly processorMs: number;
  readonly peakMemoryMiB: number;
}

async function start(sound: string, scratch: string, keys: number): Promise<Start> {
  rmSync(scratch, { recursive: true, force: true });
  cpSync(sound, scratch, { recursive: true });
  const begunMs = performance.now();
  const server = await startServer(scratch);
  try {
    await server.ready();
    const listensMs = performance.now() - begunMs;
    const client = createClient({
      nodes: [server.node],
      clusterId: CLUSTER_ID,
      timeoutMs: PATIENCE_MS,
    });
    const admin = createAdminClient({ nodes: [server.node], clusterId: CLUSTER_ID });
    const key = keyName(Math.floor(keys / 2));
    const read = async (consistency: "local" | "linearizable"): Promise<number> => {
      const { found } = await client.read(key, { consistency });
      // A local read before the log is applied sees the snapshot, if any.
      if (!found && consistency === "linearizable") throw new Error(`${key} is not there`);
      return performance.now() - begunMs;
    };
    const [localReadMs, linearizableReadMs] = await Promise.all([
      read("local"),
      read("linearizable"),
    ]);
    const processorMs = processorMsOf(server.pid);
    client.close();
    const { served } = await admin.call(1, "status", {});
    admin.close();
    return {
      ...{ listensMs, localReadMs, linearizableReadMs },
      commandsToApply: served.commandsApplied,
      processorMs,
      peakMemoryMiB: peakMemoryMiB(server.pid),
    };
  } finally {
    await server.stop();
  }
}

/** 0 where the system does not tell. */
function peakMemoryMiB(pid: number): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return 0;
  const [, kib = "0"] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(file, "utf8")) ?? [];
  return Math.round(Number(kib) / 1024);
}

/** User and system; 0 where the system does not tell. */
function processorMsOf(pid: number): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return 0;
  const fields = readFileSync(file, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Which the server loads. */
function newestSnapshot(directory: string): { readonly size: number } {
  const file = readdirSync(directory)
    .filter((name) => name.endsWith(".snapshot"))
    .sort()
    .at(-1);
  return file === undefined ? { size: 0 } : statSync(join(directory, file));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
}

async function measure(root: string, keys: number, log: Log, runs: number): Promise<ServeRow> {
  const sound = join(root, `keys-${keys}-${log}`);
  const starts: Start[] = [];
  for (let run = 0; run < runs; run++) starts.push(await start(sound, join(root, "scratch"), keys));
  rmSync(join(root, "scratch"), { recursive: true });
  const reads = starts.map((each) => Math.max(each.localReadMs, each.linearizableReadMs));
  return {
    keys,
    log,
    snapshotMiB: Math.round(newestSnapshot(join(sound, "node1", "snapshots")).size / 1024 / 1024),
    commandsToApply: starts[0]?.commandsToApply ?? 0,
    listensMs: median(starts.map((each) => each.listensMs)),
    localReadMs: median(starts.map((each) => each.localReadMs)),
    linearizableReadMs: median(starts.map((each) => each.linearizableReadMs)),
    slowestReadMs: Math.round(Math.max(...reads)),
    processorMs: median(starts.map((each) => each.processorMs)),
    peakMemoryMiB: Math.max(...starts.map((each) => each.peakMemoryMiB)),
  };
}

function render(rows: readonly ServeRow[]): string {
  return alignColumns([
    [
      ...["keys", "log", "snapshot MiB", "to apply", "listens ms", "local read ms"],
      ...["linearizable read ms", "slowest ms", "processor ms", "memory MiB"],
    ],
    ...rows.map((row) => [
      formatCount(row.keys),
      row.log,
      String(row.snapshotMiB),
      formatCount(row.commandsToApply),
      String(row.listensMs),
      String(row.localReadMs),
      String(row.linearizableReadMs),
      String(row.slowestReadMs),
      formatCount(row.processorMs),
      formatCount(row.peakMemoryMiB),
    ]),
  ]);
}

/** @param args of the command line, behind the sub-command */
export async function serve(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      large: { type: "boolean", default: false },
      keys: { type: "string" },
      runs: { type: "string", default: "3" },
      data: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const keyCounts = (values.keys ?? (values.large ? LARGE_KEYS : KEYS)).split(",").map(Number);
  const root = values.data ?? mkdtempSync(join(tmpdir(), "omnikv-growth-"));
  const rows: ServeRow[] = [];
  try {
    for (const keys of keyCounts) {
      process.stderr.write(`${formatCount(keys)} keys\n`);
      if (!existsSync(join(root, `keys-${keys}-long`))) await prepare(root, keys);
      for (const log of LOGS) {
        rows.push(await measure(root, keys, log, Number(values.runs)));
      }
    }
  } finally {
    if (values.data === undefined) rmSync(root, { recursive: true });
  }
  console.log(render(rows));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}
