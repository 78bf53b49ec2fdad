/** omnikv against etcd, and puts against Redis, in one run, alternately: `npx tsx scripts/bench-vs-etcd.ts --help`. */
import { measureBesideEtcd, type Cell } from "../src/measure/experiments/beside-etcd.ts";
import { renderComparison, type Results } from "../src/measure/experiments/comparison.ts";
import { choices, exitOnSignals, readJson, writeJson } from "../src/measure/experiments/entry.ts";
import { readFlags } from "../src/measure/experiments/flags.ts";
import { PLACEMENTS, SYSTEMS } from "../src/measure/experiments/systems.ts";
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
  --systems LIST         omnikv,etcd,redis,echo: redis, with appendfsync always and WAIT 1, is measured at the puts, all to the
                         one that takes them; echo, bare ws servers, at the puts that are spread
  --etcd PATH            the server; etcd
  --redis PATH           the server; redis-server. Without it Redis is left out
  --generators N         processes that make the load; 1
  --etcd-connections N   of a generator to etcd or Redis; 12. Of omnikv: one to each node asked
  --size N               nodes; 3
  --data-dir DIR         of all; a real disk
  --append FILE          adds the measurements to those in the file, so that a run can be made in pieces
  --report FILE          measures nothing, prints the tables of the file`;

const flags = readFlags(HELP, {
  cells: ALL_CELLS.split(","),
  placement: PLACEMENTS,
  rounds: 3,
  duration: 3,
  warmUp: 1,
  valueBytes: 100,
  keys: 10_000,
  systems: SYSTEMS,
  etcd: "etcd",
  redis: "redis-server",
  generators: 1,
  etcdConnections: 12,
  size: 3,
  dataDir: null,
  append: null,
  report: null,
});

function readResults(file: string | null): Results | null {
  const results = readJson(file) as Results | null;
  if (results === null || results.benchVsEtcd === 1) return results;
  throw new Error(`${file} is no file of this script`);
}

function measure(): Promise<Results> {
  const placements = choices("--placement", flags.placement, PLACEMENTS);
  const cells = placements.flatMap((placement) =>
    flags.cells.map((text): Cell => {
      const [name = "", concurrency] = text.split(":");
      const [operation = "put"] = choices("--cells", [name], OPERATIONS);
      return { placement, operation, concurrency: Number(concurrency) };
    }),
  );
  const systems = choices("--systems", flags.systems, SYSTEMS);
  const times = { durationMs: flags.duration * 1000, warmUpMs: flags.warmUp * 1000 };
  const options = { ...flags, ...times, placements, systems, cells };
  const earlier = readResults(flags.append);
  return measureBesideEtcd(options, earlier, (results) => writeJson(flags.append, results));
}

exitOnSignals();
const results = flags.report === null ? await measure() : readResults(flags.report);
if (results === null) throw new Error(`there is no ${flags.report}`);
console.log(renderComparison(results));
