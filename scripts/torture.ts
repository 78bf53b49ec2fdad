/**
 * Real servers, real clients, real harm; then the history is checked.
 *
 *   npx tsx scripts/torture.ts [--nodes 3] [--seconds 60] [--seed 1] [--clients 8] [--store 4] [--namespaces] [--keep]
 *
 * Ends with status 1 when the history is not linearizable, transactions and ranges are not strictly serializable, an acknowledged write is lost, a server ended by itself or the
 * replicas differ at the end.
 */
import { readFlags } from "../src/measure/experiments/flags.ts";
import { namespacesRefusal } from "../src/measure/subjects/namespaces.ts";
import { torture } from "../src/proof/harm/torture/torture.ts";

const HELP = `Usage: npx tsx scripts/torture.ts [options]   (npm run build first)

  --nodes N      3
  --seconds N    60
  --seed TEXT    of faults and load; by default a fresh one, which is printed
  --clients N    8, each of single keys
  --store N      4 more, of transactions, ranges and old revisions; 0: none
  --namespaces   each server on a host of its own, so that packets can be stopped (Linux, as root)
  --keep         data and logs`;

const flags = readFlags(HELP, {
  nodes: 3,
  seconds: 60,
  seed: String(Date.now() % 1_000_000),
  clients: 8,
  store: 4,
  namespaces: false,
  keep: false,
});
const refusal = flags.namespaces ? namespacesRefusal() : null;
if (refusal === null) process.exitCode = (await torture(flags)) ? 0 : 1;
else console.log(`skipped: no network namespaces here (${refusal})`);
