/** This version against another one, in one run, alternately: `npx tsx scripts/bench-versions.ts --help`. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { compareVersions } from "../src/measure/experiments/versions.ts";

const HELP = `Usage: npx tsx scripts/bench-versions.ts --before DIR [options]   (npm run build first, in both)

  --before DIR           a checkout of the other version, built
  --rounds N             5
  --operations LIST      put,get
  --concurrency LIST     1,64,256,1024
  --placement LIST       spread,leader
  --duration TIME        2s of each cell in each round, after --warm-up TIME, 1s
  --data-dir DIR         of both; a real disk`;

const { values: flags } = parseArgs({
  options: {
    before: { type: "string" },
    rounds: { type: "string", default: "5" },
    operations: { type: "string", default: "put,get" },
    concurrency: { type: "string", default: "1,64,256,1024" },
    placement: { type: "string", default: "spread,leader" },
    duration: { type: "string", default: "2s" },
    "warm-up": { type: "string", default: "1s" },
    "data-dir": { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (flags.help || flags.before === undefined) {
  console.log(HELP);
  process.exitCode = flags.help ? 0 : 2;
} else {
  const table = compareVersions({
    before: resolve(flags.before),
    rounds: Number(flags.rounds),
    placements: flags.placement.split(","),
    flags: [
      ...["--operations", flags.operations, "--concurrency", flags.concurrency],
      ...["--duration", flags.duration, "--warm-up", flags["warm-up"]],
      ...(flags["data-dir"] === undefined ? [] : ["--data-dir", flags["data-dir"]]),
    ],
  });
  console.log(table);
}
