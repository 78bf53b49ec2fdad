/** Locks and leases beside etcd: `npx tsx scripts/bench-locks.ts --help`. */
import { builtExperiment, exitOnSignals } from "../src/measure/experiments/entry.ts";
import { readFlags } from "../src/measure/experiments/flags.ts";
import type * as Locks from "../src/measure/experiments/locks.ts";

const HELP = `Usage: npx tsx scripts/bench-locks.ts [options]   (npm run build first)

Three servers of each, in one run, in turn. A lock that 64 clients want, each of which gives it back as soon as it has it; leases that are
renewed; a holder that dies while another one waits.

  --size N         servers; 3
  --rounds N       of hand-overs and leases; 5
  --seconds N      of each; 10
  --contenders N   64, each with a connection of its own
  --leases N       10000
  --every N        3000 ms from one renewal to the next
  --kills N        10 holders
  --ttl N          5000 ms, of the lock whose holder dies
  --etcd PATH      the server; etcd
  --data-dir DIR   of both; a real disk`;

const flags = readFlags(HELP, {
  size: 3,
  rounds: 5,
  seconds: 10,
  contenders: 64,
  leases: 10_000,
  every: 3000,
  kills: 10,
  ttl: 5000,
  etcd: "etcd",
  dataDir: null,
});

exitOnSignals();
const { measureLocks } = await builtExperiment<typeof Locks>("locks.js");
console.log(await measureLocks(flags));
