/**
 * Plants the catalogue's bugs one after the other and says what found each: npx tsx scripts/mutants.ts [--only TEXT]
 * [--seeds N] [--from S] [--jobs N] [--json]. Exit status 1 when one is not found.
 */
import { parseArgs } from "node:util";
import { MUTANTS } from "./mutants/catalogue.ts";
import { HARMLESS } from "./mutants/harmless.ts";
import { hunt } from "./mutants/plant.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    seeds: { type: "string", default: "5000" },
    from: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
  },
});
const options = {
  seeds: Number(values.seeds),
  from: Number(values.from),
  jobs: Number(values.jobs),
};
const chosen = MUTANTS.filter(({ name }) => name.includes(values.only));
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
