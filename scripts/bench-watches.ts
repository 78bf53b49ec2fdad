/** Watches of omnikv and of etcd, alternately: `npx tsx scripts/bench-watches.ts --help`. */
import {
  builtExperiment,
  choices,
  exitOnSignals,
  writeJson,
} from "../src/measure/experiments/entry.ts";
import { readFlags } from "../src/measure/experiments/flags.ts";
import type * as Watches from "../src/measure/experiments/watches.ts";

const HELP = `Usage: npx tsx scripts/bench-watches.ts [options]   (npm run build first)

  --systems LIST      omnikv,etcd
  --watchers N        of one key, to which one client writes; 1000
  --watches LIST      of single keys; 100,10000
  --connections N     over which all watches are dealt out; 9
  --concurrency N     of puts and gets beside one watch on everything; 64
  --rounds N          3
  --duration SECONDS  3, after --warm-up SECONDS, 1
  --value-bytes N     100
  --etcd PATH         the server; etcd
  --data-dir DIR      of both; a real disk
  --json FILE         all figures`;

const SYSTEMS = ["omnikv", "etcd"] as const;
const flags = readFlags(HELP, {
  systems: SYSTEMS,
  watchers: 1000,
  watches: [100, 10_000],
  connections: 9,
  concurrency: 64,
  rounds: 3,
  duration: 3,
  warmUp: 1,
  valueBytes: 100,
  etcd: "etcd",
  dataDir: null,
  json: null,
});

exitOnSignals();
const { measureWatches, renderWatches } = await builtExperiment<typeof Watches>("watches.js");
const figures = await measureWatches(
  {
    ...flags,
    systems: choices("--systems", flags.systems, SYSTEMS),
    durationMs: flags.duration * 1000,
    warmUpMs: flags.warmUp * 1000,
  },
  (sofar) => writeJson(flags.json, sofar),
);
console.log(renderWatches(figures));
