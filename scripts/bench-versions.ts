/** This version against another one, in one run, in pairs of bursts: `npx tsx scripts/bench-versions.ts --help`. */
import { resolve } from "node:path";
import { choices, exitOnSignals } from "../src/measure/experiments/entry.ts";
import { readFlags, refuse } from "../src/measure/experiments/flags.ts";
import { compareVersions } from "../src/measure/experiments/versions.ts";

const HELP = `Usage: npx tsx scripts/bench-versions.ts --before DIR [options]   (npm run build first, in both)

  --before DIR           a checkout of the other version, built
  --starts N             clusters of each version, one after the other; 3
  --rounds N             pairs of bursts in each cell, with each cluster; 4
  --operations LIST      put,get
  --concurrency LIST     1,64,256,1024
  --placement LIST       spread,leader
  --duration SECONDS     of each burst; 1
  --warm-up SECONDS      of each cluster, before anything is measured; 40
  --data-dir DIR         of both; a real disk

A cluster of each version runs all the time. With the defaults it takes a quarter of an hour, and should have the machine alone.`;

const OPERATIONS = ["put", "get", "local", "mix"] as const;
const PLACEMENTS = ["spread", "leader"] as const;
const flags = readFlags(HELP, {
  before: null,
  starts: 3,
  rounds: 4,
  operations: ["put", "get"],
  concurrency: [1, 64, 256, 1024],
  placement: PLACEMENTS,
  duration: 1,
  warmUp: 40,
  dataDir: null,
});
const { before, starts, rounds, concurrency, dataDir } = flags;

exitOnSignals();
console.log(
  await compareVersions({
    before: resolve(before ?? refuse("--before: expected a checkout of the other version")),
    starts,
    rounds,
    placements: choices("--placement", flags.placement, PLACEMENTS),
    operations: choices("--operations", flags.operations, OPERATIONS),
    concurrency,
    burstMs: flags.duration * 1000,
    warmUpMs: flags.warmUp * 1000,
    dataDir,
  }),
);
// Generators end with this process.
process.exit();
