/**
 * This version against another one, in one run, alternately. Each round measures every cell with both, each with its own
 * client and a throw-away cluster of its own, one after the other; the one to go first alternates, so that other load on the
 * machine meets both.
 */
import { join } from "node:path";
import { median } from "../reports/statistics.ts";
import { markdownTable } from "../reports/table.ts";
import { builtModule } from "../../server/launch/index.ts";
import { say } from "./entry.ts";
import { runBench, type BenchFlags } from "./run-omnikv.ts";

export interface VersionsOptions {
  /** A checkout of the other version, built. */
  readonly before: string;
  readonly rounds: number;
  readonly placement: readonly string[];
  /** Flags of `omnikv bench`; null: left out. */
  readonly bench: BenchFlags;
}

/** As far as every version has told it. */
interface BenchReport {
  readonly measurements: readonly {
    readonly operation: string;
    readonly concurrency: number;
    readonly operationsPerSecond: number;
  }[];
}

interface Rates {
  readonly before: number[];
  readonly now: number[];
}

/** @returns the table, and below it the least ratio */
export function compareVersions(options: VersionsOptions): string {
  const programs = {
    before: join(options.before, "dist/bin/omnikv.js"),
    now: builtModule("bin/omnikv.js"),
  };
  const rates = new Map<string, Rates>();
  for (let round = 0; round < options.rounds; round++) {
    for (const placement of options.placement) {
      const order = round % 2 === 0 ? (["before", "now"] as const) : (["now", "before"] as const);
      for (const version of order) {
        const flags = { ...options.bench, placement };
        const report = runBench(flags, { program: programs[version] }) as BenchReport;
        for (const { operation, concurrency, operationsPerSecond } of report.measurements) {
          const name = `${operation} ${concurrency} ${placement}`;
          const cell = rates.get(name) ?? { before: [], now: [] };
          cell[version].push(operationsPerSecond);
          rates.set(name, cell);
        }
      }
      say(`round ${round + 1} of ${options.rounds}, ${placement}`);
    }
  }
  return render(rates);
}

function render(rates: ReadonlyMap<string, Rates>): string {
  let least = Number.POSITIVE_INFINITY;
  const rows = [...rates].map(([name, { before, now }]) => {
    // Rounds are pairs: their ratios differ less than the rates do.
    const ratios = now.map((rate, i) => rate / (before[i] ?? Number.NaN));
    const times = median(ratios);
    least = Math.min(least, times);
    const each = ratios.map((ratio) => ratio.toFixed(2)).join(" ");
    return [name, Math.round(median(before)), Math.round(median(now)), times.toFixed(3), each];
  });
  const table = markdownTable(["cell", "before /s", "now /s", "times", "rounds"], rows);
  return `${table}\n\nleast: ${least.toFixed(3)} times`;
}
