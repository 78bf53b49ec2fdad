/**
 * Snapshots of more and more keys are written to disk and read back piece by piece, as a node does when it starts, and
 * while it serves after its log was compacted away. The files were just written, so they come from the page cache.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SNAPSHOT_CHUNK_BYTES } from "../../../base/index.ts";
import { KvState, SnapshotDecoder } from "../../../store/index.ts";
import { readFlags } from "../flags.ts";
import { NodeDisk } from "../../../machine/host/index.ts";
import { silentLogger } from "../../../machine/ports/index.ts";
import { SnapshotStore } from "../../../storage/index.ts";
import { EntryMaker } from "../../workloads/entries.ts";
import type { SnapshotName } from "../../../protocol/messages/index.ts";

const HELP = `Usage: npx tsx scripts/growth.ts restart [options]

Snapshots of more and more keys are written and read back piece by piece, as a server does when it starts.

  --quick   small ones
The last line is the table as JSON.`;

const VALUE_BYTES = 100;
const KEYS = [10_000, 100_000, 1_000_000];
const QUICK_KEYS = [1_000, 10_000];

interface Row {
  readonly keys: number;
  readonly snapshotBytes: number;
  /** From the first read to the complete state. */
  readonly loadMs: number;
  /** The longest time in which one piece was decoded. */
  readonly longestPieceMs: number;
}

function filled(keys: number): KvState {
  const state = new KvState();
  const maker = new EntryMaker(state);
  const value = new Uint8Array(VALUE_BYTES).fill(0x61);
  const key = (i: number): Uint8Array =>
    Buffer.from(`user/${String((i * 7919) % keys).padStart(8, "0")}`);
  for (const entry of maker.writes(keys, key, value)) state.apply(entry, state.appliedIdx);
  return state;
}

function written(snapshots: SnapshotStore, state: KvState): Promise<SnapshotName> {
  const chunks = state.clone().encodeSnapshot(SNAPSHOT_CHUNK_BYTES);
  return new Promise((resolve, reject) => {
    snapshots.write(state.appliedIdx, chunks, (error, name) => {
      if (error === null && name !== undefined) resolve(name);
      else reject(error ?? new Error("the snapshot has no name"));
    });
  });
}

function load(snapshots: SnapshotStore, name: SnapshotName, expected: string, keys: number): Row {
  const decoder = new SnapshotDecoder();
  const begunMs = performance.now();
  let longestPieceMs = 0;
  for (const chunk of snapshots.chunks(name)) {
    const pieceMs = performance.now();
    decoder.push(chunk);
    decoder.step(Infinity);
    longestPieceMs = Math.max(longestPieceMs, performance.now() - pieceMs);
  }
  const state = decoder.finish();
  const loadMs = performance.now() - begunMs;
  if (state.hash() !== expected)
    throw new Error("the state read back differs from the one written");
  return {
    keys,
    snapshotBytes: name.bytes,
    loadMs: Math.round(loadMs),
    longestPieceMs: Math.round(longestPieceMs * 10) / 10,
  };
}

/** In a process of its own, as a restart is: the heap in which the snapshot was made would be collected at its cost. */
function loadedAlone(root: string, keys: number, name: SnapshotName, hash: string): Row {
  const given = [root, String(keys), JSON.stringify(name), hash];
  const script = [...process.execArgv, process.argv[1] ?? "", "load", ...given];
  return JSON.parse(execFileSync(process.execPath, script, { encoding: "utf8" })) as Row;
}

function open(root: string, keys: number): SnapshotStore {
  return SnapshotStore.open(NodeDisk.open(root), `keys-${keys}`, silentLogger);
}

/** @param flags of the command line, behind the sub-command */
export async function restart(flags: readonly string[]): Promise<void> {
  const values = readFlags(HELP, { quick: false }, flags);
  const keyCounts = values.quick ? QUICK_KEYS : KEYS;
  const root = mkdtempSync(join(tmpdir(), "omnikv-growth-"));
  const rows: Row[] = [];
  try {
    for (const keys of keyCounts) {
      const state = filled(keys);
      if (state.size !== keys) throw new Error(`${state.size} keys where ${keys} were to be made`);
      const name = await written(open(root, keys), state);
      rows.push(loadedAlone(root, keys, name, state.hash()));
    }
  } finally {
    rmSync(root, { recursive: true });
  }
  console.table(rows);
  console.log(JSON.stringify(rows));
}

/** `load`: one row of `restart`, in the process that `loadedAlone` starts. */
export async function loadOne(given: readonly string[]): Promise<void> {
  const [root = "", keys = "", name = "", hash = ""] = given;
  const row = load(open(root, Number(keys)), JSON.parse(name) as SnapshotName, hash, Number(keys));
  console.log(JSON.stringify(row));
}
