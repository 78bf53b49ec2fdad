/** Plants the catalogue's bugs one after the other and says what found each: `npx tsx scripts/mutants.ts --help`. */
import { readFlags } from "../src/measure/experiments/flags.ts";
import { MUTANTS } from "./mutants/catalogue.ts";
import { HARMLESS } from "./mutants/harmless.ts";
import { hunt } from "./mutants/plant.ts";

const HELP = `Usage: npx tsx scripts/mutants.ts [options]

Plants the catalogue's bugs one after the other and says what found each. Ends with status 1 when one is not found.

  --only TEXT   bugs whose name has the text in it
  --seeds N     5000: of the simulator, for each bug
  --from N      the first seed; 1
  --jobs N      at the same time; 2`;

const { only, ...options } = readFlags(HELP, { only: "", seeds: 5000, from: 1, jobs: 2 });
const chosen = MUTANTS.filter(({ name }) => name.includes(only));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
let missed = 0;

say("| mutant | found by | seed | runs | s |");
say("|---|---|---|---|---|");
for (const mutant of chosen) {
  const { found, check, seed, runs, seconds } = await hunt(mutant, options);
  if (!found) missed += 1;
  const by = found ? check.slice(0, 160).replaceAll("|", "\\|") : "**not found**";
  say(`| ${mutant.name} | ${by} | ${seed ?? "–"} | ${runs ?? "–"} | ${seconds.toFixed(0)} |`);
}
say(`${chosen.length - missed} of ${chosen.length} found`);
for (const { name, why } of HARMLESS) say(`harmless: ${name}: ${why}`);
process.exitCode = missed === 0 ? 0 : 1;
