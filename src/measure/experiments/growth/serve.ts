/** How long a restarted server takes until it serves. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAdminClient, createClient, type KvClient } from "../../../client/api/index.ts";
import { processUsage } from "../../../machine/host/index.ts";
import { DEFAULT_COMPACTION, dueLogBytes } from "../../../replica/index.ts";
import { type LocalServer, startLocalServer } from "../../../server/launch/index.ts";
import { formatCount, mebibytes } from "../../reports/format.ts";
import { median } from "../../reports/statistics.ts";
import { alignColumns } from "../../reports/table.ts";
import { createOmnikvTarget } from "../../subjects/omnikv-target.ts";
import { loopbackNodes } from "../../subjects/places.ts";
import { putAll } from "../../workloads/fill.ts";
import { say, writeText } from "../entry.ts";
import { readFlags } from "../flags.ts";
import { pause } from "../../pause.ts";

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
/** How long a client waits that is there before a server serves. */
const PATIENCE_MS = 300_000;
/** Writes under way at once. */
const WINDOW = 2048;
/** Overwrites between two looks at whether a snapshot is under way. */
const ROUND = 10_000;
const POLL_MS = 50;
/** A write takes so many bytes of the log: key, value, and what stands around them. */
const WRITE_BYTES = 13 + VALUE_BYTES + 12;
/** Which part of the log that makes a snapshot due is there when the next snapshot is almost due. */
const ALMOST_DUE = 0.9;

const LOGS = ["short", "long", "busy"] as const;
type Log = (typeof LOGS)[number];

interface ServeRow {
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
  /** Processor time of all threads of the server until then: it is less at the mercy of what else the machine does. */
  readonly processorMs: number;
  readonly peakMemoryMiB: number;
}

const keyName = (i: number): string => `user/${String(i).padStart(8, "0")}`;

/** The server of one directory, on ports that are free now. */
async function startServer(directory: string): Promise<LocalServer> {
  const nodes = await loopbackNodes(1);
  const [node] = nodes;
  if (node === undefined) throw new Error("a cluster of one has a node");
  const flags = ["--log-format", "json"];
  const options = { nodes, clusterId: CLUSTER_ID, dataDirectory: directory, flags };
  return startLocalServer(node, options);
}

function openClient({ node }: LocalServer): KvClient {
  return createClient({ nodes: [node], clusterId: CLUSTER_ID, timeoutMs: PATIENCE_MS });
}

function put(client: KvClient, from: number, count: number, keys: number): Promise<void> {
  const target = createOmnikvTarget([{ client, node: null }]);
  return putAll(target, count, WINDOW, (i) => [
    Buffer.from(keyName(((from + i) * 7919) % keys)),
    Buffer.from(String(from + i).padEnd(VALUE_BYTES, "v")),
  ]);
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
  const { size } = newestSnapshot(snapshots);
  // A server that has just started does not know how much of it is history.
  const due = dueLogBytes(DEFAULT_COMPACTION, size, 0) / WRITE_BYTES;
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
    const client = openClient(server);
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
  do await pause(POLL_MS);
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
    const client = openClient(server);
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
    const usage = processUsage(server.pid);
    client.close();
    const { served } = await admin.call(1, "status", {});
    admin.close();
    return {
      listensMs,
      localReadMs,
      linearizableReadMs,
      commandsToApply: served.commandsApplied,
      processorMs: (usage?.cpuSeconds ?? 0) * 1e3,
      peakMemoryMiB: Number(mebibytes(usage?.peakRssBytes ?? 0)),
    };
  } finally {
    await server.stop();
  }
}

/** Which the server loads. */
function newestSnapshot(directory: string): { readonly size: number } {
  const file = readdirSync(directory)
    .filter((name) => name.endsWith(".snapshot"))
    .sort()
    .at(-1);
  return file === undefined ? { size: 0 } : statSync(join(directory, file));
}

async function measure(root: string, keys: number, log: Log, runs: number): Promise<ServeRow> {
  const sound = join(root, `keys-${keys}-${log}`);
  const starts: Start[] = [];
  for (let run = 0; run < runs; run++) starts.push(await start(sound, join(root, "scratch"), keys));
  rmSync(join(root, "scratch"), { recursive: true });
  const reads = starts.map((each) => Math.max(each.localReadMs, each.linearizableReadMs));
  const middle = (values: readonly number[]): number => Math.round(median(values));
  return {
    keys,
    log,
    snapshotMiB: Number(mebibytes(newestSnapshot(join(sound, "node1", "snapshots")).size)),
    commandsToApply: starts[0]?.commandsToApply ?? 0,
    listensMs: middle(starts.map((each) => each.listensMs)),
    localReadMs: middle(starts.map((each) => each.localReadMs)),
    linearizableReadMs: middle(starts.map((each) => each.linearizableReadMs)),
    slowestReadMs: Math.round(Math.max(...reads)),
    processorMs: middle(starts.map((each) => each.processorMs)),
    peakMemoryMiB: Math.max(...starts.map((each) => each.peakMemoryMiB)),
  };
}

function render(rows: readonly ServeRow[]): string {
  return alignColumns([
    [
      "keys",
      "log",
      "snapshot MiB",
      "to apply",
      "listens ms",
      "local read ms",
      "linearizable read ms",
      "slowest ms",
      "processor ms",
      "memory MiB",
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
  const values = readFlags(
    HELP,
    { large: false, keys: null, runs: 3, data: null, json: null },
    args,
  );
  const keyCounts = (values.keys ?? (values.large ? LARGE_KEYS : KEYS)).split(",").map(Number);
  const root = values.data ?? mkdtempSync(join(tmpdir(), "omnikv-growth-"));
  const rows: ServeRow[] = [];
  try {
    for (const keys of keyCounts) {
      say(`${formatCount(keys)} keys`);
      if (!existsSync(join(root, `keys-${keys}-long`))) await prepare(root, keys);
      for (const log of LOGS) {
        rows.push(await measure(root, keys, log, values.runs));
      }
    }
  } finally {
    if (values.data === null) rmSync(root, { recursive: true });
  }
  console.log(render(rows));
  if (values.json !== null) writeText(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}
