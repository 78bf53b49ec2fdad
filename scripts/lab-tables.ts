/**
 * The tables of docs/lab.md: every experiment with 3 and 5 nodes, many runs each.
 *
 *   npx tsx scripts/lab-tables.ts DIRECTORY [RUNS] [only ...]
 *
 * Each experiment's JSON is kept in DIRECTORY and not measured again: interrupted, it goes on where it was. The tables go
 * to stdout. Do nothing else on the machine meanwhile. `only`: names of experiments, as the files are called. Beside etcd,
 * which takes its time, every run is an experiment of its own, on fresh clusters.
 */
import { labTables } from "../src/measure/experiments/lab-tables.ts";

const [directory, runs = "20", ...only] = process.argv.slice(2);
if (directory === undefined) {
  throw new Error("usage: npx tsx scripts/lab-tables.ts DIRECTORY [RUNS] [only ...]");
}
console.log(labTables({ directory, runs: Number(runs), only }));
