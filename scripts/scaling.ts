/** Throughput and latency by size of values, keys, connections, servers: `npx tsx scripts/scaling.ts --help`. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { say, writeText } from "../src/measure/experiments/entry.ts";
import { readFlags } from "../src/measure/experiments/flags.ts";
import {
  measurePoint,
  scalingPlot,
  scalingTable,
  SWEEPS,
  type Point,
} from "../src/measure/experiments/scaling.ts";
import { formatCount } from "../src/measure/reports/format.ts";

const HELP = `Usage: npx tsx scripts/scaling.ts [options]   (npm run build first)

  --only LIST       value-size,keys,connections,cluster-size
  --duration TIME   3s, after --warm-up TIME, 3s
  --quick           the first three points of each, one second each
  --data-dir DIR    on a real disk
  --append FILE     one JSON line for each point; points in it are not measured again
  --report FILE     measures nothing: prints the tables of the file
  --plots DIR       docs/images`;

const flags = readFlags(HELP, {
  only: Object.keys(SWEEPS),
  duration: "3s",
  warmUp: "3s",
  quick: false,
  dataDir: null,
  append: null,
  report: null,
  plots: resolve(import.meta.dirname, "../docs/images"),
});

function readPoints(file: string | null): Point[] {
  if (file === null || !existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Point);
}

function main(): string {
  const points = readPoints(flags.report ?? flags.append);
  const duration = flags.quick ? "1s" : flags.duration;
  const warmUp = flags.quick ? "1s" : flags.warmUp;
  const bench = { duration, "warm-up": warmUp, "data-dir": flags.dataDir };
  const report: string[] = [];
  for (const name of flags.only) {
    const sweep = SWEEPS[name];
    if (sweep === undefined) throw new Error(`--only: there is no "${name}"\n\n${HELP}`);
    for (const x of flags.quick ? sweep.points.slice(0, 3) : sweep.points) {
      const known = points.some((point) => point.sweep === name && point.x === x);
      if (flags.report !== null || known) continue;
      const point = measurePoint(name, x, bench);
      points.push(point);
      if (flags.append !== null) appendFileSync(flags.append, `${JSON.stringify(point)}\n`);
      say(`${name} ${formatCount(x)}: done`);
    }
    const measured = points.filter((point) => point.sweep === name).toSorted((a, b) => a.x - b.x);
    if (measured.length === 0) continue;
    report.push(scalingTable(sweep, measured));
    writeText(resolve(flags.plots, `scaling-${name}.svg`), scalingPlot(sweep, measured));
  }
  return report.join("\n\n");
}

console.log(main());
