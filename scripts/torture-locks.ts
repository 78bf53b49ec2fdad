/**
 * Locks, leases and watches of real processes on real servers, stopped and killed again and again.
 *
 *   npx tsx scripts/torture-locks.ts [--nodes 3] [--seconds 30] [--seed 1] [--workers 4] [--ttl 2000] [--kills 5] [--keep]
 *
 * Ends with status 1 when two held the lock with one token or in the wrong order, a late write was made, somebody believed to hold what another
 * one held, a lease ended early, a watch missed something, a server ended by itself, or nobody had the lock in the end.
 */
import { readFlags } from "../src/measure/experiments/flags.ts";
import { tortureLocks } from "../src/proof/harm/torture/torture-locks.ts";

const HELP = `Usage: npx tsx scripts/torture-locks.ts [options]   (npm run build first)

  --nodes N      3
  --seconds N    30, of faults
  --seed TEXT    of faults; by default a fresh one, which is printed
  --workers N    4 processes that take the lock and keep leases
  --ttl N        2000 ms, of the lock
  --kills N      5 holders are killed first, while nothing else is done: how long does the next one wait?
  --keep         data and logs`;

const flags = readFlags(HELP, {
  nodes: 3,
  seconds: 30,
  seed: String(Date.now() % 1_000_000),
  workers: 4,
  ttl: 2000,
  kills: 5,
  keep: false,
});
process.exitCode = (await tortureLocks(flags)) ? 0 : 1;
