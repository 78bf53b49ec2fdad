/** Far more load than a cluster can do, from a thousand connections: `npx tsx scripts/overload.ts --help`. */
import { exitOnSignals, readJson, writeJson } from "../src/measure/experiments/entry.ts";
import { readFlags } from "../src/measure/experiments/flags.ts";
import { render, type Overload } from "../src/measure/experiments/overload-report.ts";
import { measureOverload } from "../src/measure/experiments/overload.ts";

const HELP = `Usage: npx tsx scripts/overload.ts [options]   (npm run build first)

First a closed loop of the public client, spread over three nodes. Then floods: writes at so many times that rate, in frames
of many; short mild ones, to see what the servers can do with such frames, and a long one. Then the closed loop again.

  --seconds N         of the long flood; 60
  --ramp LIST         of times, for the short floods; 1,2,4
  --connections N     1000
  --times N           of the long flood; 10
  --per-frame N       writes in a frame of the flood; 100
  --concurrency N     of the closed loop; 1024
  --value-bytes N     100
  --data-dir DIR      on a real disk
  --json FILE         everything measured
  --report FILE       measures nothing: prints what --json has written`;

const flags = readFlags(HELP, {
  seconds: 60,
  ramp: [1, 2, 4],
  connections: 1000,
  times: 10,
  perFrame: 100,
  concurrency: 1024,
  valueBytes: 100,
  dataDir: null,
  json: null,
  report: null,
});

exitOnSignals();
const overload =
  flags.report === null
    ? await measureOverload(flags)
    : (readJson(flags.report) as Overload | null);
if (overload === null) throw new Error(`there is no ${flags.report}`);
writeJson(flags.json, overload);
console.log(render(overload));
