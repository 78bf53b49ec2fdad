/** Mutated frames on every channel of a real server: `npx tsx scripts/fuzz.ts --help`. */
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { findLeader } from "../src/bench/find-leader.ts";
import { freePorts, makeDataDirectory } from "../src/bench/throw-away-cluster.ts";
import { startLocalCluster, stopLocalCluster } from "../src/server/local-cluster.ts";
import { fuzz, type FuzzResult } from "./fuzz/fuzz.ts";

const HELP = `Usage: npx tsx scripts/fuzz.ts [options]   (npm run build first)

Frames that are nearly right, changed at random, to a real server: handshakes, clients, management, peers, and HTTP. It must
go on serving, within bounds of memory, without a pause that a client would notice.

  --seconds N   600
  --seed N      the first one; by default a fresh one, which is printed`;

const MIB = 1024 * 1024;
export const MEMORY_MAX = 400 * MIB;
export const STALL_MAX_MS = 500;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    seed: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

async function main(): Promise<number> {
  if (flags.help) {
    console.log(HELP);
    return 0;
  }
  const seed = flags.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(flags.seed);
  console.log(`seed ${seed}`);
  const [port = 0, peerPort = 0] = await freePorts(2);
  const node = { id: 1, host: "127.0.0.1", port, peerPort };
  const dataDirectory = makeDataDirectory(null);
  const options = { nodes: [node], clusterId: "fuzz", dataDirectory, flags: [] };
  const servers = await startLocalCluster(options);
  try {
    await findLeader([node], null);
    const { pid } = servers[0]!;
    const result = await fuzz({
      node,
      pid,
      clusterId: "fuzz",
      seed,
      seconds: Number(flags.seconds),
    });
    const good = servers[0]!.running && isGood(result);
    console.log(`${JSON.stringify(result)} ${good ? "well" : "MISSED"}`);
    return good ? 0 : 1;
  } finally {
    await stopLocalCluster(servers);
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

function isGood({ failures, peakBytes, slowestMs }: FuzzResult): boolean {
  return failures.length === 0 && peakBytes < MEMORY_MAX && slowestMs < STALL_MAX_MS;
}

process.exit(await main());
