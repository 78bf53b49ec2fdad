/** The tables of docs/lab.md: `npx tsx scripts/lab-tables.ts --help`. */
import { readWords, refuse } from "../src/measure/experiments/flags.ts";
import { labTables } from "../src/measure/experiments/lab-tables.ts";

const HELP = `Usage: npx tsx scripts/lab-tables.ts DIRECTORY [RUNS [ONLY...]]   (npm run build first)

The tables of docs/lab.md: every experiment with 3 and 5 nodes, many runs each. Beside etcd, which takes its time, every run is
an experiment of its own, on fresh clusters. The tables go to standard output. Do nothing else on the machine meanwhile.

  DIRECTORY   each experiment's JSON is kept there and not measured again: interrupted, it goes on where it was
  RUNS        of each experiment; 20
  ONLY        names of experiments, as the files are called`;

const { directory, ...options } = readWords(HELP, { directory: null, runs: 20, only: [] });
if (directory === null) refuse("DIRECTORY is missing");
console.log(labTables({ directory, ...options }));
