/**
 * Plants the catalogue's bugs one after the other and says what found each.
 *
 *   npx tsx scripts/mutants.ts [--only TEXT] [--seeds N] [--from S] [--jobs N] [--json | --markdown | --write]
 *   npx tsx scripts/mutants.ts --results FILE… (--markdown | --write)
 *
 * --only takes mutants whose name has the text in it; --seeds and --from are the simulator's, --jobs how many of its
 * processes run at once. --json prints each finding when it is there; --results reads that, so that it can be done in
 * pieces, and of a mutant that was planted twice takes the last one. --write puts the table into docs/proof.md unless one is
 * missing or was not found. Exit status 1 when one is not found.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { MUTANT_GROUPS, MUTANTS } from "./mutants/catalogue.ts";
import { HARMLESS } from "./mutants/harmless.ts";
import { hunt } from "./mutants/plant.ts";
import { tableOf, type Result } from "./mutants/table.ts";
import { writeSection } from "./section.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    seeds: { type: "string", default: "5000" },
    from: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    results: { type: "string", multiple: true },
  },
});

async function plantAll(): Promise<readonly Result[]> {
  const { only, seeds, from, jobs, json } = values;
  const options = { seeds: Number(seeds), from: Number(from), jobs: Number(jobs) };
  const results: Result[] = [];
  for (const mutant of MUTANTS.filter(({ name }) => name.includes(only))) {
    const result = { mutant: mutant.name, ...(await hunt(mutant, options)) };
    results.push(result);
    const by = result.found ? result.check : "NOT FOUND";
    const line = `${result.seconds.toFixed(0).padStart(5)} s  ${mutant.name}: ${by} [seed ${result.seed ?? "–"}]`;
    if (json) console.log(JSON.stringify(result));
    else if (values.markdown) console.error(line);
    else console.log(line);
  }
  return results;
}

function read(files: readonly string[]): readonly Result[] {
  const lines = files.flatMap((file) => readFileSync(file, "utf8").trim().split("\n"));
  return lines.map((line) => JSON.parse(line) as Result);
}

const { results: files, json, markdown, write } = values;
const results = files === undefined ? await plantAll() : read(files);
const table = tableOf(MUTANT_GROUPS, results);
if (markdown) console.log(table.markdown);
if (!json && !markdown) {
  console.log(`${results.filter(({ found }) => found).length} of ${results.length} found`);
  for (const { name, why } of HARMLESS) console.log(`harmless: ${name}: ${why}`);
}
process.exitCode = table.notFound.length === 0 ? 0 : 1;
if (write) {
  for (const name of table.missing) console.error(`missing: ${name}`);
  for (const name of table.notFound) console.error(`not found: ${name}`);
  if (table.missing.length + table.notFound.length === 0) {
    await writeSection("docs/proof.md", "scripts/mutants.ts", table.markdown);
  } else {
    console.error("not written: docs/proof.md has the whole table, and every bug found");
    process.exitCode = 1;
  }
}
