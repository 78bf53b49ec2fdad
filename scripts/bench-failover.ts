/** The leader dies under load, omnikv's and etcd's in turn: `npx tsx scripts/bench-failover.ts --help`. */
import { parseArgs } from "node:util";
import { exitOnSignals, readJson, writeJson } from "../src/measure/experiments/entry.ts";
import { measureFailover, renderGaps, type Gaps } from "../src/measure/experiments/failover.ts";

const HELP = `Usage: npx tsx scripts/bench-failover.ts [options]   (npm run build first)

  --kills N        of each system; 20
  --rate N         writes a second; 1000
  --etcd PATH      the server, with its default time-outs; etcd
  --data-dir DIR   of both; a real disk
  --append FILE    adds the gaps to those in the file, so that a run can be made in pieces
  --report FILE    measures nothing, prints the table of the file`;

const { values: flags } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    rate: { type: "string", default: "1000" },
    etcd: { type: "string", default: "etcd" },
    "data-dir": { type: "string" },
    append: { type: "string" },
    report: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

async function main(): Promise<string> {
  if (flags.help) return HELP;
  if (flags.report !== undefined) {
    const gaps = readJson(flags.report) as Gaps | null;
    if (gaps === null) throw new Error(`there is no ${flags.report}`);
    return renderGaps(gaps);
  }
  const options = {
    kills: Number(flags.kills),
    writesPerSecond: Number(flags.rate),
    etcd: flags.etcd,
    dataParent: flags["data-dir"] ?? null,
  };
  const before = readJson(flags.append) as Gaps | null;
  return renderGaps(
    await measureFailover(options, before, (gaps) => writeJson(flags.append, gaps)),
  );
}

exitOnSignals();
console.log(await main());
