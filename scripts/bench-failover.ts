/** The leader dies under load, omnikv's and etcd's in turn: `npx tsx scripts/bench-failover.ts --help`. */
import { exitOnSignals, readJson, writeJson } from "../src/measure/experiments/entry.ts";
import { measureFailover, renderGaps, type Gaps } from "../src/measure/experiments/failover.ts";
import { readFlags } from "../src/measure/experiments/flags.ts";

const HELP = `Usage: npx tsx scripts/bench-failover.ts [options]   (npm run build first)

  --kills N        of each system; 20
  --rate N         writes a second; 1000
  --etcd PATH      the server, with its default time-outs; etcd
  --data-dir DIR   of both; a real disk
  --append FILE    adds the gaps to those in the file, so that a run can be made in pieces
  --report FILE    measures nothing, prints the table of the file`;

const flags = readFlags(HELP, {
  kills: 20,
  rate: 1000,
  etcd: "etcd",
  dataDir: null,
  append: null,
  report: null,
});

exitOnSignals();
const known = readJson(flags.report ?? flags.append) as Gaps | null;
if (flags.report !== null && known === null) throw new Error(`there is no ${flags.report}`);
const gaps =
  flags.report === null
    ? await measureFailover(flags, known, (sofar) => writeJson(flags.append, sofar))
    : known;
if (gaps !== null) console.log(renderGaps(gaps));
