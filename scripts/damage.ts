/**
 * Damage and mistakes done to real servers and their disks, one row after the other: nothing acknowledged may be gone
 * without a sentence that says so. `npx tsx scripts/damage.ts --help`
 */
import { join } from "node:path";
import { readFlags } from "../src/measure/experiments/flags.ts";
import { planRows, playRows, readRows, writeTable } from "../src/proof/harm/damage/damage.ts";
import { jsonOf, lineOf, markdownOf } from "../src/proof/harm/damage/report.ts";
import { isBad, type Row } from "../src/proof/harm/damage/row.ts";

const HELP = `Usage: npx tsx scripts/damage.ts [options]   (npm run build first)

Damage and mistakes done to real servers and their disks, one row after the other: nothing acknowledged may be gone without a
sentence that says so. Ends with status 1 when a row is SILENT, or when what was said is no way out.

  --nodes LIST   sizes of clusters; 3,5
  --only TEXT    rows whose "group: name" has the text in it; may be given several times
  --limits       the rows that nobody can notice (docs/proof.md says why)
  --list         the rows, without playing them
  --json         each row as JSON, one a line
  --markdown     the table of docs/proof.md
  --from FILE    no run: what runs with --json have printed; may be given several times
  --write        with --from: the table into docs/proof.md
  --keep         data and logs`;

const values = readFlags(HELP, {
  nodes: [3, 5],
  only: [],
  limits: false,
  list: false,
  json: false,
  markdown: false,
  from: [],
  write: false,
  keep: false,
});
const { only, limits } = values;
const rows = planRows({ sizes: values.nodes, only, limits });

function show(row: Row): void {
  if (values.json) console.log(jsonOf(row));
  else if (values.markdown) console.error(lineOf(row));
  else console.log(lineOf(row));
}

if (values.list) {
  for (const { kind, size } of rows) console.log(`${size}  ${kind.group}: ${kind.name}`);
} else if (values.from.length > 0) {
  const table = markdownOf(readRows(values.from));
  if (values.write) writeTable(join(import.meta.dirname, "../docs/proof.md"), table);
  else console.log(table);
} else {
  const done = await playRows(rows, show, values.keep);
  const bad = done.filter(isBad);
  if (values.markdown) console.log(markdownOf(done));
  else if (!values.json) {
    const seconds = Math.round(done.reduce((sum, { ms }) => sum + ms, 0) / 1000);
    console.log(`${done.length} rows in ${seconds} s, ${bad.length} of them bad`);
  }
  process.exitCode = bad.length === 0 && done.length > 0 ? 0 : 1;
}
