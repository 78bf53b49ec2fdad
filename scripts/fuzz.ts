/** Mutated frames on every channel of a real server: `npx tsx scripts/fuzz.ts --help`. */
import { readFlags } from "../src/measure/experiments/flags.ts";
import { fuzz, MEMORY_MAX } from "../src/proof/harm/fuzz/fuzz.ts";

const STALL_MAX_MS = 500;

const HELP = `Usage: npx tsx scripts/fuzz.ts [options]   (npm run build first)

Frames that are nearly right, changed at random, to a real server: handshakes, clients, management, peers, and HTTP. It must
go on serving, within bounds of memory, without a pause that a client would notice.

  --seconds N   600
  --seed N      the first one; by default a fresh one, which is printed`;

const flags = readFlags(HELP, { seconds: 600, seed: null });
const seed = flags.seed === null ? Math.floor(Math.random() * 2 ** 32) : Number(flags.seed);
console.log(`seed ${seed}`);
const { alive, ...result } = await fuzz({ seed, seconds: flags.seconds });
const { failures, peakBytes, slowestMs } = result;
const isCalm = peakBytes < MEMORY_MAX && slowestMs < STALL_MAX_MS;
const isGood = alive && failures.length === 0 && isCalm;
console.log(`${JSON.stringify(result)} ${isGood ? "well" : "MISSED"}`);
process.exit(isGood ? 0 : 1);
