/**
 * This version against another one, in one run, alternately: `npx tsx scripts/bench-versions.ts --help`.
 *
 * Each round measures every cell with both, each with its own client and a throw-away cluster of its own, one after the
 * other; who goes first alternates, so that what else the machine does meets both.
 */
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { median } from "./bench/median.ts";

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

interface Measurement {
  readonly operation: string;
  readonly concurrency: number;
  readonly operationsPerSecond: number;
}

const HERE = resolve(import.meta.dirname, "..");

function measure(root: string, placement: string): readonly Measurement[] {
  const where = flags["data-dir"] === undefined ? [] : ["--data-dir", flags["data-dir"]];
  const out = execFileSync(
    process.execPath,
    [
      join(root, "dist/bin/omnikv.js"),
      "bench",
      "--json",
      ...["--operations", flags.operations, "--concurrency", flags.concurrency],
      ...["--placement", placement, "--duration", flags.duration, "--warm-up", flags["warm-up"]],
      ...where,
    ],
    { stdio: ["ignore", "pipe", "ignore"], maxBuffer: 64 * 1024 * 1024 },
  );
  return (JSON.parse(out.toString()) as { measurements: readonly Measurement[] }).measurements;
}

function main(): void {
  if (flags.help || flags.before === undefined) {
    process.stdout.write(`${HELP}\n`);
    process.exitCode = flags.help ? 0 : 2;
    return;
  }
  const versions = { before: resolve(flags.before), now: HERE };
  const rates = new Map<string, { before: number[]; now: number[] }>();
  const rounds = Number(flags.rounds);
  for (let round = 0; round < rounds; round++) {
    for (const placement of flags.placement.split(",")) {
      const order = round % 2 === 0 ? (["before", "now"] as const) : (["now", "before"] as const);
      for (const version of order) {
        for (const measured of measure(versions[version], placement)) {
          const { operation, concurrency, operationsPerSecond } = measured;
          const name = `${operation} ${concurrency} ${placement}`;
          const cell = rates.get(name) ?? { before: [], now: [] };
          cell[version].push(operationsPerSecond);
          rates.set(name, cell);
        }
      }
      process.stderr.write(`round ${round + 1} of ${rounds}, ${placement}\n`);
    }
  }
  process.stdout.write(
    "| cell | before /s | now /s | times | rounds |\n| --- | --- | --- | --- | --- |\n",
  );
  let least = Number.POSITIVE_INFINITY;
  for (const [name, { before, now }] of rates) {
    // Rounds are pairs: their ratios differ less than the rates do.
    const ratios = now.map((rate, i) => rate / (before[i] ?? Number.NaN));
    const times = median(ratios);
    least = Math.min(least, times);
    const each = ratios.map((ratio) => ratio.toFixed(2)).join(" ");
    const cells = [
      name,
      Math.round(median(before)),
      Math.round(median(now)),
      times.toFixed(3),
      each,
    ];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
  process.stdout.write(`\nleast: ${least.toFixed(3)} times\n`);
}

main();
