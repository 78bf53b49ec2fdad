/** Far more load than a cluster can do, from a thousand connections: `npx tsx scripts/overload.ts --help`. */
import { parseArgs } from "node:util";
import { exitOnSignals, readJson, writeJson } from "../src/measure/experiments/entry.ts";
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

const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    connections: { type: "string", default: "1000" },
    ramp: { type: "string", default: "1,2,4" },
    times: { type: "string", default: "10" },
    "per-frame": { type: "string", default: "100" },
    concurrency: { type: "string", default: "1024" },
    "value-bytes": { type: "string", default: "100" },
    "data-dir": { type: "string" },
    json: { type: "string" },
    report: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

async function main(): Promise<string> {
  if (flags.help) return HELP;
  if (flags.report !== undefined) {
    const overload = readJson(flags.report) as Overload | null;
    if (overload === null) throw new Error(`there is no ${flags.report}`);
    return render(overload);
  }
  const overload = await measureOverload({
    seconds: Number(flags.seconds),
    times: Number(flags.times),
    ramp: flags.ramp.split(",").map(Number),
    connections: Number(flags.connections),
    writesPerFrame: Number(flags["per-frame"]),
    concurrency: Number(flags.concurrency),
    valueBytes: Number(flags["value-bytes"]),
    dataParent: flags["data-dir"] ?? null,
  });
  writeJson(flags.json, overload);
  return render(overload);
}

exitOnSignals();
console.log(await main());
