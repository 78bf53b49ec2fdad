/** omnikv against etcd, in one run, alternately: `npx tsx scripts/bench-vs-etcd.ts --help`. */
import { parseArgs } from "node:util";
import { measureBesideEtcd, type Cell } from "../src/measure/experiments/beside-etcd.ts";
import { renderComparison, type Results } from "../src/measure/experiments/comparison.ts";
import {
  choices,
  exitOnSignals,
  positive,
  readJson,
  writeJson,
} from "../src/measure/experiments/entry.ts";
import { PLACEMENTS, SYSTEMS, type Placement } from "../src/measure/experiments/systems.ts";
import { OPERATIONS } from "../src/measure/workloads/workload.ts";

const ALL_CELLS =
  "put:1,put:64,put:256,put:1024,get:1,get:64,get:256,get:1024,mix:64,mix:256,mix:1024";

const HELP = `Usage: npx tsx scripts/bench-vs-etcd.ts [options]   (npm run build first)

  --cells LIST           operation:concurrency, ...; ${ALL_CELLS}
  --placement LIST       spread,leader: the load goes to all nodes, or to the leader alone
  --rounds N             3
  --duration SECONDS     3, after --warm-up SECONDS, 1
  --value-bytes N        100
  --keys N               10000
  --systems LIST         omnikv,etcd,echo: echo, bare ws servers, is measured at the puts that are spread
  --etcd PATH            the server; etcd
  --generators N         processes that make the load; 1
  --etcd-connections N   of a generator to etcd; 12. Of omnikv: one to each node asked
  --size N               nodes; 3
  --data-dir DIR         of all; a real disk
  --append FILE          adds the measurements to those in the file, so that a run can be made in pieces
  --report FILE          measures nothing, prints the tables of the file`;

const { values: flags } = parseArgs({
  options: {
    cells: { type: "string", default: ALL_CELLS },
    placement: { type: "string", default: PLACEMENTS.join(",") },
    rounds: { type: "string", default: "3" },
    duration: { type: "string", default: "3" },
    "warm-up": { type: "string", default: "1" },
    "value-bytes": { type: "string", default: "100" },
    keys: { type: "string", default: "10000" },
    systems: { type: "string", default: SYSTEMS.join(",") },
    etcd: { type: "string", default: "etcd" },
    generators: { type: "string", default: "1" },
    "etcd-connections": { type: "string", default: "12" },
    size: { type: "string", default: "3" },
    "data-dir": { type: "string" },
    append: { type: "string" },
    report: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function readCells(placements: readonly Placement[]): readonly Cell[] {
  return placements.flatMap((placement) =>
    flags.cells.split(",").map((text): Cell => {
      const [name = "", concurrency] = text.split(":");
      const [operation = "put"] = choices(name, OPERATIONS);
      return { placement, operation, concurrency: positive(concurrency) };
    }),
  );
}

function readResults(file: string | undefined): Results | null {
  const results = readJson(file) as Results | null;
  if (results !== null && results.benchVsEtcd !== 1) {
    throw new Error(`${file} is no file of this script`);
  }
  return results;
}

async function main(): Promise<string> {
  if (flags.help) return HELP;
  if (flags.report !== undefined) {
    const results = readResults(flags.report);
    if (results === null) throw new Error(`there is no ${flags.report}`);
    return renderComparison(results);
  }
  const placements = choices(flags.placement, PLACEMENTS);
  const options = {
    size: positive(flags.size),
    parent: flags["data-dir"] ?? null,
    placements,
    generators: positive(flags.generators),
    keys: positive(flags.keys),
    valueBytes: positive(flags["value-bytes"]),
    etcd: flags.etcd,
    etcdConnections: positive(flags["etcd-connections"]),
    systems: choices(flags.systems, SYSTEMS),
    cells: readCells(placements),
    rounds: positive(flags.rounds),
    durationMs: positive(flags.duration) * 1000,
    warmUpMs: positive(flags["warm-up"]) * 1000,
  };
  const earlier = readResults(flags.append);
  const keep = (results: Results): void => writeJson(flags.append, results);
  return renderComparison(await measureBesideEtcd(options, earlier, keep));
}

exitOnSignals();
console.log(await main());
