/** Batches, transactions, ranges, memory and restarts beside etcd: `npx tsx scripts/bench-store.ts --help`. */
import {
  builtExperiment,
  choices,
  exitOnSignals,
  writeJson,
} from "../src/measure/experiments/entry.ts";
import { readFlags } from "../src/measure/experiments/flags.ts";
import type * as Measure from "../src/measure/experiments/store/measure.ts";
import { STORE_CELLS, STORE_SYSTEMS } from "../src/measure/experiments/store/measure.ts";
import { renderStore } from "../src/measure/experiments/store/report.ts";

const HELP = `Usage: npx tsx scripts/bench-store.ts [options]   (npm run build first)

Three servers each, asked at the leader; the systems are measured in turn, and who goes first alternates.

  batch     1,000 puts as one call, one call after the other
  txn       3 comparisons and 3 puts
  range     100 keys among all
  scan      all keys to the client, with the servers' memory and the p99 of reads meanwhile
  memory    resident memory of the servers
  restart   kill -9 of all servers; until the first linearizable read

  --cells LIST           ${STORE_CELLS.join(",")}
  --systems LIST         omnikv,etcd
  --rounds N             3
  --duration SECONDS     5, of batch, txn and range
  --keys N               1000000
  --value-bytes N        100
  --concurrency N        of txn and range; 64
  --etcd PATH            the server; etcd
  --etcd-connections N   12
  --data-dir DIR         of all; a real disk
  --json FILE            the figures of each round`;

const flags = readFlags(HELP, {
  cells: STORE_CELLS,
  systems: STORE_SYSTEMS,
  rounds: 3,
  duration: 5,
  keys: 1_000_000,
  valueBytes: 100,
  concurrency: 64,
  etcd: "etcd",
  etcdConnections: 12,
  dataDir: null,
  json: null,
});

exitOnSignals();
const options = {
  ...flags,
  cells: choices("--cells", flags.cells, STORE_CELLS),
  systems: choices("--systems", flags.systems, STORE_SYSTEMS),
  durationMs: flags.duration * 1000,
};
const { measureStore } = await builtExperiment<typeof Measure>("store/measure.js");
const figures = await measureStore(options, (soFar) => writeJson(flags.json, soFar));
console.log(renderStore(figures));
