/** This version against another one, in one run, alternately: `npx tsx scripts/bench-versions.ts --help`. */
import { resolve } from "node:path";
import { readFlags } from "../src/measure/experiments/flags.ts";
import { compareVersions } from "../src/measure/experiments/versions.ts";

const HELP = `Usage: npx tsx scripts/bench-versions.ts --before DIR [options]   (npm run build first, in both)

  --before DIR           a checkout of the other version, built
  --rounds N             5
  --operations LIST      put,get
  --concurrency LIST     1,64,256,1024
  --placement LIST       spread,leader
  --duration TIME        2s of each cell in each round, after --warm-up TIME, 1s
  --data-dir DIR         of both; a real disk`;

const flags = readFlags(HELP, {
  before: null,
  rounds: 5,
  operations: "put,get",
  concurrency: "1,64,256,1024",
  placement: ["spread", "leader"],
  duration: "2s",
  warmUp: "1s",
  dataDir: null,
});
const { before, rounds, placement, operations, concurrency, duration, warmUp, dataDir } = flags;
if (before === null) {
  console.log(HELP);
  process.exitCode = 2;
} else {
  const bench = { operations, concurrency, duration, "warm-up": warmUp, "data-dir": dataDir };
  console.log(compareVersions({ before: resolve(before), rounds, placement, bench }));
}
